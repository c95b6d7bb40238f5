//! Rules about quotas: SM601 to SM603, SM605 and SM606.

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::View;
use crate::names::counted;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM601",
        severity: Severity::Blocker,
        title: "The account may run no JupyterLab app on the playbook's instance type",
        cause: "JupyterLab apps have a quota for each instance type, apart from the one of Classic kernels. It may be 0, and then no copy can start.",
        remedy: "Ask for more: Service Quotas, Amazon SageMaker, \"Studio JupyterLab Apps running on <instance-type> instances\"; or set another `target.instance_type` in the playbook.",
        sources: &[page::QUOTAS, "https://github.com/aws/amazon-sagemaker-feedback/issues/157"],
        look: no_instances,
    },
    Rule {
        code: "SM602",
        severity: Severity::Warning,
        title: "The instance quota is lower than the number of people moved at once",
        cause: "Each migration runs one JupyterLab app while it copies. Beyond the quota AWS refuses, and migrations fail that would have gone well a little later. People who work in the new Studio already use the same quota.",
        remedy: "Set `limits.users` in the playbook below the quota, or ask for more in Service Quotas.",
        sources: &[page::QUOTAS],
        look: few_instances,
    },
    Rule {
        code: "SM603",
        severity: Severity::Warning,
        title: "The quota of spaces is too low for everyone",
        cause: "Each person gets a space. Beyond the quota CreateSpace is refused, and the last batches fail.",
        remedy: "Ask for more before the first batch: Service Quotas, Amazon SageMaker, quota L-8E5333B4: `aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-8E5333B4 --desired-value <spaces> --region <region>`.",
        sources: &[page::QUOTAS],
        look: few_spaces,
    },
    Rule {
        code: "SM605",
        severity: Severity::Warning,
        title: "The quota of running Studio apps is too low",
        cause: "Every running Studio app of the account counts, whatever its instance type: those of people who work, and those of the copies.",
        remedy: "Set `limits.users` in the playbook below what is free, or ask for more: `aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-4E39DDC4 --desired-value <apps> --region <region>`.",
        sources: &[page::QUOTAS],
        look: few_apps,
    },
    Rule {
        code: "SM606",
        severity: Severity::Warning,
        title: "The quota of the playbook's instance type is not known",
        cause: "AWS publishes no default, and it may be 0. Nobody can tell from here whether a copy can start.",
        remedy: "Allow `servicequotas:ListServiceQuotas` to the caller and take the inventory again, or look in the console: Service Quotas, Amazon SageMaker, \"Studio JupyterLab Apps running on <instance-type> instances\".",
        sources: &[page::QUOTAS],
        look: unknown_instances,
    },
];

/// Finds a quota by its name, or by its code where the inventory has kept that.
fn quota<'a>(view: &View<'a>, is_it: impl Fn(&str) -> bool) -> Option<(&'a str, f64)> {
    view.snapshot
        .quotas
        .iter()
        .find(|(name, _)| is_it(&name.to_ascii_lowercase()))
        .map(|(name, value)| (name.as_str(), *value))
}

/// The quota of the playbook's instance type for the apps of its spaces.
pub(super) fn instances_allowed<'a>(view: &View<'a>) -> Option<(&'a str, f64)> {
    let wanted = format!(
        "studio {} apps running on {}",
        view.playbook.target.app_type.as_str().to_ascii_lowercase(),
        view.playbook.target.instance_type.to_ascii_lowercase()
    );
    quota(view, |name| {
        name.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

fn spaces<'a>(view: &View<'a>) -> Option<(&'a str, f64)> {
    quota(view, |name| {
        name == "l-8e5333b4" || (name.contains("studio spaces") && !name.contains("running"))
    })
}

fn running_apps<'a>(view: &View<'a>) -> Option<(&'a str, f64)> {
    quota(view, |name| name == "l-4e39ddc4" || name.contains("running studio apps"))
}

/// People who are moved at the same time, at most.
fn at_once(view: &View<'_>) -> usize {
    view.playbook.limits.users.min(view.headcount())
}

/// Counts are far below 2^32, where a float holds every whole number.
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn no_instances(view: &View<'_>) -> Vec<Hit> {
    let Some((name, value)) = instances_allowed(view).filter(|(_, value)| *value < 1.0) else {
        return Vec::new();
    };
    vec![Hit::new(Subject::Account, format!("\"{name}\" is {value}")).mended_by(format!(
        "Ask for more: Service Quotas, Amazon SageMaker, \"{name}\"; or set another `target.instance_type` in the playbook."
    ))]
}

fn few_instances(view: &View<'_>) -> Vec<Hit> {
    let wanted = at_once(view);
    instances_allowed(view)
        .filter(|(_, value)| *value >= 1.0 && *value < number(wanted))
        .map(|(name, value)| {
            Hit::new(
                Subject::Account,
                format!(
                    "\"{name}\" is {value}; {} moved at once",
                    counted(wanted as u64, "person is", "people are")
                ),
            )
        })
        .into_iter()
        .collect()
}

fn few_spaces(view: &View<'_>) -> Vec<Hit> {
    let there: usize = view.snapshot.domains.iter().map(|domain| domain.spaces.len()).sum();
    let wanted = there + view.headcount();
    spaces(view)
        .filter(|(_, value)| *value < number(wanted))
        .map(|(name, value)| {
            Hit::new(
                Subject::Account,
                format!(
                    "\"{name}\" is {value}; {there} spaces are there and {} are to be made",
                    view.headcount()
                ),
            )
            .mended_by(format!("Ask for more before the first batch: Service Quotas, Amazon SageMaker, quota L-8E5333B4: `aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-8E5333B4 --desired-value {wanted} --region <region>`."))
        })
        .into_iter()
        .collect()
}

fn few_apps(view: &View<'_>) -> Vec<Hit> {
    let there = view
        .snapshot
        .domains
        .iter()
        .flat_map(|domain| &domain.apps)
        .filter(|app| matches!(app.status.as_str(), "InService" | "Pending"))
        .count();
    let wanted = there + at_once(view);
    running_apps(view)
        .filter(|(_, value)| *value < number(wanted))
        .map(|(name, value)| {
            Hit::new(
                Subject::Account,
                format!(
                    "\"{name}\" is {value}; {there} apps run and {} copies run at once",
                    at_once(view)
                ),
            )
        })
        .into_iter()
        .collect()
}

fn unknown_instances(view: &View<'_>) -> Vec<Hit> {
    if view.headcount() == 0 || instances_allowed(view).is_some() {
        return Vec::new();
    }
    let (app, instance_type) = (view.playbook.target.app_type, &view.playbook.target.instance_type);
    vec![
        Hit::new(
            Subject::Account,
            format!("no quota was read for {app} apps on {instance_type}"),
        )
        .mended_by(format!(
            "Allow `servicequotas:ListServiceQuotas` to the caller and take the inventory again, or look in the console: Service Quotas, Amazon SageMaker, \"Studio {app} Apps running on {instance_type} instances\"."
        )),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::cases;

    #[test]
    fn a_quota_of_a_longer_instance_type_is_another_quota() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        snapshot.quotas.clear();
        let name = "Studio JupyterLab Apps running on ml.g4dn.2xlarge instances".to_owned();
        snapshot.quotas.insert(name, 0.0);
        playbook.target.instance_type = "ml.g4dn.2x".to_owned();
        assert!(instances_allowed(&View::of(&snapshot, &playbook)).is_none());
        playbook.target.instance_type = "ml.g4dn.2xlarge".to_owned();
        assert!(instances_allowed(&View::of(&snapshot, &playbook)).is_some());
    }
}
