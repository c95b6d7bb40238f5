//! Asking who may do what, how much, and who did: IAM, Service Quotas, CloudTrail.

use std::collections::BTreeMap;

use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde_json::Value;

use super::account::Reader;
use super::error::{Error, ErrorKind};

/// What IAM would answer to one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The action: `sagemaker:CreateSpace`.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub decision: String,
    /// Whether a permissions boundary is what refuses it.
    pub is_by_boundary: bool,
}

/// What IAM is asked about a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Actions: `sagemaker:CreateSpace`.
    pub actions: Vec<String>,
    /// ARNs; none means any resource, `*`. Every action is asked about on every one of them.
    pub resources: Vec<String>,
    /// Condition keys and their values.
    pub context: Vec<(String, String)>,
}

impl Question {
    /// Asks about actions on any resource.
    pub fn about(actions: &[&str]) -> Self {
        Self {
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            ..Self::default()
        }
    }
}

/// Someone opened a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The event's id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The domain's id.
    pub domain: String,
    /// The profile.
    pub profile: String,
    /// The caller's ARN.
    pub caller: String,
}

impl Reader {
    /// Asks IAM what a principal may do, permissions boundary included.
    pub async fn simulate(&self, source: &str, asked: &Question) -> Result<Vec<Decision>, Error> {
        let context: Vec<_> = asked
            .context
            .iter()
            .map(|(key, value)| {
                ContextEntry::builder()
                    .context_key_name(key)
                    .context_key_values(value)
                    .context_key_type(ContextKeyTypeEnum::String)
                    .build()
            })
            .collect();
        let any = || vec!["*".to_owned()];
        let resources = if asked.resources.is_empty() { any() } else { asked.resources.clone() };
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let request = self
                .clients
                .iam
                .simulate_principal_policy()
                .policy_source_arn(source)
                .set_action_names(Some(asked.actions.clone()))
                .set_resource_arns(Some(resources.clone()))
                .set_context_entries((!context.is_empty()).then(|| context.clone()))
                .set_marker(marker.take());
            let page = self
                .ask_patiently("iam", "SimulatePrincipalPolicy", || request.clone().send())
                .await?;
            marker = page.marker;
            found.extend(page.evaluation_results.unwrap_or_default().into_iter().map(|result| {
                let boundary = result.permissions_boundary_decision_detail;
                Decision {
                    action: result.eval_action_name,
                    resource: result.eval_resource_name.unwrap_or_else(|| "*".to_owned()),
                    decision: result.eval_decision.to_string(),
                    is_by_boundary: boundary.is_some_and(|b| !b.allowed_by_permissions_boundary),
                }
            }));
            if marker.is_none() {
                return Ok(found);
            }
        }
    }

    /// Returns the ARN of a role's permissions boundary, if it has one.
    pub async fn boundary(&self, role: &str) -> Result<Option<String>, Error> {
        let name = role.rsplit('/').next().unwrap_or(role);
        let request = self.clients.iam.get_role().role_name(name);
        let answer = self.ask_patiently("iam", "GetRole", || request.clone().send()).await?;
        let boundary = answer.role.and_then(|role| role.permissions_boundary);
        Ok(boundary.and_then(|boundary| boundary.permissions_boundary_arn))
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

    /// Returns a page of who opened which profile in a period, the newest first, and the token of the next page.
    ///
    /// CloudTrail's event history goes back 90 days.
    pub async fn openings(
        &self,
        since: Timestamp,
        until: Timestamp,
        token: Option<String>,
    ) -> Result<(Vec<Opening>, Option<String>), Error> {
        const OPERATION: &str = "LookupEvents";
        let by_name = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::EventName)
            .attribute_value("CreatePresignedDomainUrl")
            .build()
            .map_err(|error| {
                Error::unmade(ErrorKind::Invalid, "cloudtrail", OPERATION, error.to_string())
            })?;
        // Whole seconds are all that CloudTrail knows: the period ends with the second that `until` is in.
        let request = self
            .clients
            .cloudtrail
            .lookup_events()
            .lookup_attributes(by_name)
            .start_time(DateTime::from_secs(since.as_second()))
            .end_time(DateTime::from_secs(until.as_second().saturating_add(1)))
            .max_results(50)
            .set_next_token(token);
        let page = self.ask_patiently("cloudtrail", OPERATION, || request.clone().send()).await?;
        let events = page.events.unwrap_or_default();
        Ok((events.iter().filter_map(opening).collect(), page.next_token))
    }
}

fn opening(event: &Event) -> Option<Opening> {
    let body: Value = serde_json::from_str(event.cloud_trail_event.as_deref()?).ok()?;
    let asked = body.get("requestParameters")?;
    Some(Opening {
        id: event.event_id.clone().unwrap_or_default(),
        at: Timestamp::from_second(event.event_time?.secs()).ok()?,
        domain: asked.get("domainId")?.as_str()?.to_owned(),
        profile: asked.get("userProfileName")?.as_str()?.to_owned(),
        caller: body.get("userIdentity")?.get("arn")?.as_str()?.to_owned(),
    })
}
