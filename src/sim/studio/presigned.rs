//! The link that opens Studio for a person.

use serde_json::{Value, json};

use crate::sim::state::TrailEvent;
use crate::sim::wire::Refusal;

use super::ask::{Call, number};
use super::records::Members;
use super::refuse::{invalid, unless_settled};
use super::settings;

/// `CreatePresignedDomainUrl`, which CloudTrail records: it is how one profile used by several people shows.
pub(super) fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let (id, name) = (call.text("DomainId"), call.text("UserProfileName"));
        let domain = state.studio.domain(id, call.now)?;
        if domain.members.get("AuthMode").and_then(Value::as_str) == Some("SSO") {
            return Err(invalid("CreatePresignedDomainUrl is not supported with AuthMode SSO."));
        }
        let profile = state.studio.profile(id, name, call.now)?;
        if let Some(status) = profile.standing.status(call.now) {
            unless_settled("UserProfile", name, status)?;
        }
        if let Some(space) = call.given("SpaceName") {
            state.studio.space(id, space, call.now)?;
        }
        let settings = settings::of_profile(domain, profile);
        let is_closed = settings.get("StudioWebPortal").and_then(Value::as_str) == Some("DISABLED");
        if is_closed && call.given("LandingUri").is_some_and(|uri| uri.starts_with("studio::")) {
            return Err(invalid(settings::PORTAL_DISABLED));
        }
        let serial = number(state);
        state.trail.push(TrailEvent {
            at: call.now,
            name: "CreatePresignedDomainUrl".to_owned(),
            caller: call.caller.arn.clone(),
            request: Value::Object(recorded(call)),
        });
        let region = &state.region;
        let url = format!("https://{id}.studio.{region}.sagemaker.aws/auth?token={serial:032x}");
        Ok(json!({ "AuthorizedUrl": url }))
    })
}

/// The input as CloudTrail keeps it: in camel case.
fn recorded(call: &Call<'_>) -> Members {
    let members = call.input.as_object().into_iter().flatten();
    members
        .map(|(name, value)| {
            let (first, rest) = name.split_at(name.len().min(1));
            (format!("{}{rest}", first.to_ascii_lowercase()), value.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sim::studio::testing::{Account, ID};

    #[tokio::test(start_paused = true)]
    async fn opening_studio_is_in_the_trail_with_the_caller() {
        let account = Account::with_ada().await;
        let input = json!({"DomainId": ID, "UserProfileName": "Ada"});
        account.ok("CreatePresignedDomainUrl", input);
        account.world.read(|state| {
            assert_eq!(state.trail[0].caller, "arn:aws:iam::000000000000:user/operator");
            assert_eq!(state.trail[0].request, json!({"domainId": ID, "userProfileName": "Ada"}));
        });
    }
}
