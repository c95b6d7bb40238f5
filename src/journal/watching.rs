//! What somebody who watches from elsewhere is shown: no more than fits a screen, read from one moment, and nothing written.
//!
//! Everything comes from the tables that are kept with the events, so that ten thousand people cost no more than a look.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Error;
use super::lease::Holder;
use super::progress::PlanHead;
use super::store::Journal;

/// Which rows of a list are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The first, counted from 0.
    pub from: usize,
    /// How many at most.
    pub most: usize,
}

/// How much of each list is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// People at work, those who began their step first before the others.
    pub at_work: Rows,
    /// Failures, the last first.
    pub failures: Rows,
    /// Events, the last first.
    pub events: Rows,
}

/// A batch and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// Its name.
    pub batch: String,
    /// Everyone in it.
    pub people: usize,
    /// Those who are moved.
    pub moved: usize,
    /// Those with a step that failed, or an undo.
    pub failed: usize,
    /// Those with whom something was begun.
    pub underway: usize,
    /// Those with whom everything was undone.
    pub rolled_back: usize,
}

/// Somebody in the middle of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtWork {
    /// The batch.
    pub batch: String,
    /// The migration.
    pub migration: String,
    /// The step.
    pub step: String,
    /// Whether it is being undone.
    pub is_undone: bool,
    /// Since when, RFC 3339.
    pub since: String,
}

/// Something that failed and was not mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The migration.
    pub migration: String,
    /// The step.
    pub step: String,
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    pub why: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When, RFC 3339.
    pub at: String,
    /// What.
    pub kind: String,
    /// About whom.
    pub migration: Option<String>,
    /// In which step.
    pub step: Option<String>,
    /// Of a call: its operation.
    pub operation: Option<String>,
}

/// One moment of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The last approved plan.
    pub plan: Option<PlanHead>,
    /// Who is at work, and the last heartbeat, RFC 3339.
    pub holder: Option<(Holder, String)>,
    /// Every batch, in running order.
    pub batches: Vec<BatchCounts>,
    /// Those people at work who are asked for.
    pub at_work: Vec<AtWork>,
    /// How many there are in all.
    pub all_at_work: usize,
    /// Those failures that are asked for.
    pub failures: Vec<Trouble>,
    /// How many there are in all.
    pub all_failures: usize,
    /// Those events that are asked for.
    pub events: Vec<Happened>,
}

/// Steps of those who are not moved: SQLite is told to look at nobody else's.
const AT_WORK: &str = "FROM planned \
     CROSS JOIN migration_standing AS seen ON seen.migration = planned.migration AND seen.standing <> 'moved' \
     CROSS JOIN step_standing AS step ON step.migration = planned.migration \
     WHERE planned.plan = ?1 AND step.kind IN ('started', 'undo-started')";

const FAILURES: &str = "FROM planned \
     CROSS JOIN migration_standing AS seen ON seen.migration = planned.migration AND seen.standing <> 'moved' \
     CROSS JOIN step_standing AS step ON step.migration = planned.migration \
     WHERE planned.plan = ?1 AND step.kind IN ('failed', 'undo-failed')";

impl Journal {
    /// Opens a journal to watch it while others write: what they write is seen, and nothing can be written through this.
    pub fn watch(path: &Path) -> Result<Self, Error> {
        Self::onlooking(path)
    }

    /// Reads one moment of the last approved plan.
    pub fn moment(&self, wanted: &Wanted) -> Result<Moment, Error> {
        let plan = self.latest_approved()?;
        let holder = self.held()?;
        let mut connection = self.lock();
        // One transaction, so that the numbers go together; it is given up at once, so that the log can be cut.
        let reading = connection.transaction()?;
        let Some(id) = plan.as_ref().map(|plan| plan.id.as_str().to_owned()) else {
            return Ok(Moment { holder, ..Moment::default() });
        };
        Ok(Moment {
            plan,
            holder,
            batches: batches(&reading, &id)?,
            at_work: at_work(&reading, &id, wanted.at_work)?,
            all_at_work: count(&reading, AT_WORK, &id)?,
            failures: failures(&reading, &id, wanted.failures)?,
            all_failures: count(&reading, FAILURES, &id)?,
            events: events(&reading, wanted.events)?,
        })
    }
}

fn number(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn count(connection: &Connection, of: &str, plan: &str) -> Result<usize, Error> {
    let asked = format!("SELECT count(*) {of}");
    let found: Option<i64> =
        connection.prepare_cached(&asked)?.query_row([plan], |row| row.get(0)).optional()?;
    Ok(usize::try_from(found.unwrap_or(0)).unwrap_or(0))
}

fn batches(connection: &Connection, plan: &str) -> Result<Vec<BatchCounts>, Error> {
    let mut asked = connection.prepare_cached(
        "SELECT batch, count(*), sum(standing = 'moved'), sum(standing IN ('failed', 'stuck')), \
                sum(standing = 'underway'), sum(standing = 'rolled-back') \
           FROM v_standing WHERE plan = ?1 GROUP BY batch_number, batch ORDER BY batch_number",
    )?;
    let rows = asked.query_map([plan], |row| {
        let number =
            |column| row.get::<_, i64>(column).map(|number| usize::try_from(number).unwrap_or(0));
        Ok(BatchCounts {
            batch: row.get(0)?,
            people: number(1)?,
            moved: number(2)?,
            failed: number(3)?,
            underway: number(4)?,
            rolled_back: number(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn at_work(connection: &Connection, plan: &str, rows: Rows) -> Result<Vec<AtWork>, Error> {
    let mut asked = connection.prepare_cached(&format!(
        "SELECT batch, step.migration, step.step, step.kind, step.at {AT_WORK} \
         ORDER BY step.event LIMIT ?2 OFFSET ?3"
    ))?;
    let rows = asked.query_map(params![plan, number(rows.most), number(rows.from)], |row| {
        Ok(AtWork {
            batch: row.get(0)?,
            migration: row.get(1)?,
            step: row.get(2)?,
            is_undone: row.get::<_, String>(3)? == "undo-started",
            since: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn failures(connection: &Connection, plan: &str, rows: Rows) -> Result<Vec<Trouble>, Error> {
    let mut asked = connection.prepare_cached(&format!(
        "SELECT found.migration, found.step, found.at, coalesce(json_extract(event.detail, '$.message'), ''), \
                coalesce(json_extract(event.detail, '$.hint'), json_extract(event.detail, '$.look_at')) \
           FROM (SELECT step.migration, step.step, step.at, step.event {FAILURES} \
                 ORDER BY step.event DESC LIMIT ?2 OFFSET ?3) AS found \
           JOIN event ON event.sequence = found.event ORDER BY event.sequence DESC"
    ))?;
    let rows = asked.query_map(params![plan, number(rows.most), number(rows.from)], |row| {
        Ok(Trouble {
            migration: row.get(0)?,
            step: row.get(1)?,
            at: row.get(2)?,
            why: row.get(3)?,
            hint: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn events(connection: &Connection, rows: Rows) -> Result<Vec<Happened>, Error> {
    let mut asked = connection.prepare_cached(
        "SELECT at, kind, migration, step, json_extract(detail, '$.operation') FROM event \
         ORDER BY sequence DESC LIMIT ?1 OFFSET ?2",
    )?;
    let rows = asked.query_map(params![number(rows.most), number(rows.from)], |row| {
        Ok(Happened {
            at: row.get(0)?,
            kind: row.get(1)?,
            migration: row.get(2)?,
            step: row.get(3)?,
            operation: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::{Domain, Profile, Snapshot};
    use crate::journal::NewEvent;
    use crate::names::MigrationId;
    use crate::plan::{Plan, draw};
    use crate::playbook::Playbook;

    /// How many people the plan has.
    const PEOPLE: usize = 300;

    fn planned(journal: &Journal) -> Plan {
        let person = |number: usize| Profile {
            name: format!("p{number:05}").into(),
            status: "InService".to_owned(),
            home_uid: Some(number.to_string().into()),
            ..Profile::default()
        };
        let mut snapshot = Snapshot {
            account: Some("000000000000".into()),
            region: Some("eu-west-1".into()),
            domains: vec![Domain {
                id: "d-abc".into(),
                status: "InService".to_owned(),
                profiles: (0..PEOPLE).map(person).collect(),
                ..Domain::default()
            }],
            ..Snapshot::default()
        };
        snapshot.id = Some(journal.keep_snapshot(&snapshot).unwrap());
        let plan = draw(&snapshot, &[], &Playbook::standard().unwrap(), None).unwrap();
        journal.keep_plan(&plan).unwrap();
        journal.approve(&plan.id, "arn:aws:iam::000000000000:user/operator", "").unwrap();
        plan
    }

    fn record(journal: &Journal, who: usize, step: &str, kind: &str) {
        let migration = MigrationId::from(format!("d-abc/p{who:05}"));
        let detail = json!({ "message": format!("{who} failed"), "hint": "look" });
        let (migration, step) = (Some(&migration), Some(step));
        journal.record(&NewEvent { migration, step, kind, detail, ..NewEvent::default() }).unwrap();
    }

    #[test]
    fn whoever_watches_sees_what_others_write_and_reads_no_more_than_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.db");
        let journal = Journal::open(&file).unwrap();
        let plan = planned(&journal);
        let watching = Journal::watch(&file).unwrap();
        let ten = Rows { from: 0, most: 10 };
        let wanted = Wanted { at_work: Rows { from: 20, most: 10 }, failures: ten, events: ten };
        let moment = watching.moment(&wanted).unwrap();
        assert_eq!((moment.all_at_work, moment.holder), (0, None));

        let lease = journal.take_lease("ann").unwrap();
        (0..60).for_each(|who| record(&journal, who, "quiesce", "started"));
        for who in [7, 3] {
            record(&journal, who, "quiesce", "failed");
        }
        let moment = watching.moment(&wanted).unwrap();
        assert_eq!(moment.holder.map(|(holder, _)| holder.who).as_deref(), Some("ann"));
        assert_eq!(moment.plan.map(|plan| plan.id), Some(plan.id));
        assert_eq!((moment.all_at_work, moment.at_work.len()), (58, 10));
        // Those who began first stand first; two of the first twenty are not at work any more.
        assert_eq!(moment.at_work[0].migration, "d-abc/p00022");
        assert_eq!((moment.all_failures, moment.failures.len()), (2, 2));
        assert_eq!(
            (moment.failures[0].why.as_str(), moment.failures[0].step.as_str()),
            ("3 failed", "quiesce")
        );
        assert_eq!(moment.failures[1].hint.as_deref(), Some("look"));
        assert_eq!((moment.events.len(), moment.events[0].kind.as_str()), (10, "failed"));
        let sum = |of: fn(&BatchCounts) -> usize| moment.batches.iter().map(of).sum::<usize>();
        assert_eq!(sum(|one| one.people), PEOPLE);
        assert_eq!((sum(|one| one.failed), sum(|one| one.underway)), (2, 58));

        drop(lease);
        assert_eq!(watching.moment(&wanted).unwrap().holder, None);
        watching.take_lease("bob").unwrap_err();
        watching.open_gate("go", "bob", "").unwrap_err();
    }
}
