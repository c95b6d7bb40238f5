//! Who can move by a plan, and why everyone else cannot.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::LeftOut;
use super::naming::migration_id;
use super::sizing::{Load, volume};
use crate::inventory::{Domain, Profile, Snapshot};
use crate::names::{DomainId, HomeUid, MigrationId};
use crate::playbook::{LeaveOutRules, Order, Playbook};
use crate::readiness::{Finding, Range, Scoping, Severity, Subject, minutes};

/// Someone who moves.
#[derive(Clone, Debug)]
pub(super) struct Person<'a> {
    pub(super) id: MigrationId,
    pub(super) domain: &'a Domain,
    pub(super) profile: &'a Profile,
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
            match judge.profile(domain, profile) {
                Ok(person) => sorted.people.push(person),
                Err(because) => sorted.left_out.push(LeftOut {
                    domain: domain.id.clone(),
                    who: profile.name.to_string(),
                    because,
                }),
            }
        }
        sorted.left_out.extend(classic_spaces(domain));
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
struct Judge<'p> {
    playbook: &'p Playbook,
    scoping: Scoping<'p>,
    rules: LeaveOutRules,
    /// Codes of blockers by what they are about.
    blockers: BTreeMap<Subject, BTreeSet<String>>,
    /// Codes of warnings by what they are about.
    warnings: BTreeMap<Subject, BTreeSet<String>>,
}

fn subject(domain: &Domain, profile: &Profile) -> Subject {
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
        if auto_mount_is_off(domain, profile) {
            reasons.push(
                "auto-mount of the Classic home is Disabled, so a space cannot read it; the DataSync route is not \
                 available yet: set AutoMountHomeEFS to Enabled, or wait for it"
                    .to_owned(),
            );
        }
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

    /// Says which blockers stand in the way: the account's, the domain's, and the profile's own.
    fn blocked(&self, domain: &Domain, profile: &Profile) -> Vec<String> {
        let about = |subject: Subject, whose: &str| {
            let codes = self.blockers.get(&subject)?;
            let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
            Some(format!("blocked by {}{whose}", codes.join(", ")))
        };
        [
            about(Subject::Account, " (the whole account)"),
            about(Subject::Domain { domain: domain.id.to_string() }, " (the whole domain)"),
            about(subject(domain, profile), ""),
        ]
        .into_iter()
        .flatten()
        .collect()
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
fn allowed_gb(domain: &Domain, profile: &Profile) -> Option<i32> {
    profile.effective.maximum_volume_gb.or(domain.defaults.maximum_volume_gb)
}

fn classic_spaces(domain: &Domain) -> impl Iterator<Item = LeftOut> {
    domain.spaces.iter().filter(|space| space.app_type.as_deref() == Some("JupyterServer")).map(
        |space| LeftOut {
            domain: domain.id.clone(),
            who: space.name.to_string(),
            because: "a shared space of Studio Classic: shared spaces move by another road"
                .to_owned(),
        },
    )
}

fn orphans(snapshot: &Snapshot) -> impl Iterator<Item = LeftOut> {
    snapshot.file_systems.iter().flat_map(|file_system| {
        file_system.orphan_homes.iter().map(|orphan| LeftOut {
            domain: file_system.domain.clone().unwrap_or_else(|| DomainId::from("-")),
            who: format!("home {} on {}", orphan.uid, file_system.id),
            because: format!(
                "an orphan home of {} files: no profile and no space owns it, so nobody's space can read it",
                orphan.home.files
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
        who: "everyone".to_owned(),
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
