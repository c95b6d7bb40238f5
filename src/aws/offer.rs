//! What a domain or a profile offers to the people who start an app: scripts, images and repositories, in Classic and in the new
//! Studio. Each is a list, and AWS replaces a list as a whole.

use aws_sdk_sagemaker::types::{
    CodeEditorAppSettings, CodeRepository, CustomImage, JupyterLabAppSettings, UserSettings,
};
use serde::{Deserialize, Serialize};

use super::account::{Account, Reader};
use super::error::Error;
use super::settings::NO_SCRIPT;
use super::studio::{SAGEMAKER, text};
use crate::names::{DomainId, ProfileName};
use crate::playbook::SpaceApp;

/// A custom image that is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct OfferedImage {
    /// The name of the image.
    pub image: String,
    /// Its version; none means the newest.
    pub version: Option<i32>,
    /// The app image configuration that it is run by.
    pub config: String,
}

/// What is offered to an app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Offer {
    /// ARNs of lifecycle scripts.
    pub scripts: Vec<String>,
    /// Custom images.
    pub images: Vec<OfferedImage>,
    /// URLs of Git repositories, which Code Editor has none of.
    pub repositories: Vec<String>,
}

/// What a domain or a profile offers, by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// `InService`, `Updating`, … of the domain or profile.
    pub status: String,
    /// To Classic: server and kernels together.
    pub classic: Offer,
    /// The scripts that Classic starts with where nobody chooses.
    pub preselected: Vec<String>,
    /// To JupyterLab.
    pub jupyter_lab: Offer,
    /// To Code Editor.
    pub code_editor: Offer,
}

impl Offers {
    /// Returns what is offered to an app of the new Studio.
    pub fn of(&self, app: SpaceApp) -> &Offer {
        match app {
            SpaceApp::JupyterLab => &self.jupyter_lab,
            SpaceApp::CodeEditor => &self.code_editor,
        }
    }

    fn read(status: String, sdk: Option<&UserSettings>) -> Self {
        let server = sdk.and_then(|sdk| sdk.jupyter_server_app_settings.as_ref());
        let kernel = sdk.and_then(|sdk| sdk.kernel_gateway_app_settings.as_ref());
        let lab = sdk.and_then(|sdk| sdk.jupyter_lab_app_settings.as_ref());
        let editor = sdk.and_then(|sdk| sdk.code_editor_app_settings.as_ref());
        let specs = [
            server.and_then(|server| server.default_resource_spec.as_ref()),
            kernel.and_then(|kernel| kernel.default_resource_spec.as_ref()),
        ];
        let preselected = specs.into_iter().flatten();
        let preselected = preselected.filter_map(|spec| spec.lifecycle_config_arn.clone());
        let of_server = server.map(|server| server.lifecycle_config_arns()).unwrap_or_default();
        let of_kernel = kernel.map(|kernel| kernel.lifecycle_config_arns()).unwrap_or_default();
        let mut scripts = of_server.to_vec();
        scripts.extend(of_kernel.iter().filter(|arn| !of_server.contains(arn)).cloned());
        Self {
            status,
            classic: Offer {
                scripts,
                images: images(kernel.map(|kernel| kernel.custom_images())),
                repositories: repositories(server.map(|server| server.code_repositories())),
            },
            preselected: preselected.filter(|arn| arn != NO_SCRIPT).collect(),
            jupyter_lab: Offer {
                scripts: lab.map(|lab| lab.lifecycle_config_arns().to_vec()).unwrap_or_default(),
                images: images(lab.map(|lab| lab.custom_images())),
                repositories: repositories(lab.map(|lab| lab.code_repositories())),
            },
            code_editor: Offer {
                scripts: editor
                    .map(|editor| editor.lifecycle_config_arns().to_vec())
                    .unwrap_or_default(),
                images: images(editor.map(|editor| editor.custom_images())),
                repositories: Vec::new(),
            },
        }
    }
}

fn images(sdk: Option<&[CustomImage]>) -> Vec<OfferedImage> {
    let read = |image: &CustomImage| OfferedImage {
        image: image.image_name.clone().unwrap_or_default(),
        version: image.image_version_number,
        config: image.app_image_config_name.clone().unwrap_or_default(),
    };
    sdk.unwrap_or_default().iter().map(read).collect()
}

fn repositories(sdk: Option<&[CodeRepository]>) -> Vec<String> {
    let urls = sdk.unwrap_or_default().iter().filter_map(|one| one.repository_url.clone());
    urls.collect()
}

fn sdk_images(images: &[OfferedImage]) -> Vec<CustomImage> {
    let write = |image: &OfferedImage| {
        CustomImage::builder()
            .image_name(&image.image)
            .set_image_version_number(image.version)
            .app_image_config_name(&image.config)
            .build()
    };
    images.iter().map(write).collect()
}

fn sdk_repositories(urls: &[String]) -> Vec<CodeRepository> {
    urls.iter().map(|url| CodeRepository::builder().repository_url(url).build()).collect()
}

impl Reader {
    /// Returns what a domain offers, or what a profile offers by itself.
    pub async fn offers(
        &self,
        domain: &DomainId,
        profile: Option<&ProfileName>,
    ) -> Result<Offers, Error> {
        let (status, settings) = self.user_settings(domain, profile).await?;
        Ok(Offers::read(status, settings.as_ref()))
    }

    async fn user_settings(
        &self,
        domain: &DomainId,
        profile: Option<&ProfileName>,
    ) -> Result<(String, Option<UserSettings>), Error> {
        if let Some(profile) = profile {
            let now = self.described_profile(domain, profile).await?;
            return Ok((text(now.status.as_ref()), now.user_settings));
        }
        let request = self.clients.sagemaker.describe_domain().domain_id(domain.as_str());
        let now = self.ask(SAGEMAKER, "DescribeDomain", request.send()).await?;
        Ok((text(now.status.as_ref()), now.default_user_settings))
    }
}

impl Account {
    /// Sets what a domain, or a profile by itself, offers to an app.
    ///
    /// The other settings of the app are read first and sent along, the built-in script among them: an update may replace them
    /// all. A list that is right already stays unsaid where it was unsaid: a profile's empty list may hide its domain's.
    pub async fn set_offer(
        &self,
        domain: &DomainId,
        profile: Option<&ProfileName>,
        app: SpaceApp,
        offer: &Offer,
    ) -> Result<(), Error> {
        let (_, now) = self.user_settings(domain, profile).await?;
        let standing = Offers::read(String::new(), now.as_ref());
        let standing = standing.of(app);
        let scripts = (standing.scripts != offer.scripts).then(|| offer.scripts.clone());
        let images = (standing.images != offer.images).then(|| sdk_images(&offer.images));
        let settings = UserSettings::builder();
        let settings = match app {
            SpaceApp::JupyterLab => {
                let mut lab = now
                    .and_then(|settings| settings.jupyter_lab_app_settings)
                    .unwrap_or_else(|| JupyterLabAppSettings::builder().build());
                lab.lifecycle_config_arns = scripts.or(lab.lifecycle_config_arns);
                lab.custom_images = images.or(lab.custom_images);
                if standing.repositories != offer.repositories {
                    lab.code_repositories = Some(sdk_repositories(&offer.repositories));
                }
                settings.jupyter_lab_app_settings(lab)
            }
            SpaceApp::CodeEditor => {
                let mut editor = now
                    .and_then(|settings| settings.code_editor_app_settings)
                    .unwrap_or_else(|| CodeEditorAppSettings::builder().build());
                editor.lifecycle_config_arns = scripts.or(editor.lifecycle_config_arns);
                editor.custom_images = images.or(editor.custom_images);
                settings.code_editor_app_settings(editor)
            }
        }
        .build();
        let what = format!("{app} is offered {offer:?}");
        if let Some(profile) = profile {
            return self.update_profile(domain, profile, settings, &what).await;
        }
        let request = self
            .clients
            .sagemaker
            .update_domain()
            .domain_id(domain.as_str())
            .default_user_settings(settings);
        let target = format!("domain {domain}: {what}");
        self.change(SAGEMAKER, "UpdateDomain", target, request.send()).await.map(drop)
    }
}
