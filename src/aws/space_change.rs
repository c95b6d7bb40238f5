//! Making, changing and deleting spaces.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::{
    AppType, EbsStorageSettings, OwnershipSettings, ResourceSpec, SharingType,
    SpaceAppLifecycleManagement, SpaceCodeEditorAppSettings, SpaceIdleSettings,
    SpaceJupyterLabAppSettings, SpaceSettings, SpaceSharingSettings, SpaceStorageSettings,
};

use super::account::Account;
use super::error::Error;
use super::studio::SAGEMAKER;
use super::tags::sdk_tags;
use crate::names::{DomainId, ProfileName, SpaceName};
use crate::playbook::SpaceApp;

/// A space to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSpace {
    /// The domain.
    pub domain: DomainId,
    /// Its name.
    pub name: SpaceName,
    /// Whose it is, for good: AWS cannot change an owner.
    pub owner: ProfileName,
    /// Whether everyone of the domain may use it.
    pub is_shared: bool,
    /// Which app it is for, for good.
    pub app: SpaceApp,
    /// The size of its EBS volume in GiB; it cannot shrink.
    pub volume_gb: i32,
    /// Idle shutdown in minutes, 60 to 525,600.
    pub idle_minutes: i32,
    /// The instance type that its owner finds chosen.
    pub instance_type: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What a space's app starts with when its owner chooses nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartWith {
    /// The instance type.
    pub instance_type: String,
    /// The ARN of a SageMaker image, or of a version of one.
    pub image: String,
}

impl StartWith {
    fn spec(&self) -> ResourceSpec {
        let spec = ResourceSpec::builder().instance_type(self.instance_type.as_str().into());
        if self.image.contains(":image-version/") {
            spec.sage_maker_image_version_arn(&self.image).build()
        } else {
            spec.sage_maker_image_arn(&self.image).build()
        }
    }
}

impl Account {
    /// Makes a space and returns its ARN.
    pub async fn create_space(&self, new: &NewSpace) -> Result<String, Error> {
        const OPERATION: &str = "CreateSpace";
        let mut settings = of_app(new.app, Some(spec(&new.instance_type)), new.idle_minutes);
        settings.app_type = Some(AppType::from(new.app.as_str()));
        settings.space_storage_settings = Some(storage(new.volume_gb));
        let owner = OwnershipSettings::builder().owner_user_profile_name(new.owner.as_str());
        let sharing = SpaceSharingSettings::builder().sharing_type(match new.is_shared {
            true => SharingType::Shared,
            false => SharingType::Private,
        });
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

    /// Sets the idle shutdown of a space, in minutes, and what it starts with, where that is given.
    ///
    /// The other settings of its app are read first and sent along: an update may replace them all.
    pub async fn set_up_space(
        &self,
        domain: &DomainId,
        space: &SpaceName,
        app: SpaceApp,
        minutes: i32,
        start: Option<&StartWith>,
    ) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .describe_space()
            .domain_id(domain.as_str())
            .space_name(space.as_str());
        let now = self.ask(SAGEMAKER, "DescribeSpace", request.send()).await?;
        let mut settings = of_app(app, start.map(StartWith::spec), minutes);
        if let Some(now) = now.space_settings {
            keep_the_rest(&mut settings, now);
        }
        let image = start.map(|start| format!(" and image {}", start.image)).unwrap_or_default();
        let what = format!("idle shutdown of {minutes} minutes{image}");
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
}

/// The part of a space's settings that belongs to its app.
fn of_app(app: SpaceApp, spec: Option<ResourceSpec>, idle_minutes: i32) -> SpaceSettings {
    let settings = SpaceSettings::builder();
    match app {
        SpaceApp::JupyterLab => settings.jupyter_lab_app_settings(
            SpaceJupyterLabAppSettings::builder()
                .set_default_resource_spec(spec)
                .app_lifecycle_management(idle(idle_minutes))
                .build(),
        ),
        SpaceApp::CodeEditor => settings.code_editor_app_settings(
            SpaceCodeEditorAppSettings::builder()
                .set_default_resource_spec(spec)
                .app_lifecycle_management(idle(idle_minutes))
                .build(),
        ),
    }
    .build()
}

/// Fills what a change of an app's settings does not say from what stands.
fn keep_the_rest(change: &mut SpaceSettings, now: SpaceSettings) {
    if let (Some(lab), Some(now)) =
        (&mut change.jupyter_lab_app_settings, now.jupyter_lab_app_settings)
    {
        let spec = lab.default_resource_spec.take().or(now.default_resource_spec);
        lab.default_resource_spec = spec;
        lab.code_repositories = now.code_repositories;
    }
    if let (Some(editor), Some(now)) =
        (&mut change.code_editor_app_settings, now.code_editor_app_settings)
    {
        let spec = editor.default_resource_spec.take().or(now.default_resource_spec);
        editor.default_resource_spec = spec;
    }
}

pub(super) fn spec(instance_type: &str) -> ResourceSpec {
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
