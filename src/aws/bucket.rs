//! Asking and changing S3: the mover, its reports, and the places where Classic notebooks were shared.
//!
//! Every call that names a bucket says whose it must be (`ExpectedBucketOwner`), so that a bucket of the same name in a
//! stranger's account is never read or written.

use std::path::Path;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::BucketVersioningStatus;

use serde::{Deserialize, Serialize};

use super::account::{Account, Reader};
use super::error::{Error, ErrorKind};

const S3: &str = "s3";

const GET_OBJECT: &str = "GetObject";

/// Who can see into a bucket, and how it keeps what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Posture {
    /// Whether all four public access blocks are on.
    pub is_public_access_blocked: bool,
    /// Whether it has a bucket policy.
    pub has_policy: bool,
    /// Whether earlier versions of objects are kept; `None` when it could not be asked.
    pub is_versioned: Option<bool>,
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; `None` when it could not be asked.
    pub encryption: Option<String>,
    /// The key of `aws:kms`.
    pub kms_key: Option<String>,
    /// Its CORS rules; `None` when they could not be asked.
    pub cors: Option<Vec<CorsRule>>,
}

/// Which pages of a browser may call a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CorsRule {
    /// Origins, `*` being wild.
    pub origins: Vec<String>,
    /// HTTP methods.
    pub methods: Vec<String>,
    /// Request headers, `*` being wild.
    pub headers: Vec<String>,
    /// Response headers that the page may read.
    pub exposed: Vec<String>,
}

impl Reader {
    fn owner(&self) -> &str {
        self.identity().account.as_str()
    }

    async fn got(&self, bucket: &str, key: &str) -> Result<GetObjectOutput, Error> {
        let request = self
            .clients
            .s3
            .get_object()
            .bucket(bucket)
            .key(key)
            .expected_bucket_owner(self.owner());
        self.ask(S3, GET_OBJECT, request.send()).await
    }

    /// Returns an object's bytes; one that is longer than `limit` bytes is an error.
    pub async fn object(&self, bucket: &str, key: &str, limit: u64) -> Result<Vec<u8>, Error> {
        let object = self.got(bucket, key).await?;
        let length = object.content_length.unwrap_or_default().unsigned_abs();
        if length > limit {
            let why = format!("{key} has {length} bytes, more than the {limit} expected");
            return Err(Error::unmade(ErrorKind::Invalid, S3, GET_OBJECT, why));
        }
        let body = object.body.collect().await.map_err(|error| {
            Error::unmade(ErrorKind::Unavailable, S3, GET_OBJECT, error.to_string())
        })?;
        Ok(body.to_vec())
    }

    /// Downloads an object to a file, however large.
    pub async fn get_file(&self, bucket: &str, key: &str, file: &Path) -> Result<(), Error> {
        let failed = |error: &dyn std::error::Error| {
            let why = format!("{} cannot be written: {error}", file.display());
            Error::unmade(ErrorKind::Invalid, S3, GET_OBJECT, why)
        };
        let object = self.got(bucket, key).await?;
        let mut body = object.body.into_async_read();
        let mut out = tokio::fs::File::create(file).await.map_err(|error| failed(&error))?;
        tokio::io::copy(&mut body, &mut out).await.map_err(|error| failed(&error))?;
        out.sync_all().await.map_err(|error| failed(&error))
    }

    /// Returns the size of an object, or `None` when it is not there.
    pub async fn object_size(&self, bucket: &str, key: &str) -> Result<Option<u64>, Error> {
        let request = self
            .clients
            .s3
            .head_object()
            .bucket(bucket)
            .key(key)
            .expected_bucket_owner(self.owner());
        match self.ask(S3, "HeadObject", request.send()).await {
            Ok(head) => Ok(head.content_length.map(i64::unsigned_abs)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the keys under a prefix with their sizes.
    pub async fn objects(&self, bucket: &str, prefix: &str) -> Result<Vec<(String, u64)>, Error> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let page = self.object_page(bucket, prefix, token).await?;
            found.extend(page.objects.into_iter().map(|object| (object.key, object.size)));
            token = page.next;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Asks who can see into a bucket; fails when it is not there or not the caller's.
    pub async fn posture(&self, bucket: &str) -> Result<Posture, Error> {
        let owner = self.owner();
        let head = self.clients.s3.head_bucket().bucket(bucket).expected_bucket_owner(owner);
        self.ask(S3, "HeadBucket", head.send()).await?;
        let block =
            self.clients.s3.get_public_access_block().bucket(bucket).expected_bucket_owner(owner);
        let blocked = match self.ask(S3, "GetPublicAccessBlock", block.send()).await {
            Ok(answer) => answer.public_access_block_configuration.is_some_and(|block| {
                let all = [
                    block.block_public_acls,
                    block.block_public_policy,
                    block.ignore_public_acls,
                    block.restrict_public_buckets,
                ];
                all.into_iter().all(|one| one == Some(true))
            }),
            Err(error) if error.kind == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        let policy =
            self.clients.s3.get_bucket_policy().bucket(bucket).expected_bucket_owner(owner);
        let has_policy = match self.ask(S3, "GetBucketPolicy", policy.send()).await {
            Ok(answer) => answer.policy.is_some(),
            Err(error) if error.kind == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        Ok(Posture { is_public_access_blocked: blocked, has_policy, ..Posture::default() })
    }

    /// The same, and how the bucket keeps what is in it, as far as that may be asked; with it, what of that was refused.
    pub async fn whole_posture(&self, bucket: &str) -> Result<(Posture, Vec<Error>), Error> {
        let posture = self.posture(bucket).await?;
        let (is_versioned, encryption, cors) =
            futures::join!(self.is_versioned(bucket), self.encryption(bucket), self.cors(bucket));
        let mut refused = Vec::new();
        let is_versioned = is_versioned.map_err(|error| refused.push(error)).ok();
        let encryption = encryption.map_err(|error| refused.push(error)).ok().flatten();
        let cors = cors.map_err(|error| refused.push(error)).ok();
        let (encryption, kms_key) = encryption.unzip();
        let kms_key = kms_key.flatten();
        Ok((Posture { is_versioned, encryption, kms_key, cors, ..posture }, refused))
    }

    async fn is_versioned(&self, bucket: &str) -> Result<bool, Error> {
        let request = self
            .clients
            .s3
            .get_bucket_versioning()
            .bucket(bucket)
            .expected_bucket_owner(self.owner());
        let answer = self.ask(S3, "GetBucketVersioning", request.send()).await?;
        Ok(answer.status == Some(BucketVersioningStatus::Enabled))
    }

    /// The algorithm and the key of a bucket's default encryption.
    async fn encryption(&self, bucket: &str) -> Result<Option<(String, Option<String>)>, Error> {
        let request = self
            .clients
            .s3
            .get_bucket_encryption()
            .bucket(bucket)
            .expected_bucket_owner(self.owner());
        let answer = self.ask(S3, "GetBucketEncryption", request.send()).await?;
        let rules = answer.server_side_encryption_configuration.map(|all| all.rules);
        let rule = rules.unwrap_or_default().into_iter().next();
        let default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default);
        Ok(default.map(|default| (default.sse_algorithm.to_string(), default.kms_master_key_id)))
    }

    async fn cors(&self, bucket: &str) -> Result<Vec<CorsRule>, Error> {
        let request =
            self.clients.s3.get_bucket_cors().bucket(bucket).expected_bucket_owner(self.owner());
        match self.ask(S3, "GetBucketCors", request.send()).await {
            Ok(answer) => {
                let rules = answer.cors_rules.unwrap_or_default().into_iter();
                Ok(rules
                    .map(|rule| CorsRule {
                        origins: rule.allowed_origins,
                        methods: rule.allowed_methods,
                        headers: rule.allowed_headers.unwrap_or_default(),
                        exposed: rule.expose_headers.unwrap_or_default(),
                    })
                    .collect())
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl Account {
    /// Uploads a file.
    pub async fn put_file(&self, bucket: &str, key: &str, file: &Path) -> Result<(), Error> {
        const OPERATION: &str = "PutObject";
        let body = ByteStream::from_path(file).await.map_err(|error| {
            let why = format!("{} cannot be read: {error}", file.display());
            Error::unmade(ErrorKind::Invalid, S3, OPERATION, why)
        })?;
        self.put(bucket, key, body).await
    }

    /// Uploads bytes.
    pub async fn put_bytes(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.put(bucket, key, ByteStream::from(bytes)).await
    }

    async fn put(&self, bucket: &str, key: &str, body: ByteStream) -> Result<(), Error> {
        let request = self
            .clients
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .expected_bucket_owner(self.owner())
            .body(body);
        let target = format!("s3://{bucket}/{key}");
        self.change(S3, "PutObject", target, request.send()).await.map(drop)
    }

    /// Deletes an object; one that is not there is deleted already.
    pub async fn delete_object(&self, bucket: &str, key: &str) -> Result<(), Error> {
        let request = self
            .clients
            .s3
            .delete_object()
            .bucket(bucket)
            .key(key)
            .expected_bucket_owner(self.owner());
        let target = format!("s3://{bucket}/{key}");
        self.change(S3, "DeleteObject", target, request.send()).await.map(drop)
    }
}
