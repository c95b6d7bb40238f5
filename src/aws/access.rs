//! Asking who may do what, how much, and who did: IAM, Service Quotas, CloudTrail.

use std::collections::BTreeMap;

use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use serde_json::Value;

use super::account::Reader;
use super::error::Error;

/// What IAM would answer to one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The action: `sagemaker:CreateSpace`.
    pub action: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub decision: String,
}

/// Someone opened a profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// The domain's id.
    pub domain: String,
    /// The profile.
    pub profile: String,
    /// The caller's ARN.
    pub caller: String,
}

impl Reader {
    /// Asks IAM whether a role may do each action on a resource (`*` for any), permissions boundary included.
    pub async fn simulate(
        &self,
        role: &str,
        actions: &[&str],
        resource: &str,
    ) -> Result<Vec<Decision>, Error> {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let request = self
                .clients
                .iam
                .simulate_principal_policy()
                .policy_source_arn(role)
                .set_action_names(Some(actions.iter().map(|action| (*action).to_owned()).collect()))
                .resource_arns(resource)
                .set_marker(marker.take());
            let page = self.ask("iam", "SimulatePrincipalPolicy", request.send()).await?;
            marker = page.marker;
            found.extend(page.evaluation_results.unwrap_or_default().into_iter().map(|result| {
                Decision {
                    action: result.eval_action_name,
                    decision: result.eval_decision.to_string(),
                }
            }));
            if marker.is_none() {
                return Ok(found);
            }
        }
    }

    /// Lists SageMaker's applied quotas that are about Studio, by name.
    pub async fn studio_quotas(&self) -> Result<BTreeMap<String, f64>, Error> {
        let mut found = BTreeMap::new();
        let mut token: Option<String> = None;
        loop {
            let request = self
                .clients
                .quotas
                .list_service_quotas()
                .service_code("sagemaker")
                .max_results(100)
                .set_next_token(token.take());
            let page = self.ask("servicequotas", "ListServiceQuotas", request.send()).await?;
            token = page.next_token;
            found.extend(page.quotas.unwrap_or_default().into_iter().filter_map(|quota| {
                let name = quota.quota_name?;
                name.contains("Studio").then_some((name, quota.value?))
            }));
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Lists who opened which profile, as far back as CloudTrail's event history goes (90 days).
    pub async fn openings(&self) -> Result<Vec<Opening>, Error> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        let by_name = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::EventName)
            .attribute_value("CreatePresignedDomainUrl")
            .build()
            .map_err(|error| {
                Error::unmade(
                    super::ErrorKind::Invalid,
                    "cloudtrail",
                    "LookupEvents",
                    error.to_string(),
                )
            })?;
        loop {
            let request = self
                .clients
                .cloudtrail
                .lookup_events()
                .lookup_attributes(by_name.clone())
                .max_results(50)
                .set_next_token(token.take());
            let page = self.ask("cloudtrail", "LookupEvents", request.send()).await?;
            token = page.next_token;
            let events = page.events.unwrap_or_default();
            found.extend(
                events.iter().filter_map(|event| opening(event.cloud_trail_event.as_deref()?)),
            );
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

fn opening(event: &str) -> Option<Opening> {
    let event: Value = serde_json::from_str(event).ok()?;
    let asked = event.get("requestParameters")?;
    Some(Opening {
        domain: asked.get("domainId")?.as_str()?.to_owned(),
        profile: asked.get("userProfileName")?.as_str()?.to_owned(),
        caller: event.get("userIdentity")?.get("arn")?.as_str()?.to_owned(),
    })
}
