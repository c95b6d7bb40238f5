//! How long a person was held up: they could not work in Classic any more, and were not led to the new Studio yet.

use serde_json::Value;

use super::standing::kind;
use super::step::Step;
use crate::journal::Event;

/// When somebody was held up, RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Since when: the first of their Classic apps was stopped then, or, where none ran, the copy that was proven began.
    pub from: String,
    /// Until when: they were led to the new Studio. `None` while they are not.
    pub to: Option<String>,
}

/// Reads out of a migration's events when its person was held up; `None` when they never were, or no longer are because what
/// was done was undone.
pub fn held(events: &[Event]) -> Option<Held> {
    let (mut stopped, mut copying, mut flipped) = (None, None, None);
    let mut is_put_off = false;
    for event in events {
        let Some(Ok(step)) = event.step.as_deref().map(str::parse::<Step>) else { continue };
        let at = || event.at.clone();
        match (step, event.kind.as_str()) {
            (Step::Quiesce, kind::NOTED) if has_running(&event.detail) => {
                stopped.get_or_insert_with(at);
            }
            (Step::Quiesce, kind::FINISHED) => is_put_off = says_put_off(&event.detail),
            (Step::Quiesce, kind::DUE_AGAIN) => is_put_off = false,
            (Step::Quiesce, kind::UNDO_FINISHED) => stopped = None,
            (Step::Hydrate, kind::STARTED) => {
                copying.get_or_insert_with(at);
            }
            (Step::Hydrate, kind::FAILED | kind::DUE_AGAIN | kind::UNDO_FINISHED) => copying = None,
            // Whoever was led back had the new Studio meanwhile, and is held up anew from when it is closed to them.
            (Step::Flip, kind::UNDO_FINISHED) if flipped.take().is_some() => {
                (stopped, copying) = (None, Some(at()));
            }
            (Step::Flip, kind::FINISHED) => flipped = Some(at()),
            _ => {}
        }
    }
    let from = stopped.or(copying).filter(|_| !is_put_off)?;
    Some(Held { from, to: flipped })
}

fn has_running(noted: &Value) -> bool {
    noted.get("running").and_then(Value::as_array).is_some_and(|running| !running.is_empty())
}

fn says_put_off(receipt: &Value) -> bool {
    receipt.get("put_off").and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Events one minute after another, told by the minute.
    fn of(told: &[(Step, &str, Value)]) -> Option<(u32, Option<u32>)> {
        let events: Vec<_> = (1..)
            .zip(told)
            .map(|(sequence, (step, kind, detail))| Event {
                sequence,
                at: sequence.to_string(),
                operation: None,
                plan: None,
                migration: None,
                step: Some(step.name().to_owned()),
                kind: (*kind).to_owned(),
                detail: detail.clone(),
                hash: String::new(),
            })
            .collect();
        let minute = |text: &String| text.parse().unwrap();
        held(&events).map(|held| (minute(&held.from), held.to.as_ref().map(minute)))
    }

    fn running(apps: &[&str]) -> (Step, &'static str, Value) {
        (Step::Quiesce, kind::NOTED, json!({ "running": apps }))
    }

    fn plain(step: Step, kind: &'static str) -> (Step, &'static str, Value) {
        (step, kind, json!({}))
    }

    #[test]
    fn one_pass_holds_people_from_their_first_stopped_app_to_the_flip() {
        let one = [
            running(&["JupyterServer/default"]),
            plain(Step::Quiesce, kind::FINISHED),
            plain(Step::Hydrate, kind::STARTED),
            plain(Step::Flip, kind::FINISHED),
        ];
        assert_eq!(of(&one), Some((1, Some(4))));
        assert_eq!(of(&one[..3]), Some((1, None)));
        // Whose apps did not run is held from the copy on, and a copy that is tried again does not begin anew.
        let none = [
            running(&[]),
            plain(Step::Quiesce, kind::FINISHED),
            plain(Step::Hydrate, kind::STARTED),
            plain(Step::Hydrate, kind::STARTED),
            plain(Step::Flip, kind::FINISHED),
        ];
        assert_eq!(of(&none), Some((3, Some(5))));
    }

    #[test]
    fn the_first_of_two_passes_holds_nobody() {
        let both = [
            (Step::Quiesce, kind::FINISHED, json!({ "put_off": true })),
            plain(Step::Hydrate, kind::STARTED),
            plain(Step::Hydrate, kind::FINISHED),
            plain(Step::Hydrate, kind::DUE_AGAIN),
            plain(Step::Quiesce, kind::DUE_AGAIN),
            running(&["JupyterServer/default"]),
            plain(Step::Hydrate, kind::STARTED),
            plain(Step::Flip, kind::FINISHED),
        ];
        assert_eq!(of(&both[..3]), None);
        assert_eq!(of(&both), Some((6, Some(8))));
        let without_apps = [&both[..5], &both[6..]].concat();
        assert_eq!(of(&without_apps), Some((6, Some(7))));
    }

    #[test]
    fn what_was_undone_holds_nobody() {
        let undone = [
            running(&["JupyterServer/default"]),
            plain(Step::Hydrate, kind::STARTED),
            plain(Step::Flip, kind::FINISHED),
            plain(Step::Flip, kind::UNDO_FINISHED),
            plain(Step::Hydrate, kind::UNDO_FINISHED),
            plain(Step::Quiesce, kind::UNDO_FINISHED),
        ];
        assert_eq!(of(&undone), None);
        assert_eq!(of(&undone[..4]), Some((4, None)));
    }
}
