//! User settings as far as the migration cares, read from the SDK's deep structures.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::UserSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::playbook::SpaceApp;

/// User settings that matter to the migration; `None` means not set at this level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The execution role.
    pub execution_role: Option<String>,
    /// `ENABLED` or `DISABLED`.
    pub studio_web_portal: Option<String>,
    /// `studio::`, `app:JupyterServer:`, ….
    pub landing: Option<String>,
    /// `Enabled`, `Disabled` or `DefaultAsDomain`.
    pub auto_mount: Option<String>,
    /// Where Classic notebooks are shared to, `s3://…`.
    pub shared_notebooks: Option<String>,
    /// Whether outputs of cells are shared along: `Allowed` or `Disabled`.
    pub sharing_option: Option<String>,
    /// The key that shared notebooks are encrypted with.
    pub sharing_kms_key: Option<String>,
    /// Where Canvas keeps what is made in it, `s3://…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canvas_artifacts: Option<String>,
    /// Lifecycle scripts by Studio app type.
    pub scripts: BTreeMap<String, Vec<String>>,
    /// The built-in lifecycle script of JupyterLab.
    pub built_in_script: Option<String>,
    /// The built-in lifecycle script of Code Editor.
    pub built_in_editor_script: Option<String>,
    /// Names of custom images by app type.
    pub custom_images: BTreeMap<String, Vec<String>>,
    /// App types that are hidden. Visibility, not permission.
    pub hidden_app_types: Vec<String>,
    /// ML tools that are hidden. Visibility, not permission.
    pub hidden_tools: Vec<String>,
    /// Git repositories offered, by app type.
    pub repositories: BTreeMap<String, Vec<String>>,
    /// Ids of EFS file systems attached beside the home.
    pub custom_file_systems: Vec<String>,
    /// Whose name the execution role's sessions carry: `STATIC` or `USER_IDENTITY`.
    pub session_names: Option<String>,
    /// Security groups.
    pub security_groups: Vec<String>,
    /// The largest EBS volume that a space may have, in GiB.
    pub maximum_volume_gb: Option<i32>,
    /// Whether a custom POSIX identity is set.
    pub custom_posix: Option<(i64, i64)>,
}

/// The literal by which AWS clears a lifecycle script; it may be read back where none is set.
pub(super) const NO_SCRIPT: &str = "None";

impl Settings {
    /// Reads the SDK's settings.
    pub(super) fn of(sdk: &UserSettings) -> Self {
        let lab = sdk.jupyter_lab_app_settings.as_ref();
        let posix = sdk.custom_posix_user_config.as_ref();
        let web = sdk.studio_web_portal_settings.as_ref();
        Self {
            execution_role: sdk.execution_role.clone(),
            studio_web_portal: sdk.studio_web_portal.as_ref().map(ToString::to_string),
            landing: sdk.default_landing_uri.clone(),
            auto_mount: sdk.auto_mount_home_efs.as_ref().map(ToString::to_string),
            shared_notebooks: sdk
                .sharing_settings
                .as_ref()
                .and_then(|sharing| sharing.s3_output_path.clone()),
            canvas_artifacts: sdk
                .canvas_app_settings
                .as_ref()
                .and_then(|canvas| canvas.workspace_settings.as_ref())
                .and_then(|workspace| workspace.s3_artifact_path.clone()),
            scripts: scripts(sdk),
            sharing_option: sdk
                .sharing_settings
                .as_ref()
                .and_then(|sharing| sharing.notebook_output_option.as_ref())
                .map(ToString::to_string),
            sharing_kms_key: sdk
                .sharing_settings
                .as_ref()
                .and_then(|sharing| sharing.s3_kms_key_id.clone()),
            built_in_script: lab
                .and_then(|lab| lab.built_in_lifecycle_config_arn.clone())
                .filter(|arn| arn != NO_SCRIPT),
            built_in_editor_script: sdk
                .code_editor_app_settings
                .as_ref()
                .and_then(|editor| editor.built_in_lifecycle_config_arn.clone())
                .filter(|arn| arn != NO_SCRIPT),
            custom_images: custom_images(sdk),
            hidden_app_types: web.map(|web| texts(web.hidden_app_types())).unwrap_or_default(),
            hidden_tools: web.map(|web| texts(web.hidden_ml_tools())).unwrap_or_default(),
            repositories: repositories(sdk),
            custom_file_systems: sdk
                .custom_file_system_configs()
                .iter()
                .filter_map(|config| config.as_efs_file_system_config().ok())
                .filter_map(|efs| efs.file_system_id.clone())
                .collect(),
            session_names: web
                .and_then(|web| web.execution_role_session_name_mode.as_ref())
                .map(ToString::to_string),
            security_groups: sdk.security_groups().to_vec(),
            maximum_volume_gb: sdk
                .space_storage_settings
                .as_ref()
                .and_then(|storage| storage.default_ebs_storage_settings.as_ref())
                .and_then(|ebs| ebs.maximum_ebs_volume_size_in_gb),
            custom_posix: posix.and_then(|posix| Some((posix.uid?, posix.gid?))),
        }
    }

    /// Returns the built-in lifecycle script of an app.
    pub fn built_in(&self, app: SpaceApp) -> Option<&str> {
        match app {
            SpaceApp::JupyterLab => self.built_in_script.as_deref(),
            SpaceApp::CodeEditor => self.built_in_editor_script.as_deref(),
        }
    }

    /// Returns what holds for a profile with these settings in a domain with those defaults: the profile's beat the
    /// domain's, lists replace, security groups add up.
    #[must_use]
    pub fn over(&self, defaults: &Self) -> Self {
        let own = self.clone();
        let mut scripts = defaults.scripts.clone();
        scripts.extend(own.scripts);
        let mut custom_images = defaults.custom_images.clone();
        custom_images.extend(own.custom_images);
        let mut repositories = defaults.repositories.clone();
        repositories.extend(own.repositories);
        let mut security_groups = defaults.security_groups.clone();
        security_groups.extend(own.security_groups);
        security_groups.dedup();
        let auto_mount = own.auto_mount.filter(|mount| mount != "DefaultAsDomain");
        let or_theirs = |own: Vec<String>, theirs: &[String]| {
            if own.is_empty() { theirs.to_vec() } else { own }
        };
        Self {
            execution_role: own.execution_role.or(defaults.execution_role.clone()),
            studio_web_portal: own.studio_web_portal.or(defaults.studio_web_portal.clone()),
            landing: own.landing.or(defaults.landing.clone()),
            auto_mount: auto_mount.or(defaults.auto_mount.clone()),
            shared_notebooks: own.shared_notebooks.or(defaults.shared_notebooks.clone()),
            sharing_option: own.sharing_option.or(defaults.sharing_option.clone()),
            sharing_kms_key: own.sharing_kms_key.or(defaults.sharing_kms_key.clone()),
            canvas_artifacts: own.canvas_artifacts.or(defaults.canvas_artifacts.clone()),
            scripts,
            built_in_script: own.built_in_script.or(defaults.built_in_script.clone()),
            built_in_editor_script: own
                .built_in_editor_script
                .or(defaults.built_in_editor_script.clone()),
            custom_images,
            hidden_app_types: or_theirs(own.hidden_app_types, &defaults.hidden_app_types),
            hidden_tools: or_theirs(own.hidden_tools, &defaults.hidden_tools),
            repositories,
            custom_file_systems: or_theirs(own.custom_file_systems, &defaults.custom_file_systems),
            session_names: own.session_names.or(defaults.session_names.clone()),
            security_groups,
            maximum_volume_gb: own.maximum_volume_gb.or(defaults.maximum_volume_gb),
            custom_posix: own.custom_posix.or(defaults.custom_posix),
        }
    }
}

/// Where an effective value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The profile sets it.
    Profile,
    /// The profile is silent, and the domain sets it.
    Domain,
    /// Both set some of it.
    Both,
}

impl Settings {
    /// Returns every value that holds for a profile with these settings in a domain with those defaults, by name, with where it
    /// comes from. What neither sets is not listed: AWS's own default holds.
    ///
    /// # Errors
    /// None in practice: settings always have a JSON form.
    pub fn origins(&self, defaults: &Self) -> serde_json::Result<Vec<(String, Value, Origin)>> {
        let is_set = |value: &Value| match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            Value::String(text) => text != "DefaultAsDomain",
            _ => true,
        };
        let (own, theirs) = (serde_json::to_value(self)?, serde_json::to_value(defaults)?);
        let Value::Object(effective) = serde_json::to_value(self.over(defaults))? else {
            return Ok(Vec::new());
        };
        let mut values: Vec<_> = effective
            .into_iter()
            .filter_map(|(name, value)| {
                let origin = match (is_set(&own[&name]), is_set(&theirs[&name])) {
                    (false, false) => return None,
                    (true, true) if value != own[&name] => Origin::Both,
                    (true, _) => Origin::Profile,
                    (false, true) => Origin::Domain,
                };
                Some((name, value, origin))
            })
            .collect();
        values.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        Ok(values)
    }
}

fn texts(values: &[impl AsRef<str>]) -> Vec<String> {
    values.iter().map(|value| value.as_ref().to_owned()).collect()
}

fn scripts(sdk: &UserSettings) -> BTreeMap<String, Vec<String>> {
    let server = sdk.jupyter_server_app_settings.as_ref();
    let kernel = sdk.kernel_gateway_app_settings.as_ref();
    let lab = sdk.jupyter_lab_app_settings.as_ref();
    let editor = sdk.code_editor_app_settings.as_ref();
    let all = [
        ("JupyterServer", server.map(|app| app.lifecycle_config_arns())),
        ("KernelGateway", kernel.map(|app| app.lifecycle_config_arns())),
        ("JupyterLab", lab.map(|app| app.lifecycle_config_arns())),
        ("CodeEditor", editor.map(|app| app.lifecycle_config_arns())),
    ];
    all.into_iter()
        .filter_map(|(app, arns)| Some((app.to_owned(), arns?.to_vec())))
        .filter(|(_, arns)| !arns.is_empty())
        .collect()
}

fn repositories(sdk: &UserSettings) -> BTreeMap<String, Vec<String>> {
    let server = sdk.jupyter_server_app_settings.as_ref();
    let lab = sdk.jupyter_lab_app_settings.as_ref();
    let all = [
        ("JupyterServer", server.map(|app| app.code_repositories())),
        ("JupyterLab", lab.map(|app| app.code_repositories())),
    ];
    all.into_iter()
        .map(|(app, repositories)| {
            let urls = repositories.unwrap_or_default().iter();
            let urls = urls.filter_map(|one| one.repository_url.clone());
            (app.to_owned(), urls.collect::<Vec<_>>())
        })
        .filter(|(_, urls)| !urls.is_empty())
        .collect()
}

fn custom_images(sdk: &UserSettings) -> BTreeMap<String, Vec<String>> {
    let kernel = sdk.kernel_gateway_app_settings.as_ref();
    let lab = sdk.jupyter_lab_app_settings.as_ref();
    let editor = sdk.code_editor_app_settings.as_ref();
    let all = [
        ("KernelGateway", kernel.map(|app| app.custom_images())),
        ("JupyterLab", lab.map(|app| app.custom_images())),
        ("CodeEditor", editor.map(|app| app.custom_images())),
    ];
    all.into_iter()
        .filter_map(|(app, images)| {
            let names = images?.iter().filter_map(|image| image.image_name.clone());
            Some((app.to_owned(), names.collect::<Vec<_>>()))
        })
        .filter(|(_, names)| !names.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_beats_its_domain_and_inherits_where_it_is_silent() {
        let defaults = Settings {
            landing: Some("app:JupyterServer:".to_owned()),
            auto_mount: Some("Disabled".to_owned()),
            maximum_volume_gb: Some(200),
            ..Settings::default()
        };
        let own = Settings {
            landing: Some("studio::".to_owned()),
            auto_mount: Some("DefaultAsDomain".to_owned()),
            ..Settings::default()
        };
        let effective = own.over(&defaults);
        assert_eq!(effective.landing.as_deref(), Some("studio::"));
        assert_eq!(effective.auto_mount.as_deref(), Some("Disabled"));
        assert_eq!(effective.maximum_volume_gb, Some(200));
        let origins = own.origins(&defaults).unwrap();
        let origins: Vec<_> =
            origins.iter().map(|(name, _, origin)| (name.as_str(), *origin)).collect();
        assert_eq!(
            origins,
            [
                ("auto_mount", Origin::Domain),
                ("landing", Origin::Profile),
                ("maximum_volume_gb", Origin::Domain),
            ]
        );
    }
}
