//! The identifiers that every stage shares, each with a type of its own, so that a space name can never stand where a
//! profile name belongs.
//!
//! A name is checked where it is parsed from what a person typed; what AWS answers is taken as it comes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tag that names the plan which made a thing.
pub const TAG_PLAN: &str = "studio-migrate:plan";

/// The tag that names the migration which made a thing: by it our own artefacts are told from everyone else's.
pub const TAG_MIGRATION: &str = "studio-migrate:migration";

/// The tag that names what of Classic's a script or an image configuration was made from by `carry`.
pub const TAG_CARRIED: &str = "studio-migrate:carried-from";

/// The tag of a profile that was made for somebody of a team: the domain and the profile that the team shared.
pub const TAG_TEAM: &str = "studio-migrate:team";

/// Makes a newtype over `String` for one kind of identifier.
macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as it stands.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

identifiers! {
    /// A twelve-digit AWS account id; `000000000000` is the simulated account and no other.
    AccountId;
    /// A Region code such as `eu-west-1`.
    Region;
    /// A SageMaker domain id, `d-…`; `d-sim…` in a simulated account.
    DomainId;
    /// A user profile name, unique in its domain; AWS does not tell upper from lower case in it.
    ProfileName;
    /// A space name, unique in its domain: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`.
    SpaceName;
    /// An EFS file system id, `fs-…`.
    FileSystemId;
    /// The directory of a home at the root of its file system: `HomeEfsFileSystemUid`, up to ten digits.
    HomeUid;
    /// One snapshot of the inventory.
    SnapshotId;
    /// One immutable plan: the first twelve hexadecimal digits of the hash of its content.
    PlanId;
    /// One batch of a plan: `pilot`, `batch-2`, ….
    BatchName;
    /// One migration of a plan: the domain and the profile (or shared space) that moves.
    MigrationId;
}

impl AccountId {
    /// The account id of every simulated account.
    pub const SIMULATED: &'static str = "000000000000";

    /// Tells whether this is the simulated account.
    pub fn is_simulated(&self) -> bool {
        self.0 == Self::SIMULATED
    }
}

/// Says a number with commas between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Cuts a time, RFC 3339 in UTC, down to the second: nobody reads nanoseconds. What is no such time stays as it is.
pub(crate) fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, fraction)) if is_fraction(fraction) => format!("{whole}Z"),
        _ => time.to_owned(),
    }
}

fn is_fraction(text: &str) -> bool {
    let digits = text.strip_suffix('Z').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Says how many of something there are.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_kept_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "file", "files"), "1 file");
    }

    #[test]
    fn a_time_is_cut_to_the_second_and_anything_else_is_left() {
        assert_eq!(to_the_second("2026-08-03T07:00:00.120456789Z"), "2026-08-03T07:00:00Z");
        assert_eq!(to_the_second("2026-08-03T07:00:00Z"), "2026-08-03T07:00:00Z");
        assert_eq!(to_the_second("version 1.2"), "version 1.2");
    }
}
