//! Rules about what people share: SM701 to SM703, and SM708.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Severity, Subject};
use super::render::text::{bytes, counted};
use super::rule::{Hit, Rule, page};
use super::view::{View, listed};
use crate::inventory::{Domain, Space, bucket_and_prefix};
use crate::playbook::StagedRoute;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM701",
        severity: Severity::Advice,
        title: "Notebooks were shared through S3",
        cause: "Classic's \"share\" button put copies of notebooks into this place. The new Studio has no such button: the copies stay in S3, untouched, and their links open in Classic only.",
        remedy: "Nothing is lost. Tell people where the copies are: `aws s3 ls --recursive <name>`; or name a place with `shared_notebooks.copy_to`, and `studio-migrate notebooks` copies them there with an index of who shared what. For the future, share through Git, or in a shared space.",
        sources: &[page::API_SHARING],
        look: shared_notebooks,
    },
    Rule {
        code: "SM702",
        severity: Severity::Warning,
        title: "A place where notebooks were shared could not be seen or is another account's",
        cause: "Shared notebooks may be lost from sight: if the bucket belongs to another account or may not be listed, this inventory cannot say what is there.",
        remedy: "Ask the bucket's owner, or allow `s3:ListBucket` on it to the caller and take the inventory again: `aws s3 ls --summarize --recursive <name>`.",
        sources: &[page::API_SHARING],
        look: foreign_location,
    },
    Rule {
        code: "SM703",
        severity: Severity::Warning,
        title: "A Classic shared space is not moved",
        cause: "Auto-mount works in private spaces only, so the home of a shared space cannot be copied from within a new one. Its files stay on EFS, in a directory of their own.",
        remedy: "`routes.shared_spaces: packed` in the playbook, or `datasync`, moves the space's directory into a new shared JupyterLab space",
        sources: &[page::AUTOMOUNT, page::SHARED_SPACES, page::MIGRATE_DATA],
        look: shared_space,
    },
    Rule {
        code: "SM708",
        severity: Severity::Warning,
        title: "What people share in Classic cannot be moved as it is",
        cause: "A shared space of the new Studio runs with the domain's role for shared spaces and belongs to a profile. Where one of them is missing, the Classic shared space, or the profile that a team shared with everyone of the team, is left out of the plan.",
        remedy: "Give the domain a role for shared spaces: `aws sagemaker update-domain --domain-id <domain> --default-space-settings ExecutionRole=<role-arn> --region <region>`, sending along what DefaultSpaceSettings has already; name an owner with `routes.shared_space_owner`.",
        sources: &[page::SHARED_SPACES],
        look: unmovable,
    },
];

fn shared_notebooks(view: &View<'_>) -> Vec<Hit> {
    view.snapshot
        .shared_notebooks
        .iter()
        .filter(|shared| shared.objects > 0)
        .map(|shared| {
            let was_cut_short =
                view.snapshot.unseen.iter().any(|unseen| {
                    unseen.what == "s3:ListBucket" && unseen.subject == shared.location
                });
            Hit::new(
                Subject::thing(&shared.location),
                format!(
                    "{}{}, {}; set by {}",
                    if was_cut_short { "not listed to its end: at least " } else { "" },
                    counted(shared.objects, "object", "objects"),
                    bytes(shared.bytes),
                    listed(&shared.set_by)
                ),
            )
        })
        .collect()
}

/// The account id in a bucket's name, if there is one.
fn account_in(bucket: &str) -> Option<&str> {
    bucket.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 12)
}

fn foreign_location(view: &View<'_>) -> Vec<Hit> {
    let mut set_by: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for scope in &view.domains {
        for settings in std::iter::once(&scope.domain.defaults)
            .chain(scope.people.iter().map(|profile| &profile.own))
        {
            if let Some(location) = &settings.shared_notebooks {
                set_by.entry(location).or_default().insert(scope.domain.id.as_str());
            }
        }
    }
    let mut hits = Vec::new();
    for (location, domains) in set_by {
        let bucket = bucket_and_prefix(location).0;
        let other = account_in(bucket)
            .filter(|id| view.snapshot.account.as_ref().is_some_and(|ours| ours.as_str() != *id));
        let was_listed =
            view.snapshot.shared_notebooks.iter().any(|shared| {
                shared.location.trim_end_matches('/') == location.trim_end_matches('/')
            });
        let mut why = Vec::new();
        if let Some(other) = other {
            why.push(format!("the bucket's name holds account {other}"));
        }
        for unseen in view.snapshot.unseen.iter().filter(|u| u.subject.contains(bucket)) {
            why.push(format!("{}: {}", unseen.what, unseen.why));
        }
        if !was_listed && why.is_empty() {
            why.push("it was not listed".to_owned());
        }
        if !why.is_empty() {
            let domains: Vec<_> = domains.into_iter().collect();
            hits.push(Hit::new(
                Subject::thing(location),
                format!("{}; set in {}", why.join("; "), listed(&domains)),
            ));
        }
    }
    hits
}

/// Tells whether this is a shared space of Studio Classic.
fn is_classic_shared(space: &Space) -> bool {
    let is_classic = space.app_type.as_deref() == Some("JupyterServer")
        || (space.app_type.is_none() && space.home_uid.is_some());
    is_classic && space.sharing.as_deref() != Some("Private")
}

fn unmovable(view: &View<'_>) -> Vec<Hit> {
    if view.playbook.routes.shared_spaces == StagedRoute::Leave {
        return Vec::new();
    }
    let mut hits = Vec::new();
    for scope in &view.domains {
        let domain = scope.domain;
        for space in domain.spaces.iter().filter(|space| is_classic_shared(space)) {
            let why = keeps_space(view, domain, space);
            if !why.is_empty() {
                hits.push(Hit::new(Subject::space(&domain.id, &space.name), why.join("; ")));
            }
        }
        for team in scope.people.iter().filter(|profile| profile.team.is_some()) {
            hits.extend(without_role(domain).map(|why| {
                let subject = Subject::profile(&domain.id, &team.name);
                Hit::new(subject, format!("a profile that a team shared: {why}"))
            }));
        }
    }
    hits
}

fn without_role(domain: &Domain) -> Option<&'static str> {
    let is_missing = domain.setup.space_role.is_none();
    is_missing.then_some("DefaultSpaceSettings.ExecutionRole is not set")
}

/// Says what keeps a Classic shared space where it is.
fn keeps_space(view: &View<'_>, domain: &Domain, space: &Space) -> Vec<String> {
    let mut why: Vec<String> = without_role(domain).map(str::to_owned).into_iter().collect();
    if space.home_uid.is_none() {
        why.push("it has no directory (HomeEfsFileSystemUid)".to_owned());
    }
    let owner = space.owner.as_ref().or(view.playbook.routes.shared_space_owner.as_ref());
    match owner {
        None => why.push("it has no owner, and routes.shared_space_owner names none".to_owned()),
        Some(owner) => {
            let is_owner = |name: &str| name.eq_ignore_ascii_case(owner.as_str());
            if !domain.profiles.iter().any(|profile| is_owner(profile.name.as_str())) {
                why.push(format!("its owner {owner} is no profile of the domain"));
            }
        }
    }
    why
}

fn shared_space(view: &View<'_>) -> Vec<Hit> {
    if view.playbook.routes.shared_spaces != StagedRoute::Leave {
        return Vec::new();
    }
    let mut hits = Vec::new();
    for scope in &view.domains {
        for space in &scope.domain.spaces {
            if is_classic_shared(space) {
                let uid = space.home_uid.as_ref().map_or("unknown", |uid| uid.as_str());
                hits.push(
                    Hit::new(
                        Subject::space(&scope.domain.id, &space.name),
                        format!(
                            "directory /{uid}, owner {}",
                            space.owner.as_ref().map_or("nobody", |owner| owner.as_str())
                        ),
                    )
                    .mended_by(format!(
                        "`routes.shared_spaces: packed` in the playbook moves `/{uid}` into a new shared JupyterLab space, where the file system is mounted on the machine that runs this. AWS's way (DataSync to S3 and a script) loses modes, times and hidden files."
                    )),
                );
            }
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_told_from_a_bucket_name() {
        assert_eq!(account_in("sagemaker-studio-210987654321-abc"), Some("210987654321"));
        assert_eq!(account_in("team-notebooks-2024"), None);
        assert_eq!(bucket_and_prefix("s3://b/p/q"), ("b", "p/q"));
    }
}
