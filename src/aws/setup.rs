//! What a domain is set up with, beside the settings that its profiles inherit.

use aws_sdk_sagemaker::operation::describe_domain::DescribeDomainOutput;
use serde::{Deserialize, Serialize};

use super::studio::rfc3339;

/// A domain's network, identity and features; `None` means that AWS did not say, an empty list that nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setup {
    /// The VPC.
    pub vpc: Option<String>,
    /// Its subnets; apps land in any of them.
    pub subnets: Vec<String>,
    /// Security groups of the domain itself (`DomainSettings.SecurityGroupIds`).
    pub security_groups: Vec<String>,
    /// Who manages security groups of apps: `Service` or `Customer`.
    pub app_security_groups: Option<String>,
    /// The key of the home file system.
    pub efs_kms_key: Option<String>,
    /// Whether a file system is made: `Enabled`, or `Disabled` until someone enables it for good.
    pub home_efs_creation: Option<String>,
    /// The execution role of shared spaces (`DefaultSpaceSettings.ExecutionRole`).
    pub space_role: Option<String>,
    /// Whether tags of the domain travel to what is made in it: `ENABLED` or `DISABLED`.
    pub tag_propagation: Option<String>,
    /// Whether apps may run containers: `ENABLED` or `DISABLED`.
    pub docker: Option<String>,
    /// Accounts whose images a VpcOnly domain trusts.
    pub docker_accounts: Vec<String>,
    /// Trusted identity propagation: `ENABLED` or `DISABLED`.
    pub trusted_identity: Option<String>,
    /// Whether the profile's name stands in the source identity: `USER_PROFILE_NAME` or `DISABLED`.
    pub source_identity: Option<String>,
    /// The Identity Center application of the domain.
    pub sso_application: Option<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
}

impl Setup {
    /// Reads the SDK's description.
    pub(super) fn of(sdk: &DescribeDomainOutput) -> Self {
        let settings = sdk.domain_settings.as_ref();
        let docker = settings.and_then(|settings| settings.docker_settings.as_ref());
        Self {
            vpc: sdk.vpc_id.clone(),
            subnets: sdk.subnet_ids().to_vec(),
            security_groups: settings.map(|s| s.security_group_ids().to_vec()).unwrap_or_default(),
            app_security_groups: sdk
                .app_security_group_management
                .as_ref()
                .map(ToString::to_string),
            efs_kms_key: efs_key(sdk),
            home_efs_creation: sdk.home_efs_file_system_creation.as_ref().map(ToString::to_string),
            space_role: sdk.default_space_settings.as_ref().and_then(|s| s.execution_role.clone()),
            tag_propagation: sdk.tag_propagation.as_ref().map(ToString::to_string),
            docker: docker.and_then(|d| d.enable_docker_access.as_ref()).map(ToString::to_string),
            docker_accounts: docker
                .map(|d| d.vpc_only_trusted_accounts().to_vec())
                .unwrap_or_default(),
            trusted_identity: settings
                .and_then(|s| s.trusted_identity_propagation_settings.as_ref())
                .and_then(|s| s.status.as_ref())
                .map(ToString::to_string),
            source_identity: settings
                .and_then(|s| s.execution_role_identity_config.as_ref())
                .map(ToString::to_string),
            sso_application: sdk.single_sign_on_application_arn.clone(),
            created_at: sdk.creation_time.as_ref().and_then(rfc3339),
        }
    }
}

/// Deprecated in favour of `KmsKeyId`, which is the key of the volumes.
#[expect(deprecated, reason = "it alone tells the key of the file system")]
fn efs_key(sdk: &DescribeDomainOutput) -> Option<String> {
    sdk.home_efs_file_system_kms_key_id.clone()
}
