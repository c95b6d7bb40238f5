//! An AWS account of our own, strict and with real files.
//!
//! What lies beneath the SDK is swapped and nothing above it: requests arrive over the real protocols, either in process
//! through a door beneath the SDK or on loopback, and are answered from one [`World`]. A world is a folder: its control
//! plane is `world.json`, its EFS homes, EBS volumes and buckets are real files, and a lifecycle script is really run.
//!
//! A [`modelled`] world has no folder: homes and volumes are numbers in it, for rehearsals of thousands in virtual time.
//!
//! A request passes, in this order: [`front`] (which service, which operation), [`signature`] (who calls), [`faults`] (what
//! goes wrong), [`authorize`] (whether they may), [`model`] (whether the input is well formed), and then the service.

pub mod api;
pub mod authorize;
pub mod bucket;
mod clock;
mod conditions;
pub mod datasync;
mod door;
pub mod efs;
mod efs_change;
pub mod faults;
pub mod front;
pub mod homes;
pub mod iam;
pub mod model;
pub mod modelled;
pub mod object_call;
pub mod paging;
pub mod query;
pub mod quotas;
mod rates;
pub mod runtime;
pub mod server;
pub mod signature;
pub mod state;
pub mod sts;
pub mod studio;
pub mod trail;
pub mod wire;
mod world;
pub mod worlds;

pub use clock::Clock;
pub use door::door;
pub use front::{Lost, Simulator};
pub use world::World;
