//! Rules about networks and throughput: SM604 and SM607.

use super::finding::{Severity, Subject};
use super::render::text::bytes;
use super::rule::{Hit, Rule, page};
use super::view::View;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM604",
        severity: Severity::Warning,
        title: "The domain has no internet access of its own",
        cause: "In VpcOnly mode everything that the new Studio calls needs an interface endpoint or a way out, and the new Studio needs one that Classic did not: `aws.sagemaker.<region>.studio`. The copy needs S3. Endpoints cannot be seen from here.",
        remedy: "Have these endpoints in the domain's VPC, with private DNS and a security group that lets the Studio security groups in on 443: com.amazonaws.<region>.sagemaker.api, com.amazonaws.<region>.sagemaker.runtime, com.amazonaws.<region>.s3, com.amazonaws.<region>.sts, com.amazonaws.<region>.logs, and aws.sagemaker.<region>.studio. Look with `aws ec2 describe-vpc-endpoints --region <region> --query 'VpcEndpoints[].[VpcId,ServiceName,State,PrivateDnsEnabled]' --output table`. Security groups need TCP 2049 to the file system and TCP 8192-65535 among themselves.",
        sources: &[
            page::INTERNET,
            "https://github.com/awsdocs/amazon-sagemaker-developer-guide/issues/259",
        ],
        look: vpc_only,
    },
    Rule {
        code: "SM607",
        severity: Severity::Advice,
        title: "The home file system is in bursting mode",
        cause: "A bursting file system reads as fast as its size and its credits allow: 50 KiB/s for each GiB stored once credits are gone. Many copies at once use the credits up, for people who still work in Classic too.",
        remedy: "Lower `limits.users`, or for the time of the migration: `aws efs update-file-system --file-system-id <file-system> --throughput-mode elastic --region <region>` (the mode can be changed back after a day).",
        sources: &[page::EFS_PERFORMANCE],
        look: bursting,
    },
];

fn vpc_only(view: &View<'_>) -> Vec<Hit> {
    view.domains
        .iter()
        .map(|scope| scope.domain)
        .filter(|domain| domain.network.as_deref() == Some("VpcOnly"))
        .map(|domain| {
            let groups = &domain.defaults.security_groups;
            let groups = if groups.is_empty() { "none seen".to_owned() } else { groups.join(", ") };
            Hit::new(
                Subject::domain(&domain.id),
                format!("AppNetworkAccessType VpcOnly; security groups {groups}"),
            )
        })
        .collect()
}

fn bursting(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        let found = view.snapshot.file_systems.iter().find(|file_system| {
            Some(&file_system.id) == scope.domain.file_system.as_ref()
                && file_system.throughput_mode.as_deref() == Some("bursting")
        });
        if let Some(file_system) = found {
            hits.push(Hit::new(
                Subject::thing(file_system.id.as_str()),
                format!(
                    "{} stored, {} copies at once, domain {}",
                    bytes(file_system.bytes.total),
                    view.playbook.limits.users,
                    scope.domain.id
                ),
            ).mended_by(format!(
                "Lower `limits.users`, or for the time of the migration: `aws efs update-file-system --file-system-id {} --throughput-mode elastic --region <region>` (the mode can be changed back after a day).",
                file_system.id
            )));
        }
    }
    hits
}
