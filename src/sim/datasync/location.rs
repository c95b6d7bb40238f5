//! Locations: a folder of a file system, or a prefix of a bucket.

use serde_json::{Value, json};

use crate::sim::api::ACCOUNT;
use crate::sim::state::{FileSystem, State};
use crate::sim::wire::Refusal;

use super::access;
use super::ask::{Call, bucket_in, id_in, location_arn, new_id};
use super::records::{Location, Place};
use super::refuse::{invalid, not_found};
use super::tags;

/// `CreateLocationEfs`.
pub(super) fn create_efs(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let system = file_system(state, call.text("EfsFilesystemArn"))?;
        let shown = call.given("Subdirectory").unwrap_or("/").to_owned();
        let below = folder(&shown)?;
        let root = match call.given("AccessPointArn") {
            None => String::new(),
            Some(arn) => access_point(system, arn)?,
        };
        mount_target(system, call)?;
        let names = ["AccessPointArn", "FileSystemAccessRoleArn"];
        let is_encrypted = call.given("InTransitEncryption") == Some("TLS1_2");
        if let Some(name) = names.iter().find(|name| call.given(name).is_some())
            && !is_encrypted
        {
            return Err(invalid(format!(
                "InTransitEncryption must be TLS1_2 when {name} is given."
            )));
        }
        if let Some(role) = call.given("FileSystemAccessRoleArn") {
            access::assume(state, role)?;
        }
        let path = match format!("{root}{below}") {
            whole if whole.is_empty() => "/".to_owned(),
            whole => whole,
        };
        let place = Place::Efs { file_system: system.id.clone(), path, shown };
        let mut members = call.kept(&["Ec2Config", "AccessPointArn", "FileSystemAccessRoleArn"]);
        let encryption = call.given("InTransitEncryption").unwrap_or("NONE");
        members.insert("InTransitEncryption".to_owned(), Value::from(encryption));
        add(state, call, place, members)
    })
}

/// `CreateLocationS3`.
pub(super) fn create_s3(call: &Call<'_>) -> Result<Value, Refusal> {
    if call.member("AgentArns").is_some() {
        return Err(invalid(
            "AgentArns are for Amazon S3 on Outposts, which the simulator has not.",
        ));
    }
    let bucket = bucket_in(call.text("S3BucketArn"))?.to_owned();
    let prefix = prefix(call.given("Subdirectory").unwrap_or_default())?;
    let role =
        call.structure("S3Config").and_then(|config| config.get("BucketAccessRoleArn")?.as_str());
    let role = role.unwrap_or_default().to_owned();
    access::try_out(call.world, &role, &bucket, &prefix)?;
    call.world.change(|state| {
        let mut members = call.kept(&["S3Config"]);
        let class = call.given("S3StorageClass").unwrap_or("STANDARD");
        members.insert("S3StorageClass".to_owned(), Value::from(class));
        add(state, call, Place::S3 { bucket, prefix, role }, members)
    })
}

fn add(
    state: &mut State,
    call: &Call<'_>,
    place: Place,
    members: crate::sim::studio::Members,
) -> Result<Value, Refusal> {
    let given = tags::read(call)?;
    let id = new_id(state, "loc");
    let arn = location_arn(state, &id);
    tags::put(state, &arn, given);
    let location = Location { id: id.clone(), created_at: call.now, place, members };
    state.datasync.locations.insert(id, location);
    Ok(json!({ "LocationArn": arn }))
}

/// `DescribeLocationEfs` and `DescribeLocationS3`: each of locations of its own kind alone.
pub(super) fn describe(call: &Call<'_>, scheme: &str) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let location = find(state, call.text("LocationArn"))?;
        let uri = uri(state, location);
        if !uri.starts_with(scheme) {
            return Err(invalid(format!(
                "Location {} is of another type: {uri}",
                call.text("LocationArn")
            )));
        }
        let mut answer = json!({
            "LocationArn": location_arn(state, &location.id),
            "LocationUri": uri,
            "CreationTime": location.created_at,
        });
        for (name, value) in &location.members {
            answer[name] = value.clone();
        }
        Ok(answer)
    })
}

/// `DeleteLocation`.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let id = find(state, call.text("LocationArn"))?.id.clone();
        let mut tasks = state.datasync.tasks.values();
        if let Some(task) = tasks.find(|task| task.source == id || task.destination == id) {
            return Err(invalid(format!("Location {id} is in use by task {}.", task.id)));
        }
        state.datasync.locations.remove(&id);
        tags::forget(state, &location_arn(state, &id));
        Ok(json!({}))
    })
}

/// Finds the location of an ARN.
///
/// # Errors
///
/// There is none.
pub(super) fn find<'a>(state: &'a State, arn: &str) -> Result<&'a Location, Refusal> {
    let id = id_in(state, "location", arn)?;
    state.datasync.locations.get(id).ok_or_else(|| not_found("location", arn))
}

/// The URI of a location: `efs://eu-west-1.fs-…/path/` or `s3://bucket/prefix/`.
pub(super) fn uri(state: &State, location: &Location) -> String {
    match &location.place {
        Place::Efs { file_system, shown, .. } => {
            let path = shown.trim_matches('/');
            let end = if path.is_empty() { "" } else { "/" };
            format!("efs://{}.{file_system}/{path}{end}", state.region)
        }
        Place::S3 { bucket, prefix, .. } => format!("s3://{bucket}/{prefix}"),
    }
}

fn file_system<'a>(state: &'a State, arn: &str) -> Result<&'a FileSystem, Refusal> {
    let head = format!("arn:aws:elasticfilesystem:{}:{ACCOUNT}:file-system/", state.region);
    let system = arn.strip_prefix(&head).and_then(|id| state.file_systems.get(id));
    system.ok_or_else(|| not_found("file system", arn))
}

/// The root of an access point of the file system: `/200001`.
fn access_point(system: &FileSystem, arn: &str) -> Result<String, Refusal> {
    let id = arn.rsplit('/').next().unwrap_or_default();
    let point = system.access_points.iter().find(|point| point.id == id);
    let point = point.ok_or_else(|| not_found("access point", arn))?;
    Ok(format!("/{}", point.uid))
}

/// Checks that the subnet is one with a mount target that can be mounted.
///
/// AWS takes any subnet of the zone of a mount target. The simulator knows no subnets but those of mount targets, and a
/// security group may be any, because what its rules let through is not simulated.
fn mount_target(system: &FileSystem, call: &Call<'_>) -> Result<(), Refusal> {
    let config = call.structure("Ec2Config");
    let arn = config.and_then(|config| config.get("SubnetArn")?.as_str()).unwrap_or_default();
    let subnet = arn.rsplit('/').next().unwrap_or_default();
    let mut targets = system.mount_targets.iter().filter(|target| target.subnet == subnet);
    if targets.any(|target| target.state == "available") {
        return Ok(());
    }
    Err(invalid(format!(
        "No available mount target of file system {} is found for subnet {subnet}.",
        system.id
    )))
}

/// Reads a subdirectory of EFS: empty for the root, else `/a/b`.
fn folder(given: &str) -> Result<String, Refusal> {
    let mut path = String::new();
    for part in given.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            return Err(invalid(format!("The subdirectory {given} leads upwards.")));
        }
        path.push('/');
        path.push_str(part);
    }
    Ok(path)
}

/// Reads a subdirectory of S3: empty, or ending in `/` (`CreateLocationS3` in the DataSync API reference).
fn prefix(given: &str) -> Result<String, Refusal> {
    if given.is_empty() || given == "/" {
        // The root of a bucket is written either way.
        return Ok(String::new());
    }
    let whole = format!("{}/", given.strip_suffix('/').unwrap_or(given));
    if whole.starts_with('/') || ["//", "/./", "/../"].iter().any(|bad| whole.contains(bad)) {
        return Err(invalid(format!(
            "The subdirectory {given} must not begin with a slash nor hold //, /./ or /../."
        )));
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::datasync::testing::{Account, ROLE};

    #[test]
    fn a_prefix_is_what_a_key_may_begin_with() {
        for (given, expected) in [("", ""), ("/", ""), ("a", "a/"), ("a/b/", "a/b/")] {
            assert_eq!(prefix(given).unwrap(), expected);
        }
        for bad in ["/a", "a//b", "a/./b", "a/../b", "a//", "//"] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
        assert_eq!(folder("/a//b/./c/").unwrap(), "/a/b/c");
        assert!(folder("/a/../b").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_location_of_efs_is_described_as_it_was_made() {
        let account = Account::new();
        let mut input = account.efs("/200001");
        input["Tags"] = json!([{"Key": "run", "Value": "1"}]);
        let made = account.ok("CreateLocationEfs", input);
        let described = account.ok("DescribeLocationEfs", made.clone());
        assert_eq!(described["LocationUri"], "efs://eu-west-1.fs-0000000a/200001/");
        assert_eq!(described["InTransitEncryption"], "NONE");
        let refusal = account.refusal("DescribeLocationS3", made.clone());
        assert!(refusal.contains("another type"), "{refusal}");
        let tags = account.ok("ListTagsForResource", json!({"ResourceArn": made["LocationArn"]}));
        assert_eq!(tags["Tags"][0]["Key"], "run");
        account.ok("DeleteLocation", made.clone());
        let refusal = account.refusal("DescribeLocationEfs", made);
        assert!(refusal.contains("is not found"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_location_of_efs_needs_its_file_system_a_mount_target_and_encryption() {
        let account = Account::new();
        let refused = |change: &dyn Fn(&mut Value), words: &str| {
            let mut input = account.efs("/");
            change(&mut input);
            let refusal = account.refusal("CreateLocationEfs", input);
            assert!(refusal.contains(words), "{refusal}");
        };
        let arn = "arn:aws:elasticfilesystem:eu-west-1:000000000000:";
        refused(
            &|one| one["EfsFilesystemArn"] = json!(format!("{arn}file-system/fs-00000009")),
            "not found",
        );
        let subnet = "arn:aws:ec2:eu-west-1:000000000000:subnet/subnet-00000009";
        refused(&|one| one["Ec2Config"]["SubnetArn"] = json!(subnet), "mount target");
        let point = json!(format!("{arn}access-point/fsap-00000001"));
        refused(&|one| one["AccessPointArn"] = point.clone(), "must be TLS1_2");
        refused(&|one| one["Ec2Config"]["SecurityGroupArns"] = json!([]), "securityGroupArns");
        refused(&|one| one["Subdirectory"] = json!("/a|b"), "subdirectory");
        let mut input = account.efs("/notes");
        input["AccessPointArn"] = point;
        input["InTransitEncryption"] = json!("TLS1_2");
        account.ok("CreateLocationEfs", input);
        let path = account.world.read(|state| {
            let location = state.datasync.locations.values().next().unwrap();
            location.place.clone()
        });
        assert!(matches!(path, Place::Efs { path, .. } if path == "/200001/notes"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_location_of_s3_is_tried_out_with_its_role() {
        let account = Account::new();
        let made = account.ok("CreateLocationS3", account.s3("homes/alice"));
        let described = account.ok("DescribeLocationS3", made);
        assert_eq!(described["LocationUri"], "s3://data/homes/alice/");
        assert_eq!(described["S3StorageClass"], "STANDARD");
        let refused = |bucket: &str, role: &str, words: &str| {
            let mut input = account.s3("");
            input["S3BucketArn"] = json!(format!("arn:aws:s3:::{bucket}"));
            input["S3Config"]["BucketAccessRoleArn"] = json!(role);
            let refusal = account.refusal("CreateLocationS3", input);
            assert!(refusal.contains(words), "{refusal}");
        };
        refused("none", ROLE, "is not found");
        refused("data", "arn:aws:iam::000000000000:role/none", "Unable to assume role");
        refused("data", "arn:aws:iam::000000000000:role/studio", "Unable to assume role");
        refused("other", ROLE, "could not perform s3:ListObjectsV2");
    }
}
