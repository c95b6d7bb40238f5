//! What changed between two snapshots: things that came, things that went, and every value that is another.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::snapshot::Snapshot;

/// What happened to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    /// It is in the later snapshot only.
    Came,
    /// It is in the earlier snapshot only.
    Went,
    /// One of its values is another.
    Changed,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What kind of thing: `domain`, `profile`, `space`, ….
    pub kind: &'static str,
    /// Which: `d-abc/alice`.
    pub subject: String,
    /// What happened to it.
    pub happened: Happened,
    /// Which value, e.g. `effective.landing`; empty for what came or went.
    pub field: String,
    /// The value in the earlier snapshot, JSON; `null` for none.
    pub before: Value,
    /// The value in the later snapshot, JSON; `null` for none.
    pub after: Value,
}

/// Things of a snapshot by kind and name, each with its values by name.
type Things = BTreeMap<(&'static str, String), BTreeMap<String, Value>>;

/// Compares two snapshots, the earlier first. When each was taken, and how often someone opened a profile, is no difference.
///
/// # Errors
/// None in practice: a snapshot always has a JSON form.
pub fn diff(earlier: &Snapshot, later: &Snapshot) -> Result<Vec<Change>, serde_json::Error> {
    let (before, after) = (things(earlier)?, things(later)?);
    let mut changes = Vec::new();
    let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for thing in all {
        let (kind, subject) = thing;
        let change = |happened, field: &str, before: Value, after: Value| Change {
            kind,
            subject: subject.clone(),
            happened,
            field: field.to_owned(),
            before,
            after,
        };
        match (before.get(thing), after.get(thing)) {
            (None, _) => changes.push(change(Happened::Came, "", Value::Null, Value::Null)),
            (_, None) => changes.push(change(Happened::Went, "", Value::Null, Value::Null)),
            (Some(before), Some(after)) => {
                let fields: BTreeSet<_> = before.keys().chain(after.keys()).collect();
                for field in fields {
                    let value = |of: &BTreeMap<String, Value>| of.get(field).cloned();
                    let (was, is) = (value(before), value(after));
                    if was != is {
                        changes.push(change(
                            Happened::Changed,
                            field,
                            was.unwrap_or_default(),
                            is.unwrap_or_default(),
                        ));
                    }
                }
            }
        }
    }
    Ok(changes)
}

fn things(snapshot: &Snapshot) -> Result<Things, serde_json::Error> {
    let mut things = Things::new();
    let mut add = |kind, subject: String, value: Value, without: &[&str]| {
        let mut fields = BTreeMap::new();
        flatten("", value, without, &mut fields);
        things.insert((kind, subject), fields);
    };
    for domain in &snapshot.domains {
        let of = |name: &str| format!("{}/{name}", domain.id);
        for profile in &domain.profiles {
            let mut value = serde_json::to_value(profile)?;
            // Who opened it matters, how often and when last does not.
            value["opened_by"] = profile.opened_by.iter().map(|one| one.by.as_str()).collect();
            // What the domain sets for everyone is told of the domain.
            add("profile", of(profile.name.as_str()), value, &["effective"]);
        }
        for space in &domain.spaces {
            add("space", of(space.name.as_str()), serde_json::to_value(space)?, &[]);
        }
        for app in &domain.apps {
            let name = format!("{}/{}/{}", app.whose(), app.app_type, app.name);
            add("app", of(&name), serde_json::to_value(app)?, &[]);
        }
        let without = ["profiles", "spaces", "apps"];
        add("domain", domain.id.to_string(), serde_json::to_value(domain)?, &without);
    }
    for file_system in &snapshot.file_systems {
        for orphan in &file_system.orphan_homes {
            let name = format!("{}/{}", file_system.id, orphan.uid);
            add("orphan home", name, serde_json::to_value(orphan)?, &[]);
        }
        let value = serde_json::to_value(file_system)?;
        add("file system", file_system.id.to_string(), value, &["orphan_homes", "bytes"]);
    }
    for script in &snapshot.scripts {
        add("lifecycle script", script.name.clone(), serde_json::to_value(script)?, &[]);
    }
    for image in &snapshot.images {
        add("image", image.name.clone(), serde_json::to_value(image)?, &[]);
    }
    for config in &snapshot.image_configs {
        add("image configuration", config.name.clone(), serde_json::to_value(config)?, &[]);
    }
    for place in &snapshot.shared_notebooks {
        add("shared notebooks", place.location.clone(), serde_json::to_value(place)?, &[]);
    }
    for role in &snapshot.roles {
        add("role", role.arn.clone(), serde_json::to_value(role)?, &[]);
    }
    for (name, value) in &snapshot.quotas {
        add("quota", name.clone(), serde_json::json!({ "value": value }), &[]);
    }
    Ok(things)
}

/// Spreads objects out into their values; a list is one value.
fn flatten(path: &str, value: Value, without: &[&str], fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if !without.contains(&name.as_str()) {
                    let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                    flatten(&path, member, &[], fields);
                }
            }
        }
        Value::Null => {}
        value => {
            fields.insert(path.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Domain, Opened, Profile};

    fn snapshot(people: &[&str]) -> Snapshot {
        let profile = |name: &&str| Profile { name: (*name).into(), ..Profile::default() };
        let domain = Domain {
            id: "d-a".into(),
            profiles: people.iter().map(profile).collect(),
            ..Domain::default()
        };
        Snapshot { domains: vec![domain], ..Snapshot::default() }
    }

    #[test]
    fn who_came_who_went_and_what_changed_is_told_and_nothing_else() {
        let (before, mut after) = (snapshot(&["alice", "bob"]), snapshot(&["bob", "carol"]));
        after.taken_at = "later".to_owned();
        after.domains[0].profiles[0].own.landing = Some("studio::".to_owned());
        let opened = Opened { by: "arn".to_owned(), times: 3, last: "today".to_owned() };
        after.domains[0].profiles[0].opened_by.push(opened);
        let changes = diff(&before, &after).unwrap();
        let told: Vec<_> = changes
            .iter()
            .map(|one| (one.subject.as_str(), one.happened, one.field.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("d-a/alice", Happened::Went, ""),
                ("d-a/bob", Happened::Changed, "opened_by"),
                ("d-a/bob", Happened::Changed, "own.landing"),
                ("d-a/carol", Happened::Came, ""),
            ]
        );
        assert_eq!(changes[2].after, "studio::");
        after.domains[0].profiles[0].opened_by[0].times = 9;
        assert_eq!(diff(&before, &after).unwrap(), changes);
        assert_eq!(diff(&after, &after).unwrap(), []);
    }
}
