//! What the control plane keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::refuse::missing;
use super::standing::{Standing, Status};

/// Members of a structure of AWS's, in wire form.
pub type Members = Map<String, Value>;

/// SageMaker's part of the control plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Studio {
    /// Domains, by id.
    pub domains: BTreeMap<String, Domain>,
    /// Profiles, by `domain-id/profile`.
    pub profiles: BTreeMap<String, Profile>,
    /// Spaces, by `domain-id/space`.
    pub spaces: BTreeMap<String, Space>,
    /// Apps, by `domain-id/{profile|space}/NAME/TYPE/APPNAME`.
    pub apps: BTreeMap<String, App>,
    /// Lifecycle configurations, by name in lower case.
    pub scripts: BTreeMap<String, Script>,
    /// Images, by name.
    pub images: BTreeMap<String, Image>,
    /// App image configurations, by name.
    pub app_image_configs: BTreeMap<String, AppImageConfig>,
    /// Tags, by ARN.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// The last `HomeEfsFileSystemUid` that was given; the first is 200001.
    pub last_uid: u64,
    /// Until when nothing goes by itself.
    #[serde(skip)]
    pub quiet: Quiet,
}

/// Until when nothing goes by itself, in seconds since the epoch, once somebody has looked: what saves looking through ten
/// thousand people at every change. It is no part of what an account is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet(Option<f64>);

impl PartialEq for Quiet {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A domain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Domain {
    /// `d-sim…`.
    pub id: String,
    /// `DomainName`.
    pub name: String,
    /// Where it stands.
    pub standing: Standing,
    /// `HomeEfsFileSystemId`; a domain may have none.
    pub file_system: Option<String>,
    /// What is described as it was given: `AuthMode`, `VpcId`, `DefaultUserSettings`, `DomainSettings`, ….
    pub members: Members,
    /// Why the Classic home cannot be mounted in anyone's space, when it cannot.
    pub mount_error: Option<String>,
}

/// A user profile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The domain's id.
    pub domain: String,
    /// `UserProfileName`.
    pub name: String,
    /// `HomeEfsFileSystemUid`; `None` in a domain without a file system.
    pub uid: Option<String>,
    /// Where it stands.
    pub standing: Standing,
    /// `SingleSignOnUserValue`, in an SSO domain.
    pub sso: Option<String>,
    /// `UserSettings`.
    pub settings: Members,
    /// Why the Classic home cannot be mounted in this person's spaces, when it cannot.
    pub mount_error: Option<String>,
}

/// A space.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Space {
    /// The domain's id.
    pub domain: String,
    /// `SpaceName`.
    pub name: String,
    /// `SpaceDisplayName`.
    pub display_name: Option<String>,
    /// Where it stands.
    pub standing: Standing,
    /// `SpaceSettings`.
    pub settings: Members,
    /// `OwnerUserProfileName`.
    pub owner: Option<String>,
    /// `SharingType`: `Private` or `Shared`.
    pub sharing: Option<String>,
    /// `HomeEfsFileSystemUid`: Classic shared spaces have a directory on the domain's file system.
    pub uid: Option<String>,
    /// When the size of its volume was changed last, in seconds since the epoch.
    pub resized_at: Option<f64>,
}

/// An app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct App {
    /// The domain's id.
    pub domain: String,
    /// `UserProfileName`, when it runs for a profile.
    pub profile: Option<String>,
    /// `SpaceName`, when it runs in a space.
    pub space: Option<String>,
    /// `AppType`.
    pub app_type: String,
    /// `AppName`.
    pub name: String,
    /// Where it stands; [`App::status`] knows more.
    pub standing: Standing,
    /// Whether its scripts still run, which holds it in Pending.
    pub is_scripted: bool,
    /// Whether what is on the space's volume is being brought back into its folder.
    pub is_stopping: bool,
    /// `ResourceSpec`.
    pub resource: Members,
    /// `BuiltInLifecycleConfigArn`, as it was when the app started.
    pub built_in: Option<String>,
    /// `RecoveryMode`.
    pub recovery_mode: Option<bool>,
    /// Until when it is listed as Deleted, in seconds since the epoch.
    pub listed_until: f64,
}

/// A lifecycle configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Script {
    /// `StudioLifecycleConfigName`.
    pub name: String,
    /// `StudioLifecycleConfigAppType`.
    pub app_type: String,
    /// `StudioLifecycleConfigContent`: base64.
    pub content: String,
    /// `CreationTime`.
    pub created_at: f64,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// `ImageName`.
    pub name: String,
    /// `DisplayName`.
    pub display_name: Option<String>,
    /// `Description`.
    pub description: Option<String>,
    /// `RoleArn`.
    pub role: Option<String>,
    /// `CreationTime` and `LastModifiedTime`.
    pub created_at: f64,
    /// Its versions.
    pub versions: Vec<ImageVersion>,
}

/// A version of an image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageVersion {
    /// `Version`.
    pub version: u32,
    /// `BaseImage`.
    pub base_image: String,
    /// Aliases, `1.0` say.
    pub aliases: Vec<String>,
    /// `CreationTime` and `LastModifiedTime`.
    pub created_at: f64,
}

/// An app image configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppImageConfig {
    /// `AppImageConfigName`.
    pub name: String,
    /// `KernelGatewayImageConfig`, `JupyterLabAppImageConfig`, `CodeEditorAppImageConfig`.
    pub members: Members,
    /// `CreationTime`.
    pub created_at: f64,
    /// `LastModifiedTime`.
    pub modified_at: f64,
}

impl Space {
    /// Tells whether the space belongs to one person alone.
    pub fn is_private(&self) -> bool {
        self.sharing.as_deref() == Some("Private")
    }

    /// `AppType`.
    pub fn app_type(&self) -> Option<&str> {
        self.settings.get("AppType")?.as_str()
    }
}

impl App {
    /// Returns the status now; `None` means that it is gone and no longer listed.
    pub fn status(&self, now: f64) -> Option<Status> {
        match self.standing.status {
            Status::Pending if self.is_scripted => Some(Status::Pending),
            Status::Deleting if self.is_stopping => Some(Status::Deleting),
            Status::Deleting if self.standing.settles_at <= now => {
                (now < self.listed_until).then_some(Status::Deleted)
            }
            _ => self.standing.status(now),
        }
    }

    /// Tells whether it holds an instance: it is on its way up, up, or on its way down.
    pub fn is_running(&self, now: f64) -> bool {
        matches!(
            self.status(now),
            Some(Status::Pending | Status::InService | Status::Deleting | Status::DeleteFailed)
        )
    }

    /// The key under which it is kept.
    pub fn key(&self) -> String {
        let (kind, holder) = match (&self.space, &self.profile) {
            (Some(space), _) => ("space", space.as_str()),
            (None, Some(profile)) => ("profile", profile.as_str()),
            (None, None) => ("profile", ""),
        };
        format!("{}/{kind}/{holder}/{}/{}", self.domain, self.app_type, self.name)
    }
}

impl Studio {
    /// Finds a domain that is not gone.
    pub(super) fn domain(&self, id: &str, now: f64) -> Result<&Domain, Refusal> {
        self.domains
            .get(id)
            .filter(|domain| domain.standing.status(now).is_some())
            .ok_or_else(|| missing("Domain", id))
    }

    /// Finds a profile that is not gone. AWS does not tell upper from lower case in its name.
    pub(super) fn profile(&self, domain: &str, name: &str, now: f64) -> Result<&Profile, Refusal> {
        let exact = self.profiles.get(&format!("{domain}/{name}"));
        exact
            .or_else(|| {
                self.profiles_of(domain).find(|profile| profile.name.eq_ignore_ascii_case(name))
            })
            .filter(|profile| profile.standing.status(now).is_some())
            .ok_or_else(|| missing("UserProfile", name))
    }

    /// The profiles of a domain, gone ones too.
    pub(super) fn profiles_of(&self, domain: &str) -> impl Iterator<Item = &Profile> {
        let domain = domain.to_owned();
        self.profiles
            .range(format!("{domain}/")..)
            .map(|(_, profile)| profile)
            .take_while(move |profile| profile.domain == domain)
    }

    /// Finds a space that is not gone.
    pub(super) fn space(&self, domain: &str, name: &str, now: f64) -> Result<&Space, Refusal> {
        self.spaces
            .get(&format!("{domain}/{name}"))
            .filter(|space| space.standing.status(now).is_some())
            .ok_or_else(|| missing("Space", name))
    }

    /// The apps of a space that hold an instance.
    pub(super) fn is_space_running(&self, domain: &str, space: &str, now: f64) -> bool {
        self.apps_below(&format!("{domain}/space/{space}/")).any(|(_, app)| app.is_running(now))
    }

    /// The apps whose key begins like this, gone ones too.
    pub(super) fn apps_below<'a>(
        &'a self,
        prefix: &str,
    ) -> impl Iterator<Item = (&'a String, &'a App)> {
        self.apps.range(prefix.to_owned()..).take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Forgets what is gone.
    pub(super) fn tidy(&mut self, now: f64) {
        if self.quiet.0.is_some_and(|until| now < until) {
            return;
        }
        self.domains.retain(|_, domain| domain.standing.status(now).is_some());
        self.profiles.retain(|_, profile| profile.standing.status(now).is_some());
        self.spaces.retain(|_, space| space.standing.status(now).is_some());
        self.apps.retain(|_, app| app.status(now).is_some());
        let standings = self.domains.values().map(|one| &one.standing);
        let standings = standings.chain(self.profiles.values().map(|one| &one.standing));
        let standings = standings.chain(self.spaces.values().map(|one| &one.standing));
        let leaving = standings.filter(|one| one.status == Status::Deleting);
        let apps = self.apps.values().filter(|app| app.standing.status == Status::Deleting);
        let times = leaving.map(|one| one.settles_at).chain(apps.map(|app| app.listed_until));
        self.quiet = Quiet(Some(times.fold(f64::INFINITY, f64::min)));
    }

    /// Something is on its way out, and gone at some time.
    pub(super) fn leaves_at(&mut self, time: f64) {
        self.quiet.0 = self.quiet.0.map(|until| until.min(time));
    }
}

/// The next `HomeEfsFileSystemUid`: digits, 200001 upward.
pub(in crate::sim) fn next_uid(state: &mut State) -> String {
    let studio = &mut state.studio;
    studio.last_uid = studio.last_uid.max(200_000) + 1;
    studio.last_uid.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_of_a_domain_are_not_those_of_a_domain_with_a_longer_id() {
        let mut studio = Studio::default();
        for domain in ["d-sim1", "d-sim10"] {
            let profile =
                Profile { domain: domain.into(), name: "ada".into(), ..Profile::default() };
            studio.profiles.insert(format!("{domain}/ada"), profile);
        }
        assert_eq!(studio.profiles_of("d-sim1").count(), 1);
    }

    #[test]
    fn a_deleted_app_is_listed_for_a_while() {
        let mut app = App { listed_until: 30.0, ..App::default() };
        app.standing.move_to(Status::Deleting, 10.0, 20.0);
        assert_eq!(app.status(15.0), Some(Status::Deleting));
        assert_eq!(app.status(25.0), Some(Status::Deleted));
        assert_eq!(app.status(30.0), None);
        assert!(!app.is_running(25.0));
    }
}
