//! From what execution tells to what is sent: the moments among the notices, with how far the run has come.

use std::sync::{Mutex, PoisonError};

use super::message::{About, Counts, Message, Source, Trouble};
use crate::execute::Notice;
use crate::names::{BatchName, MigrationId, counted};
use crate::playbook::Moment;

/// Writes messages, counting as the run goes on.
#[derive(Debug)]
pub struct Teller {
    source: Source,
    tally: Mutex<Tally>,
}

/// How far the run, and the batch that is under way, have come.
#[derive(Debug, Default)]
struct Tally {
    run: Counts,
    batch: Counts,
}

impl Tally {
    fn is_done(&mut self) {
        for counts in [&mut self.run, &mut self.batch] {
            counts.done += 1;
            counts.left = counts.left.saturating_sub(1);
        }
    }

    fn has_failed(&mut self) {
        for counts in [&mut self.run, &mut self.batch] {
            counts.failed += 1;
            counts.left = counts.left.saturating_sub(1);
        }
    }
}

impl Teller {
    /// Begins to count.
    pub fn new(source: Source) -> Self {
        Self { source, tally: Mutex::default() }
    }

    /// Returns the message that a notice is worth.
    pub fn tell(&self, notice: &Notice) -> Option<Message> {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let (moment, text, about) = match notice {
            Notice::RunBegan { migrations } => {
                tally.run.left = *migrations;
                let command = self.source.command;
                (
                    Moment::RunBegan,
                    format!("a {command} of {} begins", people(*migrations)),
                    About::default(),
                )
            }
            Notice::BatchBegan { batch, migrations } => {
                tally.batch = Counts { left: *migrations, ..Counts::default() };
                let text = format!("{batch} begins with {}", people(*migrations));
                (Moment::BatchBegan, text, of_batch(&tally, batch))
            }
            Notice::GateWaits { batch, gate, why } => {
                let about = About {
                    batch: Some(batch.clone()),
                    gate: Some(gate.clone()),
                    why: Some(why.clone()),
                    ..About::default()
                };
                (Moment::GateWaits, why.clone(), about)
            }
            Notice::MigrationEnded { is_done, .. } => {
                if *is_done {
                    tally.is_done();
                }
                return None;
            }
            Notice::MigrationFailed { batch, migration, step, failure } => {
                tally.has_failed();
                let trouble = Trouble {
                    step: step.map(|step| step.name()),
                    message: failure.told(),
                    hint: failure.hint.clone(),
                };
                let place = step.map(|step| format!(" in {step}")).unwrap_or_default();
                let text = format!("{migration} failed{place}: {}", trouble.message);
                (Moment::MigrationFailed, text, of_migration(&tally, batch, migration, trouble))
            }
            Notice::MigrationRefused { batch, migration, changes } => {
                let trouble = Trouble {
                    step: None,
                    message: format!("the plan no longer holds: {}", changes.join("; ")),
                    hint: Some("take an inventory, draw the plan up again and have it approved; what is done stays done".to_owned()),
                };
                let text = format!("{migration} was not begun: {}", trouble.message);
                (Moment::MigrationRefused, text, of_migration(&tally, batch, migration, trouble))
            }
            Notice::BatchEnded { batch, .. } => {
                let text = format!("{batch} is over: {}", said(&tally.batch));
                (Moment::BatchEnded, text, of_batch(&tally, batch))
            }
            Notice::BatchStopped { batch, why } => {
                let about = About { why: Some(why.clone()), ..of_batch(&tally, batch) };
                (Moment::BatchStopped, format!("{batch} stops: {why}"), about)
            }
            Notice::RunEnded { done, failed, left, why } => {
                tally.run = Counts { done: *done, failed: *failed, left: *left };
                let because = why.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
                let text =
                    format!("the {} is over: {}{because}", self.source.command, said(&tally.run));
                (Moment::RunEnded, text, About { why: why.clone(), ..About::default() })
            }
            _ => return None,
        };
        let about = About { counts: Some(tally.run), ..about };
        Some(Message::new(&self.source, Some(moment), &text, &about))
    }

    /// Returns a message about nothing, to try whether it arrives.
    pub fn test(&self) -> Message {
        let text = "a test of the notifications of studio-migrate: nothing happened";
        Message::new(&self.source, None, text, &About::default())
    }
}

fn of_batch(tally: &Tally, batch: &BatchName) -> About {
    About { batch: Some(batch.clone()), batch_counts: Some(tally.batch), ..About::default() }
}

fn of_migration(
    tally: &Tally,
    batch: &BatchName,
    migration: &MigrationId,
    trouble: Trouble,
) -> About {
    About {
        domain: migration.as_str().split_once('/').map(|(domain, _)| domain.to_owned()),
        migration: Some(migration.clone()),
        failure: Some(trouble),
        ..of_batch(tally, batch)
    }
}

fn people(number: usize) -> String {
    counted(number as u64, "person", "people")
}

fn said(counts: &Counts) -> String {
    format!("{} done, {} failed, {} left", counts.done, counts.failed, counts.left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::{Failure, MigrationStanding, Step};

    fn teller() -> Teller {
        Teller::new(Source { command: "run", ..Source::default() })
    }

    fn body(message: Option<Message>) -> serde_json::Value {
        serde_json::from_str(&message.unwrap().body).unwrap()
    }

    fn counts(done: usize, failed: usize, left: usize) -> serde_json::Value {
        serde_json::json!({ "done": done, "failed": failed, "left": left })
    }

    fn failed(failure: Failure) -> Notice {
        Notice::MigrationFailed {
            batch: "batch-1".into(),
            migration: "d-1/bob".into(),
            step: Some(Step::Hydrate),
            failure,
        }
    }

    fn ended(is_done: bool) -> Notice {
        let standing = MigrationStanding::Moved;
        Notice::MigrationEnded { migration: "d-1/anna".into(), standing, is_done }
    }

    #[test]
    fn who_is_done_who_failed_and_who_is_left_is_counted_for_the_run_and_the_batch() {
        let teller = teller();
        assert_eq!(
            body(teller.tell(&Notice::RunBegan { migrations: 3 }))["counts"],
            counts(0, 0, 3)
        );
        teller.tell(&Notice::BatchBegan { batch: "pilot".into(), migrations: 1 });
        assert_eq!(teller.tell(&ended(true)), None);
        let over =
            body(teller.tell(&Notice::BatchEnded { batch: "pilot".into(), done: 1, failed: 0 }));
        assert_eq!((&over["counts"], &over["batch_counts"]), (&counts(1, 0, 2), &counts(1, 0, 0)));
        teller.tell(&Notice::BatchBegan { batch: "batch-1".into(), migrations: 2 });
        teller.tell(&ended(false));
        let trouble = body(teller.tell(&failed(Failure::new("no").hinted("try again"))));
        assert_eq!(
            (&trouble["counts"], &trouble["batch_counts"]),
            (&counts(1, 1, 1), &counts(0, 1, 1))
        );
        assert_eq!(trouble["failure"]["hint"], "try again");
        assert_eq!(
            (&trouble["domain"], &trouble["failure"]["step"]),
            (&"d-1".into(), &"hydrate".into())
        );
        let end = Notice::RunEnded { done: 1, failed: 1, left: 1, why: Some("enough".to_owned()) };
        let end = body(teller.tell(&end));
        assert_eq!((&end["counts"], &end["why"]), (&counts(1, 1, 1), &"enough".into()));
        assert_eq!(end["text"], "the run is over: 1 done, 1 failed, 1 left; enough");
    }

    #[test]
    fn names_of_files_stay_here() {
        let failure = Failure::of_files("the copy failed: payroll.csv: no", "the copy failed");
        let message = teller().tell(&failed(failure)).unwrap();
        assert!(!format!("{message:?}").contains("payroll"), "{message:?}");
        assert!(message.body.contains("d-1/bob failed in hydrate: the copy failed"), "{message:?}");
    }

    #[test]
    fn what_is_no_moment_is_not_sent() {
        let remark =
            Notice::Remark { migration: "d-1/anna".into(), text: "payroll.csv".to_owned() };
        assert_eq!(teller().tell(&remark), None);
    }
}
