//! The steps of a migration, one file each. Each file opens with the answers to four questions: what it changes, what its
//! receipt holds, why twice is the same as once, and how it is undone with and without a receipt.

mod attaching;
pub(super) mod closing;
pub mod confirm;
pub(super) mod entered;
pub mod flip;
pub mod hydrate;
pub mod keeping;
mod landed;
pub(super) mod orphan;
mod packing;
pub mod provision;
pub mod quiesce;
pub mod reread;
pub(super) mod sharing_out;
pub mod stage;
pub mod verify;

mod copy_failure;
mod copying;
pub(super) mod datasync;
mod datasync_readers;
mod scratch;
pub(super) mod transfer_report;
