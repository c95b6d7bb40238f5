//! What the control plane keeps of DataSync.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sim::studio::Members;

/// DataSync's part of the control plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataSync {
    /// How it behaves where that is not settled.
    pub behaviour: Behaviour,
    /// Locations, by id.
    pub locations: BTreeMap<String, Location>,
    /// Tasks, by id.
    pub tasks: BTreeMap<String, Task>,
    /// Executions, by id; ids grow, so the first is the oldest.
    pub executions: BTreeMap<String, Execution>,
    /// Tags, by ARN.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
}

/// How DataSync behaves where AWS's pages say nothing or two things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// What becomes of a symbolic link.
    pub symlinks: Symlinks,
    /// How times are written into an object's metadata.
    pub times: Times,
    /// Whether a task between EFS and S3 in Enhanced mode is refused: the API reference has the mode for every location, the
    /// page on choosing a mode does not.
    pub refuses_enhanced: bool,
    /// Bytes a second of an execution without a limit of its own.
    pub bytes_per_second: f64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            symlinks: Symlinks::default(),
            times: Times::default(),
            refuses_enhanced: false,
            bytes_per_second: 104_857_600.0,
        }
    }
}

/// What becomes of a symbolic link on the way to S3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symlinks {
    /// An object whose bytes are the path that the link leads to (DataSync User Guide, "Links and directories copied by AWS
    /// DataSync"). That its mode says that it is a link is inferred from FSx, which reads the same metadata.
    #[default]
    Object,
    /// An object with the content of the file that it leads to; one that leads nowhere, to a folder or out of the source fails.
    Follow,
    /// Nothing; it counts as skipped.
    Skip,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// `1595002920000000000ns`, as FSx for Lustre writes it, whose metadata is interoperable.
    #[default]
    Nanoseconds,
    /// `1734968895000`, milliseconds without a unit, as an object that DataSync wrote has it in the DataSync User Guide,
    /// "Troubleshooting data verification issues".
    Milliseconds,
    /// `1602647222/222919600`, seconds and nanoseconds, as an object has it in the DataSync User Guide, "Monitoring data
    /// transfers with Amazon CloudWatch Logs".
    SecondsAndNanoseconds,
}

/// A place that data is taken from or brought to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// `loc-…`.
    pub id: String,
    /// Seconds since the epoch.
    pub created_at: f64,
    /// What it is.
    pub place: Place,
    /// What is described as it was given: `Ec2Config`, `S3Config`, ….
    pub members: Members,
}

/// What a location is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A folder of an EFS file system.
    Efs {
        /// `fs-…`.
        file_system: String,
        /// The folder, from the root of the file system, beginning with `/`.
        path: String,
        /// The subdirectory as it was given, which is what the URI shows.
        shown: String,
    },
    /// A prefix of a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// What every key begins with: empty, or ending in `/`.
        prefix: String,
        /// The role that DataSync takes on.
        role: String,
    },
}

/// A task: from where to where, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// `task-…`.
    pub id: String,
    /// Seconds since the epoch.
    pub created_at: f64,
    /// When it leaves `CREATING`.
    pub ready_at: f64,
    /// The id of the source location.
    pub source: String,
    /// The id of the destination location.
    pub destination: String,
    /// The mode.
    pub mode: Mode,
    /// All options, those that were not given too.
    pub options: Members,
    /// What is described as it was given: `Name`, `Includes`, `TaskReportConfig`, ….
    pub members: Members,
}

/// How a task works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// One phase after the other.
    #[default]
    Basic,
    /// All phases at once, with more counters.
    Enhanced,
}

/// One run of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Execution {
    /// `exec-…`.
    pub id: String,
    /// The id of its task.
    pub task: String,
    /// The mode of its task.
    pub mode: Mode,
    /// All options.
    pub options: Members,
    /// What is described as it was given.
    pub members: Members,
    /// When it was asked for.
    pub started_at: f64,
    /// When it left the queue.
    pub launched_at: Option<f64>,
    /// When it ended.
    pub ended_at: Option<f64>,
    /// Its status.
    pub stage: Stage,
    /// Since when it has that status.
    pub since: f64,
    /// Whether it never leaves that status.
    pub is_stuck: bool,
    /// How each phase went.
    pub phases: Phases,
    /// How many items of the plan are done.
    pub done: u64,
    /// What was counted.
    pub counts: Counts,
    /// What went wrong with single files.
    pub failures: Vec<Failure>,
    /// What went wrong with the whole.
    pub error: Option<Problem>,
    /// What became of the task report, when one was asked for.
    pub report: Option<Result<(), Problem>>,
}

/// The status of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Stage {
    /// It waits for another of its task.
    #[default]
    Queued,
    /// It has what it needs made ready.
    Launching,
    /// Source and destination are compared.
    Preparing,
    /// Files are copied.
    Transferring,
    /// Both ends are read again.
    Verifying,
    /// It was cancelled and is about to end.
    Cancelling,
    /// It ended well.
    Success,
    /// It ended otherwise.
    Error,
}

impl Stage {
    /// Tells whether nothing more will happen.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Success | Self::Error)
    }

    /// Tells whether it runs, and others of its task wait.
    pub(super) fn is_running(self) -> bool {
        !self.is_over() && self != Self::Queued
    }

    /// AWS's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Launching => "LAUNCHING",
            Self::Preparing => "PREPARING",
            Self::Transferring => "TRANSFERRING",
            Self::Verifying => "VERIFYING",
            Self::Cancelling => "CANCELLING",
            Self::Success => "SUCCESS",
            Self::Error => "ERROR",
        }
    }
}

/// How the three phases went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Phases {
    /// `PREPARING`.
    pub prepare: Phase,
    /// `TRANSFERRING`.
    pub transfer: Phase,
    /// `VERIFYING`.
    pub verify: Phase,
}

/// How one phase went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Phase {
    /// Seconds.
    pub seconds: f64,
    /// Whether it went well; `None` while that is open.
    pub went_well: Option<bool>,
}

/// Files and folders, which Enhanced mode counts apart and Basic mode together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Count {
    /// Files, links and objects.
    pub files: u64,
    /// Folders.
    pub folders: u64,
}

/// What an execution counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// What was found at the source.
    pub listed: Count,
    /// What was found at the destination, when it was looked through for what to delete.
    pub listed_there: Count,
    /// What is to be transferred.
    pub to_transfer: Count,
    /// What is to be deleted.
    pub to_delete: Count,
    /// What was transferred.
    pub transferred: Count,
    /// What was skipped.
    pub skipped: Count,
    /// What was verified.
    pub verified: Count,
    /// What was deleted.
    pub deleted: Count,
    /// Bytes that are to be written.
    pub bytes_to_transfer: u64,
    /// Bytes that were written.
    pub bytes_written: u64,
    /// Bytes that were sent.
    pub bytes_transferred: u64,
}

/// What went wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its path from the source location, beginning with `/`; for a name that is no text, as near as text comes.
    pub path: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The step that failed.
    pub step: Step,
    /// What went wrong.
    pub problem: Problem,
}

/// A step that a single file may fail at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A folder is listed.
    List,
    /// It is looked at and compared.
    Prepare,
    /// It is copied.
    Transfer,
    /// It is read again at both ends.
    Verify,
    /// It is removed from the destination.
    Delete,
}

/// A code and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `ErrorCode`.
    pub code: String,
    /// `ErrorDetail`.
    pub detail: String,
}

impl Problem {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}
