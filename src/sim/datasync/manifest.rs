//! Manifests: a CSV object that lists what to transfer, one file a line, by its path from the source location (DataSync User
//! Guide, "Transferring specific files or objects by using a manifest").

use serde_json::Value;

use crate::sim::World;
use crate::sim::bucket::Direct;

use super::access;
use super::ask::bucket_in;
use super::records::{Failure, Problem, Step};
use super::source::{Found, Item, Source};

/// Lists what a manifest names.
///
/// # Errors
///
/// The manifest is not there, DataSync may not read it, or it is no CSV. How AWS calls these is inferred.
pub(super) fn list(world: &World, config: &Value, source: &Source) -> Result<Found, Problem> {
    let mut found = Found::default();
    for path in paths(world, &config["Source"]["S3"])? {
        let path = format!("/{}", path.trim_start_matches('/'));
        let failed = |problem: Problem| {
            let (path, is_folder, step) = (path.clone(), false, Step::Prepare);
            Failure { path, is_folder, step, problem }
        };
        if path.split('/').any(|part| part == "..") {
            found.failures.push(failed(Problem::new("FileNotAtSource", "The path leads upwards")));
            continue;
        }
        match source.look(&path) {
            // A folder cannot be specified alone, and one that is named is not transferred with its contents.
            Ok(Item { kind: super::source::Kind::Folder, .. }) => {
                let problem = Problem::new("FolderInManifest", "A manifest lists files alone");
                found.failures.push(failed(problem));
            }
            Ok(item) => found.items.push(item),
            Err(problem) => found.failures.push(failed(problem)),
        }
    }
    Ok(found)
}

fn paths(world: &World, place: &Value) -> Result<Vec<String>, Problem> {
    let text = |name: &str| place[name].as_str().unwrap_or_default();
    let failed = |detail: String| Problem::new("ManifestUnreadable", detail);
    let (key, role) = (text("ManifestObjectPath"), text("BucketAccessRoleArn"));
    let bucket = bucket_in(text("S3BucketArn")).map_err(|refusal| failed(refusal.message))?;
    let resource = format!("arn:aws:s3:::{bucket}/{key}");
    if !world.read(|state| access::may(state, role, "s3:GetObject", &resource)) {
        return Err(failed(format!("{role} may not perform s3:GetObject on {resource}")));
    }
    let opened = Direct::new(world).open(bucket, key);
    let opened = opened.map_err(|error| failed(error.to_string()))?;
    let (_, file) = opened.ok_or_else(|| failed(format!("{resource} is not found")))?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut paths = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| failed(error.to_string()))?;
        // What comes after a comma is the version of an object, which a file has not.
        if let Some(path) = record.get(0).filter(|path| !path.is_empty()) {
            paths.push(path.to_owned());
        }
    }
    Ok(paths)
}
