//! The plan as data: immutable, explained, and leaving no choice to execution time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::naming;
use crate::names::{
    AccountId, BatchName, DomainId, FileSystemId, HomeUid, MigrationId, PlanId, ProfileName,
    Region, SnapshotId, SpaceName,
};
use crate::playbook::{Playbook, SpaceApp};
use crate::readiness::Range;

/// An immutable plan. The same snapshot, findings and playbook give the same plan, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// The hash of everything below.
    pub id: PlanId,
    /// The plan that this one replaces.
    pub parent: Option<PlanId>,
    /// The snapshot that it was drawn up from.
    pub snapshot: SnapshotId,
    /// The account that it is for.
    pub account: AccountId,
    /// The Region that it is for.
    pub region: Region,
    /// The policy, whole.
    pub playbook: Playbook,
    /// The batches in the order in which they run.
    pub batches: Vec<Batch>,
    /// Who is left out, and why. Nobody is left out in silence.
    pub left_out: Vec<LeftOut>,
    /// People at once, where the quota of the instance type allows fewer than the playbook wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// Batches that were made up, and the number that no packing could do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packing: Option<(usize, usize)>,
}

/// Migrations that run together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// `pilot`, `batch-1`, ….
    pub name: BatchName,
    /// Its migrations, smallest home first.
    pub migrations: Vec<Migration>,
    /// The minutes that it takes, by the estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Range>,
    /// When it is to run, where the playbook has a calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Gates that must be open before it runs, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<String>,
}

/// When a batch is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Not before this.
    pub from: Timestamp,
    /// It should have ended by this: by the upper end of its estimate, and no later than its window.
    pub to: Timestamp,
    /// Why then, in words.
    pub because: String,
}

/// One person's way from Classic to New, or that of a shared space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// `<domain>/<profile>`, `<domain>/space.<name>` for a shared space, or `<domain>/team.<profile>` for what a team shares.
    pub id: MigrationId,
    /// The domain.
    pub domain: DomainId,
    /// The profile; of a shared space, the profile that owns the new one.
    pub profile: ProfileName,
    /// The shared space of Studio Classic that moves, or the profile that a team shared, if it is no person's home: the new
    /// space is a shared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SpaceName>,
    /// What of the home of a profile that a team shared moves, where it is such a one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamPart>,
    /// The directory of the home on the domain's file system.
    pub home_uid: HomeUid,
    /// How the bytes travel.
    pub route: Route,
    /// The space that is made for it.
    pub space: SpaceName,
    /// The app that the space is for.
    #[serde(default)]
    pub app: SpaceApp,
    /// Whether the person had the space before, and what is in it is theirs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_reused: bool,
    /// What is hidden from the person from the flip on, where the playbook has a group for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// The size of its volume in GiB.
    pub volume_gb: i32,
    /// The name of the lifecycle script that starts the copy.
    pub hook: String,
    /// The prefix in the staging bucket under which its reports arrive; no trailing slash.
    pub reports: String,
    /// Bytes to copy, as far as the snapshot knows.
    pub bytes: Option<u64>,
    /// Files to copy, as far as the snapshot knows.
    pub files: Option<u64>,
    /// Why it is in this batch, in words.
    pub because: String,
    /// Whether nothing was done for it yet, as the journal knows: then a new plan may choose its space anew. It is no part of a
    /// plan.
    #[serde(skip)]
    pub is_open: bool,
}

/// A part of the home of a profile that a team shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamPart {
    /// The profile that the team shared.
    pub profile: ProfileName,
    /// Whose part it is; `None` for what nobody claims, which all of them share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<ProfileName>,
    /// The folder of somebody's own space that it goes to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// Everyone of the team, in the order of the table, and what they claim.
    pub claims: Vec<Claim>,
}

/// What somebody of a team claims of its home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Their own profile.
    pub profile: ProfileName,
    /// The line of the table of teams.
    pub line: u64,
    /// Globs, as `leave_out` reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<String>,
}

/// What is hidden from someone in the new Studio. Visibility, not permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visibility {
    /// The playbook's group that they are in.
    pub group: String,
    /// App types, as AWS spells them.
    pub app_types: Vec<String>,
    /// ML tools, as AWS spells them.
    pub tools: Vec<String>,
}

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Inside the person's own new space, from the auto-mounted EFS home to the EBS volume.
    InSpace,
    /// Packed and sealed into the staging bucket by a machine that mounts the file system, and unpacked in the space.
    Packed,
    /// By DataSync into a bucket that no execution role may read, sealed from there into the staging bucket, and unpacked in the
    /// space.
    #[serde(rename = "datasync")]
    DataSync,
}

impl TeamPart {
    /// What this part is by the claims of its person; nothing for what all of them share.
    pub fn own(&self) -> &[String] {
        let is_theirs = |claim: &&Claim| self.whose.as_ref() == Some(&claim.profile);
        self.claims.iter().find(is_theirs).map_or(&[], |claim| &claim.own)
    }
}

impl Migration {
    /// What people call it: the profile, `space.<name>`, or `team.<profile>`. No profile has a dot in its name.
    pub fn name(&self) -> ProfileName {
        match (&self.shared, &self.team) {
            (Some(_), Some(team)) => naming::of_team(&team.profile),
            (Some(space), None) => naming::of_space(space),
            (None, _) => self.profile.clone(),
        }
    }
}

/// Someone who is not migrated by this plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The domain.
    pub domain: DomainId,
    /// The profile, or the shared space by name.
    pub who: String,
    /// Why, with finding codes where there are some.
    pub because: String,
}

impl LeftOut {
    /// Names an orphan home as a plan does.
    pub(super) fn of_orphan(file_system: &FileSystemId, uid: &HomeUid) -> String {
        format!("home {uid} on {file_system}")
    }

    /// Whom a domain stands for that the snapshot does not have.
    pub(super) const EVERYONE: &str = "everyone";

    /// Tells whether this is about a whole domain that the snapshot does not have.
    pub fn is_whole_domain(&self) -> bool {
        self.who == Self::EVERYONE
    }

    /// Returns the orphan home that this is about, `fs-…/200005`; `None` where it is about somebody.
    pub fn orphan(&self) -> Option<String> {
        let (uid, file_system) = self.who.strip_prefix("home ")?.split_once(" on ")?;
        Some(format!("{file_system}/{uid}"))
    }
}

fn id_of(content: &impl Serialize) -> Result<PlanId, Error> {
    let hash = blake3::hash(&serde_json::to_vec(content)?).to_hex();
    Ok(PlanId::new(&hash.as_str()[..12]))
}

impl Plan {
    /// Reads a plan from its JSON.
    ///
    /// # Errors
    ///
    /// The text is no plan, its schema is not 1, or its content is not what its id was given for.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            schema: u64,
        }
        // A newer format may have other keys: its version is what is said about it.
        let Version { schema } = serde_json::from_str(text)?;
        if schema != 1 {
            return Err(Error::Schema(schema));
        }
        let plan: Self = serde_json::from_str(text)?;
        // What stands in the text is what the id was given for, whatever keys have come to be since it was written.
        let mut content: Value = serde_json::from_str(text)?;
        content["id"] = Value::from("");
        let found = id_of(&content)?;
        if found != plan.id {
            return Err(Error::Altered { said: plan.id, found });
        }
        Ok(plan)
    }

    /// Writes the plan as JSON, indented, the same bytes for the same plan.
    ///
    /// # Errors
    ///
    /// A number of the playbook has no JSON form.
    pub fn to_json(&self) -> Result<String, Error> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Returns the id that the content gives: the first twelve hexadecimal digits of its BLAKE3 hash.
    ///
    /// # Errors
    ///
    /// A number of the playbook has no JSON form.
    pub fn content_id(&self) -> Result<PlanId, Error> {
        let nameless = Self { id: PlanId::from(""), ..self.clone() };
        id_of(&nameless)
    }

    /// Returns the migration with this id, and the batch that it is in.
    pub fn migration(&self, id: &MigrationId) -> Option<(&Batch, &Migration)> {
        self.migrations().find(|(_, migration)| migration.id == *id)
    }

    /// Returns the bytes to copy, as far as they are known.
    pub fn bytes(&self) -> u64 {
        self.migrations().filter_map(|(_, migration)| migration.bytes).sum()
    }

    /// Every migration with its batch, in running order.
    pub fn migrations(&self) -> impl Iterator<Item = (&Batch, &Migration)> {
        self.batches.iter().flat_map(|batch| batch.migrations.iter().map(move |m| (batch, m)))
    }

    /// The folder under the space's home where the files of a migration land; empty means the home itself.
    pub fn folder<'a>(&'a self, migration: &'a Migration) -> &'a str {
        let placement = &self.playbook.placement;
        if let Some(part) = migration.team.as_ref().filter(|part| part.whose.is_some()) {
            return &part.folder;
        }
        if migration.is_reused { &placement.folder_if_reused } else { &placement.folder }
    }

    /// The bucket that DataSync writes to, with account and Region filled in.
    pub fn datasync_bucket(&self) -> String {
        self.playbook
            .datasync
            .bucket
            .replace("{account}", self.account.as_str())
            .replace("{region}", self.region.as_str())
    }

    /// The staging bucket with account and Region filled in.
    pub fn staging_bucket(&self) -> String {
        self.playbook
            .staging
            .bucket
            .replace("{account}", self.account.as_str())
            .replace("{region}", self.region.as_str())
    }
}
