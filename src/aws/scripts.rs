//! Asking SageMaker about lifecycle scripts and custom images.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::account::Reader;
use super::error::{Error, ErrorKind};
use super::studio::{PAGE, SAGEMAKER, all_pages, text};

/// A lifecycle script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The app type that it was made for.
    pub app_type: String,
    /// The decoded text; what is not UTF-8 in it is replaced. `None` when it could not be read.
    pub text: Option<String>,
}

/// A custom image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its name.
    pub name: String,
    /// `CREATED`, ….
    pub status: String,
    /// The container image of its newest version.
    pub container: Option<String>,
}

/// An app image configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Its name.
    pub name: String,
    /// Which parts it has: `KernelGateway`, `JupyterLab`, `CodeEditor`.
    pub parts: Vec<String>,
    /// The uid and gid of its Classic part.
    pub classic_uid_gid: Option<(i32, i32)>,
}

impl Reader {
    /// Lists the names of every lifecycle script.
    pub async fn script_names(&self) -> Result<Vec<String>, Error> {
        let sagemaker = &self.clients.sagemaker;
        let scripts = all_pages!(
            self,
            "ListStudioLifecycleConfigs",
            sagemaker.list_studio_lifecycle_configs(),
            studio_lifecycle_configs
        );
        Ok(scripts.into_iter().filter_map(|script| script.studio_lifecycle_config_name).collect())
    }

    /// Describes a lifecycle script and decodes it.
    pub async fn script(&self, name: &str) -> Result<Script, Error> {
        let request = self
            .clients
            .sagemaker
            .describe_studio_lifecycle_config()
            .studio_lifecycle_config_name(name);
        let sdk = self
            .ask_patiently(SAGEMAKER, "DescribeStudioLifecycleConfig", || request.clone().send())
            .await?;
        let content = sdk.studio_lifecycle_config_content.unwrap_or_default();
        let decoded = STANDARD.decode(&content).unwrap_or_else(|_| content.into_bytes());
        Ok(Script {
            arn: sdk.studio_lifecycle_config_arn.unwrap_or_default(),
            name: name.to_owned(),
            app_type: text(sdk.studio_lifecycle_config_app_type.as_ref()),
            text: Some(String::from_utf8_lossy(&decoded).into_owned()),
        })
    }

    /// Lists the custom images, each with the container of its newest version; with them, what of these was refused.
    pub async fn images(&self) -> Result<(Vec<Image>, Vec<Error>), Error> {
        let mut refused = Vec::new();
        let images = all_pages!(self, "ListImages", self.clients.sagemaker.list_images(), images);
        let mut found = Vec::new();
        for image in images {
            let name = image.image_name.unwrap_or_default();
            let request = self.clients.sagemaker.describe_image_version().image_name(&name);
            let version = match self.ask(SAGEMAKER, "DescribeImageVersion", request.send()).await {
                Ok(version) => Some(version),
                // An image without a version has none to describe.
                Err(error) if error.kind == ErrorKind::NotFound => None,
                Err(error) => {
                    refused.push(error);
                    None
                }
            };
            found.push(Image {
                name,
                status: text(image.image_status.as_ref()),
                container: version.and_then(|version| version.container_image),
            });
        }
        Ok((found, refused))
    }

    /// Lists the app image configurations.
    pub async fn image_configs(&self) -> Result<Vec<ImageConfig>, Error> {
        let configs = all_pages!(
            self,
            "ListAppImageConfigs",
            self.clients.sagemaker.list_app_image_configs(),
            app_image_configs
        );
        let read = configs.into_iter().map(|config| {
            let kernel = config.kernel_gateway_image_config.as_ref();
            let parts = [
                ("KernelGateway", kernel.is_some()),
                ("JupyterLab", config.jupyter_lab_app_image_config.is_some()),
                ("CodeEditor", config.code_editor_app_image_config.is_some()),
            ];
            ImageConfig {
                name: config.app_image_config_name.clone().unwrap_or_default(),
                parts: parts
                    .into_iter()
                    .filter(|(_, is_there)| *is_there)
                    .map(|(part, _)| part.to_owned())
                    .collect(),
                classic_uid_gid: kernel
                    .and_then(|kernel| kernel.file_system_config.as_ref())
                    .and_then(|files| Some((files.default_uid?, files.default_gid?))),
            }
        });
        Ok(read.collect())
    }
}
