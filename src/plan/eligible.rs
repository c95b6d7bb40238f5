//! Who can move by a plan, and why everyone else cannot.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{LeftOut, Route, TeamPart};
use super::naming::{migration_id, of_space, of_team};
use super::sizing::{Load, volume};
use super::teams::{is_of_a_team, nothing_of_their_own};
use crate::inventory::{Domain, Profile, Snapshot, Space};
use crate::names::{DomainId, HomeUid, MigrationId, ProfileName, SpaceName, counted};
use crate::playbook::{HomeRoute, LeaveOutRules, Order, Playbook, StagedRoute};
use crate::readiness::{Finding, Range, Scoping, Severity, Subject, minutes};

/// Someone who moves.
#[derive(Clone, Debug)]
pub(super) struct Person<'a> {
    pub(super) id: MigrationId,
    pub(super) domain: &'a Domain,
    /// The person; of a shared space, whoever owns the new one.
    pub(super) profile: &'a Profile,
    /// The Classic shared space that moves, if it is no person's home.
    pub(super) classic_space: Option<&'a Space>,
    /// The part of a team's home that moves, if it is one.
    pub(super) team: Option<TeamPart>,
    pub(super) route: Route,
    pub(super) home_uid: HomeUid,
    /// What is to be copied; `None` when the home was not measured.
    pub(super) load: Option<Load>,
    pub(super) volume_gb: i32,
    /// Why the volume has that size, in words.
    pub(super) volume_because: String,
    /// Minutes that moving them takes, by the estimate.
    pub(super) minutes: Range,
    /// Codes of warnings about them.
    pub(super) warnings: BTreeSet<String>,
}

impl Person<'_> {
    /// What plans call it.
    pub(super) fn name(&self) -> ProfileName {
        match (self.classic_space, self.shared_by_team()) {
            (Some(space), _) => of_space(&space.name),
            (None, Some(team)) => of_team(team),
            (None, None) => self.profile.name.clone(),
        }
    }

    /// The Classic shared space, or the profile that a team shared, whose files go into a shared space.
    pub(super) fn shared(&self) -> Option<SpaceName> {
        let team = || self.shared_by_team().map(|team| SpaceName::new(team.as_str()));
        self.classic_space.map(|space| space.name.clone()).or_else(team)
    }

    fn shared_by_team(&self) -> Option<&ProfileName> {
        let rest = self.team.as_ref().filter(|part| part.whose.is_none());
        rest.map(|part| &part.profile)
    }

    /// The order in which people move: without warnings first, where the playbook wants that; then the smallest home first,
    /// unmeasured ones last, names where homes are equal.
    pub(super) fn order(&self, order: Order) -> (bool, bool, u64, &MigrationId) {
        let is_warned = order == Order::FewestWarningsFirst && !self.warnings.is_empty();
        (is_warned, self.load.is_none(), self.load.map_or(0, |load| load.bytes), &self.id)
    }
}

/// Everyone in the snapshot, told apart.
#[derive(Debug, Default)]
pub(super) struct Sorted<'a> {
    pub(super) people: Vec<Person<'a>>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Tells who moves from who does not. Nobody is dropped in silence.
pub(super) fn sort<'a>(
    snapshot: &'a Snapshot,
    findings: &[Finding],
    playbook: &Playbook,
) -> Result<Sorted<'a>, globset::Error> {
    let judge = Judge::new(findings, playbook)?;
    let mut sorted = Sorted::default();
    let mut seen = BTreeSet::new();
    for domain in &snapshot.domains {
        for profile in &domain.profiles {
            // A listing that changed between two of its pages can name someone twice.
            if !seen.insert(migration_id(&domain.id, &profile.name)) {
                continue;
            }
            if let Some(team) = &profile.team {
                let split = judge.team(domain, profile, team);
                sorted.people.extend(split.people);
                sorted.left_out.extend(split.left_out);
                continue;
            }
            if is_of_a_team(domain, profile) {
                sorted.left_out.extend(nothing_of_their_own(domain, profile));
                continue;
            }
            match judge.profile(domain, profile) {
                Ok(person) => sorted.people.push(person),
                Err(because) => sorted.left_out.push(LeftOut {
                    domain: domain.id.clone(),
                    who: profile.name.to_string(),
                    because,
                }),
            }
        }
        for space in domain.spaces.iter().filter(|space| is_classic(space)) {
            match judge.shared_space(domain, space) {
                Ok(person) => sorted.people.push(person),
                Err(because) => sorted.left_out.push(LeftOut {
                    domain: domain.id.clone(),
                    who: of_space(&space.name).to_string(),
                    because: format!("a shared space of Studio Classic: {because}"),
                }),
            }
        }
    }
    sorted.left_out.extend(orphans(snapshot));
    sorted.left_out.extend(strangers(snapshot, playbook));
    let order = playbook.batches.order;
    sorted.people.sort_by(|a, b| a.order(order).cmp(&b.order(order)));
    sorted
        .left_out
        .sort_by(|a, b| (&a.domain, &a.who, &a.because).cmp(&(&b.domain, &b.who, &b.because)));
    Ok(sorted)
}

/// What everyone is judged by.
pub(super) struct Judge<'p> {
    pub(super) playbook: &'p Playbook,
    pub(super) scoping: Scoping<'p>,
    pub(super) rules: LeaveOutRules,
    /// Codes of blockers by what they are about.
    blockers: BTreeMap<Subject, BTreeSet<String>>,
    /// Codes of warnings by what they are about.
    warnings: BTreeMap<Subject, BTreeSet<String>>,
}

pub(super) fn subject(domain: &Domain, profile: &Profile) -> Subject {
    Subject::Profile { domain: domain.id.to_string(), profile: profile.name.to_string() }
}

impl<'p> Judge<'p> {
    fn new(findings: &[Finding], playbook: &'p Playbook) -> Result<Self, globset::Error> {
        let of = |severity| {
            let mut codes: BTreeMap<Subject, BTreeSet<String>> = BTreeMap::new();
            for finding in findings.iter().filter(|finding| finding.severity == severity) {
                codes.entry(finding.subject.clone()).or_default().insert(finding.code.clone());
            }
            codes
        };
        Ok(Self {
            playbook,
            scoping: Scoping::of(playbook),
            rules: LeaveOutRules::of(playbook)?,
            blockers: of(Severity::Blocker),
            warnings: of(Severity::Warning),
        })
    }

    /// Takes a profile into the plan, or says everything that keeps it out.
    fn profile<'a>(&self, domain: &'a Domain, profile: &'a Profile) -> Result<Person<'a>, String> {
        if let Some(because) = self.scoping.why_out(domain, profile) {
            return Err(because);
        }
        let mut reasons = self.blocked(domain, profile);
        if domain.status != "InService" {
            reasons.push(format!("the domain is {}, not InService", domain.status));
        }
        if profile.status != "InService" {
            reasons.push(format!("the profile is {}, not InService", profile.status));
        }
        let routes = &self.playbook.routes;
        let is_unmounted = auto_mount_is_off(domain, profile);
        if is_unmounted && routes.unmounted_homes == StagedRoute::Leave {
            reasons.push(
                "auto-mount of the Classic home is Disabled, so a space cannot read it: set AutoMountHomeEFS to \
                 Enabled, or `routes.unmounted_homes: packed` in the playbook"
                    .to_owned(),
            );
        }
        let route = match (is_unmounted, routes.homes) {
            (true, _) => staged(routes.unmounted_homes),
            (false, HomeRoute::InSpace) => Route::InSpace,
            (false, HomeRoute::Packed) => Route::Packed,
            (false, HomeRoute::DataSync) => Route::DataSync,
        };
        if profile.home_uid.is_none() {
            reasons.push("it has no Classic home (no HomeEfsFileSystemUid)".to_owned());
        }
        let load = profile.home.as_ref().map(|home| Load::of(home, &self.rules));
        let sized = volume(load, &self.playbook.target.volume, allowed_gb(domain, profile));
        match (&profile.home_uid, sized) {
            (Some(home_uid), Ok((volume_gb, volume_because))) if reasons.is_empty() => Ok(Person {
                id: migration_id(&domain.id, &profile.name),
                domain,
                profile,
                classic_space: None,
                team: None,
                route,
                home_uid: home_uid.clone(),
                load,
                volume_gb,
                volume_because,
                minutes: minutes(load.map(|load| (load.bytes, load.files))),
                warnings: self.warnings.get(&subject(domain, profile)).cloned().unwrap_or_default(),
            }),
            (_, sized) => {
                reasons.extend(sized.err());
                Err(reasons.join("; "))
            }
        }
    }

    /// Takes a shared space into the plan, or says everything that keeps it out.
    fn shared_space<'a>(&self, domain: &'a Domain, space: &'a Space) -> Result<Person<'a>, String> {
        let routes = &self.playbook.routes;
        if routes.shared_spaces == StagedRoute::Leave {
            return Err("the playbook leaves shared spaces (routes.shared_spaces)".to_owned());
        }
        let mut reasons = self.blocked_with_all(domain);
        let domains = &self.playbook.scope.domains;
        if !domains.is_empty() && !domains.iter().any(|id| id == domain.id.as_str()) {
            reasons.push("out of scope: scope.domains does not name the domain".to_owned());
        }
        reasons.extend(self.not_ready_for_shared(domain));
        if space.home_uid.is_none() {
            reasons.push("it has no directory (no HomeEfsFileSystemUid)".to_owned());
        }
        let owner = space.owner.as_ref().or(routes.shared_space_owner.as_ref());
        let is_it = |profile: &&Profile| {
            owner.is_some_and(|owner| owner.as_str().eq_ignore_ascii_case(profile.name.as_str()))
                && profile.status == "InService"
        };
        let profile = domain.profiles.iter().find(is_it);
        if profile.is_none() {
            reasons.push(match owner {
                Some(owner) => format!("{owner}, who is to own it, is no profile in service"),
                None => "it has no owner, and routes.shared_space_owner names none".to_owned(),
            });
        }
        let load = space.home.as_ref().map(|home| Load::of(home, &self.rules));
        let sized = volume(load, &self.playbook.target.volume, None);
        match (&space.home_uid, profile, sized) {
            (Some(home_uid), Some(profile), Ok((volume_gb, volume_because)))
                if reasons.is_empty() =>
            {
                Ok(Person {
                    id: migration_id(&domain.id, &of_space(&space.name)),
                    domain,
                    profile,
                    classic_space: Some(space),
                    team: None,
                    route: staged(routes.shared_spaces),
                    home_uid: home_uid.clone(),
                    load,
                    volume_gb,
                    volume_because,
                    minutes: minutes(load.map(|load| (load.bytes, load.files))),
                    warnings: BTreeSet::new(),
                })
            }
            (_, _, sized) => {
                reasons.extend(sized.err());
                Err(reasons.join("; "))
            }
        }
    }

    /// Says why a domain can have no new shared space.
    pub(super) fn not_ready_for_shared(&self, domain: &Domain) -> Vec<String> {
        let mut reasons = Vec::new();
        if domain.status != "InService" {
            reasons.push(format!("the domain is {}, not InService", domain.status));
        }
        if domain.setup.space_role.is_none() {
            reasons.push(format!(
                "SM708: the domain has no execution role for shared spaces; give it one (`aws sagemaker update-domain --domain-id {} --default-space-settings ExecutionRole=<role-arn>`, with what DefaultSpaceSettings has already), then take another inventory",
                domain.id
            ));
        }
        reasons
    }

    /// Says which blockers of the account and of the domain stand in the way.
    fn blocked_with_all(&self, domain: &Domain) -> Vec<String> {
        [
            self.blocked_by(&Subject::Account, " (the whole account)"),
            self.blocked_by(
                &Subject::Domain { domain: domain.id.to_string() },
                " (the whole domain)",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub(super) fn blocked_by(&self, subject: &Subject, whose: &str) -> Option<String> {
        let codes: Vec<&str> = self.blockers.get(subject)?.iter().map(String::as_str).collect();
        Some(format!("blocked by {}{whose}", codes.join(", ")))
    }

    /// Says which blockers stand in the way: the account's, the domain's, and the profile's own.
    pub(super) fn blocked(&self, domain: &Domain, profile: &Profile) -> Vec<String> {
        let mut blocked = self.blocked_with_all(domain);
        blocked.extend(self.blocked_by(&subject(domain, profile), ""));
        blocked
    }
}

/// Tells whether a space of this profile would not mount the Classic home. Not set means mounted.
pub(super) fn auto_mount_is_off(domain: &Domain, profile: &Profile) -> bool {
    let effective = match profile.effective.auto_mount.as_deref() {
        None | Some("DefaultAsDomain") => domain.defaults.auto_mount.as_deref(),
        set => set,
    };
    effective == Some("Disabled")
}

/// The largest volume that the settings allow, in GiB.
pub(super) fn allowed_gb(domain: &Domain, profile: &Profile) -> Option<i32> {
    profile.effective.maximum_volume_gb.or(domain.defaults.maximum_volume_gb)
}

/// The route of what no space mounts; what is left has none, and is not asked about.
pub(super) fn staged(route: StagedRoute) -> Route {
    match route {
        StagedRoute::DataSync => Route::DataSync,
        StagedRoute::Packed | StagedRoute::Leave => Route::Packed,
    }
}

fn is_classic(space: &Space) -> bool {
    space.app_type.as_deref() == Some("JupyterServer")
}

fn orphans(snapshot: &Snapshot) -> impl Iterator<Item = LeftOut> {
    snapshot.file_systems.iter().flat_map(|file_system| {
        file_system.orphan_homes.iter().map(|orphan| LeftOut {
            domain: file_system.domain.clone().unwrap_or_else(|| DomainId::from("-")),
            who: LeftOut::of_orphan(&file_system.id, &orphan.uid),
            because: format!(
                "an orphan home of {}: no profile and no space owns it, so nobody's space can read it; `orphans` archives or assigns it",
                counted(orphan.home.files, "file", "files")
            ),
        })
    })
}

/// Lists what the playbook names and the snapshot does not have.
fn strangers(snapshot: &Snapshot, playbook: &Playbook) -> Vec<LeftOut> {
    let has_domain = |id: &str| snapshot.domains.iter().any(|domain| domain.id.as_str() == id);
    let has_profile = |name: &str| {
        let mut profiles = snapshot.domains.iter().flat_map(|domain| &domain.profiles);
        profiles.any(|profile| profile.name.as_str().eq_ignore_ascii_case(name))
    };
    let domains = playbook.scope.domains.iter().filter(|id| !has_domain(id)).map(|id| LeftOut {
        domain: DomainId::from(id.as_str()),
        who: LeftOut::EVERYONE.to_owned(),
        because: "scope.domains names this domain, and the snapshot has none of that id".to_owned(),
    });
    let pilots =
        playbook.batches.pilot.iter().filter(|name| !has_profile(name.as_str())).map(|name| {
            LeftOut {
                domain: DomainId::from("-"),
                who: name.to_string(),
                because: "batches.pilot names them, and the snapshot has no such profile"
                    .to_owned(),
            }
        });
    domains.chain(pilots).collect()
}
