//! Verify: every selected file of the home is proven to be on an EBS volume of a space that the person owns.
//!
//! - Changes: nothing in the account; the manifest is kept beside the journal.
//! - Receipt: the digest that both sides share, the numbers, the evidence, and what was not copied by name.
//! - Twice: it only reads.
//! - Undo: nothing to undo.
//!
//! The proof has four parts. The manifest is the one that the done-marker names, by hash. Its own entries, hashed as the
//! source was read, sum up to the source's root digest. What was read back from the destination afterwards has the same digest.
//! And the space says that its home is a block device and no network file system.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::copying;
use super::hydrate::PACKED;
use super::keeping;
use super::packing;
use super::provision::is_whose_it_should_be;
use super::transfer_report;
use crate::execute::context::Context;
use crate::execute::failure::{Failure, Stuck, chain};
use crate::execute::standing::kind;
use crate::execute::step::Step;
use crate::execute::unread::unread_words;
use crate::mover::{Done, Evidence, Totals, key, manifest, packed_manifest};
use crate::plan::Route;

/// The largest manifest that is read into memory, compressed: some ten million entries.
const LARGEST_MANIFEST: u64 = 1 << 30;

/// Entries not copied that a receipt lists by name; the manifest has them all.
const NAMED: usize = 200;

/// The proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What was selected, and is there: the same at the source and at the destination.
    pub totals: Totals,
    /// What tells that the home is on EBS.
    pub evidence: Evidence,
    /// How many entries were not copied, by reason class.
    pub not_copied: BTreeMap<String, u64>,
    /// The first of them by name: path and reason.
    pub not_copied_named: Vec<(String, String)>,
    /// The manifest's object key; the object is sealed.
    pub manifest: String,
    /// The same manifest, open, kept beside the journal: the proof outlives the bucket.
    pub manifest_file: PathBuf,
    /// Its BLAKE3.
    pub manifest_blake3: String,
    /// The manifest of a home that was packed, kept beside the other one: it lists what was left out then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_where_packed: Option<PathBuf>,
    /// Its BLAKE3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_where_packed_blake3: Option<String>,
}

/// Checks the proof; any doubt is a failure.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    let Some(done) = copying::done(cx).await? else {
        return Err(Failure::new("the done-marker is gone from the staging bucket")
            .hinted("roll this person back and run again: the copy is then proven anew"));
    };
    if let Some(error) = &done.error {
        return Err(Failure::of_files(format!("the copy failed: {error}"), "the copy failed"));
    }
    let stored = manifest(cx, &done).await?;
    let (totals, mut not_copied_named) = read(&stored)?;
    let mut not_copied = done.not_copied.clone();
    check_totals(&totals, &done)?;
    check_packed(cx, &totals)?;
    check_place(&done.evidence)?;
    check_owner(cx).await?;
    let manifest_file = keep(keeping::place(cx.journal.path(), &cx.migration), &stored)?;
    let packed = match cx.migration.route {
        Route::InSpace => None,
        Route::Packed | Route::DataSync => {
            let file = keeping::place_of_packed(cx.journal.path(), &cx.migration);
            Some(left_where_packed(cx, file, &mut not_copied, &mut not_copied_named).await?)
        }
    };
    left_by_datasync(cx, &mut not_copied, &mut not_copied_named)?;
    if let Some(unread) = unread_words(&not_copied, &not_copied_named, &cx.migration.name()) {
        cx.remark(unread);
    }
    Ok(Receipt {
        totals,
        evidence: done.evidence,
        not_copied,
        not_copied_named,
        left_where_packed_blake3: packed.as_ref().map(|(_, hash)| hash.clone()),
        left_where_packed: packed.map(|(file, _)| file),
        manifest: format!("{}/{}", cx.migration.reports, key::MANIFEST),
        manifest_file,
        manifest_blake3: done.manifest_blake3,
    })
}

/// Returns the manifest of what has arrived, open, and the first entries that it does not list as copied: it is proven to be what
/// was packed, on a volume of a space that the person owns.
pub(super) async fn arrived(
    cx: &Context,
    done: &Done,
    packed: &Totals,
) -> Result<(Vec<u8>, Vec<(String, String)>), Failure> {
    let stored = manifest(cx, done).await?;
    let (totals, named) = read(&stored)?;
    check_totals(&totals, done)?;
    check_same(packed, &totals)?;
    check_place(&done.evidence)?;
    check_owner(cx).await?;
    Ok((stored, named))
}

/// Fetches the manifest, which has to be the one that the mover named.
async fn manifest(cx: &Context, done: &Done) -> Result<Vec<u8>, Failure> {
    let Some(sealed) = copying::report(cx, key::MANIFEST, LARGEST_MANIFEST).await? else {
        return Err(doubt("the manifest is gone from the staging bucket"));
    };
    let stored =
        cx.key()?.open(key::MANIFEST, &sealed).map_err(|broken| doubt(&broken.to_string()))?;
    if blake3::hash(&stored).to_hex().as_str() != done.manifest_blake3 {
        return Err(doubt("the manifest is not the one that the mover wrote"));
    }
    Ok(stored)
}

/// Adds what was not even packed, of which the space knows nothing, and keeps the list of it; returns where, and its hash.
pub(super) async fn left_where_packed(
    cx: &Context,
    file: PathBuf,
    not_copied: &mut BTreeMap<String, u64>,
    named: &mut Vec<(String, String)>,
) -> Result<(PathBuf, String), Failure> {
    let (bucket, prefix) = (cx.plan.staging_bucket(), packing::prefix(cx));
    let manifest = packed_manifest(&cx.account, &bucket, &prefix, Some(cx.key()?)).await;
    let manifest = manifest
        .map_err(|error| doubt(&format!("what was packed cannot be looked at: {}", chain(&error))))?
        // A cleanup takes it away in time; what was kept of it then stays.
        .or_else(|| std::fs::read(&file).ok())
        .ok_or_else(|| doubt("what was packed is gone from the staging bucket"))?;
    let unreadable = |error: &dyn std::error::Error| {
        doubt(&format!("the list of what was packed cannot be read: {}", chain(error)))
    };
    for entry in manifest::read(manifest.as_slice()).map_err(|error| unreadable(&error))? {
        let entry = entry.map_err(|error| unreadable(&error))?;
        let (Some(skip), Some((path, reason))) = (&entry.skip, entry.not_copied()) else {
            continue;
        };
        *not_copied.entry(skip.class.word().to_owned()).or_default() += 1;
        if named.len() < NAMED {
            named.push((path, reason));
        }
    }
    let hash = blake3::hash(&manifest).to_hex().to_string();
    Ok((keep(file, &manifest)?, hash))
}

/// Adds what DataSync did not take, of which nobody after it knows anything.
fn left_by_datasync(
    cx: &Context,
    not_copied: &mut BTreeMap<String, u64>,
    named: &mut Vec<(String, String)>,
) -> Result<(), Failure> {
    if cx.migration.route != Route::DataSync {
        return Ok(());
    }
    let (count, some) = transfer_report::left(&cx.journal.events_of(cx.id())?);
    if count > 0 {
        *not_copied.entry("datasync".to_owned()).or_default() += count;
    }
    named.extend(some.into_iter().take(NAMED.saturating_sub(named.len())));
    Ok(())
}

/// Keeps a manifest beside the journal.
pub(super) fn keep(file: PathBuf, manifest: &[u8]) -> Result<PathBuf, Failure> {
    keeping::keep(&file, manifest).map_err(|error| {
        let what = format!("{} cannot be written: {error}", file.display());
        Failure::of_files(what, format!("the manifest cannot be written: {error}"))
            .hinted("the proof is kept beside the journal: make room there")
    })?;
    Ok(file)
}

/// Sums the manifest up anew, and names what was not copied.
fn read(stored: &[u8]) -> Result<(Totals, Vec<(String, String)>), Failure> {
    let unreadable = |error: &dyn std::error::Error| {
        let what = "the manifest cannot be read";
        Failure {
            without_names: Some(what.to_owned()),
            ..doubt(&format!("{what}: {}", chain(error)))
        }
    };
    let entries = manifest::read(stored).map_err(|error| unreadable(&error))?;
    let mut summing = manifest::Summing::default();
    let mut named = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(&error))?;
        if let Some((path, reason)) = entry.not_copied()
            && named.len() < NAMED
        {
            named.push((path, reason));
        }
        summing.add(&entry);
    }
    Ok((summing.totals(), named))
}

fn check_totals(manifest: &Totals, done: &Done) -> Result<(), Failure> {
    if *manifest != done.source {
        return Err(doubt("the manifest's entries do not sum up to what the mover said it read"));
    }
    if done.destination != done.source {
        return Err(doubt(&format!(
            "what was read back from the volume differs from the home: {} files of {}, digest {} instead of {}",
            done.destination.files, done.source.files, done.destination.digest, done.source.digest
        )));
    }
    Ok(())
}

/// The `df` trick: a block device is EBS, an NFS mount is the old home.
fn check_place(evidence: &Evidence) -> Result<(), Failure> {
    let is_block_device = evidence.device.starts_with("/dev/nvme");
    let is_network = evidence.fstype.starts_with("nfs") || evidence.device.contains(":/");
    if is_block_device && !is_network {
        return Ok(());
    }
    Err(doubt(&format!(
        "the space's home is on {} ({}), which is no EBS volume",
        evidence.device, evidence.fstype
    )))
}

async fn check_owner(cx: &Context) -> Result<(), Failure> {
    let space = cx.account.space(&cx.migration.domain, &cx.migration.space).await?;
    if is_whose_it_should_be(cx, &space) {
        return Ok(());
    }
    if space.owner.as_ref() != Some(&cx.migration.profile) {
        return Err(doubt(&format!(
            "space {} is not owned by {}",
            cx.migration.space, cx.migration.profile
        )));
    }
    let what = if cx.migration.shared.is_some() { "a shared" } else { "a private" };
    Err(doubt(&format!(
        "space {} is not {what} space of {}",
        cx.migration.space, cx.migration.profile
    )))
}

/// What arrived of a packed home must be what was packed.
fn check_packed(cx: &Context, arrived: &Totals) -> Result<(), Failure> {
    if cx.migration.route == Route::InSpace {
        return Ok(());
    }
    let events = cx.journal.events_of(cx.id())?;
    let packed = events.iter().rev().find_map(|event| {
        let is_stage = event.step.as_deref() == Some(Step::Stage.name());
        let said = match event.kind.as_str() {
            PACKED => &event.detail,
            kind::FINISHED if is_stage => event.detail.get("packed")?,
            _ => return None,
        };
        serde_json::from_value::<Totals>(said.clone()).ok()
    });
    match packed {
        Some(packed) => check_same(&packed, arrived),
        None => Err(doubt("the journal does not say what was packed")),
    }
}

fn check_same(packed: &Totals, arrived: &Totals) -> Result<(), Failure> {
    if packed == arrived {
        return Ok(());
    }
    Err(doubt(&format!(
        "what arrived is not what was packed: {} files of {}, digest {} instead of {}",
        arrived.files, packed.files, arrived.digest, packed.digest
    )))
}

fn doubt(what: &str) -> Failure {
    Failure::new(what).hinted("nothing was flipped; roll this person back and run again")
}

/// Leaves everything as it is: verify changes nothing.
pub async fn undo(_cx: &Context, _receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(device: &str, fstype: &str) -> Evidence {
        Evidence { device: device.to_owned(), fstype: fstype.to_owned(), ..Evidence::default() }
    }

    #[test]
    fn only_a_block_device_counts_as_ebs() {
        assert!(check_place(&on("/dev/nvme1n1", "ext4")).is_ok());
        assert!(check_place(&on("127.0.0.1:/", "nfs4")).is_err());
        assert!(check_place(&on("overlay", "overlay")).is_err());
        assert!(check_place(&on("", "")).is_err());
    }
}
