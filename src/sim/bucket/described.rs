//! Buckets as the description of a world has them.

use std::io;
use std::path::Path;

use s3s::dto::CORSRule;
use serde::{Deserialize, Serialize};

use super::known::Kept;
use super::store::{make_kept, put_earlier};

/// The most bytes that an object of a description is given on the disk.
const MOST: u64 = 1 << 20;

/// A bucket to make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketSpec {
    /// Its name.
    pub name: String,
    /// Its policy, JSON.
    pub policy: Option<String>,
    /// Its rules for other origins.
    pub cors: Vec<CorsText>,
    /// Whose it is, and how it keeps what is in it.
    pub kept: Kept,
    /// What is in it.
    pub objects: Vec<ObjectText>,
}

/// Which pages of a browser may call a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsText {
    /// Origins, `*` being wild.
    pub origins: Vec<String>,
    /// HTTP methods.
    pub methods: Vec<String>,
    /// Request headers, `*` being wild.
    pub headers: Vec<String>,
}

/// An object to put. No more than a mebibyte of it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObjectText {
    /// Its key.
    pub key: String,
    /// Bytes.
    pub bytes: u64,
    /// How many days ago it was written.
    pub days_ago: u32,
}

impl BucketSpec {
    /// Makes the bucket below the folder of a world.
    pub fn make(&self, world: &Path) -> io::Result<()> {
        make_kept(world, &self.name, |bucket| {
            bucket.policy.clone_from(&self.policy);
            bucket.kept = self.kept.clone();
            let rules: Vec<_> = self.cors.iter().map(CorsText::rule).collect();
            bucket.cors = (!rules.is_empty()).then_some(rules);
        })?;
        for object in &self.objects {
            let bytes = usize::try_from(object.bytes.min(MOST)).unwrap_or_default();
            let days = f64::from(object.days_ago);
            put_earlier(world, &self.name, &object.key, &vec![b'.'; bytes], days)?;
        }
        Ok(())
    }
}

impl CorsText {
    fn rule(&self) -> CORSRule {
        CORSRule {
            allowed_origins: self.origins.clone(),
            allowed_methods: self.methods.clone(),
            allowed_headers: (!self.headers.is_empty()).then(|| self.headers.clone()),
            expose_headers: None,
            id: None,
            max_age_seconds: None,
        }
    }
}
