//! From arguments to an exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use super::arguments::{Arguments, Command};
use super::command::steer::steer;
use super::context::LogFormat;
use super::{Context, Exit, Failure, Global, Ui, environment};
use crate::execute::Steering;

/// Parses the arguments, runs the command and says how it ended.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version are data and end well; anything else is wrong usage.
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return exit.into();
        }
    };
    let ui = Ui::new(arguments.global.quiet, arguments.global.log_format);
    log_to_stderr(&arguments.global);
    let typed: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let context = Context { global: arguments.global, ui, typed: typed.join(" ") };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(Failure::of(Exit::Unexpected, "start", error));
            return Exit::Unexpected.into();
        }
    };
    let exit = runtime.block_on(dispatch(&context, arguments.command));
    // Copies and scripts that a simulated account still runs must not hold up the end.
    runtime.shutdown_background();
    if !ui.is_complete() {
        ui.error("stdout could not be written: the data is not complete");
        return Exit::Unexpected.into();
    }
    exit.unwrap_or_else(|failure| {
        ui.error(&failure);
        failure.exit
    })
    .into()
}

/// Runs one command.
pub(super) async fn dispatch(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        // Boxed, because a demo dispatches commands itself.
        Command::Demo(demo) => Box::pin(demo.run(context)).await,
        Command::Inventory(inventory) => inventory.run(context).await,
        Command::Team(team) => team.run(context).await,
        Command::Readiness(readiness) => readiness.run(context),
        Command::Explain(explain) => explain.run(context),
        Command::Plan(plan) => plan.run(context).await,
        Command::Playbook(playbook) => playbook.run(context),
        Command::Rehearse(rehearse) => rehearse.run(context),
        Command::Run(run) => Box::pin(run.run(context)).await,
        Command::Retry(retry) => Box::pin(retry.run(context)).await,
        Command::Pause => steer(context, &Steering::Pause).await,
        Command::Resume => steer(context, &Steering::Resume).await,
        Command::Drain => steer(context, &Steering::Drain).await,
        Command::Set(set) => set.run(context).await,
        Command::Abort(abort) => abort.run(context).await,
        Command::Status(status) => status.run(context).await,
        Command::Verify(verify) => Box::pin(verify.run(context)).await,
        Command::Rollback(rollback) => Box::pin(rollback.run(context)).await,
        Command::Cutover(cutover) => cutover.run(context).await,
        Command::Carry(carry) => Box::pin(carry.run(context)).await,
        Command::Retire(retire) => retire.run(context).await,
        Command::Notebooks(notebooks) => notebooks.run(context).await,
        Command::Flows(flows) => flows.run(context).await,
        Command::Orphans(orphans) => Box::pin(orphans.run(context)).await,
        Command::Cleanup(cleanup) => cleanup.run(context).await,
        Command::Report(report) => report.run(context),
        Command::Audit(audit) => audit.run(context),
        Command::Iam(iam) => iam.run(context),
        Command::Doctor(doctor) => doctor.run(context).await,
        Command::Gate(gate) => gate.run(context).await,
        Command::Notify(notify) => notify.run(context).await,
        Command::Mover(mover) => mover.run(context).await,
        Command::Sim(sim) => sim.run(context).await,
        Command::Completions(completions) => {
            completions.run(context, Arguments::command());
            Ok(Exit::Done)
        }
        Command::Man => super::command::completions::manual(context, Arguments::command()),
        Command::Version(version) => {
            version.run(context);
            Ok(Exit::Done)
        }
    }
}

/// Diagnostics go to stderr: warnings of the SDK by default, more with `-v`.
fn log_to_stderr(global: &Global) {
    let by_verbosity = match global.verbose {
        0 => "studio_migrate=error",
        1 => "studio_migrate=info,warn",
        _ => "debug",
    };
    let filter = EnvFilter::new(environment::log_filter().as_deref().unwrap_or(by_verbosity));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second try in one process, as a demo makes, changes nothing.
    let _ = match global.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
