//! The policy types: what a playbook may say, with the value that each key has when it says nothing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batches::Batches;
use super::calendar::Calendar;
use super::carry::Carry;
use super::datasync::DataSync;
use super::experience::Experience;
use super::flows::Flows;
use super::notebooks::NotebookCopies;
use super::notification::Notification;
use super::orphans::Orphans;
use super::retirement::Retirement;
use super::routes::Routes;
use super::suppression::Suppression;
use super::target::{Placement, Target};
use crate::names::BatchName;

/// A whole playbook, as written in YAML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// A name for people, repeated in plans and reports.
    pub name: String,
    /// The accounts and Regions to look at, each with the role to assume; none means the caller's own.
    #[serde(default)]
    pub targets: Vec<AccountTarget>,
    /// Who is to be moved.
    #[serde(default)]
    pub scope: Scope,
    /// How each kind of subject travels.
    #[serde(default)]
    pub routes: Routes,
    /// How homes travel with DataSync.
    #[serde(default)]
    pub datasync: DataSync,
    /// The space that each person gets.
    #[serde(default)]
    pub target: Target,
    /// Where files land in that space.
    #[serde(default)]
    pub placement: Placement,
    /// What is not copied, each rule with its reason. The first rule that matches a path wins.
    #[serde(default)]
    pub leave_out: Vec<LeaveOut>,
    /// What happens to Classic apps that still run. A stopped Classic app can never be started again.
    #[serde(default)]
    pub classic_apps: ClassicApps,
    /// In how many passes a home is copied: 1, or 2 with most of it while its owner still works.
    #[serde(default = "one_pass")]
    pub passes: u32,
    /// How people are grouped.
    #[serde(default)]
    pub batches: Batches,
    /// When batches may run.
    #[serde(default)]
    pub calendar: Calendar,
    /// Who has to say yes before a batch.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// Who has to say yes to a plan.
    #[serde(default)]
    pub approvals: Approvals,
    /// How much is done at once, and how long anything may take.
    #[serde(default)]
    pub limits: Limits,
    /// When a batch stops by itself.
    #[serde(default)]
    pub stop_rules: StopRules,
    /// What people see afterwards.
    #[serde(default)]
    pub experience: Experience,
    /// Where the mover and its reports are kept while a run lasts.
    #[serde(default)]
    pub staging: Staging,
    /// Where the notebooks go that people shared in Studio Classic.
    #[serde(default)]
    pub shared_notebooks: NotebookCopies,
    /// What of Classic's set-up goes along.
    #[serde(default)]
    pub carry: Carry,
    /// Where Data Wrangler flows go, for Canvas to import.
    #[serde(default)]
    pub flows: Flows,
    /// Where homes go that nobody owns any more.
    #[serde(default)]
    pub orphans: Orphans,
    /// What becomes of the Classic file system in the end.
    #[serde(default)]
    pub retire: Retirement,
    /// Prices in USD in place of the shipped ones, by the names of those (`efs-standard`, `studio-volume`, `ml.t3.medium`).
    #[serde(default)]
    pub prices: BTreeMap<String, f64>,
    /// Who is told of what happens in a run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<Notification>,
    /// Findings of readiness that someone answers for, so that they count no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<Suppression>,
}

fn one_pass() -> u32 {
    1
}

/// The JSON Schema of playbooks, for editors that complete and check; `docs/playbook.schema.json` is this.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Playbook).to_value()
}

/// One account and Region to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountTarget {
    /// The Region.
    pub region: String,
    /// The ARN of the role to assume; none means the caller's own permissions.
    #[serde(default)]
    pub role: Option<String>,
    /// The account that it has to turn out to be: twelve digits.
    #[serde(default)]
    pub account: Option<String>,
    /// Domain ids; none means every domain.
    #[serde(default)]
    pub domains: Vec<String>,
}

/// Who is to be moved: domains by id, people by profile name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Domain ids; empty means every domain of the snapshot.
    pub domains: Vec<String>,
    /// Glob patterns of profile names to take.
    pub include: Vec<String>,
    /// Glob patterns of profile names to leave.
    pub exclude: Vec<String>,
    /// Tags that a profile must have, all of them; an empty value means any.
    pub tags: BTreeMap<String, String>,
}

impl Scope {
    /// Tells whether the tags of a profile are those that are asked for.
    pub fn has_tags(&self, tags: &BTreeMap<String, String>) -> bool {
        has_tags(&self.tags, tags)
    }
}

/// Tells whether all wanted tags are there; an empty value means any.
pub(super) fn has_tags(wanted: &BTreeMap<String, String>, tags: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, wanted)| {
        tags.get(key).is_some_and(|value| wanted.is_empty() || value == wanted)
    })
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            include: vec!["*".to_owned()],
            exclude: Vec::new(),
            tags: BTreeMap::new(),
        }
    }
}

/// One rule of what is not copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaveOut {
    /// A glob over paths relative to the home, as `globset` reads it; `**/node_modules/**`.
    pub pattern: String,
    /// Why, in words for the person whose files these are.
    pub reason: String,
}

/// What happens to Classic apps that still run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassicApps {
    /// They are stopped; nobody can ever start them again.
    Stop,
    /// A migration fails while any of the person's Classic apps runs.
    #[default]
    RequireStopped,
    /// They are left running, and may write while the copy reads.
    Leave,
}

/// A door that stays shut until somebody opens it with `gate open`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Its name: what `gate open` is given.
    pub name: String,
    /// The batch that waits for it; every batch after that waits with it.
    pub before: BatchName,
    /// What is to be looked at first, in words.
    #[serde(default)]
    pub what: String,
}

/// Who has to say yes to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Approvals {
    /// How many different callers have to approve a plan before it runs: 1 or 2.
    pub callers: usize,
}

impl Default for Approvals {
    fn default() -> Self {
        Self { callers: 1 }
    }
}

/// How much is done at once, and how long anything may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// People who are migrated at the same time.
    pub users: usize,
    /// Seconds between two looks at something that changes slowly.
    pub poll_seconds: f64,
    /// Minutes that a space or an app may take to settle.
    pub settle_minutes: f64,
    /// Minutes without any sign of life from a copy before its app is started again.
    pub stall_minutes: f64,
    /// Control-plane calls a second to each operation, shared by all migrations.
    pub calls_per_second: f64,
    /// GiB that are being copied at the same time, at most; a home that is larger goes alone. `null`: as many as there are.
    pub gib_in_flight: Option<u64>,
    /// Minutes for which a run waits for new credentials once its own have expired, before it ends.
    pub credentials_minutes: f64,
}

impl Limits {
    /// How many people may be migrated at the same time.
    pub const USERS: RangeInclusive<usize> = 1..=1_000;

    /// How many GiB may be copied at the same time.
    pub const GIB_IN_FLIGHT: RangeInclusive<u64> = 1..=1_000_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            users: 8,
            poll_seconds: 10.0,
            settle_minutes: 20.0,
            stall_minutes: 10.0,
            calls_per_second: 5.0,
            gib_in_flight: None,
            credentials_minutes: 240.0,
        }
    }
}

/// When a batch stops by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StopRules {
    /// Failed migrations after which no further one of the batch is started.
    pub failures: usize,
    /// Failed migrations one after the other, nobody arriving in between, after which no further one is started. `null`: any number.
    pub failures_in_a_row: Option<usize>,
    /// Texts; a failure whose message has one of them stops the batch at once.
    pub on_errors: Vec<String>,
    /// A file; once it is there, steps under way are finished and none is begun.
    pub alarm_file: Option<PathBuf>,
}

impl Default for StopRules {
    fn default() -> Self {
        Self { failures: 3, failures_in_a_row: None, on_errors: Vec::new(), alarm_file: None }
    }
}

/// Where the mover and its reports are kept while a run lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Staging {
    /// The bucket; `{account}` and `{region}` are filled in.
    pub bucket: String,
    /// The prefix under which everything of ours lives; no leading or trailing slash.
    pub prefix: String,
    /// Days for which `cleanup` keeps what was staged for someone after they were confirmed; 0 to 3650.
    pub retention_days: u32,
}

impl Default for Staging {
    fn default() -> Self {
        Self {
            bucket: "sagemaker-{region}-{account}".to_owned(),
            prefix: "studio-migrate".to_owned(),
            retention_days: 7,
        }
    }
}
