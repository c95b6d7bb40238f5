//! Rules about a domain: SM101 to SM106.

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::View;
use crate::names::counted;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM101",
        severity: Severity::Blocker,
        title: "The domain is not in service",
        cause: "AWS refuses to create spaces and to update profiles in a domain that is failed, updating or being deleted.",
        remedy: "Read FailureReason with `aws sagemaker describe-domain --domain-id <domain> --region <region>`, mend it, wait until the status is InService, and take the inventory again.",
        sources: &[page::API_DESCRIBE_DOMAIN],
        look: not_in_service,
    },
    Rule {
        code: "SM102",
        severity: Severity::Blocker,
        title: "The domain has no home file system",
        cause: "Classic homes live on the domain's EFS file system. A domain without one has no Classic homes to move: quick-setup domains made since June 2026 have none by default.",
        remedy: "Leave it out: list the other domains, which are to be taken, under `scope.domains` in the playbook. If it should have homes, look at HomeEfsFileSystemId in `aws sagemaker describe-domain --domain-id <domain> --region <region>`.",
        sources: &[page::AUTOMOUNT, page::API_CREATE_DOMAIN],
        look: no_file_system,
    },
    Rule {
        code: "SM103",
        severity: Severity::Advice,
        title: "RStudio is set up: network settings are frozen",
        cause: "With RStudio the domain's network type cannot be changed and AppSecurityGroupManagement must be Service. RStudio also keeps using the home file system after the migration.",
        remedy: "Nothing for the migration itself: it does not touch network settings. Do not plan a change of AppNetworkAccessType along with it, and never delete the file system while the domain lives.",
        sources: &[page::API_UPDATE_DOMAIN, page::STORAGE],
        look: rstudio,
    },
    Rule {
        code: "SM104",
        severity: Severity::Advice,
        title: "The volumes' encryption key is fixed",
        cause: "Every space's EBS volume is encrypted with the key that the domain was created with. UpdateDomain cannot change it, and a new key means a new domain.",
        remedy: "Make sure that the key is enabled and that its policy lets the execution roles and SageMaker use it: `aws kms describe-key --key-id <key> --region <region>`.",
        sources: &[page::JL_ADMIN, page::API_UPDATE_DOMAIN],
        look: fixed_key,
    },
    Rule {
        code: "SM105",
        severity: Severity::Warning,
        title: "The domain is managed by CloudFormation or Terraform",
        cause: "What the migration sets on profiles and domain is drift to the code that made them: the next apply puts the Classic landing page back, or tries to make the domain anew.",
        remedy: "Set the same two values in the code, in the same change window: `studio_web_portal = \"ENABLED\"` and `default_landing_uri = \"studio::\"` (Terraform), or `StudioWebPortal: ENABLED` and `DefaultLandingUri: \"studio::\"` under DefaultUserSettings and UserSettings (CloudFormation). Hold applies back while batches run.",
        sources: &[
            "https://github.com/hashicorp/terraform-provider-aws/issues/34689",
            "https://github.com/aws/modern-data-architecture-accelerator/issues/35",
        ],
        look: managed_by_code,
    },
    Rule {
        code: "SM106",
        severity: Severity::Blocker,
        title: "The home file system has no mount target",
        cause: "Without a mount target no app can mount the homes, so there is nothing to copy from. AWS asks for one in each subnet that the domain uses.",
        remedy: "For each subnet of the domain: `aws efs create-mount-target --file-system-id <file-system> --subnet-id <subnet> --security-groups <security-group-for-inbound-nfs> --region <region>`; the security group is called `security-group-for-inbound-nfs-<domain>`.",
        sources: &[
            page::CUSTOM_FILE_SYSTEM,
            "https://github.com/aws/amazon-sagemaker-feedback/issues/117",
        ],
        look: no_mount_target,
    },
];

fn not_in_service(view: &View<'_>) -> Vec<Hit> {
    view.domains
        .iter()
        .map(|scope| scope.domain)
        .filter(|domain| domain.status != "InService")
        .map(|domain| {
            let status = if domain.status.is_empty() { "unknown" } else { &domain.status };
            Hit::new(Subject::domain(&domain.id), format!("status {status}"))
        })
        .collect()
}

fn no_file_system(view: &View<'_>) -> Vec<Hit> {
    view.domains
        .iter()
        .filter(|scope| scope.domain.file_system.is_none() && !scope.people.is_empty())
        .map(|scope| {
            Hit::new(
                Subject::domain(&scope.domain.id),
                format!(
                    "no HomeEfsFileSystemId; {} in scope",
                    counted(scope.people.len() as u64, "profile", "profiles")
                ),
            )
        })
        .collect()
}

fn rstudio(view: &View<'_>) -> Vec<Hit> {
    view.domains
        .iter()
        .map(|scope| scope.domain)
        .filter(|domain| domain.has_rstudio)
        .map(|domain| {
            let network = domain.network.as_deref().unwrap_or("unknown");
            Hit::new(
                Subject::domain(&domain.id),
                format!("RStudio is set up; AppNetworkAccessType {network}"),
            )
        })
        .collect()
}

fn fixed_key(view: &View<'_>) -> Vec<Hit> {
    view.domains
        .iter()
        .filter_map(|scope| Some((scope.domain, scope.domain.kms_key.as_ref()?)))
        .map(|(domain, key)| {
            Hit::new(Subject::domain(&domain.id), format!("KmsKeyId {key}")).mended_by(format!(
                "Make sure that the key is enabled and that its policy lets the execution roles and SageMaker use it: `aws kms describe-key --key-id {key} --region <region>`."
            ))
        })
        .collect()
}

fn managed_by_code(view: &View<'_>) -> Vec<Hit> {
    let of_code = |key: &str, value: &str| {
        let key = key.to_ascii_lowercase();
        let value = value.to_ascii_lowercase();
        key.starts_with("aws:cloudformation:")
            || key.starts_with("aws:cdk:")
            || [&key, &value].iter().any(|text| {
                ["terraform", "opentofu", "pulumi"].iter().any(|tool| text.contains(tool))
            })
    };
    let mut hits = Vec::new();
    for scope in &view.domains {
        let of = |tags: &std::collections::BTreeMap<String, String>| {
            tags.iter()
                .filter(|(key, value)| of_code(key, value))
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
        };
        let tags = of(&scope.domain.tags);
        let profiles = scope.people.iter().filter(|profile| !of(&profile.tags).is_empty()).count();
        if tags.is_empty() && profiles == 0 {
            continue;
        }
        let mut evidence = tags;
        if profiles > 0 {
            evidence.push(format!(
                "{} such tags",
                counted(profiles as u64, "profile carries", "profiles carry")
            ));
        }
        hits.push(Hit::new(Subject::domain(&scope.domain.id), evidence.join("; ")));
    }
    hits
}

fn no_mount_target(view: &View<'_>) -> Vec<Hit> {
    // A count of zero means nothing when the mount targets could not be asked for.
    let was_asked = !view.snapshot.unseen.iter().any(|unseen| unseen.what.contains("MountTarget"));
    let mut hits = Vec::new();
    for scope in &view.domains {
        let Some(id) = &scope.domain.file_system else { continue };
        let is_bare = view.snapshot.file_systems.iter().any(|file_system| {
            file_system.id == *id
                && file_system.mount_target_count == 0
                && !view.is_unseen(id.as_str())
        });
        if is_bare && was_asked {
            hits.push(
                Hit::new(Subject::domain(&scope.domain.id), format!("{id} has 0 mount targets"))
                    .mended_by(format!(
                        "For each subnet of the domain: `aws efs create-mount-target --file-system-id {id} --subnet-id <subnet> --security-groups <security-group-for-inbound-nfs> --region <region>`; the security group is called `security-group-for-inbound-nfs-<domain>`."
                    )),
            );
        }
    }
    hits
}
