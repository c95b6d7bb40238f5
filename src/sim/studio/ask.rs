//! One call, and how its input is read.

use serde_json::Value;

use crate::names::AccountId;
use crate::sim::World;
use crate::sim::state::State;
use crate::sim::wire::Caller;

use super::records::Members;
use super::standing::NEVER;

/// A call on its way through the service.
pub(super) struct Call<'a> {
    pub(super) world: &'a World,
    pub(super) caller: &'a Caller,
    pub(super) input: &'a Value,
    /// The instant of the call; all of it happens then.
    pub(super) now: f64,
    pub(super) is_stuck: bool,
    pub(super) fails: bool,
    /// The Classic home of an app that starts cannot be mounted.
    pub(super) is_unmounted: bool,
}

impl Call<'_> {
    /// When a transient status that lasts so many seconds ends.
    pub(super) fn settles_in(&self, seconds: f64) -> f64 {
        if self.is_stuck {
            return NEVER;
        }
        self.now + self.world.model().map_or(seconds, |model| model.vary(seconds))
    }

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

    /// A member that holds a flag.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.member(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Tells whether a filter lets a text through; a filter that was not given lets all through.
    pub(super) fn equals(&self, filter: &str, text: Option<&str>) -> bool {
        self.given(filter).is_none_or(|wanted| text == Some(wanted))
    }

    /// Tells whether a filter for a part of a name lets a name through.
    pub(super) fn contains(&self, filter: &str, name: &str) -> bool {
        self.given(filter)
            .is_none_or(|part| name.to_ascii_lowercase().contains(&part.to_ascii_lowercase()))
    }

    /// Tells whether the filters `<name>After` and `<name>Before` let an instant through.
    pub(super) fn is_within(&self, name: &str, at: f64) -> bool {
        let bound = |end: &str| self.member(&format!("{name}{end}")).and_then(Value::as_f64);
        bound("After").is_none_or(|after| at > after)
            && bound("Before").is_none_or(|before| at < before)
    }
}

/// Makes an ARN of SageMaker's in the world's Region.
pub(super) fn arn(state: &State, rest: &str) -> String {
    format!("arn:aws:sagemaker:{}:{}:{rest}", state.region, AccountId::SIMULATED)
}

/// The next number for anything that needs one.
pub(super) fn number(state: &mut State) -> u64 {
    state.last_number += 1;
    state.last_number
}

/// The part of some members that a path leads to.
pub(super) fn at<'a>(members: &'a Members, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(members.get(*first)?, |value, name| value.get(name))
}

/// The text that a path leads to.
pub(super) fn text_at<'a>(members: &'a Members, path: &[&str]) -> Option<&'a str> {
    at(members, path)?.as_str()
}
