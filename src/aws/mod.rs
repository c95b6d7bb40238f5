//! The one place that names `aws_sdk_*`: an account with the verbs of this domain.
//!
//! [`Reader`] asks and cannot change anything; [`Account`] is a reader that can, and writes every change to a [`Ledger`]
//! before it is made. There is no trait over AWS: tests and rehearsals swap what lies beneath the SDK.

mod access;
mod account;
mod bucket;
mod bucket_policy;
mod change;
mod copy;
mod credentials;
mod error;
mod home;
mod home_change;
mod idle;
mod image_config;
mod object;
mod offer;
mod pace;
mod people;
mod scripts;
mod session;
mod settings;
mod setup;
mod shared_space;
mod space_change;
mod studio;
mod tags;
mod target;
mod transfer;
mod upload;
pub mod wait;
mod wire_log;

pub use access::{Decision, Opening, Question};
pub use account::{Account, Call, Identity, Ledger, Outcome, Reader};
pub use bucket::{CorsRule, Posture};
pub use bucket_policy::BucketPolicy;
pub use change::Hidden;
pub use copy::{LARGEST_COPY, Seen};
pub use error::{Error, ErrorKind};
pub use home::{AccessPoint, ClassBytes, FileSystem, MountTarget};
pub use home_change::Lifecycle;
pub use idle::{DomainIdle, Idle};
pub use image_config::FoundConfig;
pub use object::{About, Checksum, Expected, Fetched, Listed, Page};
pub use offer::{Offer, OfferedImage, Offers};
pub use people::NewProfile;
pub use scripts::{Image, ImageConfig, Script};
pub use session::{Access, connect};
pub use settings::{Origin, Settings};
pub use setup::Setup;
pub use space_change::{NewSpace, StartWith};
pub use studio::{App, AppDetail, Domain, Owner, Profile, Space};
pub use transfer::{EfsLocation, Execution, S3Location};
pub use upload::{Part, Upload};
