//! Pulling a home from S3: packed by [`push`](super::push()), or as objects a file each, as DataSync leaves them.
//!
//! Whatever a bucket says, nothing is written outside the destination, no link there is followed, and nothing takes the place
//! of something else but by the conflict policy. What cannot be placed is listed with its reason.

mod datasync;
mod fetch;
mod folders;
mod holes;
mod keys;
mod landing;
mod links;
mod metadata;
mod order;
mod outcome;
mod packed;
mod proof;
mod run;
mod there;
mod unit;

pub use order::{Earlier, PullOrder};
pub use proof::{Proven, prove_packed};
pub use run::{GiveEntry, Pulled, packed_manifest, pull};
