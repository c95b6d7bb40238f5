//! Listings: in the order of the keys' UTF-8 bytes, page by page, folded at a delimiter.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use s3s::dto::{
    ChecksumAlgorithm, CommonPrefix, ETag, EncodingType, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass, Owner,
};
use s3s::{S3Result, s3_error};

use super::known::Known;
use super::objects::{checksum_type, size, timestamp};
use super::{ACCOUNT, Front};

/// The most keys in a page.
const PAGE: usize = 1000;

/// What S3 leaves as it is when keys are asked for in URL encoding.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'/').remove(b'*');

/// One entry of a page.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// An object.
    Object(Arc<Known>),
    /// Keys that share everything up to a delimiter.
    Prefix(String),
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// The last key or prefix, when there is more.
    pub(super) next: Option<String>,
}

/// Takes the page after a key or folded prefix.
pub(super) fn page(
    objects: &BTreeMap<String, Arc<Known>>,
    prefix: &str,
    delimiter: &str,
    after: &str,
    most: usize,
) -> Page {
    let mut page = Page::default();
    if most == 0 {
        return page;
    }
    let mut last = String::new();
    for (key, known) in objects.range(after.to_owned()..) {
        if key.as_str() == after && !after.is_empty() {
            continue;
        }
        let Some(rest) = key.strip_prefix(prefix) else {
            if key.as_str() > prefix {
                break;
            }
            continue;
        };
        let folded = match rest.find(delimiter) {
            Some(position) if !delimiter.is_empty() => {
                Some(format!("{prefix}{}", rest.get(..position + delimiter.len()).unwrap_or(rest)))
            }
            _ => None,
        };
        // A prefix is told once; when the page before ended with it, its keys are done.
        if folded.as_ref().is_some_and(|folded| *folded == last || folded == after) {
            continue;
        }
        if page.entries.len() == most {
            page.next = Some(last);
            return page;
        }
        last = folded.clone().unwrap_or_else(|| key.clone());
        page.entries.push(folded.map_or_else(|| Entry::Object(Arc::clone(known)), Entry::Prefix));
    }
    page
}

impl Front {
    pub(super) async fn list(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        self.store.bucket(&input.bucket)?;
        let most = most(input.max_keys)?;
        let after = match &input.continuation_token {
            Some(token) => read_token(token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let page = self.page(&input.bucket, prefix, delimiter, after, most).await?;
        let write = writer(input.encoding_type.as_ref());
        let owner = input.fetch_owner.unwrap_or(false);
        let count = page.entries.len();
        let (contents, common_prefixes) = split(page.entries, write, owner);
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(write(&input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.as_deref().map(write),
            start_after: input.start_after.as_deref().map(write),
            encoding_type: input.encoding_type,
            max_keys: Some(i32::try_from(most).unwrap_or(i32::MAX)),
            key_count: Some(i32::try_from(count).unwrap_or(i32::MAX)),
            is_truncated: Some(page.next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: page.next.map(|key| URL_SAFE_NO_PAD.encode(key)),
            contents: (!contents.is_empty()).then_some(contents),
            common_prefixes: (!common_prefixes.is_empty()).then_some(common_prefixes),
            ..ListObjectsV2Output::default()
        })
    }

    pub(super) async fn list_old(&self, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
        self.store.bucket(&input.bucket)?;
        let most = most(input.max_keys)?;
        let after = input.marker.clone().unwrap_or_default();
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let page = self.page(&input.bucket, prefix, delimiter, after, most).await?;
        let write = writer(input.encoding_type.as_ref());
        let (contents, common_prefixes) = split(page.entries, write, true);
        Ok(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(write(&input.prefix.unwrap_or_default())),
            marker: Some(write(&input.marker.unwrap_or_default())),
            // S3 names the next marker only when there is a delimiter.
            next_marker: input.delimiter.as_ref().and(page.next.as_deref().map(write)),
            delimiter: input.delimiter.as_deref().map(write),
            encoding_type: input.encoding_type,
            max_keys: Some(i32::try_from(most).unwrap_or(i32::MAX)),
            is_truncated: Some(page.next.is_some()),
            contents: (!contents.is_empty()).then_some(contents),
            common_prefixes: (!common_prefixes.is_empty()).then_some(common_prefixes),
            ..ListObjectsOutput::default()
        })
    }

    async fn page(
        &self,
        bucket: &str,
        prefix: String,
        delimiter: String,
        after: String,
        most: usize,
    ) -> S3Result<Page> {
        let store = Arc::clone(&self.store);
        let bucket = bucket.to_owned();
        tokio::task::spawn_blocking(move || {
            Ok(page(&store.objects(&bucket)?, &prefix, &delimiter, &after, most))
        })
        .await
        .map_err(|error| super::store::broken(std::io::Error::other(error)))?
    }
}

fn most(asked: Option<i32>) -> S3Result<usize> {
    let Some(asked) = asked else { return Ok(PAGE) };
    match usize::try_from(asked) {
        Ok(asked) => Ok(asked.min(PAGE)),
        Err(_) => Err(s3_error!(
            InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647"
        )),
    }
}

fn read_token(token: &str) -> S3Result<String> {
    let key = URL_SAFE_NO_PAD.decode(token).ok().and_then(|key| String::from_utf8(key).ok());
    key.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

/// Returns how keys are written: as they are, or in URL encoding when that is asked for.
pub(super) fn writer(encoding: Option<&EncodingType>) -> fn(&str) -> String {
    match encoding {
        Some(encoding) if encoding.as_str() == EncodingType::URL => encoded,
        _ => str::to_owned,
    }
}

fn encoded(key: &str) -> String {
    percent_encode(key.as_bytes(), KEPT).to_string().replace("%20", "+")
}

fn split(
    entries: Vec<Entry>,
    write: fn(&str) -> String,
    owner: bool,
) -> (Vec<Object>, Vec<CommonPrefix>) {
    let mut objects = Vec::new();
    let mut prefixes = Vec::new();
    for entry in entries {
        match entry {
            Entry::Object(known) => objects.push(Object {
                key: Some(write(&known.key)),
                size: Some(size(known.size)),
                e_tag: Some(ETag::Strong(known.etag.clone())),
                last_modified: Some(timestamp(known.modified)),
                storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                checksum_algorithm: Some(
                    known
                        .sums
                        .algorithms()
                        .into_iter()
                        .map(ChecksumAlgorithm::from_static)
                        .collect(),
                ),
                checksum_type: Some(checksum_type(known.composite)),
                owner: owner.then(|| Owner { display_name: None, id: Some(ACCOUNT.to_owned()) }),
                ..Object::default()
            }),
            Entry::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(write(&prefix)) }),
        }
    }
    (objects, prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(keys: &[&str]) -> BTreeMap<String, Arc<Known>> {
        let known = |key: &str| Arc::new(Known { key: key.to_owned(), ..Known::default() });
        keys.iter().map(|key| ((*key).to_owned(), known(key))).collect()
    }

    fn names(page: &Page) -> Vec<String> {
        page.entries
            .iter()
            .map(|entry| match entry {
                Entry::Object(known) => known.key.clone(),
                Entry::Prefix(prefix) => format!("{prefix}*"),
            })
            .collect()
    }

    /// Reads a listing to its end in pages of so many entries.
    fn walk(keys: &[&str], prefix: &str, delimiter: &str, most: usize) -> Vec<String> {
        let objects = bucket(keys);
        let mut after = String::new();
        let mut found = Vec::new();
        loop {
            let page = page(&objects, prefix, delimiter, &after, most);
            assert!(page.entries.len() <= most);
            found.extend(names(&page));
            let Some(next) = page.next else { return found };
            after = next;
        }
    }

    #[test]
    fn pages_of_any_size_tell_the_same_in_the_order_of_bytes() {
        let keys = ["a", "a/1", "a/2", "b/x/1", "b/x/2", "b/y", "é", "\u{ffff}", "\u{10000}"];
        for most in 1..12 {
            assert_eq!(walk(&keys, "", "", most), keys, "{most}");
            let folded = ["a", "a/*", "b/*", "é", "\u{ffff}", "\u{10000}"];
            assert_eq!(walk(&keys, "", "/", most), folded, "{most}");
            assert_eq!(walk(&keys, "b/", "/", most), ["b/x/*", "b/y"], "{most}");
            assert_eq!(walk(&keys, "a/", "", most), ["a/1", "a/2"], "{most}");
        }
    }

    #[test]
    fn a_page_that_ends_with_the_last_entry_says_that_there_is_no_more() {
        assert_eq!(page(&bucket(&["a", "b"]), "", "", "", 2).next, None);
        assert_eq!(page(&bucket(&["a/1", "a/2"]), "", "/", "", 1).next, None);
    }

    #[test]
    fn keys_in_url_encoding_keep_their_slashes() {
        assert_eq!(encoded("a b/é+~"), "a+b/%C3%A9%2B%7E");
    }
}
