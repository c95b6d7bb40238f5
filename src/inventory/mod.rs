//! Phase 1: what is there.
//!
//! The collector asks everything and never fails outright: a call that fails is recorded in the snapshot and collection
//! goes on. This module knows nothing of playbooks or plans.

mod account;
mod assigned;
mod collect;
mod diff;
mod domains;
mod file_systems;
mod homes;
mod notes;
mod partial;
mod roles;
mod scope;
mod sharing;
mod sheet;
mod snapshot;
mod spreadsheet;
mod storage;
mod team;
mod trail;

pub use assigned::{Assigned, read_assigned};
pub use collect::{Request, collect};
pub use diff::{Change, Happened, diff};
pub use homes::places;
pub use partial::Partial;
pub(crate) use roles::VOLUME_KEY;
pub use roles::{Refusal, Role, STUDIO_ACTIONS};
pub use scope::{Note, Table, people_csv};
pub use sheet::TableError;
pub use snapshot::{
    App, Domain, Home, Image, ImageConfig, Opened, Profile, Script, Settings, Setup, Snapshot,
    Space, Trust, Unseen,
};
pub(crate) use spreadsheet::{CSV_BOM, csv_line};
pub use storage::{
    AccessPoint, ClassBytes, CorsRule, FileSystem, MountTarget, OrphanHome, OwnerPrefix, Posture,
    SharedNotebooks, bucket_and_prefix,
};
pub(crate) use team::COLUMNS as TEAM_COLUMNS;
pub use team::{Member, Team, TeamRow, TeamTable};
