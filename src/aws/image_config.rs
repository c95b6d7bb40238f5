//! App image configurations: how an image is run by an app of the new Studio.
//!
//! A configuration is made beside Classic's, never added to it: AWS has no way to take a part away again.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::{CodeEditorAppImageConfig, JupyterLabAppImageConfig};

use super::account::{Account, Reader};
use super::error::Error;
use super::studio::SAGEMAKER;
use super::tags::sdk_tags;
use crate::playbook::SpaceApp;

/// An app image configuration that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundConfig {
    /// Its ARN.
    pub arn: String,
    /// The apps of the new Studio that it is for.
    pub apps: Vec<SpaceApp>,
}

impl Reader {
    /// Describes an app image configuration.
    pub async fn image_config(&self, name: &str) -> Result<FoundConfig, Error> {
        let request =
            self.clients.sagemaker.describe_app_image_config().app_image_config_name(name);
        let sdk = self
            .ask_patiently(SAGEMAKER, "DescribeAppImageConfig", || request.clone().send())
            .await?;
        let parts = [
            (SpaceApp::JupyterLab, sdk.jupyter_lab_app_image_config.is_some()),
            (SpaceApp::CodeEditor, sdk.code_editor_app_image_config.is_some()),
        ];
        Ok(FoundConfig {
            arn: sdk.app_image_config_arn.unwrap_or_default(),
            apps: parts.into_iter().filter(|(_, is_there)| *is_there).map(|(app, _)| app).collect(),
        })
    }
}

impl Account {
    /// Makes an app image configuration for an app. It says nothing about the container, which starts as it was built, nor of its
    /// user: `FileSystemConfig` is not supported for these apps (`JupyterLabAppImageConfig`, API reference).
    pub async fn create_image_config(
        &self,
        name: &str,
        app: SpaceApp,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .create_app_image_config()
            .app_image_config_name(name)
            .set_tags(Some(sdk_tags(tags)));
        let request =
            match app {
                SpaceApp::JupyterLab => request
                    .jupyter_lab_app_image_config(JupyterLabAppImageConfig::builder().build()),
                SpaceApp::CodeEditor => request
                    .code_editor_app_image_config(CodeEditorAppImageConfig::builder().build()),
            };
        let target = format!("app image configuration {name} for {app}");
        self.change(SAGEMAKER, "CreateAppImageConfig", target, request.send()).await.map(drop)
    }

    /// Deletes an app image configuration. AWS does not mind who is still offered it.
    pub async fn delete_image_config(&self, name: &str) -> Result<(), Error> {
        let request = self.clients.sagemaker.delete_app_image_config().app_image_config_name(name);
        let target = format!("app image configuration {name}");
        self.change(SAGEMAKER, "DeleteAppImageConfig", target, request.send()).await.map(drop)
    }
}
