//! `orphans assign`: orphan homes, delivered to those whom a table names.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{begun, check_mount, plan_of, say_failure, worse};
use crate::cli::command::ended::{halted, listen};
use crate::cli::command::todo::standing;
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Failure};
use crate::execute::{
    Delivered, Delivery, MigrationStanding, Orphan, assign_all, orphans, whereabouts,
};
use crate::inventory::{Assigned, Snapshot, read_assigned};
use crate::journal::Journal;
use crate::names::{MigrationId, counted, to_the_second};
use crate::plan::{Migration, Plan};

/// Arguments of `orphans assign`.
#[derive(Args, Clone, Debug)]
pub(super) struct AssignArgs {
    /// Who gets which: a table with the columns file_system, uid, domain, profile, as `orphans --csv` writes it
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// A folder in which the EFS file systems are mounted, each under its id (`fs-…`); they are only read
    #[arg(long, value_name = "EFS_ROOT")]
    mount: PathBuf,
    /// Also deliver what was delivered before: once more, or to somebody else than it went to
    #[arg(long)]
    again: bool,
    /// Do it; without it nothing is changed
    #[arg(long)]
    apply: bool,
    /// The mover to send to spaces; this very program by default
    #[arg(long, value_name = "FILE")]
    mover: Option<PathBuf>,
}

/// What is to be done about one row.
enum Row {
    /// It is delivered; and where it is already, if that is somewhere else.
    Due(Box<Delivery>, Option<String>),
    /// It was delivered before: to whom, and what was said of it.
    Done(String),
    /// It cannot be delivered yet.
    Waits(String),
}

impl AssignArgs {
    /// Delivers them, and says where each is.
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        check_mount(&self.mount)?;
        let assigned = read(&self.csv)?;
        let plan = plan_of(context)?;
        let journal = context.existing_journal()?;
        let snapshot = super::super::latest_snapshot(&journal)?;
        let rows = self.rows(&journal, &plan, &snapshot, &assigned)?;
        drop(journal);
        let (mut due, mut exit) = (Vec::new(), Exit::Done);
        for row in rows {
            match row {
                Row::Due(delivery, elsewhere) => {
                    elsewhere.into_iter().for_each(|said| context.ui.warning(said));
                    due.push(*delivery);
                }
                Row::Done(said) => context.ui.data(said),
                Row::Waits(said) => {
                    context.ui.warning(said);
                    exit = Exit::SomeFailed;
                }
            }
        }
        if !self.apply {
            for delivery in &due {
                context.ui.data(format_args!(
                    "{}: would be delivered to {}, into ~/{} of space {}",
                    delivery.orphan.name(),
                    delivery.to.id,
                    delivery.folder,
                    delivery.to.space
                ));
            }
            context.ui.data(format_args!(
                "{} would be delivered; nothing was changed: give --apply to do it",
                super::super::count(due.len(), "home")
            ));
            return Ok(exit);
        }
        if due.is_empty() {
            context.ui.data("nothing to deliver");
            return Ok(exit);
        }
        Box::pin(self.deliver(context, plan, &due, exit)).await
    }

    async fn deliver(
        &self,
        context: &Context,
        plan: Plan,
        due: &[Delivery],
        mut exit: Exit,
    ) -> Result<Exit, Failure> {
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let halt = listen(context);
        let progress = Progress::start(context.ui, due.len());
        let given = (self.mover.as_deref(), &halt);
        let execution = begun(&operation, plan, &self.mount, given, progress.watch())?;
        let mut told = Vec::new();
        let mut tell =
            |delivery: &Delivery, delivered: &Result<Delivered, crate::execute::Failure>| {
                told.push((delivery.clone(), delivered.clone()));
            };
        Box::pin(assign_all(&execution, due, &operation.lease, &mut tell)).await;
        progress.finish();
        let mut done = 0;
        for (delivery, delivered) in &told {
            match delivered {
                Ok(delivered) => {
                    done += 1;
                    say(context, delivery, delivered);
                }
                Err(failure) => {
                    let name = format!("{} for {}", delivery.orphan.name(), delivery.to.id);
                    exit = worse(exit, say_failure(context, &name, failure));
                }
            }
        }
        if told.is_empty() {
            exit = Exit::LeaseHeld;
        }
        let not = match due.len() - done {
            0 => "0 not".to_owned(),
            not => format!("{not} not as a whole: what is there of it stands above"),
        };
        context.ui.data(format_args!("{done} delivered and proven, {not}; nothing was deleted"));
        operation.end(halted(&halt, exit))
    }

    /// Judges every row; rows that name what is not there are refused together, before anything is done.
    fn rows(
        &self,
        journal: &Journal,
        plan: &Plan,
        snapshot: &Snapshot,
        assigned: &[Assigned],
    ) -> Result<Vec<Row>, Failure> {
        let found = orphans(snapshot);
        let known = whereabouts(journal)
            .map_err(|error| Failure::journal("read where orphans are", error))?;
        let (mut rows, mut wrong) = (Vec::new(), Vec::new());
        for one in assigned {
            let (orphan, migration) = match (orphan(&found, snapshot, one), person(plan, one)) {
                (Ok(orphan), Ok(migration)) => (orphan, migration),
                (orphan, migration) => {
                    let whys = [orphan.err(), migration.err()];
                    wrong.extend(
                        whys.into_iter()
                            .flatten()
                            .map(|why| format!("\n  line {}: {why}", one.line)),
                    );
                    continue;
                }
            };
            let before = known.get(&orphan.name()).and_then(|one| one.delivered.as_ref());
            match before {
                Some(before) if !self.again => match done(orphan, migration, before) {
                    Ok(said) => rows.push(Row::Done(said)),
                    Err(why) => wrong.push(format!("\n  line {}: {why}", one.line)),
                },
                before => {
                    let elsewhere = before.and_then(|before| left_with(orphan, migration, before));
                    rows.push(due(journal, snapshot, orphan, migration, elsewhere)?);
                }
            }
        }
        if wrong.is_empty() {
            return Ok(rows);
        }
        Err(Failure::usage(format!("{} cannot be used:{}", self.csv.display(), wrong.concat()))
            .hinted("nothing was done; `studio-migrate orphans` names the homes, `plan show` the people"))
    }
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

/// Somebody gets an orphan once their own home has arrived.
fn due(
    journal: &Journal,
    snapshot: &Snapshot,
    orphan: &Orphan,
    migration: &Migration,
    elsewhere: Option<String>,
) -> Result<Row, Failure> {
    if standing(journal, &migration.id)?.word() != MigrationStanding::Moved {
        return Ok(Row::Waits(format!(
            "{} waits: {} has not moved yet; `studio-migrate run --user {}` comes first",
            orphan.name(),
            migration.id,
            migration.name()
        )));
    }
    let domain = snapshot.domains.iter().find(|one| one.id == migration.domain);
    let own = domain.and_then(|domain| domain.file_system.as_ref());
    let folder = orphan.folder(own);
    let delivery = Delivery { folder, orphan: orphan.clone(), to: migration.clone() };
    Ok(Row::Due(Box::new(delivery), elsewhere))
}

fn read(file: &Path) -> Result<Vec<Assigned>, Failure> {
    let what = format!("read the table {}", file.display());
    let text = super::super::spreadsheet(file, &what)?;
    read_assigned(&text).map_err(|error| Failure::of(Exit::Usage, what, error))
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

fn say(context: &Context, delivery: &Delivery, delivered: &Delivered) {
    context.ui.data(format_args!(
        "{}: delivered to {}, in ~/{} of space {}, proven: {}, {}, digest {}",
        delivered.orphan,
        delivery.to.id,
        delivered.folder,
        delivered.space,
        counted(delivered.totals.files, "file", "files"),
        super::super::bytes(delivered.totals.bytes),
        delivered.totals.digest
    ));
    for (path, reason) in &delivered.not_copied_named {
        context.ui.status(format_args!("{}: not delivered: {path}: {reason}", delivered.orphan));
    }
}
