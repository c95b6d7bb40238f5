//! Comparing how worlds ended, without what time and counting leave in them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::account::Served;
use super::trees;

/// Members that tell when, how often or under which number, which a crash may change; a plan is named after its snapshot, and
/// that after its time.
const PASSING: [&str; 3] = ["standing", "apps", "studio-migrate:plan"];

/// A world and its volumes, a line for each thing in it.
pub type End = BTreeMap<String, String>;

/// Returns what is left of a world once times and counters are out of it, and what is on the volumes.
pub fn end(served: &Served) -> End {
    let mut lines = End::new();
    flatten("", &served.state()["studio"], &mut lines);
    for (path, line) in trees::listing(&served.dir.join("ebs"), false) {
        let is_ours = path.components().any(|part| part.as_os_str() == ".studio-migrate");
        // The root of a volume gets a new time with every app that runs in it.
        if !is_ours && path.components().count() > 2 {
            lines.insert(format!("ebs/{}", path.display()), line);
        }
    }
    lines
}

fn flatten(path: &str, value: &Value, lines: &mut End) {
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
