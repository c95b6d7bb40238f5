//! The one place that knows SQL: snapshots, plans, operations, events and the lease, in one SQLite file.
//!
//! The journal stores an event as (migration, step, kind, detail) and does not know what those mean: that is the business of
//! `execute`. Times are for people; sequence numbers order. Rows of events are only ever added.

mod audit;
mod clock;
mod crash;
mod error;
mod event;
mod gates;
mod lease;
mod ledger;
mod operation;
mod plans;
mod progress;
mod snapshots;
mod store;
mod watching;

pub use audit::{Verdict, exported_line};
pub use error::Error;
pub use event::{Event, NewEvent};
pub use gates::OpenedGate;
pub use lease::{BEAT, EXPIRY, Holder, Lease};
pub use ledger::{Attribution, CallLedger, attributed};
pub use operation::{NewOperation, Operation, OperationId};
pub use plans::Approval;
pub use progress::{PlanHead, Progress};
pub use snapshots::KeptSnapshot;
pub use store::Journal;
pub use watching::{AtWork, BatchCounts, Happened, Moment, Rows, Trouble, Wanted};
