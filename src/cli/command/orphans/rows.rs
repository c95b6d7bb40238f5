//! What is to be done about each row of the table of `orphans assign`, judged before anything is done.

use crate::cli::Failure;
use crate::cli::command::todo::standing;
use crate::execute::{Delivered, Delivery, MigrationStanding, Orphan, orphans, whereabouts};
use crate::inventory::{Assigned, Snapshot};
use crate::journal::Journal;
use crate::names::{MigrationId, to_the_second};
use crate::plan::{Migration, Plan};

/// What is to be done about one row.
pub(super) enum Row {
    /// It is delivered; and where it is already, if that is somewhere else.
    Due(Box<Delivery>, Option<String>),
    /// It was delivered before: to whom, and what was said of it.
    Done(String),
    /// It cannot be delivered yet, and why.
    Waits(Box<Delivery>, String),
}

/// What rows are judged by.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) journal: &'a Journal,
    pub(super) plan: &'a Plan,
    pub(super) snapshot: &'a Snapshot,
    /// Whether what was delivered before is delivered again.
    pub(super) is_again: bool,
}

impl Judge<'_> {
    /// Judges every row; those that name what is not there are returned together, a line each.
    pub(super) fn rows(&self, assigned: &[Assigned]) -> Result<Result<Vec<Row>, String>, Failure> {
        let found = orphans(self.snapshot);
        let known = whereabouts(self.journal).map_err(unread)?;
        let (mut rows, mut wrong) = (Vec::new(), Vec::new());
        for one in assigned {
            let named = (orphan(&found, self.snapshot, one), person(self.plan, one));
            let (orphan, migration) = match named {
                (Ok(orphan), Ok(migration)) => (orphan, migration),
                (orphan, migration) => {
                    let whys = [orphan.err(), migration.err()].into_iter().flatten();
                    wrong.extend(whys.map(|why| format!("\n  line {}: {why}", one.line)));
                    continue;
                }
            };
            let before = known.get(&orphan.name()).and_then(|one| one.delivered.as_ref());
            match before {
                Some(before) if !self.is_again => match done(orphan, migration, before) {
                    Ok(said) => rows.push(Row::Done(said)),
                    Err(why) => wrong.push(format!("\n  line {}: {why}", one.line)),
                },
                before => {
                    let elsewhere = before.and_then(|before| left_with(orphan, migration, before));
                    rows.push(self.due(orphan, migration, elsewhere)?);
                }
            }
        }
        Ok(if wrong.is_empty() { Ok(rows) } else { Err(wrong.concat()) })
    }

    /// Somebody gets an orphan once their own home has arrived.
    fn due(
        &self,
        orphan: &Orphan,
        migration: &Migration,
        elsewhere: Option<String>,
    ) -> Result<Row, Failure> {
        let domain = self.snapshot.domains.iter().find(|one| one.id == migration.domain);
        let own = domain.and_then(|domain| domain.file_system.as_ref());
        let folder = orphan.folder(own);
        let delivery = Box::new(Delivery { folder, orphan: orphan.clone(), to: migration.clone() });
        if standing(self.journal, &migration.id)?.word() == MigrationStanding::Moved {
            return Ok(Row::Due(delivery, elsewhere));
        }
        let said = format!(
            "{} waits: {} has not moved yet; `studio-migrate run --user {}` comes first",
            orphan.name(),
            migration.id,
            migration.name()
        );
        Ok(Row::Waits(delivery, said))
    }

    /// Returns the deliveries that were begun, have not ended, and are in no row that goes on with them.
    pub(super) fn unwanted(&self, rows: &[Row]) -> Result<Vec<Delivery>, Failure> {
        let wanted: Vec<_> = rows
            .iter()
            .filter_map(|row| match row {
                Row::Due(one, _) | Row::Waits(one, _) => Some((one.orphan.name(), &one.to.id)),
                Row::Done(_) => None,
            })
            .collect();
        let mut unwanted = Vec::new();
        for (name, known) in whereabouts(self.journal).map_err(unread)? {
            for (to, begun) in known.under_way {
                let is_it = |(orphan, of): &(String, &MigrationId)| *orphan == name && **of == to;
                if wanted.iter().any(is_it) {
                    continue;
                }
                let of = |plan: &Plan| plan.migration(&to).map(|(_, one)| one.clone());
                let mut migration = of(self.plan);
                if let (None, Some(plan)) = (&migration, &begun.plan) {
                    migration = of(&self.journal.plan(plan).map_err(unread)?);
                }
                let orphan = Orphan::called(&name);
                unwanted.extend(migration.map(|to| Delivery { orphan, to, folder: begun.folder }));
            }
        }
        Ok(unwanted)
    }
}

fn unread(error: crate::journal::Error) -> Failure {
    Failure::journal("read where orphans are", error)
}

/// When, to whom and where an orphan was delivered.
type Before = (String, MigrationId, Delivered);

/// Says that it is where the table wants it, or why that cannot be.
fn done(orphan: &Orphan, migration: &Migration, before: &Before) -> Result<String, String> {
    let (at, to, delivered) = before;
    let at = to_the_second(at);
    if *to != migration.id {
        return Err(format!(
            "{} was delivered to {to} at {at}; --again delivers it to {} too",
            orphan.name(),
            migration.id
        ));
    }
    Ok(format!(
        "{}: delivered to {to} before, at {at}, in ~/{} of space {}; --again delivers it once more",
        orphan.name(),
        delivered.folder,
        delivered.space
    ))
}

/// Says where somebody else still has it: they may have worked in it, so it is theirs to delete.
fn left_with(orphan: &Orphan, migration: &Migration, before: &Before) -> Option<String> {
    let (_, to, delivered) = before;
    (*to != migration.id).then(|| {
        format!(
            "{}: {to} keeps what was delivered to them, in ~/{} of space {}, until they delete it",
            orphan.name(),
            delivered.folder,
            delivered.space
        )
    })
}

/// Finds the orphan that a row is about, or says whose home it is.
fn orphan<'a>(
    found: &'a [Orphan],
    snapshot: &Snapshot,
    row: &Assigned,
) -> Result<&'a Orphan, String> {
    let is_it = |orphan: &&Orphan| orphan.file_system == row.file_system && orphan.uid == row.uid;
    if let Some(orphan) = found.iter().find(is_it) {
        let is_number = orphan.uid.as_str().bytes().all(|byte| byte.is_ascii_digit());
        return if is_number { Ok(orphan) } else { Err(format!("{} is no home", orphan.name())) };
    }
    let of_system = snapshot
        .domains
        .iter()
        .filter(|domain| domain.file_system.as_ref() == Some(&row.file_system));
    let owner = of_system
        .flat_map(|domain| &domain.profiles)
        .find(|profile| profile.home_uid.as_ref() == Some(&row.uid));
    let name = format!("{}/{}", row.file_system, row.uid);
    Err(match owner {
        Some(profile) => format!("{name} is the home of {}, and no orphan", profile.name),
        None => format!("{name} is no orphan that the last inventory saw"),
    })
}

/// Finds whom a row names among those who move by the plan.
fn person<'a>(plan: &'a Plan, row: &Assigned) -> Result<&'a Migration, String> {
    let is_name = |name: &str| name.eq_ignore_ascii_case(row.profile.as_str());
    let found = plan.migrations().map(|(_, migration)| migration).find(|migration| {
        migration.shared.is_none()
            && migration.domain == row.domain
            && is_name(migration.profile.as_str())
    });
    let left = || plan.left_out.iter().find(|left| left.domain == row.domain && is_name(&left.who));
    match (found, left()) {
        (Some(migration), _) => Ok(migration),
        (None, Some(left)) => {
            Err(format!("{}/{} is left out of the plan: {}", row.domain, row.profile, left.because))
        }
        (None, None) => Err(format!("the plan knows no {}/{}", row.domain, row.profile)),
    }
}
