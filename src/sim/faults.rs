//! Faults: what goes wrong, at which call, as the world's state says.

use super::authorize::is_action_like;
use super::state::{Effect, Fault, State};
use super::wire::Refusal;
use super::world::World;

/// Counts a call and returns the fault that it meets, if any. The count outlives the process, as the rest of the world does.
///
/// Nothing is counted in a world without faults, so that such a world is not saved for a call that only looks.
///
/// # Errors
///
/// `InternalFailure` when the world cannot be saved.
pub fn strike(world: &World, call: &str) -> Result<Option<Effect>, Refusal> {
    if world.read(|state| state.faults.is_empty()) {
        return Ok(None);
    }
    world.change(|state| {
        *state.calls.entry(call.to_owned()).or_default() += 1;
        let hit = state.faults.iter().find(|fault| is_hit(state, fault, call));
        Ok(hit.map(|fault| fault.effect.clone()))
    })
}

/// Tells whether the call that was just counted is one that a fault hits. The calls of every operation that the fault's
/// pattern fits are counted together.
fn is_hit(state: &State, fault: &Fault, call: &str) -> bool {
    if !is_action_like(&fault.operation, call) {
        return false;
    }
    let like = |(name, _): &(&String, &u64)| is_action_like(&fault.operation, name);
    let number: u64 = state.calls.iter().filter(like).map(|(_, calls)| calls).sum();
    number >= fault.from && (fault.times == 0 || number - fault.from < fault.times)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn world(dir: &Path, operation: &str, from: u64, times: u64) -> World {
        let fault = Fault { operation: operation.into(), from, times, effect: Effect::Throttled };
        let state = State { faults: vec![fault], ..State::default() };
        World::create(dir, Path::new("/bin/true"), state).unwrap()
    }

    fn hits(world: &World, calls: &[&str]) -> Vec<bool> {
        calls.iter().map(|call| strike(world, call).unwrap().is_some()).collect()
    }

    #[test]
    fn the_nth_call_of_an_operation_is_hit_and_so_many_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let world = world(dir.path(), "sagemaker:CreateApp", 2, 2);
        let calls = ["sagemaker:CreateApp"; 5];
        assert_eq!(hits(&world, &calls), [false, true, true, false, false]);
        assert_eq!(hits(&world, &["sagemaker:DeleteApp"]), [false]);
    }

    #[test]
    fn a_wild_fault_counts_every_operation_that_it_fits() {
        let dir = tempfile::tempdir().unwrap();
        let world = world(dir.path(), "sagemaker:*", 3, 0);
        let calls =
            ["sagemaker:ListApps", "s3:GetObject", "sagemaker:CreateApp", "sagemaker:ListApps"];
        assert_eq!(hits(&world, &calls), [false, false, false, true]);
        assert_eq!(hits(&world, &["sagemaker:DeleteApp"]), [true]);
    }

    #[test]
    fn the_count_outlives_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let world = world(dir.path(), "sagemaker:CreateApp", 2, 1);
        assert_eq!(hits(&world, &["sagemaker:CreateApp"]), [false]);
        drop(world);
        let world = World::open(dir.path(), Path::new("/bin/true")).unwrap();
        assert_eq!(hits(&world, &["sagemaker:CreateApp"; 2]), [true, false]);
    }
}
