//! Changing SageMaker. Every verb sends only what it changes: what `Describe` answers is never echoed back whole, since AWS
//! refuses some of it and lists in an update replace.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::{
    AppType, AutoMountHomeEfs, EbsStorageSettings, JupyterLabAppSettings, OwnershipSettings,
    ResourceSpec, SharingType, SpaceAppLifecycleManagement, SpaceIdleSettings,
    SpaceJupyterLabAppSettings, SpaceSettings, SpaceSharingSettings, SpaceStorageSettings,
    StudioLifecycleConfigAppType, StudioWebPortal, StudioWebPortalSettings, Tag, UserSettings,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::account::Account;
use super::error::Error;
use super::settings::NO_SCRIPT;
use super::studio::{Owner, SAGEMAKER};
use crate::names::{DomainId, ProfileName, SpaceName};

/// The name that AWS gives the one app of a space.
const APP: &str = "default";

/// A private JupyterLab space to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSpace {
    /// The domain.
    pub domain: DomainId,
    /// Its name.
    pub name: SpaceName,
    /// Whose it is, for good: AWS cannot change an owner.
    pub owner: ProfileName,
    /// The size of its EBS volume in GiB; it cannot shrink.
    pub volume_gb: i32,
    /// Idle shutdown in minutes, 60 to 525,600.
    pub idle_minutes: i32,
    /// The instance type that its owner finds chosen.
    pub instance_type: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Account {
    /// Makes a private JupyterLab space and returns its ARN.
    pub async fn create_space(&self, new: &NewSpace) -> Result<String, Error> {
        const OPERATION: &str = "CreateSpace";
        let lab = SpaceJupyterLabAppSettings::builder()
            .default_resource_spec(spec(&new.instance_type))
            .app_lifecycle_management(idle(new.idle_minutes))
            .build();
        let settings = SpaceSettings::builder()
            .app_type(AppType::JupyterLab)
            .jupyter_lab_app_settings(lab)
            .space_storage_settings(storage(new.volume_gb))
            .build();
        let owner = OwnershipSettings::builder().owner_user_profile_name(new.owner.as_str());
        let sharing = SpaceSharingSettings::builder().sharing_type(SharingType::Private);
        let request = self
            .clients
            .sagemaker
            .create_space()
            .domain_id(new.domain.as_str())
            .space_name(new.name.as_str())
            .space_settings(settings)
            .ownership_settings(owner.build())
            .space_sharing_settings(sharing.build())
            .set_tags(Some(sdk_tags(&new.tags)));
        let target = format!("space {}/{} of {}", new.domain, new.name, new.owner);
        let made = self.change(SAGEMAKER, OPERATION, target, request.send()).await?;
        Ok(made.space_arn.unwrap_or_default())
    }

    /// Sets the idle shutdown of a JupyterLab space, in minutes.
    pub async fn set_idle_minutes(
        &self,
        domain: &DomainId,
        space: &SpaceName,
        minutes: i32,
    ) -> Result<(), Error> {
        let lab =
            SpaceJupyterLabAppSettings::builder().app_lifecycle_management(idle(minutes)).build();
        let settings = SpaceSettings::builder().jupyter_lab_app_settings(lab).build();
        let what = format!("idle shutdown of {minutes} minutes");
        self.update_space(domain, space, settings, &what).await
    }

    /// Grows the volume of a space to so many GiB. AWS allows it once in six hours, and never back.
    pub async fn grow_volume(
        &self,
        domain: &DomainId,
        space: &SpaceName,
        gb: i32,
    ) -> Result<(), Error> {
        let settings = SpaceSettings::builder().space_storage_settings(storage(gb)).build();
        self.update_space(domain, space, settings, &format!("volume of {gb} GiB")).await
    }

    async fn update_space(
        &self,
        domain: &DomainId,
        space: &SpaceName,
        settings: SpaceSettings,
        what: &str,
    ) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .update_space()
            .domain_id(domain.as_str())
            .space_name(space.as_str())
            .space_settings(settings);
        let target = format!("space {domain}/{space}: {what}");
        self.change(SAGEMAKER, "UpdateSpace", target, request.send()).await.map(drop)
    }

    /// Deletes a space; its volume goes with it.
    pub async fn delete_space(&self, domain: &DomainId, space: &SpaceName) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .delete_space()
            .domain_id(domain.as_str())
            .space_name(space.as_str());
        let target = format!("space {domain}/{space}");
        self.change(SAGEMAKER, "DeleteSpace", target, request.send()).await.map(drop)
    }

    /// Starts the JupyterLab app of a space and returns its ARN.
    pub async fn create_app(
        &self,
        domain: &DomainId,
        space: &SpaceName,
        instance_type: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let request = self
            .clients
            .sagemaker
            .create_app()
            .domain_id(domain.as_str())
            .space_name(space.as_str())
            .app_type(AppType::JupyterLab)
            .app_name(APP)
            .resource_spec(spec(instance_type))
            .set_tags(Some(sdk_tags(tags)));
        let target = format!("app of space {domain}/{space} on {instance_type}");
        let made = self.change(SAGEMAKER, "CreateApp", target, request.send()).await?;
        Ok(made.app_arn.unwrap_or_default())
    }

    /// Stops an app. A Classic app can never be started again.
    pub async fn delete_app(
        &self,
        domain: &DomainId,
        owner: &Owner,
        app_type: &str,
        name: &str,
    ) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .delete_app()
            .domain_id(domain.as_str())
            .app_type(app_type.into())
            .app_name(name);
        let (request, whose) = match owner {
            Owner::Profile(profile) => {
                (request.user_profile_name(profile.as_str()), profile.as_str())
            }
            Owner::Space(space) => (request.space_name(space.as_str()), space.as_str()),
        };
        let target = format!("app {app_type}/{name} of {domain}/{whose}");
        self.change(SAGEMAKER, "DeleteApp", target, request.send()).await.map(drop)
    }

    /// Makes a JupyterLab lifecycle script and returns its ARN. Scripts cannot be changed afterwards.
    pub async fn create_script(
        &self,
        name: &str,
        text: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let request = self
            .clients
            .sagemaker
            .create_studio_lifecycle_config()
            .studio_lifecycle_config_name(name)
            .studio_lifecycle_config_app_type(StudioLifecycleConfigAppType::JupyterLab)
            .studio_lifecycle_config_content(STANDARD.encode(text))
            .set_tags(Some(sdk_tags(tags)));
        let target = format!("script {name}");
        let made =
            self.change(SAGEMAKER, "CreateStudioLifecycleConfig", target, request.send()).await?;
        Ok(made.studio_lifecycle_config_arn.unwrap_or_default())
    }

    /// Deletes a lifecycle script.
    pub async fn delete_script(&self, name: &str) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .delete_studio_lifecycle_config()
            .studio_lifecycle_config_name(name);
        let target = format!("script {name}");
        self.change(SAGEMAKER, "DeleteStudioLifecycleConfig", target, request.send())
            .await
            .map(drop)
    }

    /// Sets the built-in JupyterLab script of a profile, or clears it.
    ///
    /// The profile's other JupyterLab settings are read first and sent along, so that an update that replaces them all
    /// changes nothing else.
    pub async fn set_built_in_script(
        &self,
        domain: &DomainId,
        profile: &ProfileName,
        arn: Option<&str>,
    ) -> Result<(), Error> {
        let now = self.described_profile(domain, profile).await?;
        let lab = now.user_settings.and_then(|settings| settings.jupyter_lab_app_settings);
        let arn = arn.unwrap_or(NO_SCRIPT);
        let lab = match lab {
            Some(mut lab) => {
                lab.built_in_lifecycle_config_arn = Some(arn.to_owned());
                lab
            }
            None => JupyterLabAppSettings::builder().built_in_lifecycle_config_arn(arn).build(),
        };
        let settings = UserSettings::builder().jupyter_lab_app_settings(lab).build();
        self.update_profile(domain, profile, settings, &format!("built-in script {arn}")).await
    }

    /// Sets the landing page of a profile: both values in one call, because AWS refuses one without the other.
    pub async fn set_experience(
        &self,
        domain: &DomainId,
        profile: &ProfileName,
        portal: &str,
        landing: &str,
    ) -> Result<(), Error> {
        let settings = UserSettings::builder()
            .studio_web_portal(StudioWebPortal::from(portal))
            .default_landing_uri(landing)
            .build();
        let what = format!("StudioWebPortal={portal} DefaultLandingUri={landing}");
        self.update_profile(domain, profile, settings, &what).await
    }

    async fn update_profile(
        &self,
        domain: &DomainId,
        profile: &ProfileName,
        settings: UserSettings,
        what: &str,
    ) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .update_user_profile()
            .domain_id(domain.as_str())
            .user_profile_name(profile.as_str())
            .user_settings(settings);
        let target = format!("profile {domain}/{profile}: {what}");
        self.change(SAGEMAKER, "UpdateUserProfile", target, request.send()).await.map(drop)
    }

    /// Sets the landing page that a domain's profiles inherit, what is hidden from them, and the auto-mount of the Classic
    /// EFS; `None` leaves a thing as it is.
    pub async fn set_domain_experience(
        &self,
        domain: &DomainId,
        portal: &str,
        landing: &str,
        hidden_app_types: Option<&[String]>,
        auto_mount: Option<&str>,
    ) -> Result<(), Error> {
        const OPERATION: &str = "UpdateDomain";
        let mut settings = UserSettings::builder()
            .studio_web_portal(StudioWebPortal::from(portal))
            .default_landing_uri(landing)
            .set_auto_mount_home_efs(auto_mount.map(AutoMountHomeEfs::from));
        if let Some(hidden) = hidden_app_types {
            // Sent with everything else that the portal settings hold: an update may replace them all.
            let request = self.clients.sagemaker.describe_domain().domain_id(domain.as_str());
            let now = self.ask(SAGEMAKER, "DescribeDomain", request.send()).await?;
            let mut web = now
                .default_user_settings
                .and_then(|settings| settings.studio_web_portal_settings)
                .unwrap_or_else(|| StudioWebPortalSettings::builder().build());
            web.hidden_app_types =
                Some(hidden.iter().map(|kind| AppType::from(kind.as_str())).collect());
            settings = settings.studio_web_portal_settings(web);
        }
        let request = self
            .clients
            .sagemaker
            .update_domain()
            .domain_id(domain.as_str())
            .default_user_settings(settings.build());
        let target = format!(
            "domain {domain}: StudioWebPortal={portal} DefaultLandingUri={landing} hidden={hidden_app_types:?} auto-mount={auto_mount:?}"
        );
        self.change(SAGEMAKER, OPERATION, target, request.send()).await.map(drop)
    }
}

fn spec(instance_type: &str) -> ResourceSpec {
    ResourceSpec::builder().instance_type(instance_type.into()).build()
}

fn idle(minutes: i32) -> SpaceAppLifecycleManagement {
    let idle = SpaceIdleSettings::builder().idle_timeout_in_minutes(minutes).build();
    SpaceAppLifecycleManagement::builder().idle_settings(idle).build()
}

fn storage(gb: i32) -> SpaceStorageSettings {
    let ebs = EbsStorageSettings::builder().ebs_volume_size_in_gb(gb).build();
    SpaceStorageSettings::builder().ebs_storage_settings(ebs).build()
}

fn sdk_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
