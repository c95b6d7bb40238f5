//! `orphans assign`: orphan homes, delivered to those whom a table names.

use std::path::{Path, PathBuf};

use clap::Args;

use super::rows::{Judge, Row};
use super::{begun, check_mount, plan_of, say_failure, worse};
use crate::cli::command::ended::{halted, listen};
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Failure};
use crate::execute::{Delivered, Delivery, assign_all, give_up_all};
use crate::inventory::{Assigned, read_assigned};
use crate::names::counted;
use crate::plan::Plan;

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

impl AssignArgs {
    /// Delivers them, and says where each is.
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        check_mount(&self.mount)?;
        let assigned = read(&self.csv)?;
        let plan = plan_of(context)?;
        let journal = context.existing_journal()?;
        let snapshot = super::super::latest_snapshot(&journal)?;
        let judge =
            Judge { journal: &journal, plan: &plan, snapshot: &snapshot, is_again: self.again };
        let rows = judge.rows(&assigned)?.map_err(|wrong| {
            Failure::usage(format!("{} cannot be used:{wrong}", self.csv.display())).hinted(
                "nothing was done; `studio-migrate orphans` names the homes, `plan show` the people",
            )
        })?;
        let unwanted = judge.unwanted(&rows)?;
        drop(journal);
        let (mut due, mut exit) = (Vec::new(), Exit::Done);
        for row in rows {
            match row {
                Row::Due(delivery, elsewhere) => {
                    elsewhere.into_iter().for_each(|said| context.ui.warning(said));
                    due.push(*delivery);
                }
                Row::Done(said) => context.ui.data(said),
                Row::Waits(_, said) => {
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
            for Delivery { orphan, to, .. } in &unwanted {
                context.ui.data(format_args!(
                    "{}: its delivery to {}, which has not ended, would be ended",
                    orphan.name(),
                    to.id
                ));
            }
            context.ui.data(format_args!(
                "{} would be delivered; nothing was changed: give --apply to do it",
                super::super::count(due.len(), "home")
            ));
            return Ok(exit);
        }
        if due.is_empty() && unwanted.is_empty() {
            context.ui.data("nothing to deliver");
            return Ok(exit);
        }
        Box::pin(self.deliver(context, plan, (&unwanted, &due), exit)).await
    }

    async fn deliver(
        &self,
        context: &Context,
        plan: Plan,
        (unwanted, due): (&[Delivery], &[Delivery]),
        mut exit: Exit,
    ) -> Result<Exit, Failure> {
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let halt = listen(context);
        let progress = Progress::start(context.ui, due.len());
        let given = (self.mover.as_deref(), &halt);
        let execution = begun(&operation, plan, &self.mount, given, progress.watch())?;
        let mut ended = Vec::new();
        let mut end = |delivery: &Delivery, outcome: &Result<String, crate::execute::Failure>| {
            ended.push((delivery.clone(), outcome.clone()));
        };
        Box::pin(give_up_all(&execution, unwanted, &operation.lease, &mut end)).await;
        let mut told = Vec::new();
        let mut tell =
            |delivery: &Delivery, delivered: &Result<Delivered, crate::execute::Failure>| {
                told.push((delivery.clone(), delivered.clone()));
            };
        Box::pin(assign_all(&execution, due, &operation.lease, &mut tell)).await;
        progress.finish();
        for (delivery, outcome) in &ended {
            match outcome {
                Ok(said) => context.ui.data(format_args!("{}: {said}", delivery.orphan.name())),
                Err(failure) => {
                    let name =
                        format!("the delivery of {} to {}", delivery.orphan.name(), delivery.to.id);
                    exit = worse(exit, say_failure(context, &name, failure));
                }
            }
        }
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
        let is_nothing_told = told.is_empty() && !due.is_empty();
        if is_nothing_told || (ended.is_empty() && !unwanted.is_empty()) {
            exit = Exit::LeaseHeld;
        }
        let not = match due.len() - done {
            0 => "0 not".to_owned(),
            not => format!("{not} not as a whole: what is there of it stands above"),
        };
        context.ui.data(format_args!("{done} delivered and proven, {not}; nothing was deleted"));
        operation.end(halted(&halt, exit))
    }
}

fn read(file: &Path) -> Result<Vec<Assigned>, Failure> {
    let what = format!("read the table {}", file.display());
    let text = super::super::spreadsheet(file, &what)?;
    read_assigned(&text).map_err(|error| Failure::of(Exit::Usage, what, error))
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
