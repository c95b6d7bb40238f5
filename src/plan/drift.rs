//! What has changed in the account since a plan was drawn up.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use super::draft::{Migration, Plan, Route, TeamPart};
use super::eligible::auto_mount_is_off;
use super::sizing::{Load, needed_gb, size};
use crate::inventory::{Domain, Home, Profile, Snapshot};
use crate::names::{MigrationId, SpaceName};
use crate::playbook::LeaveOutRules;

/// Returns, for each person of the plan of whom something no longer holds, what that is. Others are not in the map.
///
/// A home counts as grown only when it no longer fits its volume at all: headroom is there to be used.
pub fn drift(plan: &Plan, snapshot: &Snapshot) -> BTreeMap<MigrationId, Vec<String>> {
    let rules = rules(plan);
    plan.migrations()
        .filter_map(|(_, migration)| {
            let changes = changes(migration, snapshot, &rules);
            (!changes.is_empty()).then(|| (migration.id.clone(), changes))
        })
        .collect()
}

/// Returns what no longer holds for one person of the plan.
pub fn drift_of(plan: &Plan, migration: &Migration, snapshot: &Snapshot) -> Vec<String> {
    changes(migration, snapshot, &rules(plan))
}

/// What a home's size is told by: made when the first home is met, for the patterns take their time.
type Rules<'a> = LazyCell<Option<LeaveOutRules>, Box<dyn FnOnce() -> Option<LeaveOutRules> + 'a>>;

/// A plan that was read from a file may hold patterns that are no globs; then everything counts.
fn rules(plan: &Plan) -> Rules<'_> {
    LazyCell::new(Box::new(|| LeaveOutRules::of(&plan.playbook).ok()))
}

fn changes(migration: &Migration, snapshot: &Snapshot, rules: &Rules<'_>) -> Vec<String> {
    let Some(domain) = snapshot.domains.iter().find(|domain| domain.id == migration.domain) else {
        return vec![format!("domain {} is not in the snapshot", migration.domain)];
    };
    if let Some(part) = &migration.team {
        return changes_of_team(migration, part, domain, rules);
    }
    if let Some(shared) = &migration.shared {
        return changes_of_space(migration, shared, domain, rules);
    }
    let name = migration.profile.as_str();
    let is_it = |profile: &&Profile| profile.name.as_str().eq_ignore_ascii_case(name);
    let Some(profile) = domain.profiles.iter().find(is_it) else {
        return vec![format!("profile {name} is gone")];
    };
    let mut changes = Vec::new();
    if profile.status != "InService" {
        changes.push(format!("the profile is {}, not InService", profile.status));
    }
    match &profile.home_uid {
        Some(uid) if *uid == migration.home_uid => {}
        Some(uid) => changes.push(format!(
            "the home is directory {uid} now, the plan says {}: the profile was made anew",
            migration.home_uid
        )),
        None => changes.push(format!("the home {} is gone", migration.home_uid)),
    }
    if migration.route == Route::InSpace && auto_mount_is_off(domain, profile) {
        changes.push("auto-mount of the Classic home was turned off".to_owned());
    }
    changes.extend(taken(migration, domain));
    changes.extend(grown(migration, profile.home.as_ref(), rules));
    changes
}

fn changes_of_space(
    migration: &Migration,
    shared: &SpaceName,
    domain: &Domain,
    rules: &Rules<'_>,
) -> Vec<String> {
    let Some(space) = domain.spaces.iter().find(|space| space.name == *shared) else {
        return vec![format!("the Classic shared space {shared} is gone")];
    };
    let mut changes = Vec::new();
    if space.home_uid.as_ref() != Some(&migration.home_uid) {
        changes.push(format!("the space {shared} was made anew, with another directory"));
    }
    let owner = migration.profile.as_str();
    if !domain.profiles.iter().any(|one| one.name.as_str().eq_ignore_ascii_case(owner)) {
        changes.push(format!("profile {owner}, which is to own the new space, is gone"));
    }
    changes.extend(taken(migration, domain));
    changes.extend(grown(migration, space.home.as_ref(), rules));
    changes
}

fn changes_of_team(
    migration: &Migration,
    part: &TeamPart,
    domain: &Domain,
    rules: &Rules<'_>,
) -> Vec<String> {
    let mut changes = Vec::new();
    let team = domain.profile(&part.profile);
    match team {
        None => changes.push(format!("profile {}, which the team shared, is gone", part.profile)),
        Some(team) if team.home_uid.as_ref() != Some(&migration.home_uid) => {
            changes.push(format!("profile {} was made anew, with another home", part.profile))
        }
        Some(_) => {}
    }
    match domain.profile(&migration.profile) {
        None => changes.push(format!("profile {} is gone", migration.profile)),
        Some(owner) if owner.status != "InService" => changes.push(format!(
            "the profile of {} is {}, not InService",
            migration.profile, owner.status
        )),
        Some(_) => {}
    }
    changes.extend(taken(migration, domain));
    let home = team.filter(|_| part.whose.is_none()).and_then(|team| team.home.as_ref());
    changes.extend(grown(migration, home, rules));
    changes
}

/// Says whose the space's name is, unless it is free or a private space of the same person.
fn taken(migration: &Migration, domain: &Domain) -> Option<String> {
    let name = migration.space.as_str();
    let Some(space) =
        domain.spaces.iter().find(|space| space.name.as_str().eq_ignore_ascii_case(name))
    else {
        return migration.is_reused.then(|| format!("{name}, the space to be reused, is gone"));
    };
    let is_own = space
        .owner
        .as_ref()
        .is_some_and(|owner| owner.as_str().eq_ignore_ascii_case(migration.profile.as_str()));
    let is_shared = space.sharing.as_deref() == Some("Shared");
    let is_classic = space.app_type.as_deref() == Some("JupyterServer");
    if is_own && is_shared == migration.shared.is_some() && !is_classic {
        let app = space.app_type.as_deref().unwrap_or("nothing");
        return (migration.is_reused && app != migration.app.as_str())
            .then(|| format!("{name}, the space to be reused, is for {app} now"));
    }
    let whose = match &space.owner {
        _ if is_classic => "a shared space of Studio Classic".to_owned(),
        _ if is_shared => "a shared space".to_owned(),
        Some(owner) => format!("a space of {owner}"),
        None => "a space of somebody".to_owned(),
    };
    Some(format!("the space name {name} was taken by {whose}"))
}

fn grown(migration: &Migration, home: Option<&Home>, rules: &Rules<'_>) -> Option<String> {
    let home = home?;
    let bytes = rules.as_ref().map_or(home.bytes, |rules| Load::of(home, rules).bytes);
    let bare =
        crate::playbook::Volume { headroom_percent: 0, headroom_gb: 0, ..Default::default() };
    (needed_gb(bytes, &bare) > i64::from(migration.volume_gb)).then(|| {
        format!(
            "the home has grown to {}, more than its volume of {} GiB",
            size(bytes),
            migration.volume_gb
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Home;
    use crate::names::HomeUid;
    use crate::plan::draw;
    use crate::plan::testing::{G, people, playbook, space};

    fn drifted(change: impl FnOnce(&mut Domain)) -> Vec<String> {
        let mut snapshot = people(&[("alice", 1), ("bob", 2)]);
        let plan = draw(&snapshot, &[], &playbook(), None).unwrap();
        change(&mut snapshot.domains[0]);
        let drift = drift(&plan, &snapshot);
        assert!(!drift.contains_key(&MigrationId::from("d-sim1/bob")), "bob did not change");
        drift.into_values().next().unwrap_or_default()
    }

    #[test]
    fn nothing_is_said_while_nothing_changed_or_the_space_became_ours() {
        assert_eq!(drifted(|_| {}), [""; 0]);
        assert_eq!(drifted(|domain| domain.spaces = vec![space("alice-studio", "alice")]), [""; 0]);
    }

    #[test]
    fn a_profile_that_is_gone_or_was_made_anew_is_told() {
        assert_eq!(drifted(|domain| drop(domain.profiles.remove(0))), ["profile alice is gone"]);
        let said = drifted(|domain| domain.profiles[0].home_uid = Some(HomeUid::from("7")));
        assert_eq!(
            said,
            ["the home is directory 7 now, the plan says 200001: the profile was made anew"]
        );
    }

    #[test]
    fn a_space_name_that_somebody_took_is_told() {
        let said = drifted(|domain| domain.spaces = vec![space("Alice-studio", "bob")]);
        assert_eq!(said, ["the space name alice-studio was taken by a space of bob"]);
    }

    #[test]
    fn a_home_that_outgrew_its_volume_is_told_and_one_in_its_headroom_is_not() {
        let grow = |gb: u64| {
            drifted(|domain| {
                domain.profiles[0].home = Some(Home { bytes: gb * G, ..Home::default() });
            })
        };
        assert_eq!(grow(5), [""; 0]);
        assert_eq!(grow(6), ["the home has grown to 6.0 GiB, more than its volume of 5 GiB"]);
    }

    #[test]
    fn a_domain_that_the_snapshot_does_not_have_is_told_for_each_of_its_people() {
        let snapshot = people(&[("alice", 1), ("bob", 2)]);
        let plan = draw(&snapshot, &[], &playbook(), None).unwrap();
        let elsewhere = Snapshot { domains: Vec::new(), ..snapshot };
        assert_eq!(drift(&plan, &elsewhere).len(), 2);
    }
}
