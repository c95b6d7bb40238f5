//! What of the simulated EFS can be changed: its lifecycle configuration and its throughput mode.

use serde_json::{Value, json};

use super::efs::{bare, described, file_system, text};
use super::state::State;
use super::wire::Refusal;
use super::world::World;

/// How long AWS wants between two changes of the throughput mode, in seconds.
const DAY: f64 = 86_400.0;

/// Answers a call that changes something; `None` for any other.
pub fn call(world: &World, operation: &str, input: &Value) -> Option<Result<Value, Refusal>> {
    match operation {
        "PutLifecycleConfiguration" => Some(put_lifecycle(world, input)),
        "UpdateFileSystem" => Some(update(world, input)),
        _ => None,
    }
}

/// Replaces the whole configuration, as AWS does.
fn put_lifecycle(world: &World, input: &Value) -> Result<Value, Refusal> {
    let policies = input.get("LifecyclePolicies").and_then(Value::as_array).cloned();
    let policies = policies.unwrap_or_default();
    world.change(|state| {
        let id = text(input, "FileSystemId").unwrap_or_default();
        let is_elastic = file_system(state, id)?.throughput_mode == "elastic";
        let mut seen = Vec::new();
        for policy in &policies {
            let names: Vec<&String> =
                policy.as_object().into_iter().flat_map(|one| one.keys()).collect();
            let [name] = names.as_slice() else {
                return Err(bad("Each lifecycle policy has exactly one transition."));
            };
            if seen.contains(name) {
                return Err(bad(format!("{name} is given more than once.")));
            }
            if name.as_str() == "TransitionToArchive" && !is_elastic {
                return Err(bad("The Archive storage class needs Elastic Throughput."));
            }
            seen.push(name);
        }
        system(state, id)?.lifecycle.clone_from(&policies);
        Ok(json!({"LifecyclePolicies": policies}))
    })
}

fn update(world: &World, input: &Value) -> Result<Value, Refusal> {
    let now = world.now();
    let id = text(input, "FileSystemId").unwrap_or_default();
    let rate = input.get("ProvisionedThroughputInMibps").and_then(Value::as_f64);
    world.change(|state| {
        let system = system(state, id)?;
        let mode = text(input, "ThroughputMode").unwrap_or(&system.throughput_mode).to_owned();
        if (mode == "provisioned") != rate.is_some() && text(input, "ThroughputMode").is_some() {
            return Err(bad(
                "ProvisionedThroughputInMibps goes with the provisioned mode, and only with it.",
            ));
        }
        if mode != system.throughput_mode {
            if system.throughput_changed_at.is_some_and(|at| now - at < DAY) {
                let message = "The throughput mode was changed less than 24 hours ago.";
                return Err(Refusal::new("TooManyRequests", message).status(429));
            }
            system.throughput_changed_at = Some(now);
            system.throughput_mode = mode;
        }
        system.provisioned_mibps = rate.or(system.provisioned_mibps);
        Ok(())
    })?;
    world.read(|state| Ok(described(state, world, file_system(state, id)?)))
}

fn system<'a>(state: &'a mut State, id: &str) -> Result<&'a mut super::state::FileSystem, Refusal> {
    file_system(state, id)?;
    state.file_systems.get_mut(bare(id)).ok_or_else(|| bad("No such file system."))
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new("BadRequest", message)
}
