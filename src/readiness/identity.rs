//! Rules about one person, one profile: SM206, SM211 to SM216. Each says what was seen, and how sure it is.

use crate::names::counted;
use std::collections::BTreeMap;

use super::finding::{Severity, Subject};
use super::openers::{Kind, name};
use super::rule::{Hit, Rule, page};
use super::view::{Someone, View, listed, word_in};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM206",
        severity: Severity::Warning,
        title: "Several people open this profile",
        cause: "CloudTrail shows more than one identity that asked for this profile's address, so several people work in one home. One private space has one owner, for good.",
        remedy: "Ask those named. Where they are different people, split the profile by a table of teams (`studio-migrate team draft team.csv`). For a trail of persons from now on, set `ExecutionRoleSessionNameMode=USER_IDENTITY` in StudioWebPortalSettings.",
        sources: &[page::API_PRESIGNED, page::AUDIT],
        look: several_people,
    },
    Rule {
        code: "SM211",
        severity: Severity::Warning,
        title: "One person opens several profiles",
        cause: "Each profile gets a space of its own, so this person's files end up in several volumes, and which of them they go on with is left open.",
        remedy: "Ask the person which profile they use, and leave the others out: `take` = `no` in the table of people (`studio-migrate inventory --csv people.csv`, then `--scope people.csv`). Their homes stay on EFS.",
        sources: &[page::API_PRESIGNED],
        look: several_profiles,
    },
    Rule {
        code: "SM212",
        severity: Severity::Advice,
        title: "Nobody opened these profiles",
        cause: "CloudTrail's event history has nobody who asked for their address in the time that was looked through. They may be people who left, or profiles that were never used.",
        remedy: "Ask their owners before paying for a volume each. Leave out who left: `take` = `no` in the table of people.",
        sources: &[page::API_PRESIGNED],
        look: unopened,
    },
    Rule {
        code: "SM213",
        severity: Severity::Warning,
        title: "The Identity Center user looks like a group or a service",
        cause: "One Identity Center user has one profile. A user whose name is a group's or a service's is signed in to by several people, who then share one home and one space.",
        remedy: "Ask whose it is. Assign the people themselves to the domain, and leave this profile out or give its files to one of them.",
        sources: &[page::API_CREATE_PROFILE],
        look: sso_group,
    },
    Rule {
        code: "SM214",
        severity: Severity::Advice,
        title: "Profiles with nearly the same name",
        cause: "Names that differ in a number at the end are often one person's first and second try, after the first profile broke.",
        remedy: "Ask the person which of them holds their work, and leave the others out: `take` = `no` in the table of people.",
        sources: &["a hint from the names alone; no AWS page"],
        look: numbered,
    },
    Rule {
        code: "SM215",
        severity: Severity::Advice,
        title: "The trail names no persons",
        cause: "Actions from Studio show the execution role with the session name `SageMaker` only, where several people have one role. Since 2025 Studio can name the person in every session.",
        remedy: "`aws sagemaker update-domain --domain-id <domain> --default-user-settings '{\"StudioWebPortalSettings\":{\"ExecutionRoleSessionNameMode\":\"USER_IDENTITY\"}}' --region <region>`, with what else StudioWebPortalSettings holds; or a role for each person.",
        sources: &[page::AUDIT, page::API_WEB_PORTAL],
        look: nameless,
    },
    Rule {
        code: "SM216",
        severity: Severity::Advice,
        title: "A portal opens profiles for people",
        cause: "Whoever asks for the addresses of many profiles is a portal or an administrator. CloudTrail then cannot tell who works in a profile, and rules SM206 and SM211 do not see them.",
        remedy: "Ask the portal's owner for its own log of who it let in. Have it pass the person's name as the session name when it assumes its role.",
        sources: &[page::API_PRESIGNED],
        look: portals,
    },
];

fn several_people(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (domain, profile) in view.people() {
        let people = view.openers().people(&profile.opened_by);
        if people.len() < 2 {
            continue;
        }
        let all_are_sure = people.values().all(|kind| *kind == Kind::Person);
        let sure = if all_are_sure { "sure" } else { "likely" };
        let names: Vec<_> = profile
            .opened_by
            .iter()
            .filter(|opened| people.contains_key(&name(&opened.by).to_lowercase()))
            .map(|opened| {
                let times = counted(opened.times as u64, "time", "times");
                format!("{} ({times}, last {})", opened.by, day(&opened.last))
            })
            .collect();
        hits.push(Hit::new(
            Subject::profile(&domain.id, &profile.name),
            format!("{} people: {}; {sure}", people.len(), listed(&names)),
        ));
    }
    hits
}

fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

fn several_profiles(view: &View<'_>) -> Vec<Hit> {
    let mut by_person: BTreeMap<String, (Kind, Vec<Someone<'_>>)> = BTreeMap::new();
    for (domain, profile) in view.people() {
        for (person, kind) in view.openers().people(&profile.opened_by) {
            let (sure, profiles) = by_person.entry(person).or_insert((kind, Vec::new()));
            *sure = kind.min(*sure);
            profiles.push((domain, profile));
        }
    }
    let mut hits = Vec::new();
    for (person, (kind, profiles)) in by_person {
        if profiles.len() < 2 {
            continue;
        }
        let names: Vec<_> =
            profiles.iter().map(|(domain, p)| format!("{}/{}", domain.id, p.name)).collect();
        let sure = if kind == Kind::Person { "sure" } else { "likely" };
        let evidence = format!("{person} opens {}; {sure}", listed(&names));
        for (domain, profile) in profiles {
            hits.push(Hit::new(Subject::profile(&domain.id, &profile.name), evidence.clone()));
        }
    }
    hits
}

fn unopened(view: &View<'_>) -> Vec<Hit> {
    let Some(since) = view.snapshot.openings_since.as_deref() else { return Vec::new() };
    let was_asked =
        !view.snapshot.unseen.iter().any(|unseen| unseen.what == "cloudtrail:LookupEvents");
    let mut hits = Vec::new();
    // Presigned addresses are for domains with IAM only: Identity Center's portal leaves no such event.
    for scope in view.domains.iter().filter(|scope| was_asked && scope.domain.auth_mode == "IAM") {
        let names: Vec<_> = scope
            .people
            .iter()
            .filter(|profile| profile.opened_by.is_empty())
            .map(|profile| profile.name.as_str())
            .collect();
        if !names.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&scope.domain.id),
                format!(
                    "{} of {} since {}: {}; a hint",
                    names.len(),
                    scope.people.len(),
                    day(since),
                    listed(&names)
                ),
            ));
        }
    }
    hits
}

/// Words in the name of a user who is no person.
const GROUPS: [&str; 10] =
    ["svc", "service", "team", "group", "shared", "noreply", "no", "bot", "admin", "functional"];

fn sso_group(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (domain, profile) in view.people() {
        let Some(user) = &profile.sso_user else { continue };
        let local = user.split('@').next().unwrap_or(user);
        if let Some(word) = word_in(local, &GROUPS) {
            hits.push(Hit::new(
                Subject::profile(&domain.id, &profile.name),
                format!("{user} holds the word \"{word}\"; likely"),
            ));
        }
    }
    hits
}

fn numbered(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        let mut by_stem: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for profile in &scope.people {
            let name = profile.name.as_str();
            let lower = name.to_ascii_lowercase();
            // `p0001` is a number and no second try: a stem ends where a hyphen stands before one digit or two.
            let stem = match lower.rsplit_once('-') {
                Some((stem, digits))
                    if digits.len() < 3 && digits.bytes().all(|c| c.is_ascii_digit()) =>
                {
                    stem.to_owned()
                }
                _ => lower,
            };
            by_stem.entry(stem).or_default().push(name);
        }
        // `user-1` to `user-40` is how some number their people.
        let several = by_stem.into_values().filter(|names| (2..4).contains(&names.len()));
        hits.extend(several.map(|names| {
            Hit::new(Subject::domain(&scope.domain.id), format!("{}; a hint", names.join(", ")))
        }));
    }
    hits
}

fn nameless(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        let mut by_role: BTreeMap<&str, usize> = BTreeMap::new();
        for profile in &scope.people {
            let settings = &profile.effective;
            let is_named = settings.session_names.as_deref() == Some("USER_IDENTITY")
                || scope.domain.setup.source_identity.as_deref() == Some("USER_PROFILE_NAME");
            if let (Some(role), false) = (settings.execution_role.as_deref(), is_named) {
                *by_role.entry(role).or_default() += 1;
            }
        }
        let shared: Vec<_> = by_role
            .into_iter()
            .filter(|(_, people)| *people > 1)
            .map(|(role, people)| format!("{people} people with {role}"))
            .collect();
        if !shared.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&scope.domain.id),
                format!("{}; ExecutionRoleSessionNameMode is not USER_IDENTITY", listed(&shared)),
            ));
        }
    }
    hits
}

fn portals(view: &View<'_>) -> Vec<Hit> {
    view.openers()
        .iter()
        .filter(|(by, _)| view.openers().is_portal(by))
        .map(|(by, profiles)| {
            let names: Vec<_> = profiles.iter().map(|(_, p)| p.name.as_str()).collect();
            Hit::new(
                Subject::thing(by),
                format!("opened {} profiles: {}; likely", names.len(), listed(&names)),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::inventory::Opened;
    use crate::readiness::{assess, cases};

    #[test]
    fn how_sure_it_is_that_a_profile_is_shared_depends_on_who_opens_it() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        let opened = |by: &str| Opened { by: by.to_owned(), times: 2, last: "2026-07-01T".into() };
        let evidence = |snapshot: &_| {
            let all = assess(snapshot, &playbook);
            all.iter().find(|one| one.code == "SM206").map(|one| one.evidence.clone())
        };
        snapshot.domains[0].profiles[0].opened_by =
            vec![opened("arn:aws:iam::1:user/ann"), opened("arn:aws:iam::1:user/ben")];
        assert!(evidence(&snapshot).unwrap().ends_with("; sure"));
        snapshot.domains[0].profiles[0].opened_by[1] = opened("arn:aws:sts::1:assumed-role/R/ben");
        assert!(evidence(&snapshot).unwrap().ends_with("; likely"));
        // The same person through two roles, and SageMaker itself.
        snapshot.domains[0].profiles[0].opened_by[1] = opened("arn:aws:sts::1:assumed-role/R/ann");
        let service = opened("arn:aws:sts::1:assumed-role/R/SageMaker");
        snapshot.domains[0].profiles[0].opened_by.push(service);
        assert_eq!(evidence(&snapshot), None);
    }
}
