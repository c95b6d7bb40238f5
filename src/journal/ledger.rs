//! Every call that changes something, written down before it is made and after it was answered.
//!
//! The AWS layer asks the ledger before the first attempt of such a call; a ledger that cannot write stops the call. Which
//! migration and step a call belongs to is carried by the task that makes it.

use serde_json::json;

use super::event::NewEvent;
use super::operation::OperationId;
use super::store::Journal;
use crate::aws::{Call, Ledger, Outcome};
use crate::names::{MigrationId, PlanId};

/// What a call is made for.
#[derive(Clone, Debug, Default)]
pub struct Attribution {
    /// The plan that is executed.
    pub plan: Option<PlanId>,
    /// The migration.
    pub migration: Option<MigrationId>,
    /// The step.
    pub step: Option<&'static str>,
}

tokio::task_local! {
    static CURRENT: Attribution;
}

/// Runs a future whose calls are made for something.
pub async fn attributed<F: Future>(attribution: Attribution, future: F) -> F::Output {
    CURRENT.scope(attribution, future).await
}

/// A ledger that writes to the journal under one operation.
#[derive(Clone, Debug)]
pub struct CallLedger {
    journal: Journal,
    operation: OperationId,
}

impl CallLedger {
    /// Makes a ledger for the calls of one operation.
    pub fn new(journal: Journal, operation: OperationId) -> Self {
        Self { journal, operation }
    }

    fn record(&self, kind: &str, detail: serde_json::Value) -> Result<i64, super::Error> {
        let current = CURRENT.try_with(Clone::clone).unwrap_or_default();
        self.journal.record(&NewEvent {
            operation: Some(self.operation),
            plan: current.plan.as_ref(),
            migration: current.migration.as_ref(),
            step: current.step,
            kind,
            detail,
        })
    }
}

impl Ledger for CallLedger {
    fn intend(&self, call: &Call) -> Result<u64, String> {
        let detail = json!({
            "service": call.service,
            "operation": call.operation,
            "target": call.target,
        });
        let sequence = self.record("call", detail).map_err(|error| error.to_string())?;
        Ok(sequence.unsigned_abs())
    }

    fn outcome(&self, id: u64, outcome: &Outcome) {
        let detail = json!({
            "call": id,
            "ok": outcome.ok,
            "code": outcome.code,
            "message": outcome.message,
            "request_id": outcome.request_id,
        });
        // The intent stands. A crash before the answer is written looks the same, and is coped with the same way.
        let _ = self.record("answer", detail);
    }
}
