//! Every kind of fault at every call of a migration and of a rollback, one at a time: mended and run again, they end as plain ones.

use serde_json::Value;
use studio_migrate::journal::Journal;

use super::budget;
use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::ends::{End, assert_alike, end};
use crate::common::inside::each;
use crate::common::ready::Ready;
use crate::common::tool::{Ran, run_alice};

/// What may happen to a call that only looks.
const TO_LOOKS: [&str; 9] = [
    "denied",
    "expired",
    "unseen",
    "stale",
    "throttled",
    "server-error",
    "reply-lost",
    "slow: 0.3",
    "mover-dies",
];

/// What may happen to a call that changes something.
const TO_CHANGES: [&str; 10] = [
    "denied",
    "expired",
    "throttled",
    "server-error",
    "reply-lost",
    "stuck",
    "slow: 0.3",
    "fails",
    "mount-fails",
    "mover-dies",
];

/// Of these two the tool hears nothing, since the SDK tries again by itself: a part of them is enough where not all is tried.
const HEARD_BY_THE_SDK_ALONE: [&str; 2] = ["throttled", "server-error"];

/// What has been taken back, with everything that is in the space.
const BACK: [&str; 5] = ["rollback", "--user", "alice", "--yes", "--delete-spaces"];

/// Times a person is ready to mend and try again. A fault that happens once can be in the way once.
const TRIES: usize = 3;

/// One fault.
#[derive(Clone, Debug)]
struct Case {
    operation: String,
    nth: u64,
    effect: &'static str,
}

impl Case {
    fn yaml(&self) -> String {
        let Self { operation, nth, effect } = self;
        let effect =
            if effect.contains(':') { format!("{{ {effect} }}") } else { (*effect).to_owned() };
        format!("- {{ operation: '{operation}', from: {nth}, effect: {effect} }}\n")
    }
}

/// Makes ready for alice, with little patience for what hangs.
fn impatient() -> Ready {
    Ready::with(ONE_PERSON, None, &["  settle_minutes: 0.1", "  stall_minutes: 0.15"])
}

/// How often a command calls each operation when nothing goes wrong, its own calls and those of the space together.
fn calls(ready: &Ready, words: Words<'_>) -> Vec<(String, u64)> {
    // Nothing is counted in a world without faults.
    let counted = ready.copied(Some("- { operation: 'no:Operation', effect: denied }"));
    run(&counted, words).ended(0);
    let state = counted.served.state();
    let calls = state["calls"].as_object().unwrap();
    calls.iter().map(|(name, number)| (name.clone(), number.as_u64().unwrap())).collect()
}

fn only_looks(operation: &str) -> bool {
    let (_, verb) = operation.split_once(':').unwrap();
    ["Describe", "List", "Get", "Head"].iter().any(|look| verb.starts_with(look))
}

fn can_happen(operation: &str, effect: &str) -> bool {
    let is_of_sagemaker = operation.starts_with("sagemaker:");
    match effect {
        "unseen" => {
            operation.starts_with("sagemaker:Describe")
                || ["s3:GetObject", "s3:HeadObject"].contains(&operation)
        }
        "stale" => is_of_sagemaker,
        "stuck" => {
            is_of_sagemaker && !operation.contains("Script") && !operation.contains("Lifecycle")
        }
        "fails" | "mount-fails" => operation == "sagemaker:CreateApp",
        "mover-dies" => operation.starts_with("s3:"),
        _ => true,
    }
}

/// Every effect at every call, or a part: every change with whatever the tool gets to hear of, and of the looks the first, one
/// in the middle and the last, each with an effect of its own.
fn cases(calls: &[(String, u64)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (operation, number) in calls {
        let looks = only_looks(operation);
        let effects = if looks { TO_LOOKS.as_slice() } else { &TO_CHANGES };
        for nth in 1..=*number {
            let possible: Vec<_> =
                effects.iter().copied().filter(|effect| can_happen(operation, effect)).collect();
            let case = |effect| Case { operation: operation.clone(), nth, effect };
            if budget::is_full() {
                cases.extend(possible.into_iter().map(case));
            } else if !looks {
                let is_heard = |effect: &&str| nth == 1 || !HEARD_BY_THE_SDK_ALONE.contains(effect);
                cases.extend(possible.into_iter().filter(is_heard).map(case));
            } else if [1, number.div_ceil(2), *number].contains(&nth) {
                cases.push(case(possible[cases.len() % possible.len()]));
            }
        }
    }
    cases
}

/// Lets what is stuck go on, as AWS's support would.
fn freed(mut state: Value) -> Value {
    fn free(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    if name == "settles_at" && inner.as_f64() == Some(f64::MAX) {
                        *inner = 0.into();
                    }
                    free(inner);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(free),
            _ => {}
        }
    }
    free(&mut state["studio"]);
    state
}

/// Runs a command until it ends well, mending in between.
fn recovered(mut ready: Ready, words: Words<'_>, case: &Case) -> Ready {
    let mut said = String::new();
    for _ in 0..TRIES {
        let ran = run(&ready, words);
        said = format!("{said}\n{:?} {}{}", ran.code, ran.out, ran.err);
        match ran.code {
            Some(0) => return ready,
            // Some failed, stopped, and credentials: what a person mends, and runs again.
            Some(4 | 5 | 8) => {}
            _ => break,
        }
        if case.effect == "stuck" {
            ready = ready.edited(|state| *state = freed(state.take()));
        }
    }
    unreachable!("{case:?}: {said}");
}

/// What is given to the tool; a path in it may be one of the world's.
pub type Words<'a> = &'a (dyn Fn(&Ready) -> Vec<String> + Sync);

/// Gives a command.
pub fn run(ready: &Ready, words: Words<'_>) -> Ran {
    ready.run(&words(ready).iter().map(String::as_str).collect::<Vec<_>>())
}

/// Puts every fault in the way of a command, or every so many-th of them, on a world of its own each.
pub fn faults_in_the_way_of(words: Words<'_>, before: &Ready, step: usize) {
    faults_and_their_ends(words, before, step, end);
}

/// The same, where it is said how ends are compared.
pub fn faults_and_their_ends(
    words: Words<'_>,
    before: &Ready,
    step: usize,
    end: fn(&Served) -> End,
) {
    let whole = before.copied(None);
    run(&whole, words).ended(0);
    let whole = end(&whole.served);
    let cases: Vec<_> = cases(&calls(before, words)).into_iter().step_by(step).collect();
    let troubles = std::sync::Mutex::new(Vec::new());
    each(&cases, |case| {
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let ready = recovered(before.copied(Some(&case.yaml())), words, case);
            assert_alike(&end(&ready.served), &whole, &format!("{case:?}"));
            assert_eq!(Journal::open(&ready.journal).unwrap().audit().unwrap().broken_at, None);
        }));
        if tried.is_err() {
            troubles.lock().unwrap().push(format!("{case:?}"));
        }
    });
    let troubles = troubles.into_inner().unwrap();
    assert!(troubles.is_empty(), "{} of {}:\n{}", troubles.len(), cases.len(), troubles.join("\n"));
}

/// Words that outlive where they are written.
pub fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn whatever_call_of_a_migration_goes_wrong_it_is_mended_and_ends_as_a_plain_one() {
    faults_in_the_way_of(&|_| owned(&run_alice()), &impatient(), 1);
}

#[test]
fn whatever_call_of_a_rollback_goes_wrong_it_is_mended_and_ends_as_a_plain_one() {
    let moved = impatient();
    moved.run(&run_alice()).ended(0);
    faults_in_the_way_of(&|_| owned(&BACK), &moved, 1);
}
