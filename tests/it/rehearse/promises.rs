//! The promises of `docs/semantics.md`, asked of a rehearsal that has been run, whatever went wrong in it.

use studio_migrate::cli::rehearsal::Rehearsal;
use studio_migrate::execute::{Standing, Step};
use studio_migrate::journal::Event;
use studio_migrate::names::MigrationId;
use studio_migrate::sim::studio::{NEVER, Studio};

use super::copy::{BYSTANDER, DOMAIN, PEOPLE, THEIR_SCRIPT};

/// What one of the account's people has set.
fn setting<'a>(studio: &'a Studio, name: &str, path: &[&str]) -> Option<&'a str> {
    let profile = studio.profiles.get(&format!("{DOMAIN}/{name}"))?;
    let (first, rest) = path.split_first()?;
    let value = profile.settings.get(*first)?;
    rest.iter().try_fold(value, |value, name| value.get(name))?.as_str()
}

fn landing<'a>(studio: &'a Studio, name: &str) -> Option<&'a str> {
    setting(studio, name, &["DefaultLandingUri"])
}

fn built_in<'a>(studio: &'a Studio, name: &str) -> Option<&'a str> {
    setting(studio, name, &["JupyterLabAppSettings", "BuiltInLifecycleConfigArn"])
}

fn events_of(rehearsal: &Rehearsal, name: &str) -> Vec<Event> {
    let id = MigrationId::from(format!("{DOMAIN}/{name}"));
    rehearsal.journal().events_of(&id).unwrap()
}

/// Says what of the promises does not hold, at any time after a run.
pub fn broken(rehearsal: &Rehearsal, moving: usize) -> Vec<String> {
    let mut broken = Vec::new();
    if let Some(at) = rehearsal.journal().audit().unwrap().broken_at {
        broken.push(format!("the chain of events breaks at {at}"));
    }
    rehearsal.world().read(|state| {
        for name in PEOPLE.into_iter().take(moving) {
            let events = events_of(rehearsal, name);
            broken.extend(unproven(&state.studio, name, &events));
            broken.extend(unwritten(&state.studio, name, &events));
        }
        broken.extend(others(&state.studio));
    });
    broken
}

/// Promise 2: nobody is flipped without proof.
fn unproven(studio: &Studio, name: &str, events: &[Event]) -> Option<String> {
    let standing = match Standing::of(events) {
        Ok(standing) => standing,
        Err(bad) => return Some(bad.to_string()),
    };
    let is_flipped = landing(studio, name) == Some("studio::");
    let proof = standing.receipt(Step::Verify);
    if is_flipped && proof.is_none() {
        return Some(format!("{name} was flipped without proof"));
    }
    let digest = proof.map(|proof| proof["totals"]["digest"].as_str().unwrap_or_default().len());
    (digest == Some(0)).then(|| format!("the proof of {name} has no digest"))
}

/// Promises 5 and 9: what is another value than before was written down before it was changed, with what it was.
fn unwritten(studio: &Studio, name: &str, events: &[Event]) -> Option<String> {
    let before = (name == PEOPLE[0]).then_some(THEIR_SCRIPT);
    let is_changed = landing(studio, name).is_some() || built_in(studio, name) != before;
    let has = |kind: &str, what: &str| {
        events.iter().any(|event| event.kind == kind && event.detail.to_string().contains(what))
    };
    let is_written = has("call", "UpdateUserProfile") && has("noted", "built_in_script");
    (is_changed && !is_written).then(|| format!("{name} was changed and the journal knows nothing"))
}

/// Promise 4: nothing is deleted that the tool did not make.
fn others(studio: &Studio) -> Vec<String> {
    let mut gone = Vec::new();
    if !studio.scripts.contains_key("tidy-shell") {
        gone.push("another's script is gone".to_owned());
    }
    let lab = studio.spaces.get(&format!("{DOMAIN}/zoe-lab"));
    if lab.is_none_or(|lab| lab.owner.as_deref() != Some(BYSTANDER)) {
        gone.push("another's space is gone".to_owned());
    }
    let bystander = studio.profiles.get(&format!("{DOMAIN}/{BYSTANDER}"));
    if bystander.is_none_or(|bystander| !bystander.settings.is_empty()) {
        gone.push("somebody was changed who does not move".to_owned());
    }
    gone
}

/// Says what is not as it is to be once everyone has moved.
pub fn unfinished(rehearsal: &Rehearsal, moving: usize) -> Vec<String> {
    let now = rehearsal.now();
    let mut wrong = Vec::new();
    let mut insist = |is_so: bool, what: String| {
        if !is_so {
            wrong.push(what);
        }
    };
    rehearsal.world().read(|state| {
        let studio = &state.studio;
        for name in PEOPLE.into_iter().take(moving) {
            let before = (name == PEOPLE[0]).then_some(THEIR_SCRIPT);
            let standing = Standing::of(&events_of(rehearsal, name)).unwrap();
            let is_moved = standing.receipt(Step::Confirm).is_some();
            insist(is_moved, format!("{name} is not confirmed"));
            let portal = setting(studio, name, &["StudioWebPortal"]);
            let is_new = (landing(studio, name), portal) == (Some("studio::"), Some("ENABLED"));
            insist(is_new, format!("{name} is not led to the new Studio"));
            insist(built_in(studio, name) == before, format!("{name} has another built-in script"));
            let owns = studio.spaces.values().any(|space| space.owner.as_deref() == Some(name));
            insist(owns, format!("{name} has no space"));
        }
        insist(studio.scripts.len() == 1, "a hook is left".to_owned());
        let running = studio.apps.values().any(|app| app.is_running(now));
        insist(!running, "an app is left running".to_owned());
    });
    wrong
}

/// Ends every trouble: nothing goes wrong any more, and what was stuck moves on.
pub fn mend(rehearsal: &Rehearsal) {
    let now = rehearsal.now();
    rehearsal
        .world()
        .change(|state| {
            state.faults.clear();
            let studio = &mut state.studio;
            let standings = studio
                .profiles
                .values_mut()
                .map(|one| &mut one.standing)
                .chain(studio.spaces.values_mut().map(|one| &mut one.standing))
                .chain(studio.apps.values_mut().map(|one| &mut one.standing));
            for standing in standings.filter(|standing| standing.settles_at >= NEVER) {
                standing.settles_at = now;
            }
            Ok(())
        })
        .unwrap();
}
