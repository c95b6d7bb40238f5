//! Phase 1: what is there.
//!
//! The collector asks everything and never fails outright: a call that fails is recorded in the snapshot and collection
//! goes on. This module knows nothing of playbooks or plans.

mod collect;
mod homes;
mod snapshot;

pub use collect::{Request, STUDIO_ACTIONS, collect};
pub use snapshot::{
    App, Domain, FileSystem, Home, Image, ImageConfig, OrphanHome, Profile, Role, Script, Settings,
    SharedNotebooks, Snapshot, Space, Unseen,
};
