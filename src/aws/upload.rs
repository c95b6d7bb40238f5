//! Objects written with a checksum: in one request, or in parts.
//!
//! Every write carries a CRC64NVME of the full object, which S3 checks before it takes it and keeps beside it.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::account::Account;
use super::error::{Error, ErrorKind};
use super::object::{Checksum, S3};

/// An upload in parts that was begun. It has to be finished or aborted.
#[must_use]
#[derive(Clone, Debug)]
pub struct Upload {
    bucket: String,
    key: String,
    id: String,
}

/// A part that was taken.
#[derive(Clone, Debug)]
pub struct Part(CompletedPart);

impl Account {
    /// Uploads bytes in one request; S3 refuses them when they are not those that were meant.
    pub async fn put_checked(&self, bucket: &str, key: &str, bytes: Bytes) -> Result<(), Error> {
        self.put_unless(bucket, key, bytes, None).await
    }

    /// Uploads bytes in one request under a key where nothing is: S3 itself refuses to replace what somebody put there.
    pub async fn put_new(&self, bucket: &str, key: &str, bytes: Bytes) -> Result<(), Error> {
        self.put_unless(bucket, key, bytes, Some("*")).await
    }

    /// Uploads bytes in one request, unless an object of such an entity tag is there; `*` is any.
    async fn put_unless(
        &self,
        bucket: &str,
        key: &str,
        bytes: Bytes,
        standing: Option<&str>,
    ) -> Result<(), Error> {
        let mut sum = Checksum::crc64nvme();
        sum.update(&bytes);
        let request = self
            .clients
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .set_if_none_match(standing.map(str::to_owned))
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_crc64_nvme(sum.text())
            .expected_bucket_owner(self.identity().account.as_str())
            .body(ByteStream::from(bytes));
        self.change(S3, "PutObject", place(bucket, key), request.send()).await.map(drop)
    }

    /// Begins an upload in parts.
    pub async fn begin_upload(&self, bucket: &str, key: &str) -> Result<Upload, Error> {
        const OPERATION: &str = "CreateMultipartUpload";
        let request = self
            .clients
            .s3
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .expected_bucket_owner(self.identity().account.as_str());
        let begun = self.change(S3, OPERATION, place(bucket, key), request.send()).await?;
        let id = begun.upload_id.ok_or_else(|| {
            Error::broken_off(ErrorKind::Invalid, S3, OPERATION, "the answer has no upload id")
        })?;
        Ok(Upload { bucket: bucket.to_owned(), key: key.to_owned(), id })
    }

    /// Uploads one part, 1 to 10,000; all but the last have 5 MiB or more.
    pub async fn put_part(&self, to: &Upload, number: i32, bytes: Bytes) -> Result<Part, Error> {
        let mut sum = Checksum::crc64nvme();
        sum.update(&bytes);
        let request = self
            .clients
            .s3
            .upload_part()
            .bucket(&to.bucket)
            .key(&to.key)
            .upload_id(&to.id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_crc64_nvme(sum.text())
            .expected_bucket_owner(self.identity().account.as_str())
            .body(ByteStream::from(bytes));
        let target = format!("{} part {number}", place(&to.bucket, &to.key));
        let taken = self.change(S3, "UploadPart", target, request.send()).await?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(taken.e_tag)
            .checksum_crc64_nvme(sum.text());
        Ok(Part(part.build()))
    }

    /// Makes an object of all parts, in their order. S3 compares the checksum of the whole.
    pub async fn finish_upload(
        &self,
        upload: &Upload,
        parts: Vec<Part>,
        sum: &Checksum,
        size: u64,
    ) -> Result<(), Error> {
        let parts = parts.into_iter().map(|Part(part)| part).collect();
        let all = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self
            .clients
            .s3
            .complete_multipart_upload()
            .bucket(&upload.bucket)
            .key(&upload.key)
            .upload_id(&upload.id)
            .multipart_upload(all)
            .checksum_type(ChecksumType::FullObject)
            .checksum_crc64_nvme(sum.text())
            .mpu_object_size(i64::try_from(size).unwrap_or(i64::MAX))
            .expected_bucket_owner(self.identity().account.as_str());
        let target = place(&upload.bucket, &upload.key);
        self.change(S3, "CompleteMultipartUpload", target, request.send()).await.map(drop)
    }

    /// Takes an upload back with all its parts; one that is gone already is none the worse.
    pub async fn abort_upload(&self, upload: &Upload) -> Result<(), Error> {
        let request = self
            .clients
            .s3
            .abort_multipart_upload()
            .bucket(&upload.bucket)
            .key(&upload.key)
            .upload_id(&upload.id)
            .expected_bucket_owner(self.identity().account.as_str());
        let target = place(&upload.bucket, &upload.key);
        match self.change(S3, "AbortMultipartUpload", target, request.send()).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn place(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}
