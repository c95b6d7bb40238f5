//! Rules about a person's profile: SM201 to SM210.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{View, listed, word_in};
use crate::playbook::{ExistingSpaces, StagedRoute};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM201",
        severity: Severity::Blocker,
        title: "The profile is not in service",
        cause: "AWS refuses to update a profile that is failed, updating or being deleted, and to make spaces for it.",
        remedy: "Read FailureReason with `aws sagemaker describe-user-profile --domain-id <domain> --user-profile-name <profile> --region <region>`, mend it, and take the inventory again.",
        sources: &[page::API_DESCRIBE_PROFILE],
        look: not_in_service,
    },
    Rule {
        code: "SM202",
        severity: Severity::Blocker,
        title: "The profile has no home directory",
        cause: "The home is the directory HomeEfsFileSystemUid on the domain's file system. Without that number nobody can tell which files are this person's.",
        remedy: "If the person never opened Classic, let them start in the new Studio and leave them out with `scope.exclude`. Otherwise look for the number with `aws sagemaker describe-user-profile --domain-id <domain> --user-profile-name <profile> --query HomeEfsFileSystemUid --region <region>`.",
        sources: &[page::STORAGE, page::API_DESCRIBE_PROFILE],
        look: no_home,
    },
    Rule {
        code: "SM203",
        severity: Severity::Blocker,
        title: "Auto-mount of the Classic home is off",
        cause: "Homes are copied inside the person's own new space, from the Classic home that SageMaker mounts there as `user-default-efs`. With AutoMountHomeEFS off, the space never sees the old files.",
        remedy: "`aws sagemaker update-user-profile --domain-id <domain> --user-profile-name <profile> --user-settings AutoMountHomeEFS=Enabled --region <region>`; or `routes.unmounted_homes: packed` in the playbook, where the file system is mounted on the machine that runs this.",
        sources: &[page::AUTOMOUNT],
        look: auto_mount_off,
    },
    Rule {
        code: "SM204",
        severity: Severity::Advice,
        title: "The profile's own settings keep it on Classic",
        cause: "Settings of a profile win over the domain's. Flipping only the domain default leaves this person on Classic, where nothing can be started any more.",
        remedy: "Nothing to do by hand: the migration flips each profile, both keys in one call. By hand: `aws sagemaker update-user-profile --domain-id <domain> --user-profile-name <profile> --user-settings '{\"StudioWebPortal\":\"ENABLED\",\"DefaultLandingUri\":\"studio::\"}' --region <region>`.",
        sources: &[page::MIGRATE_UI, page::API_USER_SETTINGS],
        look: kept_on_classic,
    },
    Rule {
        code: "SM205",
        severity: Severity::Warning,
        title: "The profile looks like a team's and not a person's",
        cause: "In the new Studio a private space has one owner who can never be changed, and one volume. What several people shared in one Classic home would end up in one person's space.",
        remedy: "Ask whose it is. Where a team shares it, split it: `studio-migrate team draft team.csv` writes a table of who was seen in it, `team people` makes a profile for each, and the plan moves the files to a shared space and to theirs. Else leave it out with `scope.exclude`.",
        sources: &[page::API_CREATE_SPACE],
        look: team_name,
    },
    Rule {
        code: "SM207",
        severity: Severity::Warning,
        title: "One Identity Center user has several profiles",
        cause: "Each profile gets a space of its own, so this person's files end up in several volumes, and it is left open which profile they are led to.",
        remedy: "Ask the person which profile they use, and leave the others out with `scope.exclude`; their homes stay on EFS.",
        sources: &[page::API_CREATE_PROFILE],
        look: duplicate_sso_user,
    },
    Rule {
        code: "SM208",
        severity: Severity::Warning,
        title: "A custom POSIX identity is set",
        cause: "CustomPosixUserConfig decides as whom custom file systems are used. It can be set only when a profile is made, and a profile that is made anew gets another HomeEfsFileSystemUid, that is, an empty home.",
        remedy: "Leave it as it is, and do not delete the profile. After the pilot, look whether the person can still write to the custom file systems from the new space.",
        sources: &[page::CUSTOM_FILE_SYSTEM],
        look: custom_posix,
    },
    Rule {
        code: "SM209",
        severity: Severity::Blocker,
        title: "A space of the name that would be made is already there",
        cause: "The migration makes the space and copies into it. A space of that name which it did not make is never touched, so the person's migration would fail.",
        remedy: "Change `target.space_name` in the playbook, e.g. to `{profile}-migrated`, or exclude the person. Whoever owns the space may delete it, and loses all files in it for good: `aws sagemaker delete-space --domain-id <domain> --space-name <space> --region <region>`.",
        sources: &[page::API_CREATE_SPACE],
        look: space_name_taken,
    },
    Rule {
        code: "SM210",
        severity: Severity::Advice,
        title: "Several people commit from this home",
        cause: "The git configurations in the home name more than one author. It may be one person with two addresses, or a home that several people use.",
        remedy: "Ask the profile's owner. Where several people work in it, treat it as a team's: a profile for each person first.",
        sources: &["a hint from the files themselves; no AWS page"],
        look: several_authors,
    },
];

fn not_in_service(view: &View<'_>) -> Vec<Hit> {
    view.people()
        .filter(|(_, profile)| profile.status != "InService")
        .map(|(domain, profile)| {
            let status = if profile.status.is_empty() { "unknown" } else { &profile.status };
            Hit::new(Subject::profile(&domain.id, &profile.name), format!("status {status}"))
        })
        .collect()
}

fn no_home(view: &View<'_>) -> Vec<Hit> {
    view.people()
        .filter(|(_, profile)| profile.home_uid.is_none())
        .map(|(domain, profile)| {
            Hit::new(Subject::profile(&domain.id, &profile.name), "no HomeEfsFileSystemUid")
        })
        .collect()
}

fn auto_mount_off(view: &View<'_>) -> Vec<Hit> {
    if view.playbook.routes.unmounted_homes != StagedRoute::Leave {
        return Vec::new();
    }
    let is_off = |value: &Option<String>| value.as_deref() == Some("Disabled");
    view.people()
        .filter(|(_, profile)| is_off(&profile.effective.auto_mount))
        .map(|(domain, profile)| {
            let level = if is_off(&profile.own.auto_mount) { "profile" } else { "domain" };
            Hit::new(
                Subject::profile(&domain.id, &profile.name),
                format!("AutoMountHomeEFS is Disabled, set on the {level}"),
            )
        })
        .collect()
}

fn kept_on_classic(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (domain, profile) in view.people() {
        let own = &profile.own;
        let mut values = Vec::new();
        if own.studio_web_portal.as_deref() == Some("DISABLED") {
            values.push("StudioWebPortal=DISABLED".to_owned());
        }
        if let Some(landing) = own.landing.as_deref().filter(|l| l.starts_with("app:JupyterServer"))
        {
            values.push(format!("DefaultLandingUri={landing}"));
        }
        if !values.is_empty() {
            hits.push(Hit::new(Subject::profile(&domain.id, &profile.name), values.join(", ")));
        }
    }
    hits
}

/// Words that name a group or a job rather than a person.
const TEAM_WORDS: &[&str] = &[
    "team",
    "teams",
    "shared",
    "share",
    "group",
    "common",
    "everyone",
    "public",
    "generic",
    "service",
    "svc",
    "guest",
    "guests",
    "workshop",
    "training",
    "bot",
    "robot",
    "automation",
    "pipeline",
    "jenkins",
    "ci",
    "functional",
    "default",
    "multiuser",
];

fn team_name(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (domain, profile) in view.people() {
        if let Some(word) = word_in(profile.name.as_str(), TEAM_WORDS) {
            hits.push(Hit::new(
                Subject::profile(&domain.id, &profile.name),
                format!("the name holds the word \"{word}\""),
            ));
        }
    }
    hits
}

fn duplicate_sso_user(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        let mut profiles: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for profile in &scope.people {
            if let Some(user) = &profile.sso_user {
                profiles.entry(user.to_lowercase()).or_default().push(profile.name.as_str());
            }
        }
        for (user, names) in profiles.into_iter().filter(|(_, names)| names.len() > 1) {
            hits.push(Hit::new(
                Subject::domain(&scope.domain.id),
                format!("{user} has {} profiles: {}", names.len(), listed(&names)),
            ));
        }
    }
    hits
}

fn custom_posix(view: &View<'_>) -> Vec<Hit> {
    let shown = |(uid, gid): (i64, i64)| format!("CustomPosixUserConfig Uid={uid} Gid={gid}");
    let mut hits = Vec::new();
    for scope in &view.domains {
        if let Some(posix) = scope.domain.defaults.custom_posix {
            hits.push(Hit::new(Subject::domain(&scope.domain.id), shown(posix)));
        }
        for profile in &scope.people {
            if let Some(posix) = profile.own.custom_posix {
                hits.push(Hit::new(
                    Subject::profile(&scope.domain.id, &profile.name),
                    shown(posix),
                ));
            }
        }
    }
    hits
}

fn space_name_taken(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        let spaces: BTreeMap<_, _> = scope
            .domain
            .spaces
            .iter()
            .map(|space| (space.name.as_str().to_ascii_lowercase(), space))
            .collect();
        for profile in &scope.people {
            let name = view.playbook.target.space_name.replace("{profile}", profile.name.as_str());
            let Some(space) = spaces.get(&name.to_ascii_lowercase()) else { continue };
            let is_own = space.owner.as_ref() == Some(&profile.name)
                && space.sharing.as_deref() == Some("Private")
                && space.app_type.as_deref() == Some(view.playbook.target.app_type.as_str());
            if is_own && view.playbook.target.existing_spaces == ExistingSpaces::Reuse {
                continue;
            }
            let evidence = format!(
                "space {} is there: {} {}, owner {}",
                space.name,
                space.sharing.as_deref().unwrap_or("unknown sharing"),
                space.app_type.as_deref().unwrap_or("no app type"),
                space.owner.as_ref().map_or("nobody", |owner| owner.as_str())
            );
            let remedy = format!(
                "Change `target.space_name` in the playbook, e.g. to `{{profile}}-migrated`, or exclude the person. The space belongs to {}: whoever deletes it (`aws sagemaker delete-space --domain-id <domain> --space-name {} --region <region>`) deletes all files in it, for good.",
                space.owner.as_ref().map_or("nobody", |owner| owner.as_str()),
                space.name
            );
            let hit = Hit::new(Subject::profile(&scope.domain.id, &profile.name), evidence)
                .mended_by(remedy);
            // A private space of their own may be the one that an earlier run made: its tags decide, when it is met.
            hits.push(if is_own {
                hit.weighing(Severity::Warning).mended_by(
                    "If an earlier run of this plan made it, nothing: it is taken over by its tags. If the person made it, change `target.space_name` in the playbook.",
                )
            } else {
                hit
            });
        }
    }
    hits
}

fn several_authors(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (domain, profile) in view.people() {
        let Some(home) = &profile.home else { continue };
        let authors: BTreeSet<_> =
            home.git_authors.iter().map(|author| author.trim().to_lowercase()).collect();
        if authors.len() > 1 {
            hits.push(Hit::new(
                Subject::profile(&domain.id, &profile.name),
                format!("git authors: {}", listed(&home.git_authors)),
            ));
        }
    }
    hits
}
