//! Comparing how worlds ended, without what time and counting leave in them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::account::Served;
use super::trees;

/// Members that tell when, how often or under which number, which a crash may change; a plan is named after its snapshot, and
/// that after its time.
const PASSING: [&str; 6] = [
    "standing",
    "apps",
    "studio-migrate:plan",
    "created_at",
    "modified_at",
    "throughput_changed_at",
];

/// A world and its volumes, a line for each thing in it.
pub type End = BTreeMap<String, String>;

/// Returns what is left of a world once times and counters are out of it, and what is on the volumes.
pub fn end(served: &Served) -> End {
    end_of(&served.dir)
}

/// The same of a world that is served in any other way, or not at all.
pub fn end_of(world: &Path) -> End {
    let mut state: Value =
        serde_json::from_slice(&std::fs::read(world.join("world.json")).unwrap()).unwrap();
    forget_what_is_gone(&mut state["studio"]);
    let mut lines = End::new();
    flatten("", &state["studio"], &mut lines);
    let volumes = world.join("ebs");
    // There is no such folder before the first volume is made.
    let volumes = if volumes.exists() { trees::listing(&volumes, false) } else { BTreeMap::new() };
    for (path, line) in volumes {
        let is_ours = path.components().any(|part| part.as_os_str() == ".studio-migrate");
        // The root of a volume gets a new time with every app that runs in it.
        if !is_ours && path.components().count() > 2 {
            lines.insert(format!("ebs/{}", path.display()), line);
        }
    }
    lines
}

/// A deleted space is gone once its time is over or as good as over, and is swept out of the file only when someone looks. The tags of apps go
/// with the apps, which are not compared here.
fn forget_what_is_gone(studio: &mut Value) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let mut gone = Vec::new();
    studio["spaces"].as_object_mut().unwrap().retain(|key, space| {
        let standing = &space["standing"];
        let is_gone = standing["status"] == "Deleting"
            && standing["settles_at"].as_f64().is_some_and(|settles_at| settles_at <= now + 1.0);
        if is_gone {
            gone.push(format!(":space/{key}"));
        }
        !is_gone
    });
    let tags = studio["tags"].as_object_mut().unwrap();
    tags.retain(|arn, _| {
        !arn.contains(":app/") && !gone.iter().any(|ending| arn.ends_with(ending))
    });
}

/// Turns what is below a member into lines.
pub fn flatten(path: &str, value: &Value, lines: &mut End) {
    match value {
        Value::Object(members) => {
            for (name, inner) in
                members.iter().filter(|(name, _)| !PASSING.contains(&name.as_str()))
            {
                flatten(&format!("{path}/{name}"), inner, lines);
            }
        }
        other => {
            lines.insert(path.to_owned(), other.to_string());
        }
    }
}

/// Insists that two worlds ended alike, and says what differs.
#[track_caller]
pub fn assert_alike(found: &End, expected: &End, when: &str) {
    let names: std::collections::BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let differing: Vec<_> = names
        .into_iter()
        .filter(|name| found.get(*name) != expected.get(*name))
        .map(|name| format!("{name}: {:?} instead of {:?}", found.get(name), expected.get(name)))
        .collect();
    assert!(differing.is_empty(), "{when}:\n{}", differing.join("\n"));
}
