//! Stage: the mover lies where the space can fetch it, and beside it the home, packed and sealed, where it travels so.
//!
//! - Changes: uploads our own executable to the staging bucket, named by its SHA-256; and a packed home below the reports.
//! - Receipt: bucket, key, hash and size of the mover; what the packed home consists of.
//! - Twice: an object of that name and size is left as it is; the hook checks the hash before it runs anything. A home that is
//!   packed again uploads only what has changed.
//! - Undo: the packed home is deleted. Other migrations use the same mover; `cleanup` takes it away.

use serde::{Deserialize, Serialize};

use super::{datasync, packing};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, Stuck};
use crate::execute::standing::kind;
use crate::execute::step::Step;
use crate::mover::Totals;
use crate::plan::Route;

/// What stage did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The staging bucket.
    pub bucket: String,
    /// The mover's object key.
    pub key: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What the packed home consists of, where it travels so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<Totals>,
}

/// Uploads the mover unless it is there, and packs the home where it travels so.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    let receipt = upload(cx).await?;
    Ok(Receipt { packed: pack(cx).await?, ..receipt })
}

async fn pack(cx: &Context) -> Result<Option<Totals>, Failure> {
    Ok(match cx.migration.route {
        Route::Packed => Some(packing::push(cx, packing::home(cx).await?).await?.0),
        Route::DataSync => Some(datasync::stage(cx).await?),
        Route::InSpace => None,
    })
}

/// Packs the home once more, unless this very run did: what changed since then would stay behind without a word, and what was
/// staged may be gone. Returns what it consists of now; `None` where what the step's receipt says still holds.
pub(super) async fn refresh(cx: &Context) -> Result<Option<Totals>, Failure> {
    if cx.migration.route == Route::InSpace || was_by_this_run(cx)? {
        return Ok(None);
    }
    if cx.migration.route == Route::DataSync {
        datasync::forget(cx)?;
    }
    pack(cx).await
}

fn was_by_this_run(cx: &Context) -> Result<bool, Failure> {
    let events = cx.journal.events_of(cx.id())?;
    let staged = events.iter().rev().find(|event| {
        event.kind == kind::FINISHED && event.step.as_deref() == Some(Step::Stage.name())
    });
    Ok(staged.is_some_and(|event| event.operation == Some(cx.operation)))
}

/// Uploads the mover unless it is there.
pub(super) async fn upload(cx: &Context) -> Result<Receipt, Failure> {
    let bucket = cx.plan.staging_bucket();
    let key = cx.tools.key(&cx.plan.playbook.staging.prefix);
    if cx.account.object_size(&bucket, &key).await? != Some(cx.tools.bytes) {
        cx.account.put_file(&bucket, &key, &cx.tools.mover).await?;
    }
    Ok(Receipt {
        bucket,
        key,
        sha256: cx.tools.sha256.clone(),
        bytes: cx.tools.bytes,
        packed: None,
    })
}

/// Deletes the packed home, and leaves the mover where it is: other migrations use it too.
pub async fn undo(cx: &Context, receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    if cx.migration.route == Route::DataSync {
        let taken_back = async {
            // Whoever goes on after a kill finds nothing, and must not take it for sealed.
            datasync::forget(cx)?;
            datasync::take_away(cx).await
        };
        taken_back.await.map_err(|failure| {
            Stuck::over(failure, "what DataSync wrote of the home (datasync.bucket)")
        })?;
    }
    // An earlier plan may have had it travel packed.
    let was_packed = receipt.is_some_and(|receipt| receipt.packed.is_some());
    if cx.migration.route != Route::InSpace || was_packed {
        packing::take_away(cx).await.map_err(|failure| {
            Stuck::over(
                failure,
                format!("s3://{}/{}/", cx.plan.staging_bucket(), packing::prefix(cx)),
            )
        })?;
    }
    Ok(Vec::new())
}
