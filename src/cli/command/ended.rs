//! Stopping a run by signals, and how a run or a rollback ended: in words, and as an exit code.

use crate::cli::{Context, Exit};
use crate::execute::{self, Halt, Summary};

/// Stops gently on the first signal and at once on the second.
pub(super) fn listen(context: &Context) -> Halt {
    let halt = Halt::default();
    let (heard, ui) = (halt.clone(), context.ui);
    tokio::spawn(async move {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        let Ok(mut terminate) = terminate else { return };
        loop {
            let terminated = tokio::select! {
                _ = tokio::signal::ctrl_c() => false,
                _ = terminate.recv() => true,
            };
            if heard.is_draining() {
                ui.status("Stopping at once; the next run goes on from here");
            } else {
                ui.status(
                    "Finishing the steps under way, then stopping; once more to stop at once",
                );
            }
            heard.ask_by(terminated);
        }
    });
    halt
}

/// A run that a signal stopped ends with the signal's exit code.
pub(super) fn halted(halt: &Halt, exit: Exit) -> Exit {
    match (exit, halt.was_terminated()) {
        (Exit::Stopped, Some(true)) => Exit::Terminated,
        (Exit::Stopped, Some(false)) => Exit::Interrupted,
        (exit, _) => exit,
    }
}

/// Says how a run or a rollback went, and returns the exit code.
pub(super) fn tell(context: &Context, summary: &Summary, done: &str) -> Exit {
    let ui = context.ui;
    for (id, failure) in &summary.failed {
        ui.warning(format_args!("{id} failed: {failure}"));
        for left in &failure.left_behind {
            ui.warning(format_args!("  left behind: {left}"));
        }
        if let Some(hint) = &failure.hint {
            ui.status(format_args!("  {hint}"));
        }
    }
    for (id, stuck) in &summary.stuck {
        ui.warning(format_args!("{id} is stuck: {stuck}; look at {}", stuck.look_at));
    }
    for (id, changes) in &summary.drifted {
        ui.warning(format_args!(
            "{id} was not begun, since the plan no longer holds: {}",
            changes.join("; ")
        ));
    }
    if !summary.drifted.is_empty() {
        ui.status("  take an inventory, draw the plan up again and have it approved; what is done stays done");
    }
    ui.data(format_args!(
        "{} {done}, {} failed, {} stuck, {} left for the next run",
        summary.done.len(),
        summary.failed.len(),
        summary.stuck.len(),
        summary.left.len() + summary.drifted.len()
    ));
    if let Some(fatal) = &summary.fatal {
        ui.error(fatal);
        if let Some(hint) = &fatal.hint {
            ui.status(format_args!("Hint: {hint}"));
        }
        return match fatal.kind {
            execute::FailureKind::Credentials => Exit::Credentials,
            execute::FailureKind::Lease => Exit::LeaseHeld,
            _ => Exit::Unexpected,
        };
    }
    if let Some(why) = &summary.stopped {
        ui.warning(format_args!("the run stopped before its end: {why}"));
        return Exit::Stopped;
    }
    if summary.failed.is_empty() && summary.stuck.is_empty() && summary.drifted.is_empty() {
        Exit::Done
    } else {
        Exit::SomeFailed
    }
}
