//! Asking SageMaker about domains, profiles, spaces and apps.
//!
//! Lists are read to their end. What is listed may be gone when it is described; that is the caller's to cope with.

use std::collections::BTreeMap;

use aws_smithy_types::DateTime;
use serde::{Deserialize, Serialize};

use super::account::Reader;
use super::error::Error;
use super::settings::Settings;
use super::setup::Setup;
use crate::names::{DomainId, FileSystemId, HomeUid, ProfileName, SpaceName};

pub(super) const SAGEMAKER: &str = "sagemaker";

/// The largest page that the Studio lists give.
pub(super) const PAGE: i32 = 100;

/// Whose apps: a profile's own (Classic), or a space's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The apps that run for the profile without a space.
    Profile(ProfileName),
    /// The apps that run in the space.
    Space(SpaceName),
}

/// A domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// Its ARN.
    pub arn: String,
    /// Its id.
    pub id: DomainId,
    /// The name that people gave it.
    pub name: String,
    /// `InService`, `Updating`, ….
    pub status: String,
    /// `IAM` or `SSO`.
    pub auth_mode: String,
    /// `PublicInternetOnly` or `VpcOnly`.
    pub network: Option<String>,
    /// The EFS file system of its homes.
    pub file_system: Option<FileSystemId>,
    /// The key of its EBS volumes.
    pub kms_key: Option<String>,
    /// Whether RStudio is set up.
    pub has_rstudio: bool,
    /// Network, identity and features.
    pub setup: Setup,
    /// The settings that profiles inherit.
    pub defaults: Settings,
}

/// A user profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: ProfileName,
    /// `InService`, `Updating`, ….
    pub status: String,
    /// Why it failed.
    pub failure: Option<String>,
    /// The directory of its home.
    pub home_uid: Option<HomeUid>,
    /// The Identity Center user, in SSO domains.
    pub sso_user: Option<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
    /// What the profile itself sets.
    pub settings: Settings,
}

/// A space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: SpaceName,
    /// `InService`, `Updating`, ….
    pub status: String,
    /// Why it failed.
    pub failure: Option<String>,
    /// `JupyterLab`, `CodeEditor`, `JupyterServer` (Classic).
    pub app_type: Option<String>,
    /// `Private` or `Shared`.
    pub sharing: Option<String>,
    /// Its owner.
    pub owner: Option<ProfileName>,
    /// The size of its EBS volume in GiB.
    pub volume_gb: Option<i32>,
    /// Its own idle shutdown in minutes.
    pub idle_minutes: Option<i32>,
    /// The ARN of the image, or of the version of one, that it names for its app to start with.
    pub image: Option<String>,
    /// The directory of a Classic shared space on the domain's file system.
    pub home_uid: Option<HomeUid>,
    /// When it was made, RFC 3339.
    pub created_at: Option<String>,
}

/// An app that is not deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// `JupyterServer`, `KernelGateway`, `JupyterLab`, ….
    pub app_type: String,
    /// Its name.
    pub name: String,
    /// Whose it is, when it is not in a space.
    pub profile: Option<ProfileName>,
    /// The space it runs in.
    pub space: Option<SpaceName>,
    /// `InService`, `Pending`, `Failed`, `Deleting`.
    pub status: String,
    /// The instance type.
    pub instance_type: Option<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
}

/// What the list of apps does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppDetail {
    /// Its ARN.
    pub arn: String,
    /// Why it failed; `None` when AWS gives no reason.
    pub failure: Option<String>,
}

impl App {
    /// Returns the name of the profile or the space that it runs for.
    pub fn whose(&self) -> &str {
        let profile = self.profile.as_ref().map(ProfileName::as_str);
        profile.or(self.space.as_ref().map(SpaceName::as_str)).unwrap_or("nobody")
    }

    /// Tells whether this is an app of Studio Classic, which can never be started again once stopped.
    pub fn is_classic(&self) -> bool {
        matches!(self.app_type.as_str(), "JupyterServer" | "KernelGateway")
    }
}

/// Reads a list of SageMaker to its end: one paced call a page.
macro_rules! all_pages {
    ($reader:expr, $operation:literal, $request:expr, $items:ident) => {{
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let request = $request.max_results(PAGE).set_next_token(token.take());
            let page =
                $reader.ask_patiently(SAGEMAKER, $operation, || request.clone().send()).await?;
            token = page.next_token;
            found.extend(page.$items.unwrap_or_default());
            if token.is_none() {
                break found;
            }
        }
    }};
}

pub(super) use all_pages;

impl Reader {
    /// Lists the ids of every domain of the account and Region.
    pub async fn domain_ids(&self) -> Result<Vec<DomainId>, Error> {
        let sagemaker = &self.clients.sagemaker;
        let domains = all_pages!(self, "ListDomains", sagemaker.list_domains(), domains);
        Ok(domains.into_iter().filter_map(|domain| domain.domain_id).map(DomainId::from).collect())
    }

    /// Describes a domain.
    pub async fn domain(&self, id: &DomainId) -> Result<Domain, Error> {
        let request = self.clients.sagemaker.describe_domain().domain_id(id.as_str());
        let sdk = self.ask(SAGEMAKER, "DescribeDomain", request.send()).await?;
        let settings = sdk.domain_settings.as_ref();
        let setup = Setup::of(&sdk);
        Ok(Domain {
            arn: sdk.domain_arn.unwrap_or_default(),
            id: id.clone(),
            name: sdk.domain_name.unwrap_or_default(),
            status: text(sdk.status.as_ref()),
            auth_mode: text(sdk.auth_mode.as_ref()),
            network: sdk.app_network_access_type.as_ref().map(ToString::to_string),
            file_system: sdk.home_efs_file_system_id.map(FileSystemId::from),
            kms_key: sdk.kms_key_id,
            has_rstudio: settings
                .is_some_and(|settings| settings.r_studio_server_pro_domain_settings.is_some()),
            setup,
            defaults: sdk.default_user_settings.as_ref().map(Settings::of).unwrap_or_default(),
        })
    }

    /// Lists the names of a domain's profiles.
    pub async fn profile_names(&self, domain: &DomainId) -> Result<Vec<ProfileName>, Error> {
        let sagemaker = &self.clients.sagemaker;
        let profiles = all_pages!(
            self,
            "ListUserProfiles",
            sagemaker.list_user_profiles().domain_id_equals(domain.as_str()),
            user_profiles
        );
        let names = profiles.into_iter().filter_map(|profile| profile.user_profile_name);
        Ok(names.map(ProfileName::from).collect())
    }

    /// Describes a profile.
    pub async fn profile(&self, domain: &DomainId, name: &ProfileName) -> Result<Profile, Error> {
        let sdk = self.described_profile(domain, name).await?;
        Ok(Profile {
            arn: sdk.user_profile_arn.unwrap_or_default(),
            name: name.clone(),
            status: text(sdk.status.as_ref()),
            failure: sdk.failure_reason,
            home_uid: sdk.home_efs_file_system_uid.map(HomeUid::from),
            sso_user: sdk.single_sign_on_user_value,
            created_at: sdk.creation_time.as_ref().and_then(rfc3339),
            settings: sdk.user_settings.as_ref().map(Settings::of).unwrap_or_default(),
        })
    }

    /// Describes a profile in the SDK's own words, for changes that must send back what was there.
    pub(super) async fn described_profile(
        &self,
        domain: &DomainId,
        name: &ProfileName,
    ) -> Result<aws_sdk_sagemaker::operation::describe_user_profile::DescribeUserProfileOutput, Error>
    {
        let request = self
            .clients
            .sagemaker
            .describe_user_profile()
            .domain_id(domain.as_str())
            .user_profile_name(name.as_str());
        self.ask_patiently(SAGEMAKER, "DescribeUserProfile", || request.clone().send()).await
    }

    /// Lists the names of a domain's spaces.
    pub async fn space_names(&self, domain: &DomainId) -> Result<Vec<SpaceName>, Error> {
        let sagemaker = &self.clients.sagemaker;
        let spaces = all_pages!(
            self,
            "ListSpaces",
            sagemaker.list_spaces().domain_id_equals(domain.as_str()),
            spaces
        );
        Ok(spaces.into_iter().filter_map(|space| space.space_name).map(SpaceName::from).collect())
    }

    /// Describes a space.
    pub async fn space(&self, domain: &DomainId, name: &SpaceName) -> Result<Space, Error> {
        let request = self
            .clients
            .sagemaker
            .describe_space()
            .domain_id(domain.as_str())
            .space_name(name.as_str());
        let sdk = self.ask_patiently(SAGEMAKER, "DescribeSpace", || request.clone().send()).await?;
        let settings = sdk.space_settings.as_ref();
        let ebs = settings
            .and_then(|settings| settings.space_storage_settings.as_ref())
            .and_then(|storage| storage.ebs_storage_settings.as_ref());
        let idle = settings
            .and_then(|settings| {
                let lab = settings.jupyter_lab_app_settings.as_ref();
                let editor = settings.code_editor_app_settings.as_ref();
                lab.and_then(|lab| lab.app_lifecycle_management.as_ref())
                    .or(editor.and_then(|editor| editor.app_lifecycle_management.as_ref()))
            })
            .and_then(|management| management.idle_settings.as_ref());
        Ok(Space {
            arn: sdk.space_arn.unwrap_or_default(),
            name: name.clone(),
            created_at: sdk.creation_time.as_ref().and_then(rfc3339),
            status: text(sdk.status.as_ref()),
            failure: sdk.failure_reason,
            app_type: settings
                .and_then(|settings| settings.app_type.as_ref())
                .map(ToString::to_string),
            sharing: sdk
                .space_sharing_settings
                .and_then(|sharing| sharing.sharing_type)
                .map(|sharing| sharing.to_string()),
            owner: sdk
                .ownership_settings
                .and_then(|ownership| ownership.owner_user_profile_name)
                .map(ProfileName::from),
            volume_gb: ebs.and_then(|ebs| ebs.ebs_volume_size_in_gb),
            idle_minutes: idle.and_then(|idle| idle.idle_timeout_in_minutes),
            image: settings
                .and_then(|settings| {
                    let lab = settings.jupyter_lab_app_settings.as_ref();
                    let editor = settings.code_editor_app_settings.as_ref();
                    lab.and_then(|lab| lab.default_resource_spec.as_ref())
                        .or(editor.and_then(|editor| editor.default_resource_spec.as_ref()))
                })
                .and_then(|spec| {
                    spec.sage_maker_image_version_arn.clone().or(spec.sage_maker_image_arn.clone())
                }),
            home_uid: sdk.home_efs_file_system_uid.map(HomeUid::from),
        })
    }

    /// Lists every app of a domain that is not deleted.
    pub async fn domain_apps(&self, domain: &DomainId) -> Result<Vec<App>, Error> {
        let sagemaker = &self.clients.sagemaker;
        let apps = all_pages!(
            self,
            "ListApps",
            sagemaker.list_apps().domain_id_equals(domain.as_str()),
            apps
        );
        Ok(living(apps))
    }

    /// Lists the apps of a profile or a space that are not deleted.
    pub async fn apps(&self, domain: &DomainId, owner: &Owner) -> Result<Vec<App>, Error> {
        let request = self.clients.sagemaker.list_apps().domain_id_equals(domain.as_str());
        let request = match owner {
            Owner::Profile(name) => request.user_profile_name_equals(name.as_str()),
            Owner::Space(name) => request.space_name_equals(name.as_str()),
        };
        let apps = all_pages!(self, "ListApps", request.clone(), apps);
        Ok(living(apps))
    }

    /// Asks for what the list of apps does not tell of a space's app.
    pub async fn app_detail(
        &self,
        domain: &DomainId,
        space: &SpaceName,
        app_type: &str,
        name: &str,
    ) -> Result<AppDetail, Error> {
        let request = self
            .clients
            .sagemaker
            .describe_app()
            .domain_id(domain.as_str())
            .space_name(space.as_str())
            .app_type(app_type.into())
            .app_name(name);
        let sdk = self.ask(SAGEMAKER, "DescribeApp", request.send()).await?;
        Ok(AppDetail { arn: sdk.app_arn.unwrap_or_default(), failure: sdk.failure_reason })
    }

    /// Lists the tags of a SageMaker resource.
    pub async fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, Error> {
        let mut found = BTreeMap::new();
        let mut token = None;
        loop {
            let request =
                self.clients.sagemaker.list_tags().resource_arn(arn).set_next_token(token.take());
            let page = self.ask_patiently(SAGEMAKER, "ListTags", || request.clone().send()).await?;
            found.extend(
                page.tags
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))),
            );
            token = page.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

fn living(apps: Vec<aws_sdk_sagemaker::types::AppDetails>) -> Vec<App> {
    apps.into_iter()
        .map(|app| App {
            app_type: text(app.app_type.as_ref()),
            name: app.app_name.unwrap_or_default(),
            profile: app.user_profile_name.map(ProfileName::from),
            space: app.space_name.map(SpaceName::from),
            status: text(app.status.as_ref()),
            instance_type: app
                .resource_spec
                .and_then(|spec| spec.instance_type)
                .map(|instance| instance.to_string()),
            created_at: app.creation_time.as_ref().and_then(rfc3339),
        })
        // A deleted app is listed for a day.
        .filter(|app| app.status != "Deleted")
        .collect()
}

/// Writes an enum of the SDK as AWS does; empty when AWS did not say.
pub(super) fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// Writes a time of the SDK as RFC 3339.
pub(super) fn rfc3339(at: &DateTime) -> Option<String> {
    jiff::Timestamp::new(at.secs(), at.subsec_nanos().cast_signed()).ok().map(|at| at.to_string())
}
