//! The simulated EFS, as far as one looks: file systems, access points and mount targets.
//!
//! The files themselves are under `efs/<file-system>/<uid>/` of the world's folder.

use std::fs;
use std::path::Path;

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::api::{ACCOUNT, Api};
use super::efs_change;
use super::model::{Kind, Service};
use super::paging::page;
use super::state::{AccessPoint, FileSystem, MountTarget, State};
use super::wire::Refusal;
use super::world::World;

/// How many items a page holds when nobody says.
const PAGE: u64 = 100;

/// Reads a request's method, path and query: the operation and its input.
///
/// # Errors
///
/// `UnknownOperationException` for a path that no served operation has.
pub fn read(
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<(String, Value), Refusal> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (operation, in_path) = match (method.as_str(), parts.as_slice()) {
        ("GET", ["2015-02-01", "file-systems"]) => ("DescribeFileSystems", None),
        ("GET", ["2015-02-01", "access-points"]) => ("DescribeAccessPoints", None),
        ("GET", ["2015-02-01", "mount-targets"]) => ("DescribeMountTargets", None),
        ("GET", ["2015-02-01", "mount-targets", id, "security-groups"]) => {
            ("DescribeMountTargetSecurityGroups", Some(("MountTargetId", *id)))
        }
        ("GET", ["2015-02-01", "file-systems", id, "policy"]) => {
            ("DescribeFileSystemPolicy", Some(("FileSystemId", *id)))
        }
        ("GET", ["2015-02-01", "file-systems", id, "lifecycle-configuration"]) => {
            ("DescribeLifecycleConfiguration", Some(("FileSystemId", *id)))
        }
        ("PUT", ["2015-02-01", "file-systems", id, "lifecycle-configuration"]) => {
            ("PutLifecycleConfiguration", Some(("FileSystemId", *id)))
        }
        ("PUT", ["2015-02-01", "file-systems", id]) => {
            ("UpdateFileSystem", Some(("FileSystemId", *id)))
        }
        ("GET", ["2015-02-01", "resource-tags", id]) => {
            ("ListTagsForResource", Some(("ResourceId", *id)))
        }
        _ => return Err(Api::Efs.unknown(&format!("{method} {path}"))),
    };
    let mut input: Map<String, Value> = match body {
        [] => Map::new(),
        text => serde_json::from_slice(text).map_err(|error| {
            Refusal::new("BadRequest", format!("The body is not JSON: {error}"))
        })?,
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        input.insert(name.to_string(), scalar(operation, &name, &value));
    }
    if let Some((name, id)) = in_path {
        input.insert(name.to_owned(), Value::from(id));
    }
    Ok((operation.to_owned(), Value::Object(input)))
}

/// A query's values are text; the model says which of them are numbers.
fn scalar(operation: &str, name: &str, value: &str) -> Value {
    let model = Service::Efs.model();
    let shape = model.input(operation).and_then(|input| input.members.get(name));
    let kind = shape.and_then(|shape| model.shapes.get(shape)).map(|shape| shape.kind);
    match (kind, value.parse::<i64>()) {
        (Some(Kind::Integer | Kind::Long), Ok(number)) => Value::from(number),
        _ => Value::from(value),
    }
}

/// Answers one call.
///
/// # Errors
///
/// `FileSystemNotFound`, `AccessPointNotFound`, `MountTargetNotFound` and `PolicyNotFound` with HTTP status 404, `BadRequest`
/// for parameters that do not go together.
pub fn call(world: &World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    if let Some(answer) = efs_change::call(world, operation, input) {
        return answer;
    }
    world.read(|state| match operation {
        "DescribeFileSystems" => file_systems(state, world, input),
        "DescribeAccessPoints" => access_points(state, input),
        "DescribeMountTargets" => mount_targets(state, input),
        "DescribeMountTargetSecurityGroups" => security_groups(state, input),
        "DescribeFileSystemPolicy" => {
            let system = file_system(state, text(input, "FileSystemId").unwrap_or_default())?;
            let Some(policy) = &system.policy else {
                let message = format!("The policy of file system '{}' is not found.", system.id);
                return Err(Refusal::new("PolicyNotFound", message).status(404));
            };
            Ok(json!({"FileSystemId": system.id, "Policy": policy}))
        }
        "ListTagsForResource" => tags(state, input),
        "DescribeLifecycleConfiguration" => {
            let system = file_system(state, text(input, "FileSystemId").unwrap_or_default())?;
            Ok(json!({"LifecyclePolicies": system.lifecycle}))
        }
        other => Err(Api::Efs.unknown(other)),
    })
}

fn file_systems(state: &State, world: &World, input: &Value) -> Result<Value, Refusal> {
    let mut found: Vec<&FileSystem> = match text(input, "FileSystemId") {
        Some(id) => vec![file_system(state, id)?],
        None => state.file_systems.values().collect(),
    };
    if let Some(token) = text(input, "CreationToken") {
        found.retain(|system| token_of(&system.id) == token);
    }
    let items = found.iter().map(|system| described(state, world, system)).collect();
    marked(items, "FileSystems", input)
}

pub(super) fn described(state: &State, world: &World, system: &FileSystem) -> Value {
    let folder = world.dir().join("efs").join(&system.id);
    let bytes = system.bytes.unwrap_or_else(|| measured(&folder));
    let mode = match system.throughput_mode.as_str() {
        "" => "bursting",
        mode => mode,
    };
    let mut answer = json!({
        "OwnerId": ACCOUNT,
        "CreationToken": token_of(&system.id),
        "FileSystemId": system.id,
        "FileSystemArn": arn(state, &format!("file-system/{}", system.id)),
        "CreationTime": system.created_at,
        "LifeCycleState": "available",
        "NumberOfMountTargets": system.mount_targets.len(),
        "SizeInBytes": {
            "Value": bytes,
            "Timestamp": world.now().floor(),
            "ValueInIA": system.infrequent_bytes,
            "ValueInStandard": bytes.saturating_sub(system.infrequent_bytes + system.archive_bytes),
            "ValueInArchive": system.archive_bytes,
        },
        "PerformanceMode": "generalPurpose",
        "Encrypted": true,
        "KmsKeyId": format!("arn:aws:kms:{}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000", state.region),
        "ThroughputMode": mode,
        "Tags": tag_list(system),
        "FileSystemProtection": {"ReplicationOverwriteProtection": "ENABLED"},
    });
    if let Some(name) = system.tags.get("Name") {
        answer["Name"] = Value::from(name.as_str());
    }
    if mode == "provisioned" {
        answer["ProvisionedThroughputInMibps"] =
            Value::from(system.provisioned_mibps.unwrap_or(128.0));
    }
    answer
}

/// Adds up the real files. A symbolic link counts as itself and is not followed.
fn measured(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => measured(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

fn access_points(state: &State, input: &Value) -> Result<Value, Refusal> {
    let all = || {
        let systems = state.file_systems.values();
        systems.flat_map(|system| system.access_points.iter().map(move |point| (system, point)))
    };
    let found: Vec<(&FileSystem, &AccessPoint)> =
        match (text(input, "FileSystemId"), text(input, "AccessPointId")) {
            (Some(_), Some(_)) => {
                let message = "Specify either FileSystemId or AccessPointId, not both.";
                return Err(Refusal::new("BadRequest", message));
            }
            (Some(id), None) => {
                let system = file_system(state, id)?;
                system.access_points.iter().map(|point| (system, point)).collect()
            }
            (None, Some(id)) => {
                let point = all().find(|(_, point)| point.id == bare(id));
                vec![point.ok_or_else(|| no_access_point(id))?]
            }
            (None, None) => all().collect(),
        };
    let describe = |(system, point): &(&FileSystem, &AccessPoint)| {
        // SageMaker gives every profile an access point whose user and root are the profile's own.
        let uid: u64 = point.uid.parse().unwrap_or(0);
        json!({
            "ClientToken": token_of(&point.id),
            "Tags": [],
            "AccessPointId": point.id,
            "AccessPointArn": arn(state, &format!("access-point/{}", point.id)),
            "FileSystemId": system.id,
            "PosixUser": {"Uid": uid, "Gid": uid},
            "RootDirectory": {
                "Path": format!("/{}", point.uid),
                "CreationInfo": {"OwnerUid": uid, "OwnerGid": uid, "Permissions": "700"},
            },
            "OwnerId": ACCOUNT,
            "LifeCycleState": "available",
        })
    };
    let limit = input.get("MaxResults").and_then(Value::as_u64).unwrap_or(PAGE);
    paged(found.iter().map(describe).collect(), limit, text(input, "NextToken"))
        .map(|(items, next)| answer("AccessPoints", items, "NextToken", next))
}

fn mount_targets(state: &State, input: &Value) -> Result<Value, Refusal> {
    let all = || {
        let systems = state.file_systems.values();
        systems.flat_map(|system| system.mount_targets.iter().map(move |target| (system, target)))
    };
    let of = |system: &'_ FileSystem| system.id.clone();
    let ids = ["FileSystemId", "MountTargetId", "AccessPointId"].map(|name| text(input, name));
    let system = match ids {
        [Some(id), None, None] => of(file_system(state, id)?),
        [None, Some(id), None] => {
            let found = all().find(|(_, target)| target.id == id);
            of(found.ok_or_else(|| no_mount_target(id))?.0)
        }
        [None, None, Some(id)] => {
            let has = |system: &&FileSystem| system.access_points.iter().any(|p| p.id == bare(id));
            of(state.file_systems.values().find(has).ok_or_else(|| no_access_point(id))?)
        }
        _ => {
            let message = "Specify exactly one of FileSystemId, MountTargetId and AccessPointId.";
            return Err(Refusal::new("BadRequest", message));
        }
    };
    let found = all().filter(|(owner, target)| {
        owner.id == system && text(input, "MountTargetId").is_none_or(|id| id == target.id)
    });
    let items = found.map(|(system, target)| mount_target(state, system, target)).collect();
    marked(items, "MountTargets", input)
}

fn mount_target(state: &State, system: &FileSystem, target: &MountTarget) -> Value {
    let hash = blake3::hash(target.id.as_bytes());
    let [first, second, ..] = hash.as_bytes();
    // A subnet is in one zone; which one is read off its id, so that two targets in one subnet agree.
    let zone = usize::from(blake3::hash(target.subnet.as_bytes()).as_bytes()[0] % 3);
    json!({
        "OwnerId": ACCOUNT,
        "MountTargetId": target.id,
        "FileSystemId": system.id,
        "SubnetId": target.subnet,
        "LifeCycleState": target.state,
        "IpAddress": format!("10.0.{first}.{second}"),
        "NetworkInterfaceId": format!("eni-{}", &hash.to_hex()[..17]),
        "AvailabilityZoneId": format!("sim-az{}", zone + 1),
        "AvailabilityZoneName": format!("{}{}", state.region, ["a", "b", "c"][zone]),
    })
}

fn security_groups(state: &State, input: &Value) -> Result<Value, Refusal> {
    let id = text(input, "MountTargetId").unwrap_or_default();
    let mut targets = state.file_systems.values().flat_map(|system| &system.mount_targets);
    let target = targets.find(|target| target.id == id).ok_or_else(|| no_mount_target(id))?;
    Ok(json!({"SecurityGroups": target.security_groups}))
}

fn tags(state: &State, input: &Value) -> Result<Value, Refusal> {
    let id = text(input, "ResourceId").unwrap_or_default();
    let mut points = state.file_systems.values().flat_map(|system| &system.access_points);
    let items = if bare(id).starts_with("fsap-") {
        points.find(|point| point.id == bare(id)).ok_or_else(|| no_access_point(id))?;
        Vec::new()
    } else {
        tag_list(file_system(state, id)?)
    };
    let limit = input.get("MaxResults").and_then(Value::as_u64).unwrap_or(PAGE);
    paged(items, limit, text(input, "NextToken"))
        .map(|(items, next)| answer("Tags", items, "NextToken", next))
}

fn tag_list(system: &FileSystem) -> Vec<Value> {
    system.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// A page by `Marker` and `MaxItems`, as the older operations have it.
fn marked(items: Vec<Value>, name: &str, input: &Value) -> Result<Value, Refusal> {
    let limit = input.get("MaxItems").and_then(Value::as_u64).unwrap_or(PAGE);
    let marker = text(input, "Marker");
    let (items, next) = paged(items, limit, marker)?;
    let mut answer = answer(name, items, "NextMarker", next);
    if let Some(marker) = marker {
        answer["Marker"] = Value::from(marker);
    }
    Ok(answer)
}

fn paged(
    items: Vec<Value>,
    limit: u64,
    token: Option<&str>,
) -> Result<(Vec<Value>, Option<String>), Refusal> {
    let limit = usize::try_from(limit.min(PAGE)).unwrap_or(usize::MAX);
    page(items, limit, token).map_err(|_| Refusal::new("BadRequest", "Invalid pagination token."))
}

fn answer(name: &str, items: Vec<Value>, token_name: &str, token: Option<String>) -> Value {
    let mut answer = json!({name: items});
    if let Some(token) = token {
        answer[token_name] = Value::from(token);
    }
    answer
}

pub(super) fn file_system<'a>(state: &'a State, id: &str) -> Result<&'a FileSystem, Refusal> {
    state.file_systems.get(bare(id)).ok_or_else(|| {
        let message = format!("File system '{}' does not exist.", bare(id));
        Refusal::new("FileSystemNotFound", message).status(404)
    })
}

fn no_access_point(id: &str) -> Refusal {
    let message = format!("Access point '{id}' does not exist.");
    Refusal::new("AccessPointNotFound", message).status(404)
}

fn no_mount_target(id: &str) -> Refusal {
    let message = format!("Mount target '{id}' does not exist.");
    Refusal::new("MountTargetNotFound", message).status(404)
}

pub(super) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

/// An id, when it or its ARN is given.
pub(super) fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

fn token_of(id: &str) -> String {
    format!("created-{id}")
}

fn arn(state: &State, rest: &str) -> String {
    format!("arn:aws:elasticfilesystem:{}:{ACCOUNT}:{rest}", state.region)
}
