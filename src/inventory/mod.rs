//! Phase 1: what is there.
//!
//! The collector asks everything and never fails outright: a call that fails is recorded in the snapshot and collection
//! goes on. This module knows nothing of playbooks or plans.

mod collect;
mod homes;
mod roles;
mod scope;
mod snapshot;
mod storage;

pub use collect::{Request, STUDIO_ACTIONS, collect};
pub use roles::{Refusal, Role};
pub use scope::Note;
pub use snapshot::{
    App, Domain, Home, Image, ImageConfig, Opened, Profile, Script, Settings, Setup, Snapshot,
    Space, Unseen,
};
pub use storage::{
    AccessPoint, ClassBytes, CorsRule, FileSystem, MountTarget, OrphanHome, OwnerPrefix, Posture,
    SharedNotebooks,
};
