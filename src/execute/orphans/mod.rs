//! Homes that nobody owns any more: archived with proof, or delivered to somebody they are assigned to. Nothing is deleted.

mod archive;
mod assign;
mod found;
mod whereabouts;

pub(super) use assign::record;
pub(super) use whereabouts::kind;

pub use archive::{Archive, Filed, archive_all};
pub use assign::{Delivery, assign_all, give_up_all};
pub use found::{Orphan, orphan_systems, orphans};
pub use whereabouts::{Archived, Begun, Delivered, Whereabouts, whereabouts};
