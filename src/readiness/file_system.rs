//! Rules about the file systems that homes lie on: SM314 to SM319.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{InScope, View, listed};
use crate::inventory::FileSystem;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM314",
        severity: Severity::Warning,
        title: "Several domains use one file system",
        cause: "Homes of one domain may be attached in another as a custom file system. Whoever deletes the file system or changes its policy for one domain does so for the other.",
        remedy: "Find out who in the other domain works on these files before anything about the file system is changed. The migration itself only reads it.",
        sources: &[page::CUSTOM_FILE_SYSTEM],
        look: shared_file_system,
    },
    Rule {
        code: "SM315",
        severity: Severity::Warning,
        title: "The file system has a policy of its own",
        cause: "A file system policy may keep the access points of spaces out, or let them read only. The copy then finds `error.txt` in place of the home.",
        remedy: "Make sure that the policy allows `elasticfilesystem:ClientMount` through the access points: `aws efs describe-file-system-policy --file-system-id <name> --region <region>`. Move a pilot of one person first. Whose mount fails all the same can go packed: `AutoMountHomeEFS=Disabled` on the profile and `routes.unmounted_homes: packed` in the playbook, or `routes.homes: packed` for everyone.",
        sources: &[
            page::AUTOMOUNT,
            "https://github.com/aws-samples/amazon-sagemaker-notebook-instance-lifecycle-config-samples/issues/121",
        ],
        look: policy,
    },
    Rule {
        code: "SM316",
        severity: Severity::Warning,
        title: "A subnet of the domain has no mount target",
        cause: "Apps start in any subnet of the domain. One that lands where the file system has no mount target cannot mount the home: the copy fails for some, and not for others.",
        remedy: "For each subnet named: `aws efs create-mount-target --file-system-id <name> --subnet-id <subnet> --security-groups <security-group-for-inbound-nfs> --region <region>`. One mount target an availability zone is enough where the subnets share it.",
        sources: &[
            page::CUSTOM_FILE_SYSTEM,
            "https://github.com/aws/amazon-sagemaker-feedback/issues/117",
        ],
        look: subnet_without,
    },
    Rule {
        code: "SM317",
        severity: Severity::Blocker,
        title: "No mount target is available",
        cause: "Mount targets that are being made, updated or deleted mount nothing, so no home can be read.",
        remedy: "Wait until `aws efs describe-mount-targets --file-system-id <name> --region <region>` says `available`, mend what failed, and take the inventory again.",
        sources: &[page::CUSTOM_FILE_SYSTEM],
        look: none_available,
    },
    Rule {
        code: "SM318",
        severity: Severity::Advice,
        title: "People have no access point on the file system",
        cause: "A home is mounted through an access point whose root is the home. SageMaker makes one with the profile, or when an app of the profile first starts; for these it has not yet.",
        remedy: "Nothing, where AWS may make one: an account allows 10,000 access points on a file system. Never change or delete one that is there.",
        sources: &[page::AUTOMOUNT],
        look: without_access_point,
    },
    Rule {
        code: "SM319",
        severity: Severity::Warning,
        title: "A mount target lets no security group in that the domain knows",
        cause: "NFS (TCP 2049) has to be open between the domain and the file system: SageMaker makes a pair of security groups for it. A mount target without any lets nothing in.",
        remedy: "Put `security-group-for-inbound-nfs-<domain>` on the mount target: `aws efs modify-mount-target-security-groups --mount-target-id <mount-target> --security-groups <groups> --region <region>`, with those that are there.",
        sources: &[page::INTERNET, page::CUSTOM_FILE_SYSTEM],
        look: without_groups,
    },
];

/// Domains in scope with the file system of their homes.
fn homes<'v, 'a>(view: &'v View<'a>) -> Vec<(&'v InScope<'a>, &'a FileSystem)> {
    let by_id: BTreeMap<_, _> =
        view.snapshot.file_systems.iter().map(|one| (&one.id, one)).collect();
    view.domains
        .iter()
        .filter_map(|scope| Some((scope, *by_id.get(scope.domain.file_system.as_ref()?)?)))
        .collect()
}

fn shared_file_system(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (InScope { domain, .. }, file_system) in homes(view) {
        let id = file_system.id.as_str();
        let others = view.snapshot.domains.iter().filter(|other| other.id != domain.id);
        let users: Vec<_> = others
            .filter(|other| {
                let attached = |files: &[String]| files.iter().any(|file| file == id);
                other.file_system.as_ref() == Some(&file_system.id)
                    || attached(&other.defaults.custom_file_systems)
                    || other.profiles.iter().any(|p| attached(&p.own.custom_file_systems))
            })
            .map(|other| other.id.as_str())
            .collect();
        if !users.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&domain.id),
                format!("{id} is also used by {}", listed(&users)),
            ));
        }
    }
    hits
}

fn policy(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (InScope { domain, .. }, file_system) in homes(view) {
        if let Some(policy) = &file_system.policy {
            let flat: String = policy.split_whitespace().collect::<Vec<_>>().join(" ");
            let shown: String = flat.chars().take(300).collect();
            hits.push(Hit::new(
                Subject::domain(&domain.id),
                format!("{}: {shown}", file_system.id),
            ));
        }
    }
    hits
}

fn subnet_without(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (InScope { domain, .. }, file_system) in homes(view) {
        if file_system.mount_targets.is_empty() {
            continue;
        }
        let has: BTreeSet<_> =
            file_system.mount_targets.iter().map(|target| target.subnet.as_str()).collect();
        let subnets = domain.setup.subnets.iter().map(String::as_str);
        let bare: Vec<_> = subnets.filter(|subnet| !has.contains(subnet)).collect();
        if !bare.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&domain.id),
                format!("{}: none in {}", file_system.id, listed(&bare)),
            ));
        }
    }
    hits
}

fn none_available(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (InScope { domain, .. }, file_system) in homes(view) {
        let states: Vec<_> = file_system
            .mount_targets
            .iter()
            .map(|target| format!("{} is {}", target.id, target.state))
            .collect();
        let is_any = file_system.mount_targets.iter().any(|target| target.state == "available");
        if !states.is_empty() && !is_any {
            let id = file_system.id.as_str();
            hits.push(
                Hit::new(Subject::domain(&domain.id), format!("{id}: {}", listed(&states)))
                    .mended_by(format!("Wait until `aws efs describe-mount-targets --file-system-id {id} --region <region>` says `available`, mend what failed, and take the inventory again.")),
            );
        }
    }
    hits
}

fn without_access_point(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (scope, file_system) in homes(view) {
        // None at all means that they could not be listed, or that AWS has not made any in this domain yet.
        if file_system.access_points.is_empty() {
            continue;
        }
        let roots: BTreeSet<_> =
            file_system.access_points.iter().map(|point| point.root.trim_matches('/')).collect();
        let names: Vec<_> = scope
            .people
            .iter()
            .filter(|p| p.home_uid.as_ref().is_some_and(|uid| !roots.contains(uid.as_str())))
            .map(|p| p.name.as_str())
            .collect();
        if !names.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&scope.domain.id),
                format!("{} of {}: {}", names.len(), scope.people.len(), listed(&names)),
            ));
        }
    }
    hits
}

fn without_groups(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (InScope { domain, .. }, file_system) in homes(view) {
        let bare: Vec<_> = file_system
            .mount_targets
            .iter()
            .filter(|target| target.security_groups.as_ref().is_some_and(Vec::is_empty))
            .map(|target| format!("{} in {}", target.id, target.subnet))
            .collect();
        if !bare.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&domain.id),
                format!("{}: no security group on {}", file_system.id, listed(&bare)),
            ));
        }
    }
    hits
}
