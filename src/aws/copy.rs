//! Objects copied server side, and looked at closely enough to tell two of them apart.
//!
//! Every call says whose the buckets must be (`ExpectedBucketOwner`, and for a copy also `ExpectedSourceBucketOwner`).

use std::collections::HashMap;
use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::account::{Account, Reader};
use super::error::{Error, ErrorKind};
use super::object::S3;
use super::studio::rfc3339;

/// The largest object that one `CopyObject` takes, in bytes (Amazon S3 API Reference, `CopyObject`): 5 GiB.
pub const LARGEST_COPY: u64 = 5 << 30;

/// What stays as it is in the source of a copy, which has to be URL-encoded.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// What S3 tells of an object without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Bytes.
    pub size: u64,
    /// Its entity tag, with quotes.
    pub etag: String,
    /// When it was written, RFC 3339.
    pub modified: Option<String>,
    /// User metadata, names in lower case.
    pub metadata: HashMap<String, String>,
    /// Checksums of the full object: the algorithm as S3 spells it, and the sum in base64. Most objects have one or none.
    pub sums: Vec<(&'static str, String)>,
}

impl Seen {
    /// Tells whether two objects hold the same bytes, as far as S3 tells without reading them.
    ///
    /// `None` when it does not: entity tags of objects that were uploaded in parts, or encrypted with KMS, differ for the same
    /// bytes, and objects from before December 2024 often have no checksum.
    pub fn is_same(&self, other: &Self) -> Option<bool> {
        if self.size != other.size {
            return Some(false);
        }
        let mine = |algorithm: &str| self.sums.iter().find(|(name, _)| *name == algorithm);
        let common = other.sums.iter().find_map(|theirs| Some((mine(theirs.0)?, theirs)));
        match common {
            Some((mine, theirs)) => Some(mine == theirs),
            None => (!self.etag.is_empty() && self.etag == other.etag).then_some(true),
        }
    }
}

impl Reader {
    /// Asks what S3 knows of an object; `None` when it is not there.
    pub async fn look_at(&self, bucket: &str, key: &str) -> Result<Option<Seen>, Error> {
        let request = self
            .clients
            .s3
            .head_object()
            .bucket(bucket)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .expected_bucket_owner(self.identity().account.as_str());
        let asked = self.ask_patiently(S3, "HeadObject", || request.clone().send()).await;
        let head = match asked {
            Ok(head) => head,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let sums = [
            ("CRC64NVME", head.checksum_crc64_nvme),
            ("CRC32C", head.checksum_crc32_c),
            ("CRC32", head.checksum_crc32),
            ("SHA256", head.checksum_sha256),
            ("SHA1", head.checksum_sha1),
        ];
        // A checksum of parts' checksums says nothing about the same bytes in one piece. It says so at its end, too.
        let is_whole = head.checksum_type != Some(ChecksumType::Composite);
        let sums = sums.into_iter().filter_map(|(algorithm, sum)| {
            sum.filter(|sum| is_whole && !sum.contains('-')).map(|sum| (algorithm, sum))
        });
        Ok(Some(Seen {
            size: head.content_length.unwrap_or_default().unsigned_abs(),
            etag: head.e_tag.unwrap_or_default(),
            modified: head.last_modified.as_ref().and_then(rfc3339),
            metadata: head.metadata.unwrap_or_default(),
            sums: sums.collect(),
        }))
    }
}

impl Account {
    /// Copies an object of at most [`LARGEST_COPY`] bytes server side, with its metadata and under a checksum that S3 makes on
    /// the way: of the kind that the source has, else CRC64NVME.
    ///
    /// Only what was looked at is copied (`seen`), and nothing is ever overwritten: S3 answers 412 to either.
    pub async fn copy_object(
        &self,
        (from_bucket, from_key): (&str, &str),
        seen: &Seen,
        (bucket, key): (&str, &str),
    ) -> Result<(), Error> {
        let algorithm = seen.sums.first().map_or("CRC64NVME", |(algorithm, _)| algorithm);
        let owner = self.identity().account.as_str();
        let request = self
            .clients
            .s3
            .copy_object()
            .copy_source(format!("{from_bucket}/{}", utf8_percent_encode(from_key, PLAIN)))
            .copy_source_if_match(&seen.etag)
            .expected_source_bucket_owner(owner)
            .bucket(bucket)
            .key(key)
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::from(algorithm))
            .expected_bucket_owner(owner);
        let target = format!("s3://{bucket}/{key} from s3://{from_bucket}/{from_key}");
        self.change(S3, "CopyObject", target, request.send()).await.map(drop)
    }

    /// Uploads a file as a document that a browser opens, with a mark in its user metadata by which it is known again.
    pub async fn put_document(
        &self,
        (bucket, key): (&str, &str),
        file: &Path,
        content_type: &str,
        (mark, value): (&str, &str),
    ) -> Result<(), Error> {
        const OPERATION: &str = "PutObject";
        let body = ByteStream::from_path(file).await.map_err(|error| {
            let why = format!("{} cannot be read: {error}", file.display());
            Error::unmade(ErrorKind::Invalid, S3, OPERATION, why)
        })?;
        let request = self
            .clients
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type(content_type)
            .metadata(mark, value)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .expected_bucket_owner(self.identity().account.as_str())
            .body(body);
        let target = format!("s3://{bucket}/{key}");
        self.change(S3, OPERATION, target, request.send()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(size: u64, etag: &str, sums: &[(&'static str, &str)]) -> Seen {
        let sums = sums.iter().map(|(algorithm, sum)| (*algorithm, (*sum).to_owned())).collect();
        Seen { size, etag: etag.to_owned(), sums, ..Seen::default() }
    }

    #[test]
    fn a_common_checksum_decides_and_entity_tags_only_speak_for_sameness() {
        let one = seen(3, "\"a\"", &[("CRC32", "x"), ("CRC64NVME", "y")]);
        assert_eq!(one.is_same(&seen(3, "\"b\"", &[("CRC64NVME", "y")])), Some(true));
        assert_eq!(one.is_same(&seen(3, "\"a\"", &[("CRC64NVME", "z")])), Some(false));
        assert_eq!(one.is_same(&seen(4, "\"a\"", &[("CRC64NVME", "y")])), Some(false));
        assert_eq!(one.is_same(&seen(3, "\"a\"", &[("SHA1", "y")])), Some(true));
        assert_eq!(one.is_same(&seen(3, "\"b-2\"", &[])), None);
        assert_eq!(seen(3, "", &[]).is_same(&seen(3, "", &[])), None);
    }

    #[test]
    fn the_source_of_a_copy_is_url_encoded_but_for_its_slashes() {
        let encoded = utf8_percent_encode("a/b c+d%?ü.ipynb", PLAIN).to_string();
        assert_eq!(encoded, "a/b%20c%2Bd%25%3F%C3%BC.ipynb");
    }
}
