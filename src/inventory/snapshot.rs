//! What one inventory saw, as plain data. Immutable once taken.
//!
//! Times are RFC 3339 text, sizes bytes. An `Option` that is `None` means that AWS did not say; what could not be asked is
//! listed in [`Snapshot::unseen`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::roles::Role;
use super::scope::Note;
use super::storage::{FileSystem, SharedNotebooks};
use super::team::Team;
pub use crate::aws::{App, Image, ImageConfig, Script, Settings, Setup};
pub use crate::mover::Scan as Home;
use crate::names::{
    AccountId, DomainId, FileSystemId, HomeUid, ProfileName, Region, SnapshotId, SpaceName,
};

/// One inventory of one account and Region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// The version of this format, [`Snapshot::SCHEMA`] today.
    pub schema: u32,
    /// The first twelve hexadecimal digits of the BLAKE3 hash of the content, set by the journal when it is kept.
    pub id: Option<SnapshotId>,
    /// When collection began, RFC 3339.
    pub taken_at: String,
    /// The caller's ARN.
    pub caller: String,
    /// The account that was looked at.
    pub account: Option<AccountId>,
    /// The Region that was looked at.
    pub region: Option<Region>,
    /// Every domain in scope, by id.
    pub domains: Vec<Domain>,
    /// The domains that were asked for, where not all were: there may be others.
    pub only: Vec<DomainId>,
    /// Lifecycle scripts of the account, decoded.
    pub scripts: Vec<Script>,
    /// Custom images and their versions.
    pub images: Vec<Image>,
    /// App image configurations.
    pub image_configs: Vec<ImageConfig>,
    /// EFS file systems that belong, or once belonged, to a domain.
    pub file_systems: Vec<FileSystem>,
    /// The places where Classic notebooks were shared.
    pub shared_notebooks: Vec<SharedNotebooks>,
    /// Applied quotas that matter, by quota name.
    pub quotas: BTreeMap<String, f64>,
    /// Execution roles, and the actions that the new Studio needs and they lack.
    pub roles: Vec<Role>,
    /// From when on CloudTrail was asked who opened which profile, RFC 3339; `None` when it was not asked.
    pub openings_since: Option<String>,
    /// What earlier runs of this program made, known by their tags and left out: `space d-…/name`.
    pub left_out: Vec<String>,
    /// What was listed and gone when it was described: someone deleted it while the inventory was taken.
    pub vanished: Vec<String>,
    /// What could not be seen, and why. Never empty in silence.
    pub unseen: Vec<Unseen>,
}

impl Snapshot {
    /// Takes over what an earlier snapshot's table of teams said of profiles that are here too, and returns of how many.
    pub fn take_teams_of(&mut self, earlier: &Self) -> usize {
        let mut taken = 0;
        for (domain, profile) in earlier.people().filter(|(_, profile)| profile.team.is_some()) {
            let here = self.domains.iter_mut().find(|one| one.id == domain.id);
            let mut people = here.into_iter().flat_map(|one| &mut one.profiles);
            if let Some(one) = people.find(|one| one.name == profile.name) {
                one.team.clone_from(&profile.team);
                taken += 1;
            }
        }
        taken
    }

    /// Takes over what an earlier snapshot's table of people said of those who are here too, and returns of how many.
    pub fn take_notes_of(&mut self, earlier: &Self) -> usize {
        let notes: BTreeMap<_, _> = earlier
            .people()
            .filter(|(_, profile)| profile.note != Note::default())
            .map(|(domain, profile)| ((&domain.id, &profile.name), &profile.note))
            .collect();
        let mut taken = 0;
        for domain in &mut self.domains {
            for profile in &mut domain.profiles {
                if let Some(note) = notes.get(&(&domain.id, &profile.name)) {
                    profile.note = (*note).clone();
                    taken += 1;
                }
            }
        }
        taken
    }

    /// Tells whether every domain of the account was looked at: only then can anything be said to belong to none.
    pub fn is_whole(&self) -> bool {
        let of_domains = ["sagemaker:ListDomains", "sagemaker:DescribeDomain"];
        self.only.is_empty()
            && !self.unseen.iter().any(|unseen| of_domains.contains(&unseen.what.as_str()))
    }

    /// The version of the format that this program writes.
    pub const SCHEMA: u32 = 2;

    /// Returns every profile with its domain.
    pub fn people(&self) -> impl Iterator<Item = (&Domain, &Profile)> {
        self.domains
            .iter()
            .flat_map(|domain| domain.profiles.iter().map(move |profile| (domain, profile)))
    }
}

/// A SageMaker domain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Domain {
    /// `d-…`.
    pub id: DomainId,
    /// The name that people gave it.
    pub name: String,
    /// `InService`, `Failed`, ….
    pub status: String,
    /// `IAM` or `SSO`.
    pub auth_mode: String,
    /// `PublicInternetOnly` or `VpcOnly`.
    pub network: Option<String>,
    /// The EFS file system of its homes; a domain may have none.
    pub file_system: Option<FileSystemId>,
    /// The key of its EBS volumes.
    pub kms_key: Option<String>,
    /// Whether RStudio is set up.
    pub has_rstudio: bool,
    /// Network, identity and features.
    pub setup: Setup,
    /// The settings that profiles inherit.
    pub defaults: Settings,
    /// Its people.
    pub profiles: Vec<Profile>,
    /// Its spaces, Classic shared ones included.
    pub spaces: Vec<Space>,
    /// Its apps that are not deleted.
    pub apps: Vec<App>,
    /// Tags of the domain.
    pub tags: BTreeMap<String, String>,
}

/// A user profile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// `InService`, `Failed`, ….
    pub status: String,
    /// The directory of its home.
    pub home_uid: Option<HomeUid>,
    /// The Identity Center user, in SSO domains.
    pub sso_user: Option<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
    /// What the profile itself sets.
    pub own: Settings,
    /// What holds once the domain's defaults are filled in.
    pub effective: Settings,
    /// The home as measured, when it could be.
    pub home: Option<Home>,
    /// How far that is to be trusted.
    #[serde(skip_serializing_if = "Trust::is_plain")]
    pub trust: Trust,
    /// Who opened it since [`Snapshot::openings_since`], by ARN.
    pub opened_by: Vec<Opened>,
    /// What a table of people (`--scope`) says of it.
    pub note: Note,
    /// Who the people are, where a table of teams (`--teams`) says that a team shared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A space.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Space {
    /// Its name.
    pub name: SpaceName,
    /// `InService`, ….
    pub status: String,
    /// `JupyterLab`, `CodeEditor`, `JupyterServer` (Classic).
    pub app_type: Option<String>,
    /// `Private` or `Shared`.
    pub sharing: Option<String>,
    /// Its owner.
    pub owner: Option<ProfileName>,
    /// The size of its EBS volume in GiB.
    pub volume_gb: Option<i32>,
    /// The directory of a Classic shared space on the domain's file system.
    pub home_uid: Option<HomeUid>,
    /// What is in that directory, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<Home>,
    /// How far that is to be trusted.
    #[serde(skip_serializing_if = "Trust::is_plain")]
    pub trust: Trust,
}

/// How far what was measured of a home is to be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trust {
    /// When the inventory was taken that measured it, RFC 3339, where this one saw another home at its place; `None` means that
    /// this one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// When the inventory was taken at which somebody said that this is the right home, RFC 3339: what earlier ones saw there
    /// counts no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub believed: Option<String>,
}

impl Trust {
    /// Tells whether nothing is to be said of it.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// One principal that opened a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Opened {
    /// The ARN: of a user, or of a role's session.
    pub by: String,
    /// How many times.
    pub times: u32,
    /// When last, RFC 3339.
    pub last: String,
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unseen {
    /// What was asked: `sagemaker:ListApps`, or a path.
    pub what: String,
    /// About what: a domain, a profile, a bucket.
    pub subject: String,
    /// Why not, in AWS's words.
    pub why: String,
}
