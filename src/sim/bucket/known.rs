//! What is known about objects and buckets, and the conditions that a client may put on them.

use std::collections::BTreeMap;

use s3s::dto::{CORSRule, ETagCondition};
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::ACCOUNT;
use super::sums::Sums;

/// What is known about an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    /// The key.
    pub(super) key: String,
    /// The name of the file that holds the bytes, beside this one.
    pub(super) file: String,
    /// Bytes.
    pub(super) size: u64,
    /// The entity tag, without quotes.
    pub(super) etag: String,
    /// Seconds since the epoch.
    pub(super) modified: f64,
    /// The media type.
    pub(super) content_type: Option<String>,
    /// The content encoding.
    pub(super) content_encoding: Option<String>,
    /// `x-amz-meta-…`, names in lower case.
    pub(super) metadata: BTreeMap<String, String>,
    /// Checksums.
    pub(super) sums: Sums,
    /// Whether the checksums are over parts' checksums.
    pub(super) composite: bool,
}

/// What is known about a bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Bucket {
    /// Seconds since the epoch.
    pub(super) created: f64,
    /// Its policy, JSON.
    pub(super) policy: Option<String>,
    /// Its rules for other origins.
    pub(super) cors: Option<Vec<CORSRule>>,
    /// Whose it is and how it keeps what is in it, as the world was described.
    #[serde(flatten)]
    pub(super) kept: Kept,
}

/// Whose a bucket is, and how it keeps what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// The account that owns it; one that is not the world's own lets nobody in.
    pub owner: String,
    /// Whether all four blocks of public access are on.
    pub blocks_public_access: bool,
    /// Whether it keeps earlier versions of objects. Only that it does is told: the simulator keeps none.
    pub is_versioned: bool,
    /// The key of `aws:kms`; without one it is `AES256`.
    pub kms_key: Option<String>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            owner: ACCOUNT.to_owned(),
            blocks_public_access: true,
            is_versioned: false,
            kms_key: None,
        }
    }
}

/// The conditions of a write.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct When<'a> {
    /// `If-Match`.
    pub(super) matches: Option<&'a ETagCondition>,
    /// `If-None-Match`.
    pub(super) differs: Option<&'a ETagCondition>,
}

impl When<'_> {
    /// Checks the conditions of a write against what is there now.
    pub(super) fn check(&self, now: Option<&Known>) -> S3Result<()> {
        if let Some(condition) = self.matches {
            let Some(now) = now else {
                return Err(s3_error!(NoSuchKey, "The specified key does not exist."));
            };
            if !meets(condition, now) {
                return Err(failed());
            }
        }
        match (self.differs, now) {
            (Some(condition), Some(now)) if meets(condition, now) => Err(failed()),
            _ => Ok(()),
        }
    }
}

/// Tells whether an object is the one that a condition names.
pub(super) fn meets(condition: &ETagCondition, now: &Known) -> bool {
    condition.is_any() || condition.as_etag().is_some_and(|etag| etag.value() == now.etag)
}

/// The refusal of a condition that does not hold.
pub(super) fn failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}
