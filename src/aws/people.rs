//! Making and deleting the profiles of people.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::{StudioWebPortal, UserSettings};

use super::account::Account;
use super::error::Error;
use super::studio::SAGEMAKER;
use super::tags::sdk_tags;
use crate::names::{DomainId, ProfileName};

/// The only kind of identifier that AWS takes for a user of Identity Center.
const USER_NAME: &str = "UserName";

/// A profile to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProfile {
    /// The domain.
    pub domain: DomainId,
    /// Its name.
    pub name: ProfileName,
    /// The user of Identity Center, by user name, in a domain that signs in with it.
    pub sso_user: Option<String>,
    /// The execution role; the domain's where it is not given.
    pub execution_role: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Account {
    /// Makes a profile that leads to the new Studio, and returns its ARN.
    pub async fn create_profile(&self, new: &NewProfile) -> Result<String, Error> {
        let settings = UserSettings::builder()
            .set_execution_role(new.execution_role.clone())
            .studio_web_portal(StudioWebPortal::Enabled)
            .default_landing_uri("studio::")
            .build();
        let request = self
            .clients
            .sagemaker
            .create_user_profile()
            .domain_id(new.domain.as_str())
            .user_profile_name(new.name.as_str())
            .set_single_sign_on_user_identifier(new.sso_user.as_ref().map(|_| USER_NAME.to_owned()))
            .set_single_sign_on_user_value(new.sso_user.clone())
            .user_settings(settings)
            .set_tags(Some(sdk_tags(&new.tags)));
        let who = new.sso_user.as_ref().map(|user| format!(" for {user}")).unwrap_or_default();
        let target = format!("profile {}/{}{who}", new.domain, new.name);
        let made = self.change(SAGEMAKER, "CreateUserProfile", target, request.send()).await?;
        Ok(made.user_profile_arn.unwrap_or_default())
    }

    /// Deletes a profile. Its Classic home stays on the file system.
    pub async fn delete_profile(
        &self,
        domain: &DomainId,
        profile: &ProfileName,
    ) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .delete_user_profile()
            .domain_id(domain.as_str())
            .user_profile_name(profile.as_str());
        let target = format!("profile {domain}/{profile}");
        self.change(SAGEMAKER, "DeleteUserProfile", target, request.send()).await.map(drop)
    }
}
