//! Asking everything, once, and never failing outright: what could not be asked is part of what was seen.
//!
//! The collector holds a [`Reader`], which has no verb that changes anything. What is listed and gone when it is described
//! was deleted in between; that is recorded too, and stops nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures::StreamExt;

use super::homes;
use super::roles::{Refusal, Role};
use super::snapshot::{Domain, Opened, Profile, Snapshot, Space, Unseen};
use super::storage::{FileSystem, SharedNotebooks};
use crate::aws::{self, ErrorKind, Reader};
use crate::names::{DomainId, ProfileName, SpaceName};

/// Calls in flight at once; the pace of each service limits them further.
const AT_ONCE: usize = 16;

/// The tag by which SageMaker marks the file systems that it makes.
const MANAGED: &str = "ManagedByAmazonSageMakerResource";

/// What the new Studio needs of an execution role: the actions of AWS's eight statements (`studio-updated-migrate-ui`).
pub const STUDIO_ACTIONS: [&str; 14] = [
    "sagemaker:AddTags",
    "sagemaker:CreateApp",
    "sagemaker:CreatePresignedDomainUrl",
    "sagemaker:CreateSpace",
    "sagemaker:DeleteApp",
    "sagemaker:DeleteSpace",
    "sagemaker:DescribeApp",
    "sagemaker:DescribeDomain",
    "sagemaker:DescribeSpace",
    "sagemaker:DescribeUserProfile",
    "sagemaker:ListApps",
    "sagemaker:ListDomains",
    "sagemaker:ListSpaces",
    "sagemaker:UpdateSpace",
];

/// What the copy needs of an execution role, in the staging bucket.
const STAGING_ACTIONS: [&str; 2] = ["s3:GetObject", "s3:PutObject"];

/// The staging prefix that playbooks have unless they say another.
fn staging(reader: &Reader) -> String {
    let identity = reader.identity();
    format!("arn:aws:s3:::sagemaker-{}-{}/studio-migrate/*", identity.region, identity.account)
}

/// What to look at, and whom to tell how it goes.
pub struct Request<'a> {
    /// These domains; empty means every one.
    pub domains: Vec<DomainId>,
    /// A mounted EFS root, holding homes by uid, or file systems by id that do.
    pub mount: Option<&'a Path>,
    /// Called with a line for people whenever a part is done.
    pub tell: &'a (dyn Fn(String) + Sync),
}

/// Takes a snapshot.
pub async fn collect(reader: &Reader, request: &Request<'_>) -> Snapshot {
    let identity = reader.identity();
    let mut snapshot = Snapshot {
        schema: Snapshot::SCHEMA,
        taken_at: jiff::Timestamp::now().to_string(),
        caller: identity.arn.clone(),
        account: Some(identity.account.clone()),
        region: Some(identity.region.clone()),
        ..Snapshot::default()
    };
    let mut unseen = Unseens::default();
    let ids = if request.domains.is_empty() {
        unseen.or_default("sagemaker:ListDomains", "the account", reader.domain_ids().await)
    } else {
        request.domains.clone()
    };
    for id in &ids {
        if let Some(domain) = domain(reader, id, &mut unseen).await {
            (request.tell)(format!(
                "domain {}: {} profiles, {} spaces, {} apps",
                domain.id,
                domain.profiles.len(),
                domain.spaces.len(),
                domain.apps.len()
            ));
            snapshot.domains.push(domain);
        }
    }
    account_wide(reader, &mut snapshot, &mut unseen).await;
    openings(reader, &mut snapshot, &mut unseen).await;
    snapshot.shared_notebooks = shared_notebooks(reader, &snapshot.domains, &mut unseen).await;
    snapshot.roles = roles(reader, &snapshot.domains, &mut unseen).await;
    homes::measure(&mut snapshot, request, &mut unseen.list);
    snapshot.unseen = unseen.list;
    snapshot
}

/// What could not be seen so far.
#[derive(Default)]
struct Unseens {
    list: Vec<Unseen>,
}

impl Unseens {
    fn note(&mut self, what: &str, subject: &str, error: &aws::Error) {
        self.list.push(Unseen {
            what: what.to_owned(),
            subject: subject.to_owned(),
            why: error.to_string(),
        });
    }

    /// Takes what was answered, or notes why nothing was.
    fn or_default<T: Default>(
        &mut self,
        what: &str,
        subject: &str,
        answer: Result<T, aws::Error>,
    ) -> T {
        answer.inspect_err(|error| self.note(what, subject, error)).unwrap_or_default()
    }

    /// Like `or_default` for one thing that was listed before: gone is noted in other words.
    fn one<T>(&mut self, what: &str, subject: &str, answer: Result<T, aws::Error>) -> Option<T> {
        match answer {
            Ok(seen) => Some(seen),
            Err(error) if error.kind == ErrorKind::NotFound => {
                self.list.push(Unseen {
                    what: what.to_owned(),
                    subject: subject.to_owned(),
                    why: "it was deleted while the inventory was taken".to_owned(),
                });
                None
            }
            Err(error) => {
                self.note(what, subject, &error);
                None
            }
        }
    }
}

async fn domain(reader: &Reader, id: &DomainId, unseen: &mut Unseens) -> Option<Domain> {
    let seen = unseen.one("sagemaker:DescribeDomain", id.as_str(), reader.domain(id).await)?;
    let names = reader.profile_names(id).await;
    let names = unseen.or_default("sagemaker:ListUserProfiles", id.as_str(), names);
    let spaces = reader.space_names(id).await;
    let spaces = unseen.or_default("sagemaker:ListSpaces", id.as_str(), spaces);
    let apps = reader.domain_apps(id).await;
    let apps = unseen.or_default("sagemaker:ListApps", id.as_str(), apps);
    let tags = reader.tags(&seen.arn).await;
    let tags = unseen.or_default("sagemaker:ListTags", id.as_str(), tags);
    Some(Domain {
        profiles: profiles(reader, &seen, names, unseen).await,
        spaces: spaces_of(reader, id, spaces, unseen).await,
        apps,
        id: seen.id,
        name: seen.name,
        status: seen.status,
        auth_mode: seen.auth_mode,
        network: seen.network,
        file_system: seen.file_system,
        kms_key: seen.kms_key,
        has_rstudio: seen.has_rstudio,
        setup: seen.setup,
        defaults: seen.defaults,
        tags,
    })
}

async fn profiles(
    reader: &Reader,
    domain: &aws::Domain,
    names: Vec<ProfileName>,
    unseen: &mut Unseens,
) -> Vec<Profile> {
    let asked: Vec<_> = futures::stream::iter(names)
        .map(|name| async move {
            let profile = reader.profile(&domain.id, &name).await;
            let tags = match &profile {
                Ok(profile) => reader.tags(&profile.arn).await,
                Err(_) => Ok(BTreeMap::new()),
            };
            (name, profile, tags)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    asked
        .into_iter()
        .filter_map(|(name, profile, tags)| {
            let subject = format!("{}/{name}", domain.id);
            let seen = unseen.one("sagemaker:DescribeUserProfile", &subject, profile)?;
            let tags = unseen.or_default("sagemaker:ListTags", &subject, tags);
            Some(Profile {
                name,
                status: seen.status,
                home_uid: seen.home_uid,
                sso_user: seen.sso_user,
                created_at: seen.created_at,
                effective: seen.settings.over(&domain.defaults),
                own: seen.settings,
                tags,
                ..Profile::default()
            })
        })
        .collect()
}

async fn spaces_of(
    reader: &Reader,
    domain: &DomainId,
    names: Vec<SpaceName>,
    unseen: &mut Unseens,
) -> Vec<Space> {
    let asked: Vec<_> = futures::stream::iter(names)
        .map(|name| async move { (name.clone(), reader.space(domain, &name).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    asked
        .into_iter()
        .filter_map(|(name, space)| {
            let subject = format!("{domain}/{name}");
            let seen = unseen.one("sagemaker:DescribeSpace", &subject, space)?;
            Some(Space {
                name,
                status: seen.status,
                app_type: seen.app_type,
                sharing: seen.sharing,
                owner: seen.owner,
                volume_gb: seen.volume_gb,
                home_uid: seen.home_uid,
            })
        })
        .collect()
}

async fn account_wide(reader: &Reader, snapshot: &mut Snapshot, unseen: &mut Unseens) {
    const ACCOUNT: &str = "the account";
    let names = reader.script_names().await;
    let names = unseen.or_default("sagemaker:ListStudioLifecycleConfigs", ACCOUNT, names);
    for name in names {
        let script = reader.script(&name).await;
        let script = unseen.one("sagemaker:DescribeStudioLifecycleConfig", &name, script);
        snapshot.scripts.extend(script);
    }
    snapshot.images = unseen.or_default("sagemaker:ListImages", ACCOUNT, reader.images().await);
    let configs = reader.image_configs().await;
    snapshot.image_configs = unseen.or_default("sagemaker:ListAppImageConfigs", ACCOUNT, configs);
    snapshot.file_systems = file_systems(reader, &snapshot.domains, unseen).await;
    let quotas = reader.studio_quotas().await;
    snapshot.quotas = unseen.or_default("servicequotas:ListServiceQuotas", ACCOUNT, quotas);
}

/// File systems that belong to a domain of the snapshot, or are marked as SageMaker's.
async fn file_systems(
    reader: &Reader,
    domains: &[Domain],
    unseen: &mut Unseens,
) -> Vec<FileSystem> {
    let all = reader.file_systems().await;
    let all = unseen.or_default("elasticfilesystem:DescribeFileSystems", "the account", all);
    let mut found = Vec::new();
    for seen in all {
        // The tag holds the domain's id, or its ARN.
        let tagged =
            seen.tags.get(MANAGED).and_then(|tag| tag.rsplit('/').next()).map(DomainId::from);
        let owner = domains.iter().find(|domain| domain.file_system.as_ref() == Some(&seen.id));
        if tagged.is_none() && owner.is_none() {
            continue;
        }
        let points = reader.access_points(&seen.id).await;
        let points =
            unseen.or_default("elasticfilesystem:DescribeAccessPoints", seen.id.as_str(), points);
        let targets = reader.mount_targets(&seen.id).await;
        let mount_targets =
            unseen.or_default("elasticfilesystem:DescribeMountTargets", seen.id.as_str(), targets);
        let policy = reader.file_system_policy(&seen.id).await;
        let policy = unseen.or_default(
            "elasticfilesystem:DescribeFileSystemPolicy",
            seen.id.as_str(),
            policy,
        );
        found.push(FileSystem {
            domain: owner.map(|domain| domain.id.clone()).or(tagged),
            bytes: seen.bytes,
            throughput_mode: seen.throughput_mode,
            provisioned_mibps: seen.provisioned_mibps,
            kms_key: seen.kms_key,
            created_at: seen.created_at,
            mount_target_count: seen.mount_target_count,
            mount_targets,
            access_points: points,
            policy,
            orphan_homes: Vec::new(),
            tags: seen.tags,
            id: seen.id,
        });
    }
    found
}

/// Who opened which profile: more than one person is a finding.
async fn openings(reader: &Reader, snapshot: &mut Snapshot, unseen: &mut Unseens) {
    let openings = reader.openings().await;
    let openings =
        unseen.or_default("cloudtrail:LookupEvents", "CreatePresignedDomainUrl", openings);
    let mut by_profile: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for opening in openings {
        by_profile
            .entry((opening.domain, opening.profile.to_ascii_lowercase()))
            .or_default()
            .insert(opening.caller);
    }
    for domain in &mut snapshot.domains {
        for profile in &mut domain.profiles {
            let name = profile.name.as_str().to_ascii_lowercase();
            if let Some(callers) = by_profile.get(&(domain.id.to_string(), name)) {
                let opened = |by: &String| Opened { by: by.clone(), ..Opened::default() };
                profile.opened_by = callers.iter().map(opened).collect();
            }
        }
    }
}

/// Every distinct place where Classic notebooks were shared, with who set it and what lies there.
async fn shared_notebooks(
    reader: &Reader,
    domains: &[Domain],
    unseen: &mut Unseens,
) -> Vec<SharedNotebooks> {
    let mut set_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for domain in domains {
        if let Some(location) = &domain.defaults.shared_notebooks {
            set_by.entry(location.clone()).or_default().push(domain.id.to_string());
        }
        for profile in &domain.profiles {
            if let Some(location) = &profile.own.shared_notebooks {
                let who = format!("{}/{}", domain.id, profile.name);
                set_by.entry(location.clone()).or_default().push(who);
            }
        }
    }
    let mut found = Vec::new();
    for (location, set_by) in set_by {
        let place = location.trim_start_matches("s3://");
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let totals = reader.object_totals(bucket, prefix).await;
        let totals = unseen.or_default("s3:ListBucket", &location, totals);
        found.push(SharedNotebooks {
            location,
            set_by,
            objects: totals.objects,
            bytes: totals.bytes,
            ..SharedNotebooks::default()
        });
    }
    found
}

/// Every distinct execution role, and what IAM would refuse it.
async fn roles(reader: &Reader, domains: &[Domain], unseen: &mut Unseens) -> Vec<Role> {
    let arns: BTreeSet<&String> = domains
        .iter()
        .flat_map(|domain| {
            let own = domain.profiles.iter().map(|profile| &profile.effective.execution_role);
            own.chain([&domain.defaults.execution_role])
        })
        .flatten()
        .collect();
    let mut found = Vec::new();
    for arn in arns {
        let decisions = reader.simulate(arn, &STUDIO_ACTIONS, "*").await;
        let Some(mut decisions) = unseen.one("iam:SimulatePrincipalPolicy", arn, decisions) else {
            continue;
        };
        let staged = reader.simulate(arn, &STAGING_ACTIONS, &staging(reader)).await;
        let staged = unseen.one("iam:SimulatePrincipalPolicy", arn, staged);
        decisions.extend(staged.unwrap_or_default());
        let refused = decisions
            .into_iter()
            .filter(|decision| decision.decision != "allowed")
            .map(|decision| Refusal {
                action: decision.action,
                decision: decision.decision,
                ..Refusal::default()
            })
            .collect();
        found.push(Role { arn: arn.clone(), refused, ..Role::default() });
    }
    found
}
