//! Every setting of AWS's that was overwritten for a person: the value before, as it was noted before the first call, and after.

use serde_json::{Value, json};

use crate::execute::{Standing, Step, kind, steps::flip};
use crate::journal::Event;

/// Lists what was overwritten, in that order. A value that is `null` before was not set; `standing` says of the step whether what stands is ours
/// (`finished`), was put back (`undone`), or is to be looked up (anything else: then `after` is `null`).
pub fn settings(events: &[Event], standing: &Standing) -> Value {
    let mut changes = Vec::new();
    for event in events.iter().filter(|event| event.kind == kind::NOTED) {
        let step = event.step.as_deref().and_then(|step| step.parse::<Step>().ok());
        let (Some(step), Value::Object(noted)) = (step, &event.detail) else { continue };
        for (name, before) in noted {
            for (setting, before, ours) in overwritten(step, name, before, standing) {
                let word = standing.step(step).name();
                let after = match word {
                    "finished" => ours,
                    "undone" => before.clone(),
                    _ => Value::Null,
                };
                changes.push(json!({
                    "setting": setting,
                    "step": step,
                    "standing": word,
                    "noted_at": event.at,
                    "before": before,
                    "after": after,
                }));
            }
        }
    }
    json!({ "schema": 1, "settings": changes })
}

/// The settings behind a note: their names, the values before, and those that the finished step leaves.
fn overwritten(
    step: Step,
    name: &str,
    noted: &Value,
    standing: &Standing,
) -> Vec<(String, Value, Value)> {
    let of = |value: &Value, name: &str| value.get(name).cloned().unwrap_or(Value::Null);
    let receipt = |step: Step, name: &str| {
        standing.receipt(step).map_or(Value::Null, |receipt| of(receipt, name))
    };
    match (step, name) {
        (Step::Flip, "experience") => vec![
            ("StudioWebPortal".to_owned(), of(noted, "portal"), json!(flip::PORTAL)),
            ("DefaultLandingUri".to_owned(), of(noted, "landing"), json!(flip::LANDING)),
        ],
        (Step::Flip, "hidden") => {
            let (before, ours) = (of(noted, "before"), of(noted, "ours"));
            let both = |setting: &str, name: &str| {
                (setting.to_owned(), of(&before, name), of(&ours, name))
            };
            vec![both("HiddenAppTypes", "app_types"), both("HiddenMlTools", "tools")]
        }
        // While the home was copied the hook stood here; the step ends with the person's own again.
        (Step::Hydrate, "built_in_script") => vec![(
            "BuiltInLifecycleConfigArn".to_owned(),
            noted.clone(),
            receipt(Step::Hydrate, "previous_script"),
        )],
        (Step::Provision, "idle_minutes") => vec![(
            "IdleTimeoutInMinutes of the space".to_owned(),
            noted.clone(),
            receipt(Step::Confirm, "idle_minutes"),
        )],
        (Step::Quiesce, "running") => {
            let stopped = receipt(Step::Quiesce, "stopped");
            let is_stopped =
                |app: &Value| stopped.as_array().is_some_and(|stopped| stopped.contains(app));
            let apps = noted.as_array().cloned().unwrap_or_default();
            let left = apps.into_iter().filter(|app| !is_stopped(app)).collect();
            vec![("Classic apps that run".to_owned(), noted.clone(), Value::Array(left))]
        }
        _ => vec![(name.to_owned(), noted.clone(), Value::Null)],
    }
}
