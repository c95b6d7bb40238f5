//! Rules about what people may do: SM501 to SM505, SM507.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{View, listed};
use crate::inventory::{Role, VOLUME_KEY};
use crate::names::counted;
use crate::playbook::Staging;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM501",
        severity: Severity::Blocker,
        title: "The execution role may not do what the new Studio cannot do without",
        cause: "Studio acts with the person's execution role: it makes spaces and apps, and tags all that it makes, so even AddTags is needed. The copy reports to the staging bucket with it, too. Permissions boundaries and service control policies refuse as well.",
        remedy: "Attach the policy that `studio-migrate iam execution-role` prints to the role, and look for boundaries: `aws iam put-role-policy --role-name <role> --policy-name studio-migrate --policy-document file://execution-role.json`.",
        sources: &[
            page::MIGRATE_UI,
            page::JL_PERMISSIONS,
            "https://github.com/aws/amazon-sagemaker-feedback/issues/88",
        ],
        look: lacks_needed,
    },
    Rule {
        code: "SM502",
        severity: Severity::Warning,
        title: "The execution role may not do something that the new Studio uses",
        cause: "The migration goes on, but people meet refusals in the page: a missing ListSpaces, for one, shows as \"Permission issue detected\".",
        remedy: "Attach the policy that `studio-migrate iam execution-role` prints to the role: `aws iam put-role-policy --role-name <role> --policy-name studio-migrate --policy-document file://execution-role.json`.",
        sources: &[page::MIGRATE_UI, "https://github.com/aws/amazon-sagemaker-feedback/issues/190"],
        look: lacks_wanted,
    },
    Rule {
        code: "SM503",
        severity: Severity::Advice,
        title: "Tools or app types are hidden, which is no permission",
        cause: "HiddenMlTools and HiddenAppTypes change what the page shows. Anyone whose role allows it can still call the same operations. Hiding Classic after the migration is of the same kind.",
        remedy: "Where it is meant as a rule, deny it: a policy with `\"Effect\": \"Deny\", \"Action\": \"sagemaker:CreateApp\", \"Resource\": \"arn:aws:sagemaker:<region>:<account>:app/<domain>/*/<app-type>/*\"`, the app type in lower case.",
        sources: &[page::API_WEB_PORTAL, page::MIGRATE_UI],
        look: hidden,
    },
    Rule {
        code: "SM504",
        severity: Severity::Warning,
        title: "No execution role is known",
        cause: "Neither the profile nor the domain names an execution role, so nobody can tell whether the person may make spaces and apps.",
        remedy: "`aws sagemaker update-user-profile --domain-id <domain> --user-profile-name <profile> --user-settings ExecutionRole=<role-arn> --region <region>`",
        sources: &[page::API_USER_SETTINGS],
        look: no_role,
    },
    Rule {
        code: "SM505",
        severity: Severity::Advice,
        title: "Several people share one execution role",
        cause: "CloudTrail names the role and not the person, and whatever one of them may read in S3, all of them may. The reports of the migration are kept apart all the same.",
        remedy: "From now on, have each person named: set `ExecutionRoleSessionNameMode=USER_IDENTITY` in StudioWebPortalSettings. Where data must be kept apart, give each person a role of their own.",
        sources: &[page::AUDIT, page::API_WEB_PORTAL],
        look: shared_role,
    },
    Rule {
        code: "SM507",
        severity: Severity::Advice,
        title: "The execution role's policies do not let it use the volumes' key",
        cause: "The domain has a key of its own for volumes. EBS asks whoever uses such a volume to be let use the key, by their own policies or by the key's policy, and only the former could be seen. A space whose volume cannot be decrypted does not start.",
        remedy: "Look whether the key's policy lets the role use it: `aws kms get-key-policy --key-id <key> --policy-name default --region <region>`. Otherwise let it: a policy with `\"Effect\": \"Allow\", \"Action\": [\"kms:CreateGrant\", \"kms:Decrypt\", \"kms:DescribeKey\", \"kms:GenerateDataKeyWithoutPlaintext\"], \"Resource\": \"<key>\"`. The pilot tells.",
        sources: &[
            "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html",
        ],
        look: lacks_key,
    },
];

/// What neither the new Studio nor the copy can do without.
const NEEDED: [&str; 5] = [
    "sagemaker:CreateApp",
    "sagemaker:CreateSpace",
    "sagemaker:AddTags",
    "s3:GetObject",
    "s3:PutObject",
];

fn is_needed(action: &str) -> bool {
    NEEDED.iter().any(|needed| action.eq_ignore_ascii_case(needed))
}

fn decisions(role: &Role, which: impl Fn(&str) -> bool) -> Vec<String> {
    let of_studio = role.refused.iter().filter(|refusal| refusal.statement != VOLUME_KEY);
    of_studio
        .filter(|refusal| which(&refusal.action))
        .map(|refusal| {
            let by = if refusal.is_by_boundary { " by its permissions boundary" } else { "" };
            let statement = match refusal.statement.as_str() {
                "" => String::new(),
                statement => format!(" ({statement})"),
            };
            format!("{}: {}{by}{statement}", refusal.action, refusal.decision)
        })
        .collect()
}

fn remedy(role: &Role) -> String {
    let name = role.arn.rsplit('/').next().unwrap_or(&role.arn);
    format!(
        "Attach the policy that `studio-migrate iam execution-role` prints, and look for permissions boundaries: `aws iam put-role-policy --role-name {name} --policy-name studio-migrate --policy-document file://execution-role.json`."
    )
}

/// A blocker must say whom it blocks: the domain when everyone there has the role, else each person.
fn lacks_needed(view: &View<'_>) -> Vec<Hit> {
    // The inventory asks about the staging bucket that playbooks have unless they say another.
    let is_asked_there = view.playbook.staging == Staging::default();
    let mut hits = Vec::new();
    for role in &view.snapshot.roles {
        let lacking = decisions(role, |action| {
            is_needed(action) && (is_asked_there || !action.starts_with("s3:"))
        });
        if lacking.is_empty() {
            continue;
        }
        let evidence = format!("{} lacks {}", role.arn, lacking.join(", "));
        for scope in &view.domains {
            let people: Vec<_> = view
                .people_with(&role.arn)
                .iter()
                .filter(|(domain, _)| domain.id == scope.domain.id)
                .map(|(_, profile)| profile)
                .collect();
            let subjects = if people.len() == scope.people.len() && !people.is_empty() {
                vec![Subject::domain(&scope.domain.id)]
            } else {
                people.iter().map(|p| Subject::profile(&scope.domain.id, &p.name)).collect()
            };
            for subject in subjects {
                hits.push(Hit::new(subject, evidence.clone()).mended_by(remedy(role)));
            }
        }
    }
    hits
}

fn lacks_wanted(view: &View<'_>) -> Vec<Hit> {
    let used: BTreeSet<_> = view
        .people()
        .filter_map(|(_, profile)| profile.effective.execution_role.as_deref())
        .collect();
    view.snapshot
        .roles
        .iter()
        .filter(|role| used.contains(role.arn.as_str()))
        .map(|role| (role, decisions(role, |action| !is_needed(action))))
        .filter(|(_, lacking)| !lacking.is_empty())
        .map(|(role, lacking)| {
            Hit::new(Subject::thing(&role.arn), format!("lacks {}", lacking.join(", ")))
                .mended_by(remedy(role))
        })
        .collect()
}

fn lacks_key(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for role in view.snapshot.roles.iter().filter(|role| !view.people_with(&role.arn).is_empty()) {
        let refused = role.refused.iter().filter(|refusal| refusal.statement == VOLUME_KEY);
        let actions: BTreeSet<_> = refused.map(|refusal| refusal.action.as_str()).collect();
        if !actions.is_empty() {
            let actions: Vec<_> = actions.into_iter().collect();
            hits.push(Hit::new(
                Subject::thing(&role.arn),
                format!("lacks {}; a hint", listed(&actions)),
            ));
        }
    }
    hits
}

fn hidden(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        let defaults = &scope.domain.defaults;
        let own = scope
            .people
            .iter()
            .filter(|p| !p.own.hidden_tools.is_empty() || !p.own.hidden_app_types.is_empty())
            .count();
        let mut evidence = Vec::new();
        if !defaults.hidden_tools.is_empty() {
            evidence.push(format!("HiddenMlTools {}", defaults.hidden_tools.join(", ")));
        }
        if !defaults.hidden_app_types.is_empty() {
            evidence.push(format!("HiddenAppTypes {}", defaults.hidden_app_types.join(", ")));
        }
        if own > 0 {
            evidence.push(format!(
                "{} something themselves",
                counted(own as u64, "profile hides", "profiles hide")
            ));
        }
        if !evidence.is_empty() {
            hits.push(Hit::new(Subject::domain(&scope.domain.id), evidence.join("; ")));
        }
    }
    hits
}

fn no_role(view: &View<'_>) -> Vec<Hit> {
    view.people()
        .filter(|(_, profile)| profile.effective.execution_role.is_none())
        .map(|(domain, profile)| {
            Hit::new(
                Subject::profile(&domain.id, &profile.name),
                "ExecutionRole is set neither on the profile nor on the domain",
            )
        })
        .collect()
}

fn shared_role(view: &View<'_>) -> Vec<Hit> {
    let mut users: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (domain, profile) in view.people() {
        if let Some(role) = profile.effective.execution_role.as_deref() {
            users.entry(role).or_default().push(format!("{}/{}", domain.id, profile.name));
        }
    }
    users
        .into_iter()
        .filter(|(_, people)| people.len() > 1)
        .map(|(role, people)| {
            Hit::new(Subject::thing(role), format!("{} people: {}", people.len(), listed(&people)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::{Readiness, cases};

    #[test]
    fn a_role_of_one_person_blocks_that_person_and_nobody_else() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        let arn = "arn:aws:iam::123456789012:role/alice".to_owned();
        snapshot.domains[0].profiles[0].effective.execution_role = Some(arn.clone());
        snapshot.roles.push(cases::role_without(&arn, "sagemaker:AddTags"));
        let readiness = Readiness::of(&snapshot, &playbook);
        assert_eq!((readiness.people, readiness.ready), (2, 1));
        assert_eq!(readiness.blocked[0].profile.as_str(), "alice");
        assert!(readiness.findings[0].remedy.contains("--role-name alice"));
    }

    #[test]
    fn a_role_of_everyone_blocks_the_domain_with_one_finding() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        let arn = "arn:aws:iam::123456789012:role/studio".to_owned();
        for profile in &mut snapshot.domains[0].profiles {
            profile.effective.execution_role = Some(arn.clone());
        }
        snapshot.roles.push(cases::role_without(&arn, "s3:PutObject"));
        let readiness = Readiness::of(&snapshot, &playbook);
        assert_eq!(readiness.ready, 0);
        let blockers =
            readiness.findings.iter().filter(|f| f.severity == Severity::Blocker).count();
        assert_eq!(blockers, 1);
    }
}
