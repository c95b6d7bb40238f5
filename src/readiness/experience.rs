//! Rules about what people would see: SM217 and SM506.

use std::collections::BTreeSet;

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::View;
use crate::inventory::Settings;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM217",
        severity: Severity::Warning,
        title: "The landing page leads where the portal is disabled",
        cause: "`studio::` is accepted only where StudioWebPortal is ENABLED. A domain and a profile that each say half of it leave the person in front of an error: `StudioWebPortal is disabled for this domain/user`.",
        remedy: "Set both keys in one call; the migration does so for everyone it flips: `aws sagemaker update-user-profile --domain-id <domain> --user-profile-name <profile> --user-settings '{\"StudioWebPortal\":\"ENABLED\",\"DefaultLandingUri\":\"studio::\"}' --region <region>`.",
        sources: &[
            page::API_USER_SETTINGS,
            "https://github.com/hashicorp/terraform-provider-aws/issues/35504",
        ],
        look: contradicting,
    },
    Rule {
        code: "SM506",
        severity: Severity::Warning,
        title: "What is hidden may be used all the same",
        cause: "Hiding a tool takes its button away and no permission. People with this role can still do it by the SDK or the command line.",
        remedy: "Where it is meant as a barrier, deny the actions named in the role's policy: `{\"Effect\":\"Deny\",\"Action\":[\"<action>\"],\"Resource\":\"*\"}`. Where it is meant to tidy up, suppress this finding with that reason.",
        sources: &[page::API_WEB_PORTAL, page::JL_PERMISSIONS],
        look: hidden_and_allowed,
    },
];

fn is_contradicting(settings: &Settings) -> bool {
    settings.landing.as_deref().is_some_and(|landing| landing.starts_with("studio::"))
        && settings.studio_web_portal.as_deref() == Some("DISABLED")
}

fn contradicting(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (domain, profile) in view.people() {
        if is_contradicting(&profile.effective) {
            let level = |own: &Option<String>| if own.is_some() { "profile" } else { "domain" };
            hits.push(Hit::new(
                Subject::profile(&domain.id, &profile.name),
                format!(
                    "StudioWebPortal=DISABLED of the {}, DefaultLandingUri={} of the {}",
                    level(&profile.own.studio_web_portal),
                    profile.effective.landing.as_deref().unwrap_or_default(),
                    level(&profile.own.landing)
                ),
            ));
        }
    }
    hits
}

fn hidden_and_allowed(view: &View<'_>) -> Vec<Hit> {
    let used: BTreeSet<&str> =
        view.people().filter_map(|(_, p)| p.effective.execution_role.as_deref()).collect();
    view.snapshot
        .roles
        .iter()
        .filter(|role| !role.may_use_hidden.is_empty() && used.contains(role.arn.as_str()))
        .map(|role| {
            let pairs = role.may_use_hidden.iter();
            let pairs: Vec<_> = pairs.map(|(tool, action)| format!("{tool} by {action}")).collect();
            Hit::new(Subject::thing(&role.arn), format!("hidden and allowed: {}", pairs.join(", ")))
        })
        .collect()
}
