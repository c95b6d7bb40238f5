//! Lifecycle scripts that a domain offers to its shared spaces (`DefaultSpaceSettings`): an app of a shared space starts with
//! a script only if it is listed there.

use aws_sdk_sagemaker::types::{DefaultSpaceSettings, JupyterLabAppSettings};

use super::account::{Account, Reader};
use super::error::Error;
use super::studio::SAGEMAKER;
use crate::names::DomainId;

impl Reader {
    /// Returns the ARNs of the JupyterLab scripts that a domain lists for its shared spaces.
    pub async fn shared_space_scripts(&self, domain: &DomainId) -> Result<Vec<String>, Error> {
        let settings = self.space_settings(domain).await?;
        let lab = settings.and_then(|settings| settings.jupyter_lab_app_settings);
        Ok(lab.and_then(|lab| lab.lifecycle_config_arns).unwrap_or_default())
    }

    async fn space_settings(
        &self,
        domain: &DomainId,
    ) -> Result<Option<DefaultSpaceSettings>, Error> {
        let request = self.clients.sagemaker.describe_domain().domain_id(domain.as_str());
        let now = self.ask(SAGEMAKER, "DescribeDomain", request.send()).await?;
        Ok(now.default_space_settings)
    }
}

impl Account {
    /// Sets the JupyterLab scripts that a domain lists for its shared spaces.
    ///
    /// The other settings of shared spaces are read first and sent along: an update may replace them all.
    pub async fn set_shared_space_scripts(
        &self,
        domain: &DomainId,
        scripts: &[String],
    ) -> Result<(), Error> {
        let now = self.space_settings(domain).await?;
        let mut settings = now.unwrap_or_else(|| DefaultSpaceSettings::builder().build());
        let mut lab = settings
            .jupyter_lab_app_settings
            .take()
            .unwrap_or_else(|| JupyterLabAppSettings::builder().build());
        lab.lifecycle_config_arns = Some(scripts.to_vec());
        settings.jupyter_lab_app_settings = Some(lab);
        let request = self
            .clients
            .sagemaker
            .update_domain()
            .domain_id(domain.as_str())
            .default_space_settings(settings);
        let target = format!("domain {domain}: scripts of shared spaces {scripts:?}");
        self.change(SAGEMAKER, "UpdateDomain", target, request.send()).await.map(drop)
    }
}
