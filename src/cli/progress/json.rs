//! Progress as JSON: every notice a line, under names that stay.
//!
//! `"schema": 1` may get members and kinds, and loses none. The names of files that a copy is at are left out: what is logged
//! travels further than a terminal.

use serde_json::{Value, json};

use super::lines::phase;
use crate::execute::Notice;
use crate::mover::Progress as Copying;
use crate::names::BatchName;

/// Turns notices into lines of JSON.
#[derive(Debug, Default)]
pub(super) struct Json {
    /// The batch that runs now: batches run one after the other.
    batch: Option<BatchName>,
}

impl Json {
    /// Writes a notice as one line.
    pub(super) fn line(&mut self, notice: &Notice) -> String {
        if let Notice::BatchBegan { batch, .. } = notice {
            self.batch = Some(batch.clone());
        }
        let (kind, detail) = about(notice);
        let mut line = line(kind);
        let of_all = matches!(notice, Notice::RunBegan { .. } | Notice::RunEnded { .. });
        if let Some(batch) = self.batch.as_ref().filter(|_| !of_all) {
            line["batch"] = json!(batch);
        }
        if matches!(notice, Notice::BatchStopped { .. } | Notice::BatchEnded { .. }) {
            self.batch = None;
        }
        if let (Value::Object(line), Value::Object(detail)) = (&mut line, detail) {
            line.extend(detail);
        }
        line.to_string()
    }
}

/// Writes what the tool says besides notices as such a line: a `status`, a `warning` or an `error`.
pub fn said(kind: &str, text: &str) -> String {
    let mut line = line(kind);
    line["text"] = json!(text);
    line.to_string()
}

fn line(kind: &str) -> Value {
    json!({ "schema": 1, "at": jiff::Timestamp::now().to_string(), "kind": kind })
}

/// The kind of a notice, and what it says besides.
fn about(notice: &Notice) -> (&'static str, Value) {
    use Notice as N;
    match notice {
        N::RunBegan { migrations } => ("run-began", json!({ "migrations": migrations })),
        N::GateWaits { batch, gate, why } => {
            ("gate-waits", json!({ "batch": batch, "gate": gate, "why": why }))
        }
        N::BatchWaits { batch, why } => ("batch-waits", json!({ "batch": batch, "why": why })),
        N::BatchBegan { batch, migrations } => {
            ("batch-began", json!({ "batch": batch, "migrations": migrations }))
        }
        N::MigrationBegan { migration: who, is_resumed } => {
            ("migration-began", json!({ "migration": who, "is_resumed": is_resumed }))
        }
        N::StepBegan { migration: who, step } => {
            ("step-began", json!({ "migration": who, "step": step }))
        }
        N::Waiting { migration: who, what } => {
            ("waiting", json!({ "migration": who, "what": what }))
        }
        N::Copying { migration: who, progress } => {
            ("copying", json!({ "migration": who, "progress": numbers(progress) }))
        }
        N::Remark { migration: who, text } => ("remark", json!({ "migration": who, "text": text })),
        N::StepFinished { migration: who, step } => {
            ("step-finished", json!({ "migration": who, "step": step }))
        }
        N::StepFailed { migration: who, step, failure } => {
            ("step-failed", json!({ "migration": who, "step": step, "failure": failure }))
        }
        N::StepUndone { migration: who, step, remarks } => {
            ("step-undone", json!({ "migration": who, "step": step, "remarks": remarks }))
        }
        N::MigrationFailed { batch, migration: who, step, failure } => (
            "migration-failed",
            json!({ "batch": batch, "migration": who, "step": step, "failure": failure }),
        ),
        N::MigrationRefused { batch, migration: who, changes } => {
            ("migration-refused", json!({ "batch": batch, "migration": who, "changes": changes }))
        }
        N::MigrationEnded { migration: who, standing, is_done } => (
            "migration-ended",
            json!({ "migration": who, "standing": standing.name(), "is_done": is_done }),
        ),
        N::BatchStopped { batch, why } => ("batch-stopped", json!({ "batch": batch, "why": why })),
        N::BatchEnded { batch, done, failed } => {
            ("batch-ended", json!({ "batch": batch, "done": done, "failed": failed }))
        }
        N::RunEnded { done, failed, left, why } => {
            ("run-ended", json!({ "done": done, "failed": failed, "left": left, "why": why }))
        }
    }
}

/// How far a copy is.
fn numbers(copied: &Copying) -> Value {
    json!({
        "phase": phase(copied.phase),
        "bytes": copied.bytes,
        "total_bytes": copied.total_bytes,
        "files": copied.files,
        "total_files": copied.total_files,
        "bytes_per_second": copied.bytes_per_second,
        "eta_seconds": copied.eta_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::notices_of_200;
    use super::*;

    #[test]
    fn every_notice_is_a_line_that_names_its_batch_and_its_person() {
        let mut json = Json::default();
        let lines: Vec<Value> = notices_of_200()
            .iter()
            .map(|notice| {
                let line = json.line(notice);
                assert!(!line.contains('\n'), "{line}");
                serde_json::from_str(&line).unwrap()
            })
            .collect();
        assert_eq!(lines.len(), 2 + 3 * 200);
        assert!(lines.iter().all(|line| line["schema"] == 1 && line["at"].is_string()));
        assert_eq!(lines[0]["kind"], "run-began");
        assert_eq!(lines[0].get("batch"), None);
        assert!(lines[1..].iter().all(|line| line["batch"] == "batch-1"));
        let copying = &lines[4];
        assert_eq!(
            (&copying["kind"], &copying["migration"]),
            (&json!("copying"), &json!("d-sim1/p000"))
        );
        assert_eq!(copying["progress"]["total_bytes"], 1 << 30);
        assert_eq!(copying["progress"].get("path"), None);
    }
}
