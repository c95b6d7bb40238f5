//! One moment of a run as lines that fit a terminal: a pure function.

use std::time::Duration;

use console::{Alignment, measure_text_width, pad_str};
use jiff::Timestamp;

use super::view::{FRAME, Focus, View};
use crate::cli::drawn::{Size, bar, bar_width, fit, share, span};
use crate::cli::steering;
use crate::execute::Look;
use crate::journal::{AtWork, BatchCounts, Happened, Moment, Trouble};
use crate::names::MigrationId;

/// The keys.
const KEYS: &str = "q quit   ↑ ↓ scroll   f failures   b batches";

/// Draws a moment, as it is seen at some time, on a terminal of some size. There are never more lines than it has.
pub(super) fn picture(
    moment: &Moment,
    run: Option<&Look>,
    view: View,
    now: Timestamp,
    size: Size,
) -> Vec<String> {
    let mut rows = head(moment, run, now, size);
    let room = size.height.saturating_sub(FRAME);
    match view.focus {
        Focus::All => all(&mut rows, moment, run, view, now, size, room),
        Focus::Failures => failures(&mut rows, moment, now, room),
        Focus::Batches => {
            let shown = moment.batches.iter().skip(view.from);
            rows.extend(shown.map(|one| batch(one, size)).take(room));
        }
    }
    rows.truncate(size.height.saturating_sub(1));
    if size.height > rows.len() {
        rows.resize(size.height - 1, String::new());
        rows.push(KEYS.to_owned());
    }
    rows.into_iter().map(|row| fit(&row, size.width)).collect()
}

/// Which plan, who is at work, what the run says of itself, and the whole.
fn head(moment: &Moment, run: Option<&Look>, now: Timestamp, size: Size) -> Vec<String> {
    let plan = moment.plan.as_ref().map_or_else(String::new, |plan| {
        format!("Plan {}, account {}, {}", plan.id, plan.account, plan.region)
    });
    let holder = moment.holder.as_ref().map_or_else(
        || "Nobody is at work".to_owned(),
        |(holder, beat)| {
            let (since, beat) = (ago(&holder.since, now), ago(beat, now));
            let (who, host, pid) = (&holder.who, &holder.host, holder.pid);
            format!("At work for {since}, heartbeat {beat} ago: {who} on {host} (process {pid})")
        },
    );
    let sum = moment.batches.iter().fold(BatchCounts::default(), |sum, one| BatchCounts {
        batch: "all".to_owned(),
        people: sum.people + one.people,
        moved: sum.moved + one.moved,
        failed: sum.failed + one.failed,
        underway: sum.underway + one.underway,
        rolled_back: sum.rolled_back + one.rolled_back,
    });
    let run =
        run.map_or_else(|| "The run itself cannot be asked from here".to_owned(), steering::words);
    vec![plan, holder, run, batch(&sum, size)]
}

/// A bit of everything; the people at work get what is left.
fn all(
    rows: &mut Vec<String>,
    moment: &Moment,
    run: Option<&Look>,
    view: View,
    now: Timestamp,
    size: Size,
    room: usize,
) {
    let batches = moment.batches.len().min(room / 5);
    // Those that are done are the least interesting.
    let first = moment.batches.iter().position(|one| one.moved < one.people).unwrap_or(0);
    let first = first.min(moment.batches.len() - batches);
    rows.extend(moment.batches.iter().skip(first).take(batches).map(|one| batch(one, size)));
    let troubled = if moment.failures.is_empty() { 0 } else { room / 4 };
    let happened = (moment.events.len() + 1).min(room / 5);
    let people = room.saturating_sub(batches + troubled + happened);
    at_work(rows, moment, run, view, now, people, size);
    if troubled > 0 {
        failures(rows, moment, now, troubled);
    }
    if happened > 0 {
        rows.push("Last events".to_owned());
        rows.extend(moment.events.iter().take(happened - 1).map(event));
    }
}

fn at_work(
    rows: &mut Vec<String>,
    moment: &Moment,
    run: Option<&Look>,
    view: View,
    now: Timestamp,
    room: usize,
    size: Size,
) {
    let Some(room) = room.checked_sub(1) else { return };
    let shown: Vec<&AtWork> = moment.at_work.iter().take(room).collect();
    let last = view.from + shown.len();
    let from = if shown.is_empty() { 0 } else { view.from + 1 };
    rows.push(format!("In a step: {from}–{last} of {}", moment.all_at_work));
    let step = |one: &AtWork| match one.is_undone {
        true => format!("undoing {}", one.step),
        false => one.step.clone(),
    };
    let longest = |text: &dyn Fn(&AtWork) -> String| {
        shown.iter().map(|one| measure_text_width(&text(one))).max().unwrap_or(0)
    };
    let (names, steps) = (longest(&|one| one.migration.clone()), longest(&step));
    rows.extend(shown.iter().map(|one| {
        let column = names.min(size.width / 2);
        let name = pad_str(&one.migration, column, Alignment::Left, Some("…"));
        let waits = run.and_then(|run| waits(run, &one.migration));
        let (step, since) = (step(one), ago(&one.since, now));
        format!("  {name} {step:steps$} {since:>8}  {}{}", one.batch, waits.unwrap_or_default())
    }));
    rows.extend(std::iter::repeat_n(String::new(), room - (last - view.from)));
}

/// What somebody is waiting for.
fn waits(run: &Look, migration: &str) -> Option<String> {
    let waits = run.at_work.get(&MigrationId::new(migration))?.waits_for.as_ref()?;
    Some(format!(", waits for {waits}"))
}

/// Failures, with what can be done about each.
fn failures(rows: &mut Vec<String>, moment: &Moment, now: Timestamp, room: usize) {
    let line = |one: &Trouble| {
        let what =
            format!("  {} {}, {} ago: {}", one.migration, one.step, ago(&one.at, now), one.why);
        let hint = one.hint.as_ref().map(|hint| format!("    {hint}"));
        std::iter::once(what).chain(hint).collect::<Vec<_>>()
    };
    let title = std::iter::once(format!("Failures: {}", moment.all_failures));
    rows.extend(title.chain(moment.failures.iter().flat_map(line)).take(room));
}

fn batch(one: &BatchCounts, size: Size) -> String {
    let also = |count: usize, word: &str| {
        if count > 0 { format!(", {count} {word}") } else { String::new() }
    };
    format!(
        "{} {}: {} of {} moved{}{}{}",
        bar(share(one.moved, one.people), bar_width(size)),
        one.batch,
        one.moved,
        one.people,
        also(one.failed, "failed"),
        also(one.underway, "under way"),
        also(one.rolled_back, "rolled back"),
    )
}

fn event(one: &Happened) -> String {
    // The day is not news.
    let time = one.at.get(11..19).unwrap_or(&one.at);
    let parts = [&one.migration, &one.step, &Some(one.kind.clone()), &one.operation];
    let said: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    format!("  {time} {}", said.join(" "))
}

/// How long ago something was; a clock that was set back makes it now.
fn ago(then: &str, now: Timestamp) -> String {
    let passed = then.parse::<Timestamp>().map(|then| now.duration_since(then));
    passed.map_or_else(
        |_| "some time".to_owned(),
        |passed| span(Duration::try_from(passed).unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute;
    use crate::journal::{Holder, PlanHead};

    fn moment() -> Moment {
        let batch = |number: usize| BatchCounts {
            batch: format!("batch-{number}"),
            people: 40,
            moved: [40, 40, 24, 0, 0, 0, 0][number],
            failed: usize::from(number == 2),
            underway: if number == 2 { 12 } else { 0 },
            rolled_back: 0,
        };
        let at_work = |number: usize| AtWork {
            batch: "batch-2".to_owned(),
            migration: format!("d-abc/person-{number}"),
            step: if number == 3 { "flip" } else { "hydrate" }.to_owned(),
            is_undone: number == 3,
            since: format!("2026-08-03T07:0{number}:00Z"),
        };
        let event = |second: usize| Happened {
            at: format!("2026-08-03T07:09:0{second}Z"),
            kind: "call".to_owned(),
            migration: Some("d-abc/person-1".to_owned()),
            step: Some("hydrate".to_owned()),
            operation: Some("CreateApp".to_owned()),
        };
        let holder = Holder {
            who: "arn:aws:iam::000000000000:user/operator (ann)".to_owned(),
            host: "mover-1/0a1b2c3d".to_owned(),
            pid: 4711,
            since: "2026-08-03T05:00:00Z".to_owned(),
        };
        Moment {
            plan: Some(PlanHead {
                id: "0123456789ab".into(),
                account: "000000000000".to_owned(),
                region: "eu-west-1".to_owned(),
            }),
            holder: Some((holder, "2026-08-03T07:09:57Z".to_owned())),
            batches: (0..7).map(batch).collect(),
            at_work: (0..9).map(at_work).collect(),
            all_at_work: 12,
            failures: vec![Trouble {
                migration: "d-abc/person-20".to_owned(),
                step: "hydrate".to_owned(),
                at: "2026-08-03T07:08:00Z".to_owned(),
                why: "the volume is full\nand a second line".to_owned(),
                hint: Some("raise `target.volume` in the playbook".to_owned()),
            }],
            all_failures: 1,
            events: (0..9).map(event).collect(),
        }
    }

    fn drawn(focus: Focus, width: usize, height: usize) -> String {
        let now = "2026-08-03T07:10:00Z".parse().unwrap();
        let view = View { focus, from: 0 };
        let waiting = execute::AtWork {
            waits_for: Some("the space to start".to_owned()),
            ..execute::AtWork::default()
        };
        let run = Look {
            is_paused: true,
            concurrency: 12,
            apps: (10, 9),
            at_work: [("d-abc/person-1".into(), waiting)].into(),
            ..Look::default()
        };
        picture(&moment(), Some(&run), view, now, Size { width, height }).join("\n")
    }

    #[test]
    fn a_terminal_as_they_have_always_been() {
        insta::assert_snapshot!(drawn(Focus::All, 80, 24));
    }

    #[test]
    fn a_large_terminal() {
        insta::assert_snapshot!(drawn(Focus::All, 120, 40));
    }

    #[test]
    fn failures_and_batches_alone() {
        insta::assert_snapshot!(drawn(Focus::Failures, 80, 10));
        insta::assert_snapshot!(drawn(Focus::Batches, 80, 10));
    }

    #[test]
    fn no_size_is_too_small_and_nothing_is_larger_than_the_terminal() {
        let now = "2026-08-03T07:10:00Z".parse().unwrap();
        for (width, height) in [(20, 5), (1, 1), (80, 2), (3, 60), (0, 0)] {
            for focus in [Focus::All, Focus::Failures, Focus::Batches] {
                for moment in [moment(), Moment::default()] {
                    let size = Size { width, height };
                    let rows = picture(&moment, None, View { focus, from: 2 }, now, size);
                    assert_eq!(rows.len(), height, "{width}×{height} {focus:?}");
                    assert!(rows.iter().all(|row| measure_text_width(row) <= width), "{rows:#?}");
                }
            }
        }
    }
}
