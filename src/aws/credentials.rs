//! Credentials that are looked for anew whenever they are needed again.
//!
//! The SDK's default chain reads the AWS configuration once. A run goes on for days, and whoever logs in again, or writes new
//! keys into the credentials file, must not have to start it again.

use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::provider::{ProvideCredentials, Result, future};

/// How long credentials are kept that do not say themselves when their time is over.
const KEPT: Duration = Duration::from_secs(60);

/// The default chain, built anew for each question.
#[derive(Debug)]
pub(super) struct Renewing {
    /// A profile of the AWS configuration, where one was named.
    pub(super) profile: Option<String>,
    /// The Region, where one was named.
    pub(super) region: Option<String>,
}

impl Renewing {
    async fn asked(&self) -> Result {
        let mut chain = DefaultCredentialsChain::builder();
        if let Some(profile) = &self.profile {
            chain = chain.profile_name(profile);
        }
        if let Some(region) = &self.region {
            chain = chain.region(Region::new(region.clone()));
        }
        let mut found = chain.build().await.provide_credentials().await?;
        found.expiry_mut().get_or_insert_with(|| SystemTime::now() + KEPT);
        Ok(found)
    }
}

impl ProvideCredentials for Renewing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.asked())
    }
}
