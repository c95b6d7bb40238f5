//! Drawing up a plan.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::bins::{Bounds, minutes};
use super::draft::{Batch, Migration, Plan, Route, TeamPart, Visibility};
use super::eligible::{Person, sort};
use super::error::Error;
use super::naming;
use super::packing::pack;
use super::schedule::schedule;
use super::sizing::size;
use crate::inventory::{Snapshot, Space};
use crate::names::{BatchName, DomainId, PlanId, ProfileName, SnapshotId, SpaceName};
use crate::playbook::{ExistingSpaces, Playbook, SpaceApp, Target};
use crate::readiness::{Finding, lanes};

/// Draws up a plan. The same input gives the same plan, byte for byte, in whatever order the snapshot lists people.
///
/// With a parent, people who are in it keep their space's name, their hook and their batch where that still holds, and
/// newcomers go into batches after its last one. A plan without batches is a plan: nobody can move, and it says why.
///
/// # Errors
///
/// The snapshot does not say whose it is, a pattern of the playbook is no glob, or the parent is for another account.
pub fn draw(
    snapshot: &Snapshot,
    findings: &[Finding],
    playbook: &Playbook,
    parent: Option<&Plan>,
) -> Result<Plan, Error> {
    let account = snapshot.account.clone().ok_or(Error::Incomplete("account"))?;
    let region = snapshot.region.clone().ok_or(Error::Incomplete("Region"))?;
    if let Some(parent) = parent
        && (parent.account != account || parent.region != region)
    {
        return Err(Error::ForeignParent {
            plan: parent.id.clone(),
            account: parent.account.clone(),
            region: parent.region.clone(),
        });
    }
    let sorted = sort(snapshot, findings, playbook)?;
    let mut names = Names::new(snapshot, playbook, parent, &sorted.people);
    let lanes = lanes(snapshot, playbook);
    let taken_at = snapshot.taken_at.parse().unwrap_or_default();
    let bounds = Bounds::of(&playbook.batches, lanes, longest_window(playbook, taken_at));
    let packing = pack(sorted.people, &playbook.batches, &bounds, parent);
    let mut batches: Vec<Batch> = packing
        .batches
        .into_iter()
        .map(|packed| Batch {
            minutes: Some(minutes(packed.people.iter().map(|(person, _)| &person.minutes), lanes)),
            slot: None,
            gates: gates(playbook, &packed.name),
            name: packed.name,
            migrations: packed
                .people
                .into_iter()
                .map(|(person, because)| names.migration(&person, because))
                .collect(),
        })
        .collect();
    schedule(&mut batches, &playbook.calendar, taken_at);
    let mut plan = Plan {
        schema: 1,
        id: PlanId::from(""),
        parent: parent.map(|parent| parent.id.clone()),
        snapshot: snapshot_id(snapshot)?,
        account,
        region,
        playbook: playbook.clone(),
        batches,
        left_out: sorted.left_out,
        at_once: (lanes < playbook.limits.users).then_some(lanes),
        packing: Some(packing.made),
    };
    plan.id = plan.content_id()?;
    Ok(plan)
}

/// Minutes of the longest window, where there are windows.
fn longest_window(playbook: &Playbook, taken_at: Timestamp) -> Option<f64> {
    let zone = playbook.calendar.zone().ok()?;
    let longest = playbook.calendar.longest(&zone, playbook.calendar.begins(&zone, taken_at))?;
    Some(longest.as_secs_f64() / 60.0)
}

/// The gates before a batch, by name.
fn gates(playbook: &Playbook, batch: &BatchName) -> Vec<String> {
    let before = playbook.gates.iter().filter(|gate| gate.before == *batch);
    before.map(|gate| gate.name.clone()).collect()
}

/// The id that the journal gave the snapshot, or would give it.
fn snapshot_id(snapshot: &Snapshot) -> Result<SnapshotId, Error> {
    if let Some(id) = &snapshot.id {
        return Ok(id.clone());
    }
    let hash = blake3::hash(&serde_json::to_vec(snapshot)?).to_hex();
    Ok(SnapshotId::new(&hash.as_str()[..12]))
}

/// Gives names to all that will be made.
struct Names<'p> {
    playbook: &'p Playbook,
    /// The parent's migrations.
    before: BTreeMap<&'p str, &'p Migration>,
    /// Spaces' names that are gone, by domain.
    taken: BTreeMap<DomainId, BTreeSet<String>>,
}

impl<'p> Names<'p> {
    fn new(
        snapshot: &Snapshot,
        playbook: &'p Playbook,
        parent: Option<&'p Plan>,
        people: &[Person<'_>],
    ) -> Self {
        let before: BTreeMap<&str, &Migration> = parent
            .into_iter()
            .flat_map(Plan::migrations)
            .map(|(_, migration)| (migration.id.as_str(), migration))
            .collect();
        let mut taken: BTreeMap<DomainId, BTreeSet<String>> = BTreeMap::new();
        for domain in &snapshot.domains {
            let names = domain.spaces.iter().map(|space| naming::folded(space.name.as_str()));
            taken.entry(domain.id.clone()).or_default().extend(names);
        }
        // What the parent promised to some is not given to others, whoever comes first.
        for person in people {
            if let Some(kept) = before.get(person.id.as_str()).filter(|before| !before.is_open) {
                taken
                    .entry(person.domain.id.clone())
                    .or_default()
                    .insert(naming::folded(kept.space.as_str()));
            }
        }
        Self { playbook, before, taken }
    }

    fn migration(&mut self, person: &Person<'_>, mut because: String) -> Migration {
        let before = self.before.get(person.id.as_str()).copied();
        let kept = before
            .filter(|before| !before.is_open && is_still_theirs(&before.space, person))
            .filter(|before| !before.is_reused || volume_of(person, &before.space).is_some());
        let (space, is_reused) = match kept {
            Some(before) => (before.space.clone(), before.is_reused),
            None if person.shared().is_some() => (self.new_space(person, &mut because), false),
            None => match reused(person, &self.playbook.target, &mut because) {
                Some(space) => (space, true),
                None => (self.new_space(person, &mut because), false),
            },
        };
        // AWS has shared spaces for JupyterLab only.
        let app = match person.shared() {
            Some(_) => SpaceApp::JupyterLab,
            None => kept.map_or(self.playbook.target.app_type, |before| before.app),
        };
        because.push_str("; ");
        let theirs = volume_of(person, &space).filter(|_| is_reused);
        match theirs {
            Some(gb) => because.push_str(&format!(
                "its volume has {gb} GiB, and is grown where the files do not fit beside what is there"
            )),
            None => because.push_str(&person.volume_because),
        }
        because.push_str(match person.route {
            Route::InSpace => "",
            Route::Packed => "; it travels packed, from a machine that mounts the file system",
            Route::DataSync => "; it travels with DataSync",
        });
        if let Some(part) = &person.team {
            because.push_str(&about(part));
        }
        if let Some(spared) = person.load.map(|load| load.spared).filter(|&spared| spared > 0) {
            because.push_str(&format!(", with {} left out", size(spared)));
        }
        Migration {
            hook: before.map_or_else(
                || naming::hook(&person.id, &person.name()),
                |before| before.hook.clone(),
            ),
            id: person.id.clone(),
            domain: person.domain.id.clone(),
            profile: person.profile.name.clone(),
            shared: person.shared(),
            team: person.team.clone(),
            home_uid: person.home_uid.clone(),
            route: person.route,
            space,
            app,
            is_reused,
            visibility: match person.shared() {
                Some(_) => None,
                None => visibility(person, self.playbook, &mut because),
            },
            volume_gb: person.volume_gb.max(theirs.unwrap_or_default()),
            // What was staged for somebody who has begun stays where it is.
            reports: before.filter(|before| !before.is_open).map_or_else(
                || format!("{}/reports/{}", self.playbook.staging.prefix, person.id),
                |before| before.reports.clone(),
            ),
            bytes: person.load.map(|load| load.bytes),
            files: person.load.map(|load| load.files),
            because,
            is_open: false,
        }
    }

    /// Finds a name that no space of the domain has and nobody else is given.
    fn new_space(&mut self, person: &Person<'_>, because: &mut String) -> SpaceName {
        let wanted = naming::space(&self.playbook.target.space_name, &person.id, &called(person));
        let taken = self.taken.entry(person.domain.id.clone()).or_default();
        let space = naming::free(&wanted, taken);
        if space.as_str() != wanted {
            because.push_str(&format!("; the space is {space}, because {wanted} is taken"));
        }
        taken.insert(naming::folded(space.as_str()));
        space
    }
}

/// Says what part of a team's home moves.
fn about(part: &TeamPart) -> String {
    let claims = part.claims.iter().filter(|claim| !claim.own.is_empty());
    match &part.whose {
        Some(whose) => {
            let own = claims.filter(|claim| claim.profile == *whose).flat_map(|claim| &claim.own);
            let own: Vec<_> = own.map(|pattern| format!("`{pattern}`")).collect();
            format!("; of the home of {} it is {}", part.profile, own.join(", "))
        }
        None => {
            let others: Vec<_> = claims.map(|claim| claim.profile.to_string()).collect();
            let but = match others.as_slice() {
                [] => String::new(),
                others => format!(" but what is {}'s", others.join("'s and ")),
            };
            format!("; it is all of the home of {}{but}", part.profile)
        }
    }
}

/// What is hidden from a person as the first group of the playbook that they are in says.
///
/// A list on the profile hides the domain's, so what `cutover` hides from everyone is in it too.
fn visibility(
    person: &Person<'_>,
    playbook: &Playbook,
    because: &mut String,
) -> Option<Visibility> {
    let experience = &playbook.experience;
    let (name, tags) = (&person.profile.name, &person.profile.tags);
    let group = experience.groups.iter().find(|group| group.has(name, tags))?;
    let classic = ["JupyterServer", "KernelGateway"].map(str::to_owned);
    let app_types: BTreeSet<String> = group
        .hide_app_types
        .iter()
        .cloned()
        .chain(classic.into_iter().filter(|_| experience.hide_classic))
        .collect();
    let tools: BTreeSet<String> = group.hide_tools.iter().cloned().collect();
    let hidden: Vec<&str> = app_types.iter().chain(&tools).map(String::as_str).collect();
    because.push_str(&format!(
        "; as one of {}, they will not see {}",
        group.name,
        hidden.join(", ")
    ));
    Some(Visibility {
        group: group.name.clone(),
        app_types: app_types.into_iter().collect(),
        tools: tools.into_iter().collect(),
    })
}

/// The space that a person has already and that the playbook wants used, if there is exactly one.
fn reused(person: &Person<'_>, target: &Target, because: &mut String) -> Option<SpaceName> {
    if target.existing_spaces == ExistingSpaces::Leave {
        return None;
    }
    let own: Vec<&Space> = person
        .domain
        .spaces
        .iter()
        .filter(|space| {
            space.sharing.as_deref() == Some("Private")
                && space.app_type.as_deref() == Some(target.app_type.as_str())
                && space.status == "InService"
                && is_owner(space, person)
        })
        .collect();
    match own.as_slice() {
        [] => None,
        [only] => {
            because.push_str(&format!("; the files go to {}, a space that is theirs", only.name));
            Some(only.name.clone())
        }
        several => {
            let app = target.app_type;
            let names: Vec<&str> = several.iter().map(|space| space.name.as_str()).collect();
            because.push_str(&format!(
                "; a new space, because which of their {app} spaces to use is not known: {}",
                names.join(", ")
            ));
            None
        }
    }
}

/// The GiB of a space's volume, as far as the snapshot knows.
fn volume_of(person: &Person<'_>, name: &SpaceName) -> Option<i32> {
    person.domain.spaces.iter().find(|space| space.name == *name)?.volume_gb
}

fn is_owner(space: &Space, person: &Person<'_>) -> bool {
    let profile = person.profile.name.as_str();
    space.owner.as_ref().is_some_and(|owner| owner.as_str().eq_ignore_ascii_case(profile))
}

/// What the new space is called after: the profile, or the Classic shared space.
fn called(person: &Person<'_>) -> ProfileName {
    match person.shared() {
        Some(shared) => ProfileName::new(shared.as_str()),
        None => person.profile.name.clone(),
    }
}

/// Tells whether a name that a parent gave is free, or has become a private space of the same person.
fn is_still_theirs(name: &SpaceName, person: &Person<'_>) -> bool {
    let name = naming::folded(name.as_str());
    let mut spaces = person.domain.spaces.iter();
    spaces.find(|space| naming::folded(space.name.as_str()) == name).is_none_or(|space| {
        (space.sharing.as_deref() == Some("Shared")) == person.shared().is_some()
            && space.app_type.as_deref() != Some("JupyterServer")
            && is_owner(space, person)
    })
}

#[cfg(test)]
mod tests;
