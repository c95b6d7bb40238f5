//! Objects, one at a time: put, get, head, copy, delete.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use s3s::dto::{
    ChecksumType, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, GetObjectInput,
    GetObjectOutput, HeadObjectInput, HeadObjectOutput, Metadata, MetadataDirective,
    PutObjectInput, PutObjectOutput, ServerSideEncryption, StreamingBlob, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Front;
use super::body::{Declared, blocking, copy_bytes, pieces};
use super::known::{Known, When, failed, meets};
use super::store::broken;
use super::sums::Sums;

impl Front {
    pub(super) async fn put(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<PutObjectOutput> {
        let mut input = request.input;
        self.store.bucket(&input.bucket)?;
        let metadata = user_metadata(input.metadata.as_ref())?;
        let declared = Declared {
            sums: Sums {
                crc32: input.checksum_crc32.take(),
                crc32c: input.checksum_crc32c.take(),
                crc64nvme: input.checksum_crc64nvme.take(),
                sha1: input.checksum_sha1.take(),
                sha256: input.checksum_sha256.take(),
            },
            algorithm: input.checksum_algorithm.as_ref().map(|algorithm| algorithm.as_str()),
            md5: input.content_md5.as_deref(),
            length: input.content_length,
            trailer: request.trailing_headers,
            announced: request.headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()),
        };
        let arrived = self.receive(&input.bucket, input.body.take(), declared).await?;
        let known = Known {
            key: input.key,
            file: String::new(),
            size: arrived.digest.size,
            etag: arrived.digest.etag(),
            modified: self.store.world.now(),
            content_type: input
                .content_type
                .or_else(|| Some("application/octet-stream".to_owned())),
            content_encoding: input.content_encoding.and_then(without_chunks),
            metadata,
            sums: arrived.digest.sums,
            composite: false,
        };
        let when = When { matches: input.if_match.as_ref(), differs: input.if_none_match.as_ref() };
        self.store.place(&input.bucket, &arrived.path, known.clone(), when)?;
        Ok(PutObjectOutput {
            e_tag: Some(ETag::Strong(known.etag)),
            checksum_crc32: known.sums.crc32,
            checksum_crc32c: known.sums.crc32c,
            checksum_crc64nvme: known.sums.crc64nvme,
            checksum_sha1: known.sums.sha1,
            checksum_sha256: known.sums.sha256,
            checksum_type: Some(checksum_type(false)),
            server_side_encryption: Some(encryption()),
            ..PutObjectOutput::default()
        })
    }

    pub(super) async fn get(&self, input: GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
        self.store.bucket(&input.bucket)?;
        let (known, file) = self.store.open(&input.bucket, &input.key)?;
        check_read(&known, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let part = match &input.range {
            Some(range) => range.check(known.size)?,
            None => 0..known.size,
        };
        let whole = input.range.is_none();
        let sums = shown(&known, whole && input.checksum_mode.is_some());
        let has_sums = sums != Sums::default();
        let content_range = (!whole)
            .then(|| format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), known.size));
        let body = pieces(file, part.start, part.end - part.start).await.map_err(broken)?;
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::wrap(body)),
            content_length: Some(size(part.end - part.start)),
            content_range,
            content_type: known.content_type.clone(),
            content_encoding: known.content_encoding.clone(),
            e_tag: Some(ETag::Strong(known.etag.clone())),
            last_modified: Some(timestamp(known.modified)),
            metadata: shown_metadata(&known),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: has_sums.then(|| checksum_type(known.composite)),
            server_side_encryption: Some(encryption()),
            ..GetObjectOutput::default()
        }))
    }

    pub(super) fn head(&self, input: &HeadObjectInput) -> S3Result<HeadObjectOutput> {
        self.store.bucket(&input.bucket)?;
        let known = self.store.known(&input.bucket, &input.key)?;
        check_read(&known, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let sums = shown(&known, input.checksum_mode.is_some());
        let has_sums = sums != Sums::default();
        Ok(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(size(known.size)),
            content_type: known.content_type.clone(),
            content_encoding: known.content_encoding.clone(),
            e_tag: Some(ETag::Strong(known.etag.clone())),
            last_modified: Some(timestamp(known.modified)),
            metadata: shown_metadata(&known),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: has_sums.then(|| checksum_type(known.composite)),
            server_side_encryption: Some(encryption()),
            ..HeadObjectOutput::default()
        })
    }

    /// Copies an object; with `is_new` only if there is none under the new key.
    pub(super) async fn copy(
        &self,
        input: CopyObjectInput,
        is_new: bool,
    ) -> S3Result<CopyObjectOutput> {
        let CopySource::Bucket { bucket: from, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "only a bucket can be copied from"));
        };
        self.store.bucket(from)?;
        self.store.bucket(&input.bucket)?;
        let (before, source) = self.store.open(from, key)?;
        let holds = When {
            matches: input.copy_source_if_match.as_ref(),
            differs: input.copy_source_if_none_match.as_ref(),
        };
        holds.check(Some(&before))?;
        let replaces = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !replaces && **from == *input.bucket && **key == *input.key {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the \
                 object's metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        let (path, target) = self.store.beside(&input.bucket).map_err(broken)?;
        let algorithm = input.checksum_algorithm.as_ref().map(|one| one.as_str().to_owned());
        let algorithms = algorithm.map_or_else(
            || before.sums.algorithms().into_iter().map(str::to_owned).collect(),
            |one| vec![one],
        );
        let digest = blocking(move || copy_bytes(source, target, &algorithms)).await?;
        let mut known = Known {
            key: input.key.clone(),
            etag: digest.etag(),
            modified: self.store.world.now(),
            sums: digest.sums,
            composite: false,
            ..before
        };
        if replaces {
            known.metadata = user_metadata(input.metadata.as_ref())?;
            known.content_type = input.content_type.clone();
        }
        let any = ETagCondition::Any;
        let when = When { matches: None, differs: is_new.then_some(&any) };
        self.store.place(&input.bucket, &path, known.clone(), when)?;
        Ok(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(ETag::Strong(known.etag)),
                last_modified: Some(timestamp(known.modified)),
                checksum_crc32: known.sums.crc32,
                checksum_crc32c: known.sums.crc32c,
                checksum_crc64nvme: known.sums.crc64nvme,
                checksum_sha1: known.sums.sha1,
                checksum_sha256: known.sums.sha256,
                ..CopyObjectResult::default()
            }),
            server_side_encryption: Some(encryption()),
            ..CopyObjectOutput::default()
        })
    }

    pub(super) fn delete_many(&self, input: DeleteObjectsInput) -> S3Result<DeleteObjectsOutput> {
        self.store.bucket(&input.bucket)?;
        if input.delete.objects.len() > 1000 {
            return Err(s3_error!(
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            ));
        }
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        for object in input.delete.objects {
            match self.store.remove(&input.bucket, &object.key) {
                Ok(()) => {
                    deleted
                        .push(DeletedObject { key: Some(object.key), ..DeletedObject::default() });
                }
                Err(error) => errors.push(s3s::dto::Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key),
                    message: error.message().map(str::to_owned),
                    version_id: None,
                }),
            }
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        })
    }
}

/// Checks the conditions of a read.
fn check_read(
    known: &Known,
    matches: Option<&ETagCondition>,
    differs: Option<&ETagCondition>,
) -> S3Result<()> {
    if matches.is_some_and(|condition| !meets(condition, known)) {
        return Err(failed());
    }
    if differs.is_some_and(|condition| meets(condition, known)) {
        return Err(s3_error!(NotModified, "Not Modified"));
    }
    Ok(())
}

/// Takes user metadata over, within S3's 2 KB.
pub(super) fn user_metadata(metadata: Option<&Metadata>) -> S3Result<BTreeMap<String, String>> {
    let metadata: BTreeMap<String, String> = metadata
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_lowercase(), value.clone()))
        .collect();
    if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > 2048 {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(metadata)
}

fn shown_metadata(known: &Known) -> Option<Metadata> {
    (!known.metadata.is_empty()).then(|| known.metadata.clone().into_iter().collect())
}

fn shown(known: &Known, wanted: bool) -> Sums {
    if wanted { known.sums.clone() } else { Sums::default() }
}

/// The CLI and SDKs send `aws-chunked` as a content encoding; S3 does not keep it.
fn without_chunks(encoding: String) -> Option<String> {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty() && *one != "aws-chunked")
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

pub(super) fn checksum_type(composite: bool) -> ChecksumType {
    ChecksumType::from_static(if composite {
        ChecksumType::COMPOSITE
    } else {
        ChecksumType::FULL_OBJECT
    })
}

pub(super) fn encryption() -> ServerSideEncryption {
    ServerSideEncryption::from_static(ServerSideEncryption::AES256)
}

/// Turns seconds since the epoch into a time of the protocol.
pub(super) fn timestamp(seconds: f64) -> Timestamp {
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    Timestamp::from(UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH))
}

/// A number of bytes as the protocol has it.
pub(super) fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
