//! Stage: the mover lies where the space can fetch it.
//!
//! - Changes: uploads our own executable to the staging bucket, named by its SHA-256.
//! - Receipt: bucket, key, hash and size.
//! - Twice: an object of that name and size is left as it is; the hook checks the hash before it runs anything.
//! - Undo: nothing. Other migrations use the same object; `cleanup` takes it away.

use serde::{Deserialize, Serialize};

use crate::execute::context::Context;
use crate::execute::failure::{Failure, Stuck};

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
}

/// Uploads the mover unless it is there.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    let bucket = cx.plan.staging_bucket();
    let key = cx.tools.key(&cx.plan.playbook.staging.prefix);
    if cx.account.object_size(&bucket, &key).await? != Some(cx.tools.bytes) {
        cx.account.put_file(&bucket, &key, &cx.tools.mover).await?;
    }
    Ok(Receipt { bucket, key, sha256: cx.tools.sha256.clone(), bytes: cx.tools.bytes })
}

/// Leaves the mover where it is: other migrations use it too.
pub async fn undo(_cx: &Context, _receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    Ok(Vec::new())
}
