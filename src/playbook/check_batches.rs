//! Whether batches, calendar, gates and approvals can be as a playbook says.

use std::collections::BTreeSet;

use super::batches::Batches;
use super::calendar::Calendar;
use super::check::{Problems, is_name};
use super::policy::{Playbook, StopRules};
use crate::names::BatchName;

/// What `batches.never_mix` may name, beside `tag:KEY`.
const PARTITIONS: [&str; 4] = ["domain", "wave", "owner", "cost-centre"];

pub(super) fn all(playbook: &Playbook, problems: &mut Problems) {
    let batches = &playbook.batches;
    problems.within("batches.users", batches.users, 1..=100_000);
    problems.within("batches.hours", batches.hours, 0.0..=10_000.0);
    pilot(batches, problems);
    never_mix(batches, problems);
    together(batches, problems);
    lists(batches, problems);
    stop_rules(&playbook.stop_rules, problems);
    calendar(&playbook.calendar, problems);
    gates(playbook, problems);
    problems.within("approvals.callers", playbook.approvals.callers, 1..=2);
    problems.within("passes", playbook.passes, 1..=2);
}

fn stop_rules(rules: &StopRules, problems: &mut Problems) {
    problems.within("stop_rules.failures", rules.failures, 1..=100_000);
    if let Some(row) = rules.failures_in_a_row {
        problems.within("stop_rules.failures_in_a_row", row, 1..=100_000);
    }
    for (i, text) in rules.on_errors.iter().enumerate() {
        // Every message has an empty text in it.
        if text.trim().is_empty() {
            problems.add(
                &format!("stop_rules.on_errors[{i}]"),
                "an empty text is in every failure".to_owned(),
                "write a part of the message, such as an error code of AWS's",
            );
        }
    }
    if rules.alarm_file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
        let remedy = "name a file, or write `null`";
        problems.add("stop_rules.alarm_file", "the path is empty".to_owned(), remedy);
    }
}

fn pilot(batches: &Batches, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (i, profile) in batches.pilot.iter().enumerate() {
        let key = format!("batches.pilot[{i}]");
        if !is_name(profile.as_str()) {
            problems.add(
                &key,
                format!("`{profile}` is no profile name"),
                "write the name of a user profile, patterns belong into scope.include",
            );
        }
        if !seen.insert(profile.as_str().to_ascii_lowercase()) {
            problems.add(&key, format!("{profile} is named twice"), "remove one");
        }
    }
}

fn never_mix(batches: &Batches, problems: &mut Problems) {
    for (i, name) in batches.never_mix.iter().enumerate() {
        let is_tag = name.strip_prefix("tag:").is_some_and(|key| !key.is_empty());
        if !is_tag && !PARTITIONS.contains(&name.as_str()) {
            problems.add(
                &format!("batches.never_mix[{i}]"),
                format!("people cannot be told apart by `{name}`"),
                format!("write one of {}, or `tag:KEY`", PARTITIONS.join(", ")),
            );
        }
    }
}

/// Tells whether this names a person: `profile`, or `domain/profile`.
fn is_person(text: &str) -> bool {
    let name = text.split_once('/').map_or(text, |(_, name)| name);
    is_name(name)
}

fn people(key: &str, people: &[String], seen: &mut BTreeSet<String>, problems: &mut Problems) {
    for (i, person) in people.iter().enumerate() {
        let key = format!("{key}[{i}]");
        if !is_person(person) {
            problems.add(
                &key,
                format!("`{person}` names nobody"),
                "write `profile`, or `domain/profile`",
            );
        }
        if !seen.insert(person.to_ascii_lowercase()) {
            problems.add(&key, format!("{person} is named twice"), "remove one");
        }
    }
}

fn together(batches: &Batches, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (i, group) in batches.together.iter().enumerate() {
        let key = format!("batches.together[{i}]");
        people(&key, group, &mut seen, problems);
        if group.len() > batches.users {
            problems.add(
                &key,
                format!("{} people do not fit into a batch of {}", group.len(), batches.users),
                "raise batches.users, or make the group smaller",
            );
        }
    }
}

fn lists(batches: &Batches, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    let mut names = BTreeSet::from([Batches::pilot_name(), Batches::canary_name()]);
    for (i, list) in batches.lists.iter().enumerate() {
        let key = format!("batches.lists[{i}]");
        let name = &list.name;
        if !is_name(name.as_str()) || is_made_up(name) {
            problems.add(
                &format!("{key}.name"),
                format!("`{name}` cannot be the name of a batch"),
                "use letters, digits and hyphens, and no name such as `batch-1`",
            );
        }
        if !names.insert(name.clone()) {
            problems.add(
                &format!("{key}.name"),
                format!("{name} is another batch's name"),
                "choose another",
            );
        }
        people(&format!("{key}.people"), &list.people, &mut seen, problems);
    }
}

/// Tells whether the planner gives such names itself.
fn is_made_up(name: &BatchName) -> bool {
    let number = name.as_str().rsplit_once('-').map(|(_, number)| number);
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn calendar(calendar: &Calendar, problems: &mut Problems) {
    if calendar.zone().is_err() {
        problems.add(
            "calendar.time_zone",
            format!("`{}` is no time zone", calendar.time_zone),
            "write an IANA name such as `Europe/Berlin`",
        );
    }
    problems.within("calendar.soak_hours", calendar.soak_hours, 0.0..=10_000.0);
    for (i, window) in calendar.windows.iter().enumerate() {
        let mut days = BTreeSet::new();
        if window.days.iter().any(|day| !days.insert(*day as u8)) {
            problems.add(
                &format!("calendar.windows[{i}].days"),
                "a day stands twice",
                "remove one",
            );
        }
    }
    for (i, freeze) in calendar.freezes.iter().enumerate() {
        if freeze.to < freeze.from {
            problems.add(
                &format!("calendar.freezes[{i}].to"),
                format!("{} is before {}", freeze.to, freeze.from),
                "write the last day of the freeze",
            );
        }
        if freeze.reason.trim().is_empty() {
            problems.add(
                &format!("calendar.freezes[{i}].reason"),
                "it is empty",
                "say why, for whoever waits",
            );
        }
    }
}

fn gates(playbook: &Playbook, problems: &mut Problems) {
    let mut names = BTreeSet::new();
    for (i, gate) in playbook.gates.iter().enumerate() {
        let key = format!("gates[{i}]");
        if !is_name(&gate.name) {
            problems.add(
                &format!("{key}.name"),
                format!("`{}` is no name", gate.name),
                "use letters, digits and hyphens: it is what `gate open` is given",
            );
        }
        if !names.insert(&gate.name) {
            problems.add(
                &format!("{key}.name"),
                format!("{} stands twice", gate.name),
                "remove one",
            );
        }
        let is_listed = playbook.batches.lists.iter().any(|list| list.name == gate.before);
        let is_trial =
            gate.before == Batches::canary_name() || gate.before == Batches::pilot_name();
        if !is_listed && !is_trial && !is_made_up(&gate.before) {
            problems.add(
                &format!("{key}.before"),
                format!("no batch will be called `{}`", gate.before),
                "write `batch-1`, `canary`, or the name of a list",
            );
        }
    }
}
