//! What `retire --apply` would change, as far as that shows without asking about every person.

use serde_json::Value;

use super::change::{is_due, unmounted_of};
use super::needs::Need;
use crate::aws::Lifecycle;
use crate::cli::{Context, Failure};
use crate::journal::Journal;
use crate::names::{DomainId, counted};
use crate::plan::Plan;
use crate::playbook::Throughput;

/// Says what `--apply` would change.
pub(super) fn show(
    context: &Context,
    journal: &Journal,
    plan: &Plan,
    (needs, domains): (&[Need], &[DomainId]),
) -> Result<(), Failure> {
    let retire = &plan.playbook.retire;
    let mut changes = Vec::new();
    for need in needs.iter().filter(|need| need.is_of_plan) {
        let system = &need.file_system;
        if let Some(rule) = retire.rule()
            && need.lifecycle.get("TransitionToIA") != Some(&rule)
        {
            changes.push(format!("{system}: files go {}", transition("TransitionToIA", &rule)));
        }
        if retire.throughput == Throughput::Elastic && need.throughput.as_deref() != Some("elastic")
        {
            changes.push(format!(
                "{system}: throughput becomes elastic; AWS takes one such change a day"
            ));
        }
    }
    if retire.turn_auto_mount_off {
        changes.extend(auto_mount(journal, plan, domains)?);
    }
    if changes.is_empty() {
        context.ui.data("`retire --apply` would change nothing: the plan's playbook asks for nothing that is not so already (retire)");
        return Ok(());
    }
    context.ui.data("`retire --apply` would change, and `retire --undo` put back:");
    for change in changes {
        context.ui.data(format_args!("  {change}"));
    }
    Ok(())
}

fn auto_mount(
    journal: &Journal,
    plan: &Plan,
    domains: &[DomainId],
) -> Result<Option<String>, Failure> {
    let (mut due, mut waiting) = (0, 0);
    for migration in unmounted_of(plan, domains) {
        match is_due(journal, plan, migration)? {
            true => due += 1,
            false => waiting += 1,
        }
    }
    let days = plan.playbook.retire.after_days;
    Ok((due > 0).then(|| {
        format!(
            "the Classic homes of {} are mounted no more, where they still are; {} theirs: not confirmed, or not for {days} days (retire.after_days)",
            counted(due, "person", "people"),
            counted(waiting, "person keeps", "people keep")
        )
    }))
}

/// A lifecycle in words: `to Infrequent Access after 30 days, back at the first access`.
pub(super) fn words(lifecycle: &Lifecycle) -> String {
    if lifecycle.is_empty() {
        return "never".to_owned();
    }
    let all: Vec<_> = lifecycle.iter().map(|(what, rule)| transition(what, rule)).collect();
    all.join(", ")
}

/// A value that the journal keeps, in words: a lifecycle, a throughput mode, an auto-mount.
pub(super) fn said(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(members) => match members.get("mode") {
            Some(mode) => said(mode),
            None => match serde_json::from_value(value.clone()) {
                Ok(lifecycle) => words(&lifecycle),
                Err(_) => value.to_string(),
            },
        },
        value => value.to_string(),
    }
}

/// One transition in words; one that AWS has made up since stands as AWS writes it.
pub(super) fn transition(what: &str, rule: &str) -> String {
    let to = match what {
        "TransitionToIA" => "to Infrequent Access",
        "TransitionToArchive" => "to Archive",
        "TransitionToPrimaryStorageClass" => "back",
        other => other,
    };
    let after = rule.strip_prefix("AFTER_").and_then(|rest| rest.split_once('_'));
    match after {
        Some(("1", "ACCESS")) => format!("{to} at the first access"),
        Some(("1", "DAY" | "DAYS")) => format!("{to} after 1 day"),
        Some((days, "DAYS")) => format!("{to} after {days} days"),
        _ => format!("{to} {rule}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifecycle_is_told_in_words() {
        let lifecycle = |pairs: &[(&str, &str)]| -> Lifecycle {
            pairs.iter().map(|(what, rule)| ((*what).to_owned(), (*rule).to_owned())).collect()
        };
        assert_eq!(words(&lifecycle(&[])), "never");
        assert_eq!(
            words(&lifecycle(&[
                ("TransitionToIA", "AFTER_30_DAYS"),
                ("TransitionToPrimaryStorageClass", "AFTER_1_ACCESS"),
            ])),
            "to Infrequent Access after 30 days, back at the first access"
        );
        assert_eq!(words(&lifecycle(&[("TransitionToIA", "SOON")])), "to Infrequent Access SOON");
    }
}
