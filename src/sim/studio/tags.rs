//! Tags, kept under the ARN of what they are on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, arn};
use super::listing::Listing;
use super::refuse::{invalid, missing};
use super::standing::Status;

/// The most tags that one resource may have.
const MOST: usize = 50;

/// Reads a list of tags.
///
/// # Errors
///
/// Refuses a key that is given twice and the keys that AWS keeps to itself.
pub(super) fn read(call: &Call<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for tag in call.member("Tags").and_then(Value::as_array).into_iter().flatten() {
        let member = |name: &str| tag[name].as_str().unwrap_or_default().to_owned();
        let key = member("Key");
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("The tag key [{key}] uses the reserved prefix aws:.")));
        }
        if tags.insert(key.clone(), member("Value")).is_some() {
            return Err(invalid(format!("Duplicate tag key [{key}].")));
        }
    }
    Ok(tags)
}

/// Keeps the tags of something new; those of what bore the ARN before are gone.
pub(super) fn put(state: &mut State, arn: &str, tags: BTreeMap<String, String>) {
    if tags.is_empty() {
        state.studio.tags.remove(arn);
    } else {
        state.studio.tags.insert(arn.to_owned(), tags);
    }
}

/// `AddTags`.
pub(super) fn add(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let arn = resource(state, call)?;
        let tags = state.studio.tags.entry(arn).or_default();
        tags.extend(read(call)?);
        if tags.len() > MOST {
            return Err(invalid(format!("A resource can have at most {MOST} tags.")));
        }
        Ok(json!({ "Tags": tags.iter().map(render).collect::<Vec<_>>() }))
    })
}

/// `ListTags`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let arn = resource(state, call)?;
        let tags = state.studio.tags.get(&arn).into_iter().flatten();
        let rows = tags.map(|tag| (tag.0.clone(), tag)).collect();
        let listing =
            Listing { operation: "ListTags", member: "Tags", size: MOST, is_descending: false };
        listing.page(call, rows, render)
    })
}

/// `DeleteTags`.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let arn = resource(state, call)?;
        if let Some(tags) = state.studio.tags.get_mut(&arn) {
            for key in call.member("TagKeys").and_then(Value::as_array).into_iter().flatten() {
                tags.remove(key.as_str().unwrap_or_default());
            }
        }
        Ok(json!({}))
    })
}

fn render((key, value): (&String, &String)) -> Value {
    json!({ "Key": key, "Value": value })
}

/// Finds what the call's ARN names and returns the ARN as it is kept.
fn resource(state: &State, call: &Call<'_>) -> Result<String, Refusal> {
    let given = call.text("ResourceArn");
    known(state, given, call.now).ok_or_else(|| missing("Resource", given))
}

fn known(state: &State, given: &str, now: f64) -> Option<String> {
    let studio = &state.studio;
    let rest = given.strip_prefix(&arn(state, ""))?;
    let (kind, rest) = rest.split_once('/')?;
    let kept = match kind {
        "domain" => super::domain::arn_of(state, studio.domain(rest, now).ok()?),
        "user-profile" => {
            let (domain, name) = rest.split_once('/')?;
            super::profile::arn_of(state, studio.profile(domain, name, now).ok()?)
        }
        "space" => {
            let (domain, name) = rest.split_once('/')?;
            super::space::arn_of(state, studio.space(domain, name, now).ok()?)
        }
        "app" => studio
            .apps
            .values()
            .filter(|app| app.status(now).is_some_and(|status| status != Status::Deleted))
            .map(|app| super::app::arn_of(state, app))
            .find(|arn| arn == given)?,
        "studio-lifecycle-config" => {
            super::script::arn_of(state, studio.scripts.get(&rest.to_ascii_lowercase())?)
        }
        "image" => super::image::arn_of(state, studio.images.get(rest)?),
        "app-image-config" => {
            super::app_image_config::arn_of(state, studio.app_image_configs.get(rest)?)
        }
        _ => return None,
    };
    Some(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sim::studio::testing::{Account, ID, space};

    fn tag(key: &str) -> serde_json::Value {
        json!({"Key": key, "Value": "v"})
    }

    #[tokio::test(start_paused = true)]
    async fn tags_that_were_given_on_creation_are_listed_under_the_arn() {
        let account = Account::with_ada().await;
        let mut input = space("lab", "ada");
        input["Tags"] = json!([tag("run")]);
        let arn = account.ok("CreateSpace", input)["SpaceArn"].clone();
        assert_eq!(arn, format!("arn:aws:sagemaker:eu-west-1:000000000000:space/{ID}/lab"));
        account.ok("AddTags", json!({"ResourceArn": arn, "Tags": [tag("more")]}));
        account.ok("DeleteTags", json!({"ResourceArn": arn, "TagKeys": ["run"]}));
        let listed = account.ok("ListTags", json!({"ResourceArn": arn}));
        assert_eq!(listed, json!({"Tags": [tag("more")]}));
    }

    #[tokio::test(start_paused = true)]
    async fn tags_of_what_does_not_exist_are_refused() {
        let account = Account::with_ada().await;
        let arn = "arn:aws:sagemaker:eu-west-1:000000000000:space/d-sim000000001/nothing";
        let refusal = account.refusal("ListTags", json!({"ResourceArn": arn}));
        assert!(refusal.starts_with("ResourceNotFound"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_resource_has_at_most_fifty_tags_and_none_of_awss_own() {
        let account = Account::with_ada().await;
        let arn = account.ok("ListDomains", json!({}))["Domains"][0]["DomainArn"].clone();
        let many: Vec<_> = (0..50).map(|number| tag(&format!("k{number}"))).collect();
        account.ok("AddTags", json!({"ResourceArn": arn, "Tags": many}));
        for key in ["one-more", "aws:mine"] {
            let input = json!({"ResourceArn": arn, "Tags": [tag(key)]});
            let refusal = account.refusal("AddTags", input);
            assert!(refusal.starts_with("ValidationException"), "{refusal}");
        }
    }
}
