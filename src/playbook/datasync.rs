//! How homes travel with DataSync.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{Problems, bucket};
use super::routes::Routes;

/// How homes travel with DataSync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DataSync {
    /// The ARN of the role that DataSync assumes to write to the bucket.
    pub role: Option<String>,
    /// The bucket that DataSync writes to; `{account}` and `{region}` are filled in. No execution role may read it.
    pub bucket: String,
    /// `ENHANCED` or `BASIC`. Where AWS refuses Enhanced mode, Basic is taken, and the run says so.
    pub mode: Mode,
    /// MiB a second that an execution takes at most; 0 means no limit.
    pub mib_per_second: u32,
}

impl Default for DataSync {
    fn default() -> Self {
        Self {
            role: None,
            bucket: "studio-migrate-{region}-{account}".to_owned(),
            mode: Mode::Enhanced,
            mib_per_second: 0,
        }
    }
}

/// The mode of a task (`TaskMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Without a bound on the number of files.
    #[default]
    Enhanced,
    /// Up to 50 million files an execution.
    Basic,
}

/// Checks it, where a route needs it.
pub(super) fn check(datasync: &DataSync, routes: &Routes, problems: &mut Problems) {
    bucket("datasync.bucket", &datasync.bucket, problems);
    problems.within("datasync.mib_per_second", datasync.mib_per_second, 0..=100_000);
    match &datasync.role {
        None if routes.have_datasync() => problems.add(
            "datasync.role",
            "a route is `datasync`, and no role is named for it",
            "write the ARN of a role that DataSync may assume; `studio-migrate iam datasync-role` prints what it needs",
        ),
        Some(role) if !(role.starts_with("arn:") && role.contains(":role/")) => problems.add(
            "datasync.role",
            format!("`{role}` is no role"),
            "write the role's ARN, `arn:aws:iam::<account>:role/<name>`",
        ),
        _ => {}
    }
}
