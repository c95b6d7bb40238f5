//! Objects as streams and page by page: what a mover asks of S3 beyond small reports.
//!
//! Every call says whose the bucket must be (`ExpectedBucketOwner`).

use std::collections::HashMap;
use std::ops::Range;

use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, EncodingType};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use percent_encoding::percent_decode;

use super::account::Reader;
use super::error::{Error, ErrorKind};
use super::studio::rfc3339;

pub(super) const S3: &str = "s3";

const GET_OBJECT: &str = "GetObject";

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub size: u64,
    /// When it was written, RFC 3339.
    pub modified: Option<String>,
}

/// A page of a listing, at most 1,000 objects in byte order of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The objects.
    pub objects: Vec<Listed>,
    /// What asks for the next page; none after the last.
    pub next: Option<String>,
}

/// A checksum, computed as bytes pass.
#[derive(Clone, Debug)]
pub struct Checksum {
    digest: crc_fast::Digest,
    bits: u32,
}

impl Checksum {
    /// Begins a CRC64NVME, which all our own objects have.
    pub fn crc64nvme() -> Self {
        Self { digest: crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme), bits: 64 }
    }

    /// Takes bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    /// Returns it in base64, as S3 writes it.
    pub fn text(&self) -> String {
        let sum = self.digest.finalize().to_be_bytes();
        let unused = if self.bits == 64 { 0 } else { 4 };
        STANDARD.encode(&sum[unused..])
    }
}

/// What S3 keeps as the checksum of a full object, ready to be compared.
#[derive(Clone, Debug)]
pub struct Expected {
    /// A checksum of the same kind, with nothing in it.
    pub empty: Checksum,
    /// What it has to be in the end, in base64.
    pub text: String,
}

/// What is known of an object.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Bytes of the whole object.
    pub size: u64,
    /// Its entity tag, with quotes, as `If-Match` takes it.
    pub etag: String,
    /// Its user metadata, names in lower case.
    pub metadata: HashMap<String, String>,
    /// The checksum of the full object, where S3 has one of a kind that is known here: CRC64NVME, CRC32, CRC32C.
    pub expected: Option<Expected>,
}

/// An object, or a range of it, on its way.
#[derive(Debug)]
pub struct Fetched {
    /// What is known of the object.
    pub about: About,
    /// Bytes that are on their way.
    pub length: u64,
    body: ByteStream,
}

impl Fetched {
    /// Returns the next bytes; none at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the object is not what its checksum says, [`ErrorKind::Unavailable`] when the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        self.body.try_next().await.map_err(|error| broken(&error))
    }

    /// Returns all of it.
    ///
    /// # Errors
    /// Those of [`Fetched::next`], and [`ErrorKind::Unavailable`] when less or more than promised arrived.
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(bytes) = self.next().await? {
            if all.is_empty() && bytes.len() as u64 == self.length {
                // The usual small object is one piece, which need not be copied; its end still has to be seen.
                if self.next().await?.is_some() {
                    return Err(odd_length(self.length));
                }
                return Ok(bytes);
            }
            all.extend_from_slice(&bytes);
        }
        if all.len() as u64 != self.length {
            return Err(odd_length(self.length));
        }
        Ok(all.freeze())
    }
}

fn odd_length(promised: u64) -> Error {
    let why = format!("another number of bytes arrived than the {promised} promised");
    Error::unmade(ErrorKind::Unavailable, S3, GET_OBJECT, why)
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Error {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.to_string().to_ascii_lowercase().contains("checksum mismatch") {
            let why = "its bytes are not those that its checksum was made of";
            return Error::broken_off(ErrorKind::Invalid, S3, GET_OBJECT, why);
        }
        cause = error.source();
    }
    let why = format!("the connection broke: {error}");
    Error::broken_off(ErrorKind::Unavailable, S3, GET_OBJECT, why)
}

impl Reader {
    /// Lists one page of the objects under a prefix, in byte order of keys.
    ///
    /// Keys travel URL-encoded, because XML cannot hold every character that a key can.
    pub async fn object_page(
        &self,
        bucket: &str,
        prefix: &str,
        token: Option<String>,
    ) -> Result<Page, Error> {
        let request = self
            .clients
            .s3
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .encoding_type(EncodingType::Url)
            .expected_bucket_owner(self.identity().account.as_str())
            .set_continuation_token(token);
        let page = self.ask_patiently(S3, "ListObjectsV2", || request.clone().send()).await?;
        let objects = page.contents.unwrap_or_default().into_iter().filter_map(|object| {
            Some(Listed {
                key: plain_key(&object.key?),
                size: object.size.unwrap_or_default().unsigned_abs(),
                modified: object.last_modified.as_ref().and_then(rfc3339),
            })
        });
        Ok(Page { objects: objects.collect(), next: page.next_continuation_token })
    }

    /// Asks what is known of an object.
    pub async fn about_object(&self, bucket: &str, key: &str) -> Result<About, Error> {
        let request = self
            .clients
            .s3
            .head_object()
            .bucket(bucket)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .expected_bucket_owner(self.identity().account.as_str());
        let head = self.ask(S3, "HeadObject", request.send()).await?;
        let is_whole = head.checksum_type != Some(ChecksumType::Composite);
        let sums = [head.checksum_crc64_nvme, head.checksum_crc32_c, head.checksum_crc32];
        Ok(About {
            size: head.content_length.unwrap_or_default().unsigned_abs(),
            etag: head.e_tag.unwrap_or_default(),
            metadata: head.metadata.unwrap_or_default(),
            expected: expected(sums, is_whole),
        })
    }

    /// Fetches an object, or a range of its bytes. With an entity tag, an object that was replaced is refused (412).
    ///
    /// A whole object is checked against its checksum as it arrives; of a range S3 tells none.
    pub async fn fetch(
        &self,
        bucket: &str,
        key: &str,
        range: Option<Range<u64>>,
        etag: Option<&str>,
    ) -> Result<Fetched, Error> {
        let asked = range
            .as_ref()
            .map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let request = self
            .clients
            .s3
            .get_object()
            .bucket(bucket)
            .key(key)
            .expected_bucket_owner(self.identity().account.as_str())
            .set_range(asked)
            .set_if_match(etag.map(str::to_owned));
        let object = match range {
            None => {
                let request = request.checksum_mode(ChecksumMode::Enabled);
                self.ask(S3, GET_OBJECT, request.send()).await?
            }
            Some(_) => {
                // AWS tells no checksum of a range; other stores tell that of the whole, which the SDK would compare with it.
                let unasked = aws_sdk_s3::config::Builder::new()
                    .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
                let request = request.customize().config_override(unasked);
                self.ask(S3, GET_OBJECT, request.send()).await?
            }
        };
        let length = object.content_length.unwrap_or_default().unsigned_abs();
        if let Some(range) = range.filter(|range| range.end - range.start != length) {
            let why = format!("{length} bytes came for {} to {}", range.start, range.end);
            return Err(Error::broken_off(ErrorKind::Invalid, S3, GET_OBJECT, why));
        }
        let is_whole = object.checksum_type != Some(ChecksumType::Composite);
        let sums = [object.checksum_crc64_nvme, object.checksum_crc32_c, object.checksum_crc32];
        let about = About {
            size: length,
            etag: object.e_tag.unwrap_or_default(),
            metadata: object.metadata.unwrap_or_default(),
            expected: expected(sums, is_whole),
        };
        Ok(Fetched { about, length, body: object.body })
    }
}

/// Takes the first checksum that there is, of CRC64NVME, CRC32C and CRC32 in this order.
fn expected(sums: [Option<String>; 3], is_whole: bool) -> Option<Expected> {
    let kinds = [
        (CrcAlgorithm::Crc64Nvme, 64),
        (CrcAlgorithm::Crc32Iscsi, 32),
        (CrcAlgorithm::Crc32IsoHdlc, 32),
    ];
    let mut known = sums.into_iter().zip(kinds).filter(|_| is_whole);
    known.find_map(|(text, (algorithm, bits))| {
        let empty = Checksum { digest: crc_fast::Digest::new(algorithm), bits };
        // The checksum of a composite says so at its end, too.
        text.filter(|text| !text.contains('-')).map(|text| Expected { empty, text })
    })
}

/// Returns a key that was URL-encoded for a listing.
fn plain_key(encoded: &str) -> String {
    let spaced = encoded.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_written_as_s3_writes_them() {
        // The check value of CRC-64/NVME over `123456789` is ae8b14860a799888, that of CRC-32C e3069283.
        let mut sum = Checksum::crc64nvme();
        sum.update(b"1234");
        sum.update(b"56789");
        assert_eq!(sum.text(), STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
        let told = [None, Some("4waSgw==".to_owned()), None];
        let expected = expected(told, true).unwrap();
        let mut sum = expected.empty;
        sum.update(b"123456789");
        assert_eq!(sum.text(), expected.text);
    }

    #[test]
    fn the_checksum_of_parts_is_not_taken_for_that_of_the_whole() {
        assert!(expected([Some("4waSgw==-2".to_owned()), None, None], true).is_none());
        assert!(expected([Some("4waSgw==".to_owned()), None, None], false).is_none());
    }

    #[test]
    fn a_key_comes_back_from_its_url_encoding() {
        assert_eq!(plain_key("a+b%2Bc%0A%C3%BC"), "a b+c\nü");
    }
}
