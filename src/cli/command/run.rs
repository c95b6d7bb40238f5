//! `run`: phase 4, executing the approved plan. Whatever happened before, it goes on from there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::ended::{halted, listen, tell};
use super::notify;
use super::one_way::stopping;
use super::todo::{self, dry_run, to_do};
use crate::cli::context::Operation;
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Failure, steering};
use crate::execute::{self, Execution, Halt, Selection, Step, Tools};
use crate::journal::{self, Journal};
use crate::names::{BatchName, MigrationId, ProfileName};
use crate::plan::{Plan, Route};

/// Arguments of `run`.
#[derive(Args, Clone, Debug, Default)]
pub struct Run {
    /// Run this batch only; may be given several times
    #[arg(long = "batch", value_name = "BATCH")]
    pub batches: Vec<BatchName>,
    /// Migrate this person only; may be given several times
    #[arg(long = "user", value_name = "PROFILE")]
    pub users: Vec<ProfileName>,
    /// Stop everyone after this step
    #[arg(long, value_name = "STEP", default_value = "confirm")]
    pub until: Option<Step>,
    /// These migrations only, by id: what another command chose
    #[arg(skip)]
    pub migrations: Vec<MigrationId>,
    /// Say what would be done, and make no call that changes anything
    #[arg(long)]
    pub dry_run: bool,
    /// Begin batches outside the playbook's windows and before their time, too
    #[arg(long)]
    pub any_time: bool,
    /// Begin batches although people of the pilot or the canary are not well
    #[arg(long)]
    pub despite_trial: bool,
    /// Wait for gates, windows and the time after a pilot, and do not end
    #[arg(long)]
    pub wait: bool,
    /// Do not ask before a one-way door
    #[arg(long)]
    pub yes: bool,
    /// A folder in which the EFS file systems of the domains are mounted, each under its id (`fs-…`), for homes that travel packed
    #[arg(long, value_name = "EFS_ROOT")]
    pub mount: Option<PathBuf>,
    /// The mover to send to spaces; this very program by default
    #[arg(long, value_name = "FILE")]
    pub mover: Option<PathBuf>,
}

impl Run {
    /// Runs the plan as far as it goes.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = context.plan_in_force(&journal)?;
        let mut selection = selection(&plan, &self.batches, &self.users)?;
        selection.migrations = self.migrations.iter().cloned().collect();
        let until = self.until.unwrap_or(Step::Confirm);
        let waiting = to_do(&journal, &plan, &selection, until)?;
        if self.dry_run {
            if let Err(refusal) = self.check_mount(&plan, &waiting, until) {
                context.ui.warning(format_args!("it would be refused: {refusal}"));
            }
            return dry_run(context, &journal, &plan, &waiting, until);
        }
        for (id, said) in todo::unclaimed(&journal, &plan)? {
            context.ui.warning(format_args!("{id}: {said}"));
        }
        if waiting.is_empty() {
            context.ui.data(nothing_to_do(&journal, &plan, &selection)?);
            return Ok(Exit::Done);
        }
        self.check_mount(&plan, &waiting, until)?;
        free(&journal)?;
        if let (false, Some(stopping)) = (self.yes, stopping(&journal, &plan, &waiting, until)?) {
            stopping.ask(context)?;
        }
        drop(journal);
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let tools = tools(self.mover.as_deref())?;
        let halt = listen(context);
        let progress = Progress::start(context.ui, waiting.len());
        let messenger = notify::messenger(&operation, &plan, "run", &progress);
        let watch = messenger.watch(progress.watch());
        let mut execution = execution(&operation, plan, tools, halt.clone(), watch, false);
        execution.may_run_any_time = self.any_time;
        execution.may_follow_a_poor_trial = self.despite_trial;
        execution.waits = self.wait;
        execution.mount = self.mount.clone();
        let _listening = steering::listen(operation.steered(&execution.control, &progress));
        let summary = execute::run(&execution, &selection, until, &operation.lease).await;
        progress.finish();
        let done = match until {
            Step::Confirm => "moved".to_owned(),
            step => format!("taken as far as {step}"),
        };
        let exit = tell(context, &summary, &done);
        notify::finish(context, messenger, &halt).await;
        operation.end(halted(&halt, exit))
    }

    /// Homes that travel packed are read on this machine: that is found out before anything is done.
    fn check_mount(
        &self,
        plan: &Plan,
        waiting: &[(MigrationId, Step)],
        until: Step,
    ) -> Result<(), Failure> {
        if let Some(mount) = &self.mount
            && !mount.is_dir()
        {
            return Err(Failure::usage(format!("{} is no folder", mount.display())).hinted(
                "--mount takes a folder in which each file system is mounted under its id, `fs-…`",
            ));
        }
        let to_pack: Vec<&str> = waiting
            .iter()
            .filter(|(id, next)| {
                let Some((_, migration)) = plan.migration(id) else { return false };
                // A team's home is looked at once more before the old profile is closed.
                let is_teams = migration.team.as_ref().is_some_and(|part| part.whose.is_none());
                let closes = is_teams && *next <= Step::Flip && until >= Step::Flip;
                migration.route == Route::Packed && (*next <= Step::Hydrate || closes)
            })
            .map(|(id, _)| id.as_str())
            .collect();
        if self.mount.is_some() || to_pack.is_empty() {
            return Ok(());
        }
        let (first, all) = (to_pack[0], to_pack.len());
        Err(Failure::usage(format!(
            "{all} of those who are to move travel packed, {first} among them, and no file system is mounted here"
        ))
        .hinted("run where the EFS is mounted, under its id, and give the folder with --mount, or name others with --user or --batch"))
    }
}

/// Whoever has to be refused is not asked anything first.
fn free(journal: &Journal) -> Result<(), Failure> {
    let failed = |error| Failure::journal("begin", error);
    match journal.lease_holder().map_err(failed)? {
        Some(holder) => Err(failed(journal::Error::LeaseHeld(holder))),
        None => Ok(()),
    }
}

/// Says why there is nothing to do, where some were taken back: they go on only for whoever asks for them.
fn nothing_to_do(journal: &Journal, plan: &Plan, selection: &Selection) -> Result<String, Failure> {
    let mut back = Vec::new();
    for (batch, migration) in plan.migrations() {
        if selection.takes(batch, migration)
            && todo::standing(journal, &migration.id)?.was_taken_back()
        {
            back.push(migration.name().to_string());
        }
    }
    Ok(match back.first() {
        None => "Nothing to do: everyone selected is where they should be.".to_owned(),
        Some(first) => format!(
            "Nothing to do: {} were taken back and go on only by name, as with `run --user {first}`: {}",
            back.len(),
            back.iter().take(10).cloned().collect::<Vec<_>>().join(", ")
        ),
    })
}

/// Turns what was named into a selection, refusing names that the plan does not have.
pub(super) fn selection(
    plan: &Plan,
    batches: &[BatchName],
    users: &[ProfileName],
) -> Result<Selection, Failure> {
    for name in batches {
        if !plan.batches.iter().any(|batch| &batch.name == name) {
            let names: Vec<_> = plan.batches.iter().map(|batch| batch.name.as_str()).collect();
            return Err(Failure::usage(format!("plan {} has no batch {name}", plan.id))
                .hinted(format!("it has {}", names.join(", "))));
        }
    }
    for name in users {
        let called: Vec<_> = plan
            .migrations()
            .filter(|(_, migration)| execute::is_called(migration, name))
            .map(|(_, migration)| migration.id.to_string())
            .collect();
        match called.as_slice() {
            [] => {}
            [_] => continue,
            several => {
                return Err(Failure::usage(format!("{name} is in several domains")).hinted(
                    format!("name whom you mean with their domain: {}", several.join(", ")),
                ));
            }
        }
        let left = plan.left_out.iter().find(|left| {
            left.who == name.as_str() || format!("{}/{}", left.domain, left.who) == name.as_str()
        });
        return Err(match left {
            Some(left) => {
                Failure::usage(format!("{name} is left out of the plan: {}", left.because))
            }
            None => Failure::usage(format!("plan {} does not know {name}", plan.id)).hinted(
                "`plan show` names everyone; for newcomers take an inventory and draw up the plan again",
            ),
        });
    }
    Ok(Selection {
        batches: batches.iter().cloned().collect::<BTreeSet<_>>(),
        users: users.iter().cloned().collect::<BTreeSet<_>>(),
        migrations: BTreeSet::new(),
    })
}

/// Puts together what an execution works with.
pub(super) fn execution(
    operation: &Operation,
    plan: Plan,
    tools: Tools,
    halt: Halt,
    watch: execute::Watch,
    may_delete_used_spaces: bool,
) -> Execution {
    let control = execute::Control::of(&plan, halt);
    Execution {
        account: operation.account.clone(),
        journal: operation.journal.clone(),
        operation: operation.id,
        plan: Arc::new(plan),
        tools,
        watch,
        control,
        mount: None,
        domains: Arc::default(),
        transfers: execute::Transfers::default(),
        inventories: Arc::default(),
        planned: execute::Planned::default(),
        may_delete_used_spaces,
        may_overwrite_changes: false,
        may_run_any_time: false,
        may_follow_a_poor_trial: false,
        waits: false,
        is_rehearsal: false,
    }
}

/// Returns the mover that is sent to spaces: a Linux executable, this very program unless another is named.
pub(super) fn tools(named: Option<&std::path::Path>) -> Result<Tools, Failure> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()
            .map_err(|error| Failure::of(Exit::Unexpected, "find this program's file", error))?,
    };
    Tools::of(&path).map_err(|error| {
        Failure::of(Exit::Usage, format!("read the mover {}", path.display()), error)
    })
}
