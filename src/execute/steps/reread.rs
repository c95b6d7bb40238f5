//! Reading a home again that was moved: the space is started once more, with a hook that only reads.
//!
//! - Changes: what hydrate changes, and puts all of it back; its reports lie below those of the copy, and go.
//! - Twice: whatever an earlier try left is ours by name and tag, and is taken away before anything begins.
//! - Refuses where an app of the owner's runs in the space: it is never stopped, and two apps there cannot be.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

use super::hydrate::{attach, tidy};
use super::provision::others_apps;
use super::{copying, keeping, packing, stage};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, FailureKind};
use crate::execute::hook::Pass;
use crate::execute::step::Step;
use crate::mover::{Reread, key};

/// The kind of event that says what reading again came to. It is no part of a standing.
pub const REREAD: &str = "reread";

/// What of the receipt of verify is needed.
#[derive(Deserialize)]
struct Proven {
    manifest_file: PathBuf,
    manifest_blake3: String,
}

/// Reads every byte of a home that was proven before, and says what became of it. Leaves nothing of ours behind.
pub async fn perform(cx: &Context) -> Result<Reread, Failure> {
    let mut inner = cx.clone();
    inner.migration.reports = format!("{}/reread", cx.migration.reports);
    let cx = &inner;
    if let Some(app) = others_apps(cx).await?.first() {
        return Err(Failure::new(format!(
            "{}/{} runs in space {}, and belongs to its owner",
            app.app_type, app.name, cx.migration.space
        ))
        .hinted("let them stop it, then verify again"));
    }
    let read = match tidy(cx).await {
        Ok(_) => read(cx).await,
        Err(failure) => Err(failure),
    };
    // Credentials or the journal are gone: the next one takes away what is left.
    if let Err(failure) = &read
        && !matches!(failure.kind, FailureKind::Step | FailureKind::Halted)
    {
        return read;
    }
    let tidied = take_away(cx).await;
    let read = read?;
    tidied?;
    cx.record(Step::Verify, REREAD, json!(read))?;
    Ok(read)
}

async fn read(cx: &Context) -> Result<Reread, Failure> {
    let proven = proven(cx)?;
    let manifest = kept(cx, &proven)?;
    forget(cx).await?;
    stage::upload(cx).await?;
    let (bucket, at) =
        (cx.plan.staging_bucket(), format!("{}/{}", cx.migration.reports, key::MANIFEST));
    let sealed = cx.key()?.seal(key::MANIFEST, &manifest);
    cx.account.put_bytes(&bucket, &at, sealed).await?;
    let attempt = cx.standing()?.attempt(Step::Hydrate);
    let pass = Pass { rereads: Some(proven.manifest_blake3), ..Pass::first(attempt) };
    attach(cx, pass).await?;
    let done = copying::run(cx).await?;
    match (done.error, done.reread) {
        (None, Some(read)) => Ok(read),
        (Some(error), _) => {
            let what = "the home could not be read again";
            Err(Failure::of_files(format!("{what}: {error}"), what))
        }
        (None, None) => Err(Failure::new("the mover did not read the home again")),
    }
}

/// Returns the manifest that was proven, which is kept beside the journal.
fn kept(cx: &Context, proven: &Proven) -> Result<Vec<u8>, Failure> {
    let beside = keeping::place(cx.journal.path(), &cx.migration);
    let file = keeping::found(beside, Some(proven.manifest_file.clone()));
    let manifest = std::fs::read(&file).ok();
    let is_it =
        |manifest: &Vec<u8>| blake3::hash(manifest).to_hex().as_str() == proven.manifest_blake3;
    manifest.filter(is_it).ok_or_else(|| {
        Failure::new(format!("{} is not the manifest that was proven", file.display()))
            .hinted("bring back the folder `manifests` beside the journal")
    })
}

/// Tells whether the proof is kept beside the journal, and the mover's word is gone from the bucket, as a cleanup leaves it.
///
/// # Errors
/// The bucket cannot be looked at, or what is there is no word of this mover's.
pub async fn is_kept_alone(cx: &Context) -> Result<bool, Failure> {
    Ok(copying::done(cx).await?.is_none() && kept(cx, &proven(cx)?).is_ok())
}

fn proven(cx: &Context) -> Result<Proven, Failure> {
    let standing = cx.standing()?;
    let receipt = standing.receipt(Step::Verify).cloned().unwrap_or_default();
    serde_json::from_value(receipt).map_err(|_| {
        Failure::new("the copy was not proven yet, so there is nothing to compare with")
    })
}

async fn take_away(cx: &Context) -> Result<(), Failure> {
    tidy(cx).await?;
    forget(cx).await
}

/// Deletes the reports of reading again.
async fn forget(cx: &Context) -> Result<(), Failure> {
    packing::delete_below(cx, &cx.plan.staging_bucket(), &cx.migration.reports).await
}
