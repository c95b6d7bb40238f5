//! Buckets as a whole: made, removed, listed, and what is set on them.

use std::fs;

use http::StatusCode;
use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, GetBucketCorsOutput,
    GetBucketEncryptionOutput, GetBucketLocationOutput, GetBucketPolicyOutput,
    GetPublicAccessBlockOutput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput, Owner,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::objects::{encryption, timestamp};
use super::store::{broken, make_bucket};
use super::{ACCOUNT, Front};

/// The Region that calls itself by no name.
const FIRST_REGION: &str = "us-east-1";

impl Front {
    fn region(&self) -> String {
        self.store.world.read(|state| state.region.clone())
    }

    pub(super) fn create_bucket(&self, input: CreateBucketInput) -> S3Result<CreateBucketOutput> {
        let region = self.region();
        let asked = input
            .create_bucket_configuration
            .as_ref()
            .and_then(|configuration| configuration.location_constraint.as_ref())
            .map_or(FIRST_REGION, BucketLocationConstraint::as_str);
        if asked != region {
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "The {asked} location constraint is incompatible for the region specific endpoint this request was sent \
                 to."
            ));
        }
        let _held = self.store.hold();
        if self.store.bucket(&input.bucket).is_ok() {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        make_bucket(self.store.world.dir(), &input.bucket).map_err(broken)?;
        let location = Some(format!("/{}", input.bucket));
        Ok(CreateBucketOutput { location })
    }

    pub(super) fn delete_bucket(&self, bucket: &str) -> S3Result<()> {
        self.store.bucket(bucket)?;
        let objects = self.store.objects(bucket)?;
        let _held = self.store.hold();
        if !objects.is_empty() {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
        }
        fs::remove_dir_all(self.store.folder(bucket)).map_err(broken)
    }

    pub(super) fn list_buckets(&self, input: ListBucketsInput) -> S3Result<ListBucketsOutput> {
        let region = self.region();
        let prefix = input.prefix.unwrap_or_default();
        let buckets = self.store.buckets().map_err(broken)?;
        let listed = buckets
            .into_iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .map(|(name, known)| Bucket {
                name: Some(name),
                creation_date: Some(timestamp(known.created)),
                bucket_region: Some(region.clone()),
            })
            .collect();
        Ok(ListBucketsOutput {
            buckets: Some(listed),
            owner: Some(Owner { display_name: None, id: Some(ACCOUNT.to_owned()) }),
            ..ListBucketsOutput::default()
        })
    }

    pub(super) fn head_bucket(&self, bucket: &str) -> S3Result<HeadBucketOutput> {
        self.store.bucket(bucket)?;
        Ok(HeadBucketOutput { bucket_region: Some(self.region()), ..HeadBucketOutput::default() })
    }

    pub(super) fn location(&self, bucket: &str) -> S3Result<GetBucketLocationOutput> {
        self.store.bucket(bucket)?;
        let region = self.region();
        let named = region != FIRST_REGION;
        Ok(GetBucketLocationOutput {
            location_constraint: named.then(|| BucketLocationConstraint::from(region)),
        })
    }

    /// Refuses when the bucket is another account's, or is not whose the client expects it to be.
    pub(super) fn owned(&self, bucket: &str, expected: Option<&str>) -> S3Result<()> {
        let owner = match self.store.bucket(bucket) {
            Ok(bucket) => bucket.kept.owner,
            // Which operation minds that it is not there, and how, is the operation's own matter.
            Err(_) => ACCOUNT.to_owned(),
        };
        if owner != ACCOUNT || expected.is_some_and(|expected| expected != owner) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        Ok(())
    }

    pub(super) fn encryption_of(&self, bucket: &str) -> S3Result<GetBucketEncryptionOutput> {
        let kms_key = self.store.bucket(bucket)?.kept.kms_key;
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                sse_algorithm: match kms_key {
                    Some(_) => ServerSideEncryption::from_static(ServerSideEncryption::AWS_KMS),
                    None => encryption(),
                },
                kms_master_key_id: kms_key,
            }),
            bucket_key_enabled: Some(false),
        };
        Ok(GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration {
                rules: vec![rule],
            }),
        })
    }

    pub(super) fn policy(&self, bucket: &str) -> S3Result<GetBucketPolicyOutput> {
        match self.store.bucket(bucket)?.policy {
            Some(policy) => Ok(GetBucketPolicyOutput { policy: Some(policy) }),
            None => Err(s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist")),
        }
    }

    pub(super) fn cors(&self, bucket: &str) -> S3Result<GetBucketCorsOutput> {
        match self.store.bucket(bucket)?.cors {
            Some(rules) => Ok(GetBucketCorsOutput { cors_rules: Some(rules) }),
            None => {
                Err(s3_error!(NoSuchCORSConfiguration, "The CORS configuration does not exist"))
            }
        }
    }

    pub(super) fn public_access(&self, bucket: &str) -> S3Result<GetPublicAccessBlockOutput> {
        if !self.store.bucket(bucket)?.kept.blocks_public_access {
            let mut error = S3Error::with_message(
                S3ErrorCode::Custom("NoSuchPublicAccessBlockConfiguration".into()),
                "The public access block configuration was not found",
            );
            error.set_status_code(StatusCode::NOT_FOUND);
            return Err(error);
        }
        let configuration = PublicAccessBlockConfiguration {
            block_public_acls: Some(true),
            block_public_policy: Some(true),
            ignore_public_acls: Some(true),
            restrict_public_buckets: Some(true),
        };
        Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(configuration) })
    }
}
