//! Uploads in parts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use s3s::dto::{
    AbortMultipartUploadInput, ChecksumAlgorithm, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput,
    MultipartUpload, Part, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::Front;
use super::body::{Declared, blocking, discard};
use super::known::{Known, When};
use super::listing::writer;
use super::objects::{checksum_type, encryption, size, timestamp, user_metadata};
use super::parts::{Piece, choose, composite_sums, join, parts};
use super::store::{Store, broken, read_json, write_json};
use super::sums::{Sums, composite_etag, hex};

/// The highest number of a part.
const PARTS: i32 = 10_000;

/// What is known about an upload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Upload {
    id: String,
    started: f64,
    /// What the object will be, but for what its bytes say.
    object: Known,
    /// The checksum that was asked for.
    algorithm: Option<String>,
    /// Whether that checksum is over the checksums of the parts.
    composite: bool,
}

impl Store {
    fn upload_folder(&self, bucket: &str, id: &str) -> S3Result<PathBuf> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(unknown());
        }
        Ok(self.folder(bucket).join("uploads").join(id))
    }

    fn upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<(PathBuf, Upload)> {
        self.bucket(bucket)?;
        let folder = self.upload_folder(bucket, id)?;
        let upload: Option<Upload> = read_json(&folder.join("upload.json")).map_err(broken)?;
        match upload {
            Some(upload) if upload.object.key == key => Ok((folder, upload)),
            _ => Err(unknown()),
        }
    }
}

fn unknown() -> s3s::S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed."
    )
}

impl Front {
    pub(super) fn create_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> S3Result<CreateMultipartUploadOutput> {
        self.store.bucket(&input.bucket)?;
        let number = self
            .store
            .world
            .change(|state| {
                state.last_number += 1;
                Ok(state.last_number)
            })
            .map_err(|refusal| broken(io::Error::other(refusal)))?;
        let algorithm = input.checksum_algorithm.as_ref().map(|one| one.as_str().to_owned());
        let full =
            match input.checksum_type.as_ref().map(|one| one.as_str() == ChecksumType::FULL_OBJECT)
            {
                Some(full) => full,
                None => algorithm.as_deref().is_none_or(|one| one == ChecksumAlgorithm::CRC64NVME),
            };
        let upload = Upload {
            id: format!("upload{number:08}"),
            started: self.store.world.now(),
            object: Known {
                key: input.key.clone(),
                content_type: input.content_type.or_else(|| Some("binary/octet-stream".to_owned())),
                content_encoding: input.content_encoding,
                metadata: user_metadata(input.metadata.as_ref())?,
                ..Known::default()
            },
            algorithm,
            composite: !full,
        };
        let folder = self.store.upload_folder(&input.bucket, &upload.id)?;
        fs::create_dir_all(&folder).map_err(broken)?;
        write_json(&folder.join("upload.json"), &upload).map_err(broken)?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload.id),
            checksum_type: input
                .checksum_algorithm
                .as_ref()
                .map(|_| checksum_type(upload.composite)),
            checksum_algorithm: input.checksum_algorithm,
            server_side_encryption: Some(encryption()),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let mut input = request.input;
        let (folder, upload) = self.store.upload(&input.bucket, &input.key, &input.upload_id)?;
        if !(1..=PARTS).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        let declared = Declared {
            sums: Sums {
                crc32: input.checksum_crc32.take(),
                crc32c: input.checksum_crc32c.take(),
                crc64nvme: input.checksum_crc64nvme.take(),
                sha1: input.checksum_sha1.take(),
                sha256: input.checksum_sha256.take(),
            },
            algorithm: upload.algorithm.as_deref(),
            md5: input.content_md5.as_deref(),
            length: input.content_length,
            trailer: request.trailing_headers,
            announced: request.headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()),
        };
        let arrived = self.receive(&input.bucket, input.body.take(), declared).await?;
        let piece = Piece {
            size: arrived.digest.size,
            md5: arrived.digest.md5,
            modified: self.store.world.now(),
            sums: arrived.digest.sums,
        };
        let name = format!("part-{:05}", input.part_number);
        let _held = self.store.hold();
        let placed = fs::rename(&arrived.path, folder.join(&name))
            .and_then(|()| write_json(&folder.join(format!("{name}.json")), &piece));
        if placed.is_err() {
            discard(&arrived.path);
            // The upload was completed or aborted while the part was on its way.
            return Err(unknown());
        }
        let declared = arrived.declared;
        Ok(UploadPartOutput {
            e_tag: Some(ETag::Strong(hex(&piece.md5))),
            checksum_crc32: declared.crc32.and(piece.sums.crc32),
            checksum_crc32c: declared.crc32c.and(piece.sums.crc32c),
            checksum_crc64nvme: declared.crc64nvme.and(piece.sums.crc64nvme),
            checksum_sha1: declared.sha1.and(piece.sums.sha1),
            checksum_sha256: declared.sha256.and(piece.sums.sha256),
            server_side_encryption: Some(encryption()),
            ..UploadPartOutput::default()
        })
    }

    pub(super) async fn complete_upload(
        &self,
        mut input: CompleteMultipartUploadInput,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let (folder, upload) = self.store.upload(&input.bucket, &input.key, &input.upload_id)?;
        let there = parts(&folder).map_err(broken)?;
        let asked =
            input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
        let chosen = choose(&there, &asked)?;
        let total = chosen.iter().map(|(_, piece)| piece.size).sum::<u64>();
        if input.mpu_object_size.is_some_and(|declared| declared != size(total)) {
            return Err(s3_error!(
                InvalidRequest,
                "The provided 'x-amz-mp-object-size' header does not match what was computed"
            ));
        }
        let mut known = upload.object.clone();
        known.size = total;
        known.modified = self.store.world.now();
        known.etag = composite_etag(&chosen.iter().map(|(_, piece)| piece.md5).collect::<Vec<_>>());
        let (path, target) = self.store.beside(&input.bucket).map_err(broken)?;
        let files: Vec<PathBuf> =
            chosen.iter().map(|(number, _)| folder.join(format!("part-{number:05}"))).collect();
        let algorithms: Vec<String> = upload.algorithm.iter().cloned().collect();
        let whole = blocking(move || join(files, target, &algorithms)).await;
        known.sums = match (whole, upload.algorithm.as_deref(), upload.composite) {
            (Err(error), ..) => {
                discard(&path);
                return Err(error);
            }
            (Ok(_), Some(algorithm), true) => composite_sums(algorithm, &chosen),
            (Ok(sums), ..) => sums,
        };
        known.composite = upload.composite && upload.algorithm.is_some();
        if let Err(error) = declared(&input).check(&known.sums) {
            discard(&path);
            return Err(error);
        }
        let when = When { matches: input.if_match.as_ref(), differs: input.if_none_match.as_ref() };
        self.store.place(&input.bucket, &path, known.clone(), when)?;
        let _ = fs::remove_dir_all(folder);
        Ok(CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(known.etag)),
            checksum_crc32: known.sums.crc32,
            checksum_crc32c: known.sums.crc32c,
            checksum_crc64nvme: known.sums.crc64nvme,
            checksum_sha1: known.sums.sha1,
            checksum_sha256: known.sums.sha256,
            checksum_type: Some(checksum_type(known.composite)),
            server_side_encryption: Some(encryption()),
            ..CompleteMultipartUploadOutput::default()
        })
    }

    pub(super) fn abort_upload(&self, input: &AbortMultipartUploadInput) -> S3Result<()> {
        let (folder, _) = self.store.upload(&input.bucket, &input.key, &input.upload_id)?;
        let _held = self.store.hold();
        fs::remove_dir_all(folder).map_err(broken)
    }

    pub(super) fn list_parts(&self, input: ListPartsInput) -> S3Result<ListPartsOutput> {
        let (folder, upload) = self.store.upload(&input.bucket, &input.key, &input.upload_id)?;
        let most = input.max_parts.unwrap_or(1000).clamp(0, 1000);
        let after = input.part_number_marker.unwrap_or(0);
        let there = parts(&folder).map_err(broken)?;
        let mut listed: Vec<Part> = there
            .into_iter()
            .filter(|(number, _)| *number > after)
            .map(|(number, piece)| Part {
                part_number: Some(number),
                size: Some(size(piece.size)),
                e_tag: Some(ETag::Strong(hex(&piece.md5))),
                last_modified: Some(timestamp(piece.modified)),
                checksum_crc32: piece.sums.crc32,
                checksum_crc32c: piece.sums.crc32c,
                checksum_crc64nvme: piece.sums.crc64nvme,
                checksum_sha1: piece.sums.sha1,
                checksum_sha256: piece.sums.sha256,
            })
            .collect();
        let keep = usize::try_from(most).unwrap_or_default();
        let truncated = listed.len() > keep;
        listed.truncate(keep);
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload.id),
            max_parts: Some(most),
            part_number_marker: Some(after),
            next_part_number_marker: listed.last().and_then(|part| part.part_number),
            is_truncated: Some(truncated),
            parts: (!listed.is_empty()).then_some(listed),
            ..ListPartsOutput::default()
        })
    }

    pub(super) fn list_uploads(
        &self,
        input: ListMultipartUploadsInput,
    ) -> S3Result<ListMultipartUploadsOutput> {
        self.store.bucket(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = (
            input.key_marker.clone().unwrap_or_default(),
            input.upload_id_marker.clone().unwrap_or_else(|| "\u{10ffff}".to_owned()),
        );
        let mut found: BTreeMap<(String, String), Upload> = BTreeMap::new();
        let folder = self.store.folder(&input.bucket).join("uploads");
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.map_err(broken)?.path().join("upload.json");
            if let Some(upload) = read_json::<Upload>(&path).map_err(broken)? {
                found.insert((upload.object.key.clone(), upload.id.clone()), upload);
            }
        }
        let has_marker = input.key_marker.is_some();
        let mut listed: Vec<Upload> = found
            .into_iter()
            .filter(|(place, upload)| {
                upload.object.key.starts_with(&prefix) && !(has_marker && *place <= after)
            })
            .map(|(_, upload)| upload)
            .collect();
        let most = input.max_uploads.unwrap_or(1000).clamp(1, 1000);
        let keep = usize::try_from(most).unwrap_or_default();
        let truncated = listed.len() > keep;
        listed.truncate(keep);
        let write = writer(input.encoding_type.as_ref());
        let last = listed.last().filter(|_| truncated);
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: input.prefix.as_deref().map(write),
            key_marker: input.key_marker.as_deref().map(write),
            upload_id_marker: input.upload_id_marker,
            max_uploads: Some(most),
            is_truncated: Some(truncated),
            next_key_marker: last.map(|upload| write(&upload.object.key)),
            next_upload_id_marker: last.map(|upload| upload.id.clone()),
            encoding_type: input.encoding_type,
            uploads: Some(listed.iter().map(|upload| told(upload, write)).collect()),
            ..ListMultipartUploadsOutput::default()
        })
    }
}

fn told(upload: &Upload, write: fn(&str) -> String) -> MultipartUpload {
    MultipartUpload {
        key: Some(write(&upload.object.key)),
        upload_id: Some(upload.id.clone()),
        initiated: Some(timestamp(upload.started)),
        ..MultipartUpload::default()
    }
}

fn declared(input: &CompleteMultipartUploadInput) -> Sums {
    Sums {
        crc32: input.checksum_crc32.clone(),
        crc32c: input.checksum_crc32c.clone(),
        crc64nvme: input.checksum_crc64nvme.clone(),
        sha1: input.checksum_sha1.clone(),
        sha256: input.checksum_sha256.clone(),
    }
}
