//! Changing SageMaker. Every verb sends only what it changes: what `Describe` answers is never echoed back whole, since AWS
//! refuses some of it and lists in an update replace. Spaces are changed in `space_change`.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::{
    AppType, AutoMountHomeEfs, CodeEditorAppSettings, JupyterLabAppSettings, MlTools,
    StudioLifecycleConfigAppType, StudioWebPortal, StudioWebPortalSettings, UserSettings,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::error::Error;
use super::settings::NO_SCRIPT;
use super::space_change::spec;
use super::studio::{Owner, SAGEMAKER};
use super::tags::sdk_tags;
use crate::names::{DomainId, ProfileName, SpaceName};
use crate::playbook::SpaceApp;

/// The name that AWS gives the one app of a space.
const APP: &str = "default";

impl Account {
    /// Starts the app of a space, with a lifecycle script where one is given, and returns its ARN.
    pub async fn create_app(
        &self,
        domain: &DomainId,
        space: &SpaceName,
        app: SpaceApp,
        (instance_type, script): (&str, Option<&str>),
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let mut started_by = spec(instance_type);
        started_by.lifecycle_config_arn = script.map(str::to_owned);
        let request = self
            .clients
            .sagemaker
            .create_app()
            .domain_id(domain.as_str())
            .space_name(space.as_str())
            .app_type(AppType::from(app.as_str()))
            .app_name(APP)
            .resource_spec(started_by)
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

    /// Makes a lifecycle script for an app and returns its ARN. Scripts cannot be changed afterwards.
    pub async fn create_script(
        &self,
        name: &str,
        app: SpaceApp,
        text: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let request = self
            .clients
            .sagemaker
            .create_studio_lifecycle_config()
            .studio_lifecycle_config_name(name)
            .studio_lifecycle_config_app_type(StudioLifecycleConfigAppType::from(app.as_str()))
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

    /// Sets the built-in script of a profile for an app, or clears it.
    ///
    /// The profile's other settings of that app are read first and sent along, so that an update that replaces them all
    /// changes nothing else.
    pub async fn set_built_in_script(
        &self,
        domain: &DomainId,
        profile: &ProfileName,
        app: SpaceApp,
        arn: Option<&str>,
    ) -> Result<(), Error> {
        let now = self.described_profile(domain, profile).await?.user_settings;
        let arn = arn.unwrap_or(NO_SCRIPT);
        let settings = UserSettings::builder();
        let settings = match app {
            SpaceApp::JupyterLab => {
                let mut lab = now
                    .and_then(|settings| settings.jupyter_lab_app_settings)
                    .unwrap_or_else(|| JupyterLabAppSettings::builder().build());
                lab.built_in_lifecycle_config_arn = Some(arn.to_owned());
                settings.jupyter_lab_app_settings(lab)
            }
            SpaceApp::CodeEditor => {
                let mut editor = now
                    .and_then(|settings| settings.code_editor_app_settings)
                    .unwrap_or_else(|| CodeEditorAppSettings::builder().build());
                editor.built_in_lifecycle_config_arn = Some(arn.to_owned());
                settings.code_editor_app_settings(editor)
            }
        }
        .build();
        self.update_profile(domain, profile, settings, &format!("built-in script {arn}")).await
    }

    /// Sets the landing page of a profile, and what is hidden from it where that is given: all in one call, because AWS
    /// refuses one value of the landing page without the other.
    ///
    /// The other portal settings, the profile's or else the domain's, are sent along with what is hidden: an update may
    /// replace them all, and those of a profile may hide the domain's.
    pub async fn set_experience(
        &self,
        domain: &DomainId,
        profile: &ProfileName,
        portal: &str,
        landing: &str,
        hidden: Option<&Hidden>,
    ) -> Result<(), Error> {
        let mut settings = UserSettings::builder()
            .studio_web_portal(StudioWebPortal::from(portal))
            .default_landing_uri(landing);
        let mut what = format!("StudioWebPortal={portal} DefaultLandingUri={landing}");
        if let Some(hidden) = hidden {
            let own = self.described_profile(domain, profile).await?.user_settings;
            let own = own.and_then(|settings| settings.studio_web_portal_settings);
            let mut web = match own {
                Some(own) => own,
                None => self.domain_portal_settings(domain).await?,
            };
            web.hidden_app_types =
                Some(hidden.app_types.iter().map(|kind| AppType::from(kind.as_str())).collect());
            web.hidden_ml_tools =
                Some(hidden.tools.iter().map(|tool| MlTools::from(tool.as_str())).collect());
            settings = settings.studio_web_portal_settings(web);
            what.push_str(&format!(" hidden={:?} {:?}", hidden.app_types, hidden.tools));
        }
        let settings = settings.build();
        self.update_profile(domain, profile, settings, &what).await
    }

    pub(super) async fn update_profile(
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

    /// The portal settings that a domain's profiles inherit, whole.
    async fn domain_portal_settings(
        &self,
        domain: &DomainId,
    ) -> Result<StudioWebPortalSettings, Error> {
        let request = self.clients.sagemaker.describe_domain().domain_id(domain.as_str());
        let now = self.ask(SAGEMAKER, "DescribeDomain", request.send()).await?;
        let web = now.default_user_settings.and_then(|all| all.studio_web_portal_settings);
        Ok(web.unwrap_or_else(|| StudioWebPortalSettings::builder().build()))
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
            let mut web = self.domain_portal_settings(domain).await?;
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

/// What is hidden from a profile. Visibility, not permission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// App types, as AWS spells them.
    pub app_types: Vec<String>,
    /// ML tools, as AWS spells them.
    pub tools: Vec<String>,
}
