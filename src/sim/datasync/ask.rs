//! One call, how its input is read, and how things are named.

use serde_json::Value;

use crate::sim::World;
use crate::sim::api::ACCOUNT;
use crate::sim::state::State;
use crate::sim::studio::Members;
use crate::sim::wire::Refusal;

use super::refuse::{invalid, not_found};

/// A call on its way through the service.
pub(super) struct Call<'a> {
    pub(super) world: &'a World,
    pub(super) input: &'a Value,
    /// The instant of the call; all of it happens then.
    pub(super) now: f64,
    pub(super) is_stuck: bool,
}

impl Call<'_> {
    /// A member, if it was given.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.input.get(name).filter(|value| !value.is_null())
    }

    /// A text member, if it was given.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.member(name)?.as_str()
    }

    /// A text member that the model requires.
    pub(super) fn text(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// A structure, if it was given.
    pub(super) fn structure(&self, name: &str) -> Option<&Members> {
        self.member(name)?.as_object()
    }

    /// The members of these names that were given, as they are answered later.
    pub(super) fn kept(&self, names: &[&str]) -> Members {
        let given = names.iter().filter_map(|name| Some((*name, self.member(name)?)));
        given.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

/// Makes an id of DataSync's, `loc-` and 17 hexadecimal digits.
pub(super) fn new_id(state: &mut State, prefix: &str) -> String {
    state.last_number += 1;
    format!("{prefix}-{:017x}", state.last_number)
}

/// Makes an ARN of DataSync's in the world's Region.
pub(super) fn arn(state: &State, rest: &str) -> String {
    format!("arn:aws:datasync:{}:{ACCOUNT}:{rest}", state.region)
}

/// The ARN of a location.
pub(super) fn location_arn(state: &State, id: &str) -> String {
    arn(state, &format!("location/{id}"))
}

/// The ARN of a task.
pub(super) fn task_arn(state: &State, id: &str) -> String {
    arn(state, &format!("task/{id}"))
}

/// The ARN of an execution, which holds that of its task.
pub(super) fn execution_arn(state: &State, task: &str, id: &str) -> String {
    arn(state, &format!("task/{task}/execution/{id}"))
}

/// Reads the id out of an ARN of a kind of DataSync's in this account and Region.
///
/// # Errors
///
/// Refuses the ARN of another account or Region as one of nothing.
pub(super) fn id_in<'a>(state: &State, kind: &str, given: &'a str) -> Result<&'a str, Refusal> {
    let rest = given.strip_prefix(&arn(state, "")).and_then(|rest| rest.strip_prefix(kind));
    let id = rest.and_then(|rest| rest.strip_prefix('/')).filter(|id| !id.contains('/'));
    id.ok_or_else(|| not_found(kind, given))
}

/// Reads the task's and the execution's id out of an execution's ARN.
///
/// # Errors
///
/// Refuses the ARN of another account or Region as one of nothing.
pub(super) fn execution_id<'a>(
    state: &State,
    given: &'a str,
) -> Result<(&'a str, &'a str), Refusal> {
    let rest = given.strip_prefix(&arn(state, "task/"));
    let ids = rest.and_then(|rest| rest.split_once("/execution/"));
    ids.ok_or_else(|| not_found("task execution", given))
}

/// Reads the name of a bucket out of its ARN.
///
/// # Errors
///
/// Refuses the ARN of an access point: the simulated S3 has none.
pub(super) fn bucket_in(arn: &str) -> Result<&str, Refusal> {
    arn.strip_prefix("arn:aws:s3:::")
        .ok_or_else(|| invalid(format!("The simulator has no access points of S3: {arn}")))
}
