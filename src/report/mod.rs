//! Phase 5: what happened, with the proof.
//!
//! A [`Report`] is plain data, made from [`Inputs`] that the caller reads out of the journal; JSON is its serde form, and
//! [`html()`], [`markdown()`] and [`csv()`] are renderings of it; [`plan_page()`] shows a plan before it is run, [`notebooks_page()`] what was shared in Classic and
//! copied; [`evidence`] is each person's folder of proof. Nothing here asks AWS or the journal anything, so the same inputs
//! give the same report, byte for byte.

mod csv;
pub mod evidence;
mod facts;
mod flows;
mod html;
mod markdown;
mod notebooks;
mod plan_page;
mod summary;

#[cfg(test)]
mod cases;

pub use crate::readiness::RenderError;
pub use csv::csv;
pub use facts::{
    Approval, Audit, FailureFacts, Held, Inputs, OrphanFacts, OrphanTotals, PersonFacts, Proof,
    StepFacts, standing,
};
pub use flows::{Flow, FlowIndex, flows_page};
pub use html::html;
pub use markdown::markdown;
pub use notebooks::{
    NotebookIndex, OwnerKind, ROWS, SharedNotebook, SharedPlace, notebooks_json, notebooks_page,
    quoted,
};
pub use plan_page::plan_page;
pub use summary::{Report, Totals};
