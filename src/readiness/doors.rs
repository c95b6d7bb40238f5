//! Rules about what cannot be taken back, and what follows the domain: SM801 to SM805.

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{View, listed};

/// Rules whose findings cannot be undone once they have come to pass: an app that stops, a file system that is made.
const ONE_WAY: [&str; 3] = ["SM401", "SM801", "SM805"];

/// Tells whether what a rule finds is a one-way door.
pub(super) fn is_one_way(code: &str) -> bool {
    ONE_WAY.contains(&code)
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM801",
        severity: Severity::Warning,
        title: "Switching the home file system on cannot be taken back",
        cause: "HomeEfsFileSystemCreation is Disabled. It can be enabled, and never disabled again: the domain then has a file system for life, and pays for it.",
        remedy: "Leave it Disabled: the new Studio does not need it. Enable it only where Classic homes are to be read in this domain.",
        sources: &[page::API_UPDATE_DOMAIN, page::AUTOMOUNT],
        look: file_system_for_life,
    },
    Rule {
        code: "SM802",
        severity: Severity::Advice,
        title: "Apps may run containers",
        cause: "EnableDockerAccess is ENABLED. Containers and their images live on the instance and are no part of the home: they are gone with the app, in Classic as in the new Studio.",
        remedy: "Tell people to push images that they need: `docker push` to a registry. In a VpcOnly domain only accounts in VpcOnlyTrustedAccounts can be pulled from.",
        sources: &[page::API_UPDATE_DOMAIN],
        look: docker,
    },
    Rule {
        code: "SM803",
        severity: Severity::Advice,
        title: "Trusted identity propagation is on",
        cause: "What people reach by their own identity from Studio depends on the Identity Center application of the domain. Apps of the new Studio are other apps, and need the same grants.",
        remedy: "Have a person of the pilot try what they reach that way, from a JupyterLab space, before the other batches.",
        sources: &[page::API_UPDATE_DOMAIN],
        look: trusted_identity,
    },
    Rule {
        code: "SM804",
        severity: Severity::Advice,
        title: "Tags of the domain do not travel to what is made in it",
        cause: "TagPropagation is DISABLED, and the domain has tags. New spaces and apps do not carry them, so their cost is attributed to nobody.",
        remedy: "`aws sagemaker update-domain --domain-id <domain> --tag-propagation ENABLED --region <region>`. Roles then need `sagemaker:AddTags`, permissions boundaries included.",
        sources: &[page::API_UPDATE_DOMAIN],
        look: tags_stay,
    },
    Rule {
        code: "SM805",
        severity: Severity::Warning,
        title: "Classic apps have run for more than a month",
        cause: "They are paid for every hour, and once stopped they can never be started again. What is open in them and not saved is lost when they stop.",
        remedy: "Have their owners save and close their work before their batch: the migration stops Classic apps where the playbook says `classic_apps: stop`.",
        sources: &[page::STOP, page::CLASSIC],
        look: long_running,
    },
];

fn file_system_for_life(view: &View<'_>) -> Vec<Hit> {
    view.domains
        .iter()
        .map(|scope| scope.domain)
        .filter(|domain| domain.setup.home_efs_creation.as_deref() == Some("Disabled"))
        .map(|domain| {
            Hit::new(Subject::domain(&domain.id), "HomeEfsFileSystemCreation is Disabled")
        })
        .collect()
}

fn docker(view: &View<'_>) -> Vec<Hit> {
    view.domains
        .iter()
        .map(|scope| scope.domain)
        .filter(|domain| domain.setup.docker.as_deref() == Some("ENABLED"))
        .map(|domain| {
            let accounts = &domain.setup.docker_accounts;
            let trusted =
                if accounts.is_empty() { "no accounts".to_owned() } else { listed(accounts) };
            Hit::new(
                Subject::domain(&domain.id),
                format!("EnableDockerAccess ENABLED; trusted: {trusted}"),
            )
        })
        .collect()
}

fn trusted_identity(view: &View<'_>) -> Vec<Hit> {
    view.domains
        .iter()
        .map(|scope| scope.domain)
        .filter(|domain| domain.setup.trusted_identity.as_deref() == Some("ENABLED"))
        .map(|domain| {
            let application =
                domain.setup.sso_application.as_deref().unwrap_or("no application known");
            Hit::new(Subject::domain(&domain.id), format!("Status ENABLED; {application}"))
        })
        .collect()
}

fn tags_stay(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for domain in view.domains.iter().map(|scope| scope.domain) {
        let tags: Vec<_> = domain.tags.keys().filter(|key| !key.starts_with("aws:")).collect();
        if domain.setup.tag_propagation.as_deref() == Some("DISABLED") && !tags.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&domain.id),
                format!("TagPropagation DISABLED; tags {}", listed(&tags)),
            ));
        }
    }
    hits
}

fn long_running(view: &View<'_>) -> Vec<Hit> {
    let Some(taken_at) = view.taken_at() else { return Vec::new() };
    let mut hits = Vec::new();
    for scope in &view.domains {
        let old: Vec<_> = scope
            .domain
            .apps
            .iter()
            .filter(|app| app.is_classic())
            .filter_map(|app| {
                let since: jiff::Timestamp = app.created_at.as_deref()?.parse().ok()?;
                let days = taken_at.duration_since(since).as_hours() / 24;
                let whose = app.whose();
                let on = app.instance_type.as_deref().unwrap_or("an unknown instance");
                (days > 31).then(|| format!("{} of {whose} on {on}: {days} days", app.name))
            })
            .collect();
        if !old.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&scope.domain.id),
                format!("{}: {}", old.len(), listed(&old)),
            ));
        }
    }
    hits
}
