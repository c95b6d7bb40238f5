//! Moving one home: walk, filter, copy, prove.
//!
//! This module knows nothing of SageMaker. It works on any two directories, and inside a space it reports through S3.
//!
//! [`copy()`] reads every file once, hashing as it reads and writing as it hashes, under a name of its own until the file is
//! whole. Every entry of the home ends up in the [`manifest`]: copied, or with the reason why not. [`verify()`] then reads the
//! destination anew, and only two equal digests are a proof. [`scan()`] looks at a home without reading it, and
//! [`deliver_locally`] strings it together for a space. [`push()`] takes a home to S3, packed, and [`pull()`] brings one back.

mod before;
mod claims;
mod compare;
mod conflicts;
mod copy;
mod decide;
mod deliver;
mod deliver_packed;
mod depth;
mod digest;
mod entry;
mod error;
mod folders;
mod glance;
mod gone;
mod joining;
pub mod kept;
mod lift;
mod link;
pub mod manifest;
mod meter;
mod pack;
mod part;
mod path;
mod place;
mod place_symlink;
mod pool;
mod pour;
mod pull;
mod reread;
mod room;
mod rules;
mod scan;
mod seal;
mod sorter;
mod ticket;
mod tree;
mod verify;
mod walk;
mod written;
mod xattr;

#[cfg(test)]
mod tests;

pub use claims::{Claims, Paths, Share as Claimed, Shares, shares};
pub use compare::{Compared, compare, survey};
pub use conflicts::is_of_conflicts;
pub use copy::{Copied, Give, Order, copy};
pub use deliver::{DIFFERS, MOUNT, NOT_MOUNTED, OWN, deliver, deliver_locally};
pub use deliver_packed::deliver_packed;
pub use entry::{Below, Class, Entry, Kind, Origin, Skip, Time};
pub use error::Error;
pub use glance::read_small;
pub use pack::{Headway, PushOrder, Pushed, TransferError, push};
pub use path::{escape, unescape};
pub use pull::{
    Earlier, GiveEntry, Proven, PullOrder, Pulled, packed_manifest, prove_packed, pull,
};
pub use rules::Rules;
pub use scan::{Counts, Homes, Row, Scan, scan, scan_homes, scan_listing};
pub use seal::{Broken, ReportKey};
pub(crate) use sorter::{Record, Sorter};
pub use ticket::{Done, Evidence, Phase, Progress, Reread, Ticket, Totals, key};
pub use verify::{Share, Verified, verify};
