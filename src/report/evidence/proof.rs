//! The proof in one object: what arrived, that both sides are the same, that it lies on EBS, and who copied it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::execute::{Standing, Step};
use crate::plan::{Batch, Migration, Plan};

/// The manifest that lies beside the proof, or why it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptManifest {
    /// It is there, and is the one that was proven.
    File(String),
    /// It is not, and why.
    Missing(String),
}

/// Puts the proof together. Members whose step has not been done are `null`.
pub fn proof(
    plan: &Plan,
    (batch, migration): (&Batch, &Migration),
    standing: &Standing,
    manifest: &KeptManifest,
    left_where_packed: Option<&KeptManifest>,
) -> Value {
    let of = |step: Step, pointer: &str| {
        standing.receipt(step).and_then(|receipt| receipt.pointer(pointer)).cloned()
    };
    json!({
        "schema": 1,
        "migration": migration.id,
        "domain": migration.domain,
        "profile": migration.name(),
        "space": migration.space,
        "batch": batch.name,
        "plan": plan.id,
        "route": migration.route,
        "standing": standing.word().name(),
        "totals": of(Step::Verify, "/totals"),
        "source": of(Step::Hydrate, "/done/source"),
        "destination": of(Step::Hydrate, "/done/destination"),
        "packed": of(Step::Stage, "/packed"),
        "evidence": of(Step::Verify, "/evidence"),
        "not_copied": of(Step::Verify, "/not_copied"),
        "mover": {
            "version": of(Step::Hydrate, "/done/version"),
            "sha256": of(Step::Stage, "/sha256"),
            "began_at": of(Step::Hydrate, "/done/started_at"),
            "ended_at": of(Step::Hydrate, "/done/ended_at"),
        },
        "manifest": manifest,
        "manifest_blake3": of(Step::Verify, "/manifest_blake3"),
        "left_where_packed": left_where_packed,
        "left_where_packed_blake3": of(Step::Verify, "/left_where_packed_blake3"),
        "read_back": standing.receipt(Step::Confirm),
    })
}
