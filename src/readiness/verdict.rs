//! Who is ready: a verdict for each person, and for every group that a board asks about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{Finding, Severity, Subject};
use super::home::{to_copy, volume_made_gb};
use super::view::View;
use crate::names::{DomainId, ProfileName};

/// Whether someone can move.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing stands in the way.
    #[default]
    Ready,
    /// They can move, and someone should look first.
    ReadyWithWarnings,
    /// Some of a group can move, and others cannot.
    ReadyInPart,
    /// They cannot move as things are.
    Blocked,
}

impl Verdict {
    /// Returns the words that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::ReadyWithWarnings => "ready with warnings",
            Self::ReadyInPart => "ready in part",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One person in scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Person {
    /// The domain.
    pub domain: DomainId,
    /// The profile.
    pub profile: ProfileName,
    /// Whether they can move.
    pub verdict: Verdict,
    /// Codes of blockers about the person, the domain or the account, each once, in order.
    pub blockers: Vec<String>,
    /// Codes of warnings about the person, each once, in order.
    pub warnings: Vec<String>,
    /// Codes of advice about the person, each once, in order.
    pub advice: Vec<String>,
    /// Bytes of the home; `None` when it was not measured.
    pub home_bytes: Option<u64>,
    /// Regular files of the home.
    pub home_files: Option<u64>,
    /// The execution role's ARN.
    pub role: Option<String>,
    /// Who answers for the profile, by the table of people.
    pub owner: Option<String>,
    /// Its cost centre, by the table of people.
    pub cost_centre: Option<String>,
    /// The wave it is to move in, by the table of people.
    pub wave: Option<String>,
    /// The size in GiB that the playbook gives the volume; `None` when the home was not measured.
    pub volume_gb: Option<u64>,
    /// The batch of the last plan that the person is in.
    pub batch: Option<String>,
}

/// People who belong together: of a domain, a wave, an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Group {
    /// `domain`, `batch`, `wave`, `owner` or `cost-centre`.
    pub kind: String,
    /// What it is called; a domain's id.
    pub name: String,
    /// `blocked` where nobody can move and `ready-in-part` where some can; else the worst verdict of its people, and of
    /// warnings about the domain itself.
    pub verdict: Verdict,
    /// People.
    pub people: usize,
    /// Those of them who are ready, with or without warnings.
    pub ready: usize,
    /// Those of the ready ones who have warnings.
    pub with_warnings: usize,
    /// Those who are blocked.
    pub blocked: usize,
}

/// Codes of one severity.
type Codes<'a> = BTreeSet<&'a str>;

/// Works out everyone's verdict in one pass: there may be tens of thousands of people, and as many findings.
pub(super) fn people(view: &View<'_>, findings: &[Finding]) -> Vec<Person> {
    let mut of_all = Codes::new();
    let mut of_domain: BTreeMap<&str, Codes<'_>> = BTreeMap::new();
    let mut of_profile: BTreeMap<(&str, &str), [Codes<'_>; 3]> = BTreeMap::new();
    for finding in findings {
        let code = finding.code.as_str();
        let is_blocker = finding.severity == Severity::Blocker;
        match &finding.subject {
            Subject::Account if is_blocker => {
                of_all.insert(code);
            }
            Subject::Domain { domain } if is_blocker => {
                of_domain.entry(domain).or_default().insert(code);
            }
            Subject::Profile { domain, profile } => {
                let [advice, warnings, blockers] = of_profile.entry((domain, profile)).or_default();
                match finding.severity {
                    Severity::Advice => advice,
                    Severity::Warning => warnings,
                    Severity::Blocker => blockers,
                }
                .insert(code);
            }
            _ => {}
        }
    }
    let words = |codes: &Codes<'_>| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
    let none = <[Codes<'_>; 3]>::default();
    let bytes_to_copy = to_copy(view);
    let volume_gb = |bytes| volume_made_gb(bytes, &view.playbook.target.volume);
    let mut people: Vec<_> = view
        .people()
        .map(|(domain, profile)| {
            let key = (domain.id.as_str(), profile.name.as_str());
            let [advice, warnings, own] = of_profile.get(&key).unwrap_or(&none);
            let mut blockers = of_all.clone();
            blockers.extend(of_domain.get(domain.id.as_str()).into_iter().flatten());
            blockers.extend(own);
            let verdict = match (blockers.is_empty(), warnings.is_empty()) {
                (false, _) => Verdict::Blocked,
                (true, false) => Verdict::ReadyWithWarnings,
                (true, true) => Verdict::Ready,
            };
            Person {
                domain: domain.id.clone(),
                profile: profile.name.clone(),
                verdict,
                blockers: words(&blockers),
                warnings: words(warnings),
                advice: words(advice),
                home_bytes: profile.home.as_ref().map(|home| home.bytes),
                home_files: profile.home.as_ref().map(|home| home.files),
                role: profile.effective.execution_role.clone(),
                owner: profile.note.owner.clone(),
                cost_centre: profile.note.cost_centre.clone(),
                wave: profile.note.wave.clone(),
                volume_gb: profile.home.as_ref().map(|home| volume_gb(bytes_to_copy(home))),
                batch: None,
            }
        })
        .collect();
    people.sort_by(|a, b| (&a.domain, &a.profile).cmp(&(&b.domain, &b.profile)));
    people
}

/// Groups people by domain, and by whatever the table of people says of them.
pub(super) fn groups(people: &[Person], findings: &[Finding]) -> Vec<Group> {
    let mut groups: BTreeMap<(&str, &str), Group> = BTreeMap::new();
    for person in people {
        let places = [
            ("domain", Some(person.domain.as_str())),
            ("batch", person.batch.as_deref()),
            ("wave", person.wave.as_deref()),
            ("owner", person.owner.as_deref()),
            ("cost-centre", person.cost_centre.as_deref()),
        ];
        for (kind, name) in places {
            let Some(name) = name else { continue };
            groups.entry((kind, name)).or_default().add(person.verdict);
        }
    }
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Warning) {
        if let Subject::Domain { domain } = &finding.subject
            && let Some(group) = groups.get_mut(&("domain", domain.as_str()))
        {
            group.verdict = group.verdict.max(Verdict::ReadyWithWarnings);
        }
    }
    let named = |((kind, name), group): ((&str, &str), Group)| Group {
        kind: kind.to_owned(),
        name: name.to_owned(),
        ..group
    };
    groups.into_iter().map(named).collect()
}

impl Group {
    fn add(&mut self, verdict: Verdict) {
        self.people += 1;
        match verdict {
            Verdict::Ready | Verdict::ReadyInPart => self.ready += 1,
            Verdict::ReadyWithWarnings => {
                self.ready += 1;
                self.with_warnings += 1;
            }
            Verdict::Blocked => self.blocked += 1,
        }
        self.verdict = match (self.blocked, self.ready, self.with_warnings) {
            (0, _, 0) => Verdict::Ready,
            (0, _, _) => Verdict::ReadyWithWarnings,
            (_, 0, _) => Verdict::Blocked,
            _ => Verdict::ReadyInPart,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::{Readiness, cases};

    #[test]
    fn a_warning_about_the_domain_weighs_on_the_domain_and_on_nobody_in_it() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].tags.insert("aws:cloudformation:stack-name".to_owned(), "s".to_owned());
        snapshot.domains[0].profiles[0].note.wave = Some("first".to_owned());
        let readiness = Readiness::of(&snapshot, &playbook);
        assert!(readiness.verdicts.iter().all(|person| person.verdict == Verdict::Ready));
        let [domain, wave] = readiness.groups.as_slice() else { panic!("two groups") };
        assert_eq!((domain.kind.as_str(), domain.verdict), ("domain", Verdict::ReadyWithWarnings));
        assert_eq!((wave.name.as_str(), wave.people, wave.verdict), ("first", 1, Verdict::Ready));
    }
}
