//! `notify`: trying whether those who are told of a run can be reached, and the telling itself for `run` and `rollback`.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::context::Operation;
use crate::cli::progress::Progress;
use crate::cli::{Context, Exit, Failure, environment};
use crate::execute::Halt;
use crate::notify::{Messenger, Register, Source, Target, Teller, deliver, targets};
use crate::plan::Plan;

/// How long the end of a run is silent while the last notices are delivered.
const SILENCE: Duration = Duration::from_secs(1);

/// Arguments of `notify`.
#[derive(Args, Clone, Debug)]
pub struct Notify {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Send one test notice to everyone whom a playbook names, and say how each answered
    Test {
        /// The playbook: a file, or the name of a shipped one; the last plan's by default
        #[arg(long, value_name = "PLAYBOOK")]
        playbook: Option<String>,
    },
}

impl Notify {
    /// Tries every target once, at the same time, and ends with [`Exit::SomeFailed`] when one did not take it.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let Action::Test { playbook } = &self.action;
        let (playbook, plan) = match playbook {
            Some(name) => (super::playbook(name)?, None),
            None => {
                let plan = last_plan(context)?;
                context.ui.status(format_args!("The playbook of plan {}", plan.id));
                (plan.playbook.clone(), Some(plan))
            }
        };
        let targets = targets(&playbook, environment::named);
        if targets.is_empty() {
            context.ui.data(format_args!(
                "Nobody is told: the playbook {} has no notifications.",
                playbook.name
            ));
            return Ok(Exit::Done);
        }
        let source = Source { playbook: playbook.name, ..source(plan.as_ref(), "notify test") };
        let message = Teller::new(source).test();
        let tried = targets.iter().map(|target| deliver(target, &message, 1));
        let answers = tokio::select! {
            answers = futures::future::join_all(tried) => answers,
            // What was started is killed on the way out.
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
        };
        let mut exit = Exit::Done;
        for (Target { name, .. }, answer) in targets.iter().zip(answers) {
            match answer {
                Ok(taken) => context.ui.data(format_args!("ok     {name}: {}", taken.answer)),
                Err(refused) => {
                    exit = Exit::SomeFailed;
                    context.ui.data(format_args!("WRONG  {name}: {}", refused.why));
                }
            }
        }
        Ok(exit)
    }
}

fn last_plan(context: &Context) -> Result<Plan, Failure> {
    let plan = context.existing_journal()?.latest_plan();
    plan.map_err(|error| Failure::journal("read the plan", error))?.ok_or_else(|| {
        Failure::usage("there is no plan yet, and so no playbook")
            .hinted("name one with --playbook, or draw a plan up with `studio-migrate plan`")
    })
}

fn source(plan: Option<&Plan>, command: &'static str) -> Source {
    Source {
        command,
        operation: None,
        playbook: plan.map(|plan| plan.playbook.name.clone()).unwrap_or_default(),
        plan: plan.map(|plan| plan.id.clone()),
        account: plan.map(|plan| plan.account.clone()),
        region: plan.map(|plan| plan.region.clone()),
    }
}

/// Starts to tell whoever the plan's playbook names of what an operation does.
pub(super) fn messenger(
    operation: &Operation,
    plan: &Plan,
    command: &'static str,
    progress: &Progress,
) -> Messenger {
    let source = Source { operation: Some(operation.id.0), ..source(Some(plan), command) };
    let register = Register {
        journal: operation.journal.clone(),
        operation: operation.id,
        plan: plan.id.clone(),
    };
    let progress = progress.clone();
    let targets = targets(&plan.playbook, environment::named);
    Messenger::start(
        targets,
        Teller::new(source),
        &register,
        &(Arc::new(move |line: &str| progress.warning(line)) as _),
    )
}

/// Delivers what still waits to be, for a bounded time.
pub(super) async fn finish(context: &Context, messenger: Messenger, halt: &Halt) {
    let finishing = messenger.finish(halt);
    tokio::pin!(finishing);
    tokio::select! {
        () = &mut finishing => return,
        () = tokio::time::sleep(SILENCE) => {}
    }
    context.ui.status("Delivering the last notices, for 30 seconds at most; Ctrl-C shortens that");
    finishing.await;
}
