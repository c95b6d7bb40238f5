//! What an execution is described as.
//!
//! Basic mode counts files, links and folders together. Enhanced mode counts folders apart and counts more, and its durations
//! of single phases are always 0, since the phases overlap (DataSync API reference, `DescribeTaskExecution`).

use serde_json::{Value, json};

use crate::sim::wire::Refusal;

use super::ask::{Call, execution_arn};
use super::execution::find;
use super::options::word;
use super::records::{Count, Execution, Mode, Phase, Stage, Step};

/// `DescribeTaskExecution`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let execution = find(state, call)?;
        let mut answer = json!({
            "TaskExecutionArn": execution_arn(state, &execution.task, &execution.id),
            "Status": execution.stage.word(),
            "Options": execution.options,
            "StartTime": execution.started_at,
            "TaskMode": execution.mode,
            "Result": result(execution, call.now),
        });
        for (name, value) in &execution.members {
            answer[name] = value.clone();
        }
        for (name, value) in counts(execution) {
            answer[name] = value;
        }
        let times = [("LaunchTime", execution.launched_at), ("EndTime", execution.ended_at)];
        for (name, time) in times {
            if let Some(time) = time {
                answer[name] = json!(time);
            }
        }
        if execution.members.contains_key("TaskReportConfig") {
            answer["ReportResult"] = match &execution.report {
                None => json!({"Status": "PENDING"}),
                Some(Ok(())) => json!({"Status": "SUCCESS"}),
                Some(Err(problem)) => json!({
                    "Status": "ERROR", "ErrorCode": problem.code, "ErrorDetail": problem.detail,
                }),
            };
        }
        Ok(answer)
    })
}

/// The counters of the execution's mode, by their names.
pub(super) fn counts(execution: &Execution) -> Vec<(&'static str, Value)> {
    let counts = &execution.counts;
    let is_enhanced = execution.mode == Mode::Enhanced;
    let one = |count: Count| if is_enhanced { count.files } else { count.files + count.folders };
    // In Basic mode what is to be deleted is part of the estimate.
    let deletions = if is_enhanced { 0 } else { one(counts.to_delete) };
    let mut named = vec![
        ("EstimatedFilesToTransfer", json!(one(counts.to_transfer) + deletions)),
        ("EstimatedBytesToTransfer", json!(counts.bytes_to_transfer)),
        ("EstimatedFilesToDelete", json!(one(counts.to_delete))),
        ("FilesTransferred", json!(one(counts.transferred))),
        ("FilesSkipped", json!(one(counts.skipped))),
        ("FilesVerified", json!(one(counts.verified))),
        ("FilesDeleted", json!(one(counts.deleted))),
        ("BytesWritten", json!(counts.bytes_written)),
        ("BytesTransferred", json!(counts.bytes_transferred)),
        // Nothing is compressed on its way through a simulator.
        ("BytesCompressed", json!(counts.bytes_transferred)),
    ];
    if !is_enhanced {
        return named;
    }
    let failed = |step: Step, is_folder: bool| {
        let fits = |failure: &&super::records::Failure| {
            failure.step == step && failure.is_folder == is_folder
        };
        execution.failures.iter().filter(fits).count()
    };
    let found = |pick: fn(Count) -> u64| json!({"AtSource": pick(counts.listed), "AtDestinationForDelete": pick(counts.listed_there)});
    let of = |is_folder: bool| {
        json!({
            "Prepare": failed(Step::Prepare, is_folder),
            "Transfer": failed(Step::Transfer, is_folder),
            "Verify": failed(Step::Verify, is_folder),
            "Delete": failed(Step::Delete, is_folder),
        })
    };
    let mut folders = of(true);
    folders["List"] = json!(failed(Step::List, true));
    named.extend([
        ("FilesListed", found(|count| count.files)),
        ("FilesFailed", of(false)),
        ("FoldersListed", found(|count| count.folders)),
        ("FoldersFailed", folders),
        ("EstimatedFoldersToTransfer", json!(counts.to_transfer.folders)),
        ("EstimatedFoldersToDelete", json!(counts.to_delete.folders)),
        ("FoldersTransferred", json!(counts.transferred.folders)),
        ("FoldersSkipped", json!(counts.skipped.folders)),
        ("FoldersVerified", json!(counts.verified.folders)),
        ("FoldersDeleted", json!(counts.deleted.folders)),
    ]);
    if word(&execution.options, "TransferMode") != "ALL" {
        named.push(("FilesPrepared", json!(counts.to_transfer.files)));
        named.push(("FoldersPrepared", json!(counts.to_transfer.folders)));
    }
    named
}

/// `Result`: how the phases went, and what went wrong with the whole.
fn result(execution: &Execution, now: f64) -> Value {
    let phases = &execution.phases;
    let milliseconds = |seconds: f64| (seconds * 1000.0).max(0.0).round() as u64;
    let duration = |phase: Phase, stage: Stage| match execution.mode {
        Mode::Enhanced => 0,
        Mode::Basic if execution.stage == stage => milliseconds(now - execution.since),
        Mode::Basic => milliseconds(phase.seconds),
    };
    let status = |phase: Phase| match phase.went_well {
        None => "PENDING",
        Some(true) => "SUCCESS",
        Some(false) => "ERROR",
    };
    let total = execution.launched_at.map_or(0.0, |at| execution.ended_at.unwrap_or(now) - at);
    let mut result = json!({
        "PrepareDuration": duration(phases.prepare, Stage::Preparing),
        "PrepareStatus": status(phases.prepare),
        "TotalDuration": milliseconds(total),
        "TransferDuration": duration(phases.transfer, Stage::Transferring),
        "TransferStatus": status(phases.transfer),
        "VerifyDuration": duration(phases.verify, Stage::Verifying),
        "VerifyStatus": status(phases.verify),
    });
    if let Some(problem) = &execution.error {
        result["ErrorCode"] = json!(problem.code);
        result["ErrorDetail"] = json!(problem.detail);
    }
    result
}
