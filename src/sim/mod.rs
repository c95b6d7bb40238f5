//! An AWS account of our own, strict and with real files.
//!
//! What lies beneath the SDK is swapped and nothing above it: requests arrive over the real protocols, either in process
//! through a door beneath the SDK or on loopback, and are answered from one [`World`]. A world is a folder: its control
//! plane is `world.json`, its EFS homes, EBS volumes and buckets are real files, and a lifecycle script is really run.

mod clock;
pub mod state;
pub mod studio;
pub mod wire;
mod world;

pub use clock::Clock;
pub use world::World;
