//! Executions: started, slowed down, cancelled. What they do is that of [`run`].

use serde_json::{Value, json};

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, execution_arn, execution_id, new_id};
use super::records::{Execution, Problem, Stage};
use super::refuse::{invalid, not_found};
use super::{options, run, tags, task};

/// `StartTaskExecution`.
pub(super) fn start(call: &Call<'_>) -> Result<Value, Refusal> {
    let (id, arn) = call.world.change(|state| {
        let task = task::find(state, call.text("TaskArn"))?.clone();
        if call.now < task.ready_at {
            return Err(invalid(format!(
                "Task {} is CREATING and cannot be started yet.",
                task.id
            )));
        }
        let options =
            options::override_with(task.mode, &task.options, call.structure("OverrideOptions"))?;
        let mut members = task.members.clone();
        members.retain(|name, _| task::INHERITED.contains(&name.as_str()));
        task::inherit(state, call, &mut members)?;
        let given = tags::read(call)?;
        let is_busy = task::executions(state, &task.id).any(|one| !one.stage.is_over());
        if is_busy && options::word(&options, "TaskQueueing") == "DISABLED" {
            return Err(invalid(format!(
                "Task {} has an execution that has not ended, and TaskQueueing is DISABLED.",
                task.id
            )));
        }
        let id = new_id(state, "exec");
        let arn = execution_arn(state, &task.id, &id);
        tags::put(state, &arn, given);
        let execution = Execution {
            id: id.clone(),
            task: task.id,
            mode: task.mode,
            options,
            members,
            started_at: call.now,
            launched_at: (!is_busy).then_some(call.now),
            stage: if is_busy { Stage::Queued } else { Stage::Launching },
            since: call.now,
            is_stuck: call.is_stuck,
            ..Execution::default()
        };
        state.datasync.executions.insert(id.clone(), execution);
        Ok((id, arn))
    })?;
    run::begin(call.world, &id);
    Ok(json!({ "TaskExecutionArn": arn }))
}

/// `CancelTaskExecution`.
pub(super) fn cancel(call: &Call<'_>) -> Result<Value, Refusal> {
    let (id, was_stuck) = call.world.change(|state| {
        let id = find(state, call)?.id.clone();
        let Some(execution) = state.datasync.executions.get_mut(&id) else {
            return Err(not_found("task execution", &id));
        };
        if execution.stage.is_over() {
            return Err(unchangeable(execution));
        }
        let was_stuck = std::mem::take(&mut execution.is_stuck);
        match execution.stage {
            Stage::Cancelling => {}
            Stage::Queued => {
                execution.stage = Stage::Error;
                execution.ended_at = Some(call.now);
                execution.error = Some(cancelled());
                execution.report = run::unreported(execution, cancelled());
            }
            _ => {
                execution.stage = Stage::Cancelling;
                execution.since = call.now;
            }
        }
        Ok((id, was_stuck))
    })?;
    if was_stuck {
        run::begin(call.world, &id);
    }
    Ok(json!({}))
}

/// What is said of an execution that was cancelled. That its status is `ERROR` follows from there being no other; the words are
/// inferred.
pub(super) fn cancelled() -> Problem {
    Problem::new("Cancelled", "The task execution was cancelled.")
}

/// `UpdateTaskExecution`, which changes how many bytes a second are sent, and nothing else.
pub(super) fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    let given = call.structure("Options");
    let mut names = given.into_iter().flatten().filter(|(_, value)| !value.is_null());
    if let Some((name, _)) = names.find(|(name, _)| *name != "BytesPerSecond") {
        return Err(invalid(format!(
            "Only BytesPerSecond of a task execution can be changed, and not {name}."
        )));
    }
    call.world.change(|state| {
        let found = find(state, call)?;
        if found.stage.is_over() {
            return Err(unchangeable(found));
        }
        let (id, mode) = (found.id.clone(), found.mode);
        let options = options::override_with(mode, &found.options, given)?;
        if let Some(execution) = state.datasync.executions.get_mut(&id) {
            execution.options = options;
        }
        Ok(json!({}))
    })
}

fn unchangeable(execution: &Execution) -> Refusal {
    let word = execution.stage.word();
    invalid(format!("Task execution {} has ended: its status is {word}.", execution.id))
}

/// Finds the execution that the call names.
///
/// # Errors
///
/// There is none.
pub(super) fn find<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a Execution, Refusal> {
    let arn = call.text("TaskExecutionArn");
    let (task, id) = execution_id(state, arn)?;
    let found = state.datasync.executions.get(id).filter(|one| one.task == task);
    found.ok_or_else(|| not_found("task execution", arn))
}
