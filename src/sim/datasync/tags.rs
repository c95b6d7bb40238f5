//! Tags, kept under the ARN of what they are on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, execution_arn, execution_id, id_in};
use super::refuse::{invalid, not_found};

/// The most tags that one resource may have.
const MOST: usize = 50;
/// How many tags a page holds when nobody says.
const PAGE: usize = 50;

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
            return Err(invalid(format!("The tag key {key} uses the reserved prefix aws:.")));
        }
        if tags.insert(key.clone(), member("Value")).is_some() {
            return Err(invalid(format!("The tag key {key} is given twice.")));
        }
    }
    Ok(tags)
}

/// Keeps the tags of something new.
pub(super) fn put(state: &mut State, arn: &str, tags: BTreeMap<String, String>) {
    if !tags.is_empty() {
        state.datasync.tags.insert(arn.to_owned(), tags);
    }
}

/// Forgets the tags of something that is gone.
pub(super) fn forget(state: &mut State, arn: &str) {
    state.datasync.tags.remove(arn);
}

/// `TagResource`.
pub(super) fn add(call: &Call<'_>) -> Result<Value, Refusal> {
    let given = read(call)?;
    call.world.change(|state| {
        let arn = resource(state, call)?;
        let tags = state.datasync.tags.entry(arn).or_default();
        tags.extend(given);
        if tags.len() > MOST {
            return Err(invalid(format!("A resource can have at most {MOST} tags.")));
        }
        Ok(json!({}))
    })
}

/// `UntagResource`.
pub(super) fn remove(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let arn = resource(state, call)?;
        if let Some(tags) = state.datasync.tags.get_mut(&arn) {
            for key in call.member("Keys").and_then(Value::as_array).into_iter().flatten() {
                tags.remove(key.as_str().unwrap_or_default());
            }
        }
        Ok(json!({}))
    })
}

/// `ListTagsForResource`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let arn = resource(state, call)?;
        let tags = state.datasync.tags.get(&arn).into_iter().flatten();
        let rows = tags.map(render).collect();
        super::listing::page(call, "Tags", rows, PAGE)
    })
}

/// A tag that was given no value shows none: the model's pattern takes no empty one.
fn render((key, value): (&String, &String)) -> Value {
    if value.is_empty() { json!({ "Key": key }) } else { json!({ "Key": key, "Value": value }) }
}

/// The ARN that the call names, when there is something of that ARN.
fn resource(state: &State, call: &Call<'_>) -> Result<String, Refusal> {
    let arn = call.text("ResourceArn");
    let kept = &state.datasync;
    let is_there = if let Ok((task, id)) = execution_id(state, arn) {
        kept.executions.get(id).is_some_and(|one| execution_arn(state, &one.task, id) == arn)
            && kept.tasks.contains_key(task)
    } else {
        id_in(state, "task", arn).is_ok_and(|id| kept.tasks.contains_key(id))
            || id_in(state, "location", arn).is_ok_and(|id| kept.locations.contains_key(id))
    };
    if is_there { Ok(arn.to_owned()) } else { Err(not_found("resource", arn)) }
}
