//! Domains, made, read and deleted.

use std::fs;

use serde_json::{Value, json};

use crate::sim::state::{FileSystem, MountTarget, State};
use crate::sim::wire::Refusal;

use super::ask::{Call, arn, number};
use super::listing::{Listing, SortBy};
use super::records::{Domain, Members};
use super::refuse::{exists, in_use, invalid, unless_deletable};
use super::standing::{Standing, Status};
use super::{settings, tags};

/// The members that are described as they were given.
pub(super) const KEPT: [&str; 10] = [
    "AuthMode",
    "DefaultUserSettings",
    "DefaultSpaceSettings",
    "DomainSettings",
    "SubnetIds",
    "VpcId",
    "AppNetworkAccessType",
    "AppSecurityGroupManagement",
    "TagPropagation",
    "HomeEfsFileSystemCreation",
];

/// The tag by which SageMaker marks the file system of a domain.
const MANAGED: &str = "ManagedByAmazonSageMakerResource";

/// The ARN of a domain.
pub(super) fn arn_of(state: &State, domain: &Domain) -> String {
    arn(state, &format!("domain/{}", domain.id))
}

fn url_of(state: &State, domain: &Domain) -> String {
    format!("https://{}.studio.{}.sagemaker.aws", domain.id, state.region)
}

/// `CreateDomain`.
pub(super) fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let name = call.text("DomainName");
        if state.studio.domains.values().any(|domain| domain.name == name) {
            return Err(exists("Domain", name));
        }
        let mut members = Members::new();
        let kept = KEPT.iter().chain(&["KmsKeyId", "HomeEfsFileSystemKmsKeyId"]);
        for member in kept.filter_map(|member| Some((*member, call.member(member)?))) {
            settings::merge(
                &mut members,
                &Members::from_iter([(member.0.into(), member.1.clone())]),
            );
        }
        members.entry("AppNetworkAccessType").or_insert_with(|| json!("PublicInternetOnly"));
        let is_rstudio = members
            .get("DomainSettings")
            .is_some_and(|settings| settings.get("RStudioServerProDomainSettings").is_some());
        if members.contains_key("AppSecurityGroupManagement") && !is_rstudio {
            return Err(invalid(super::domain_update::RSTUDIO_ONLY));
        }
        if let Some(given) = call.structure("DefaultUserSettings") {
            settings::check(state, given, given, false)?;
        }
        if let Some(given) = call.structure("DefaultSpaceSettings") {
            settings::check_scripts(state, given)?;
        }
        let id = format!("d-sim{:09}", number(state));
        let standing = Standing::pending(call.now, call.settles_in(state.timing.update));
        let mut domain = Domain {
            id: id.clone(),
            name: name.to_owned(),
            standing,
            members,
            ..Domain::default()
        };
        let arn = arn_of(state, &domain);
        if call.given("HomeEfsFileSystemCreation") != Some("Disabled") {
            domain.file_system = Some(add_file_system(state, call.now, &domain, &arn));
        }
        let url = url_of(state, &domain);
        tags::put(state, &arn, tags::read(call)?);
        state.studio.domains.insert(id.clone(), domain);
        Ok(json!({ "DomainArn": arn, "DomainId": id, "Url": url }))
    })
}

/// Makes the file system of a domain, with a mount target in each of its subnets.
pub(in crate::sim) fn add_file_system(
    state: &mut State,
    now: f64,
    domain: &Domain,
    arn: &str,
) -> String {
    let id = format!("fs-{:017x}", number(state));
    let subnets = domain.members.get("SubnetIds").and_then(Value::as_array);
    let subnets: Vec<String> =
        subnets.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let group = format!("sg-{:017x}", number(state));
    let mount_targets = subnets
        .into_iter()
        .map(|subnet| MountTarget {
            id: format!("fsmt-{:017x}", number(state)),
            subnet,
            security_groups: vec![group.clone()],
            ..MountTarget::default()
        })
        .collect();
    let file_system = FileSystem {
        id: id.clone(),
        created_at: now,
        throughput_mode: "bursting".to_owned(),
        tags: [(MANAGED.to_owned(), arn.to_owned())].into(),
        mount_targets,
        ..FileSystem::default()
    };
    state.file_systems.insert(id.clone(), file_system);
    id
}

/// `DescribeDomain`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let domain = state.studio.domain(call.text("DomainId"), call.now)?;
        let Value::Object(mut output) = details(state, call, domain) else {
            return Err(invalid("the domain cannot be rendered"));
        };
        output.extend(domain.members.clone());
        if let Some(file_system) = &domain.file_system {
            output.insert("HomeEfsFileSystemId".into(), json!(file_system));
        }
        if let Some(failure) = &domain.standing.failure {
            output.insert("FailureReason".into(), json!(failure));
        }
        let tail = domain.id.trim_start_matches("d-sim");
        if domain.members.get("AuthMode").is_some_and(|mode| mode == "SSO") {
            let application =
                format!("arn:aws:sso::000000000000:application/ssoins-sim/apl-{tail}");
            output.insert("SingleSignOnApplicationArn".into(), json!(application));
            output.insert(
                "SingleSignOnManagedApplicationInstanceId".into(),
                json!(format!("ins-{tail}")),
            );
        }
        if domain.members.contains_key("VpcId") {
            let group = format!("sg-boundary-{}", domain.id.trim_start_matches("d-"));
            output.insert("SecurityGroupIdForDomainBoundary".into(), json!(group));
        }
        Ok(Value::Object(output))
    })
}

/// `ListDomains`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let domains = state.studio.domains.values();
        let rows = domains
            .filter(|domain| domain.standing.status(call.now).is_some())
            .map(|domain| {
                let standing = &domain.standing;
                (SortBy::Created.key(standing.created_at, 0.0, &domain.id), domain)
            })
            .collect();
        let listing =
            Listing { operation: "ListDomains", member: "Domains", size: 10, is_descending: false };
        listing.page(call, rows, |domain| details(state, call, domain))
    })
}

fn details(state: &State, call: &Call<'_>, domain: &Domain) -> Value {
    let standing = &domain.standing;
    json!({
        "DomainArn": arn_of(state, domain),
        "DomainId": domain.id,
        "DomainName": domain.name,
        "Status": standing.status(call.now).unwrap_or(Status::Deleting).as_str(),
        "CreationTime": standing.created_at,
        "LastModifiedTime": standing.modified_at,
        "Url": url_of(state, domain),
    })
}

/// `DeleteDomain`. The file system stays unless the retention policy says otherwise.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let id = call.text("DomainId");
        let domain = state.studio.domain(id, call.now)?;
        if let Some(status) = domain.standing.status(call.now) {
            unless_deletable("Domain", id, status)?;
        }
        let studio = &state.studio;
        if studio.profiles_of(id).next().is_some() {
            return Err(in_use(format!("Domain [{id}] has user profiles.")));
        }
        if studio.spaces.values().any(|space| space.domain == id) {
            return Err(in_use(format!("Domain [{id}] has spaces.")));
        }
        if studio.apps.values().any(|app| app.domain == id && app.is_running(call.now)) {
            return Err(in_use(format!("Domain [{id}] has apps.")));
        }
        let policy = call.structure("RetentionPolicy");
        let is_dropped = policy.is_some_and(|policy| policy["HomeEfsFileSystem"] == "Delete");
        let settles_at = call.settles_in(state.timing.update);
        state.studio.leaves_at(settles_at);
        let Some(domain) = state.studio.domains.get_mut(id) else { return Ok(json!({})) };
        domain.standing.move_to(Status::Deleting, call.now, settles_at);
        if let Some(file_system) = domain.file_system.clone().filter(|_| is_dropped) {
            state.file_systems.remove(&file_system);
            let folder = call.world.dir().join("efs").join(&file_system);
            if folder.exists() {
                fs::remove_dir_all(folder).map_err(super::space::lost)?;
            }
        }
        Ok(json!({}))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sim::studio::testing::{Account, ID, domain};

    #[tokio::test(start_paused = true)]
    async fn a_new_domain_has_a_tagged_file_system_with_a_mount_target_in_each_subnet() {
        let account = Account::empty();
        let output = account.ok("CreateDomain", domain("research"));
        assert_eq!(output["DomainId"], ID);
        let described = account.ok("DescribeDomain", json!({"DomainId": ID}));
        assert_eq!(described["Status"], "Pending");
        let id = described["HomeEfsFileSystemId"].as_str().unwrap();
        account.world.read(|state| {
            let file_system = &state.file_systems[id];
            assert_eq!(file_system.mount_targets.len(), 2);
            let arn = output["DomainArn"].as_str().unwrap();
            assert_eq!(file_system.tags["ManagedByAmazonSageMakerResource"], arn);
        });
        account.pass(3).await;
        assert_eq!(account.status("DescribeDomain", json!({"DomainId": ID})), "InService");
    }

    #[tokio::test(start_paused = true)]
    async fn a_domain_may_have_no_file_system() {
        let account = Account::empty();
        let mut input = domain("bare");
        input["HomeEfsFileSystemCreation"] = json!("Disabled");
        account.ok("CreateDomain", input);
        let described = account.ok("DescribeDomain", json!({"DomainId": ID}));
        assert!(described.get("HomeEfsFileSystemId").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_name_of_a_domain_is_taken_once() {
        let account = Account::with_ada().await;
        let refusal = account.refusal("CreateDomain", domain("research"));
        assert_eq!(refusal, "ResourceInUse: Domain [research] already exists.");
    }

    #[tokio::test(start_paused = true)]
    async fn a_domain_with_people_is_not_deleted() {
        let account = Account::with_ada().await;
        let refusal = account.refusal("DeleteDomain", json!({"DomainId": ID}));
        assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_file_system_outlives_its_domain_unless_the_policy_says_delete() {
        for (policy, left) in [("Retain", 1), ("Delete", 0)] {
            let account = Account::empty();
            account.ok("CreateDomain", domain("research"));
            account.pass(10).await;
            let policy = json!({"HomeEfsFileSystem": policy});
            account.ok("DeleteDomain", json!({"DomainId": ID, "RetentionPolicy": policy}));
            account.pass(10).await;
            let refusal = account.refusal("DescribeDomain", json!({"DomainId": ID}));
            assert!(refusal.starts_with("ResourceNotFound"), "{refusal}");
            assert_eq!(account.world.read(|state| state.file_systems.len()), left);
        }
    }
}
