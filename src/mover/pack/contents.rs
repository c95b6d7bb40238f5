//! `packed.json`: what a packed home consists of. It is written last, and replaced as a whole by the next push.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::path::unescape;
use super::super::ticket::Totals;
use super::error::TransferError;

const SCHEMA: u32 = 1;
const KIND: &str = "studio-migrate-packed";

/// The name of it below the prefix.
pub(in super::super) const NAME: &str = "packed.json";

/// The name under which the manifest of a sealed home is sealed.
pub(in super::super) const MANIFEST: &str = "manifest";

/// Nothing of ours is near it; a larger one is an attack on memory.
pub(in super::super) const LARGEST: u64 = 256 << 20;

/// A packed home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Contents {
    pub(in super::super) schema: u32,
    pub(in super::super) kind: String,
    pub(in super::super) version: String,
    /// What is in it, with the root digest.
    pub(in super::super) totals: Totals,
    /// What is not, by reason class.
    pub(in super::super) not_copied: BTreeMap<String, u64>,
    /// The whole manifest.
    pub(in super::super) manifest: Object,
    /// Its shards, in byte order of their paths.
    pub(in super::super) shards: Vec<ShardOf>,
}

/// What tells it from anybody's JSON.
#[derive(Deserialize)]
struct Head {
    schema: u32,
    kind: String,
}

/// An object and what it has to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Object {
    /// Its key below the prefix.
    pub(in super::super) key: String,
    /// Its bytes.
    pub(in super::super) bytes: u64,
    /// BLAKE3 of it.
    pub(in super::super) blake3: String,
}

/// A shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct ShardOf {
    pub(in super::super) name: String,
    /// Its bytes as stored.
    pub(in super::super) bytes: u64,
    /// Its bytes of tar.
    pub(in super::super) tar_bytes: u64,
    /// Its entries.
    pub(in super::super) entries: u64,
    /// Its first and its last path, escaped.
    pub(in super::super) first: String,
    pub(in super::super) last: String,
    /// BLAKE3 of its index as stored.
    pub(in super::super) index_blake3: String,
}

impl ShardOf {
    /// Tells whether anything that is `path`, or lies below it, may be in the shard.
    pub(in super::super) fn may_hold(&self, path: &[u8]) -> bool {
        let (Ok(first), Ok(last)) = (unescape(&self.first), unescape(&self.last)) else {
            return true;
        };
        // Below it are only paths up to `path/` followed by anything, and `0` comes after `/`.
        let beyond = [path, b"0"].concat();
        first < beyond && last.as_slice() >= path
    }
}

impl Contents {
    pub(super) fn new(
        totals: Totals,
        not_copied: BTreeMap<String, u64>,
        manifest: Object,
        shards: Vec<ShardOf>,
    ) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self {
            schema: SCHEMA,
            kind: KIND.to_owned(),
            version,
            totals,
            not_copied,
            manifest,
            shards,
        }
    }

    /// Reads it as it is stored under a key; none when this is somebody's file that happens to have its name.
    pub(in super::super) fn read(key: &str, stored: &[u8]) -> Result<Option<Self>, TransferError> {
        let head: Option<Head> = serde_json::from_slice(stored).ok();
        let Some(head) = head.filter(|head| head.kind == KIND) else { return Ok(None) };
        if head.schema != SCHEMA {
            let why = format!("it is of schema {}, and this program knows {SCHEMA}", head.schema);
            return Err(TransferError::unsound(key, why));
        }
        let contents: Self =
            serde_json::from_slice(stored).map_err(|error| TransferError::unsound(key, error))?;
        // Names become keys.
        let is_name =
            |name: &str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        match contents.shards.iter().find(|shard| !is_name(&shard.name)) {
            Some(shard) => {
                Err(TransferError::unsound(key, format!("`{}` is no shard", shard.name)))
            }
            None => Ok(Some(contents)),
        }
    }
}

/// Returns the key of something below a prefix.
pub(in super::super) fn below(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") }
}

/// Tells whether a key, relative to the prefix, is that of a shard or of its index.
pub(in super::super) fn is_of_a_shard(key: &str) -> bool {
    let name = key
        .strip_prefix("shards/")
        .and_then(|name| name.strip_suffix(".tar.zst").or_else(|| name.strip_suffix(".jsonl.zst")));
    name.is_some_and(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Returns the key of a shard.
pub(in super::super) fn shard_key(prefix: &str, name: &str) -> String {
    below(prefix, &format!("shards/{name}.tar.zst"))
}

/// Returns the key of a shard's index.
pub(in super::super) fn index_key(prefix: &str, name: &str) -> String {
    below(prefix, &format!("shards/{name}.jsonl.zst"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_same_name_is_no_packed_home_and_a_later_schema_is_refused() {
        for text in ["", "not JSON", "[]", r#"{"schema":1,"kind":"package"}"#] {
            assert!(Contents::read("k", text.as_bytes()).unwrap().is_none(), "{text}");
        }
        let later = Contents::read("k", br#"{"schema":2,"kind":"studio-migrate-packed"}"#);
        assert!(later.unwrap_err().to_string().contains("schema 2"));
    }

    #[test]
    fn only_shards_that_may_hold_a_path_are_looked_into() {
        let shard = |first: &str, last: &str| ShardOf {
            first: first.to_owned(),
            last: last.to_owned(),
            ..ShardOf::default()
        };
        assert!(shard("a", "a/b").may_hold(b"a"));
        assert!(shard("a/x", "a/z").may_hold(b"a"));
        assert!(shard("a/x", "b").may_hold(b"a/y"));
        assert!(!shard("b", "c").may_hold(b"a"));
        assert!(!shard("a/x", "a/z").may_hold(b"a/w"));
        assert!(!shard("a0", "b").may_hold(b"a"));
    }
}
