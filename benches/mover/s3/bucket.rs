//! A look into the bucket, and the layout of AWS DataSync put into it, both outside the time.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use futures::stream::{StreamExt, TryStreamExt, iter};
use tokio::runtime::Runtime;

use super::server::{BUCKET, Kind, REGION, Server};
use crate::Failure;
use crate::arrived::each_file;

/// Uploads under way at once.
const AT_ONCE: usize = 32;

/// The bucket, as the AWS SDK sees it.
pub(crate) struct Bucket {
    client: Client,
    runtime: Runtime,
}

impl Bucket {
    /// Opens the bucket of a server.
    pub(crate) fn open(server: &Server) -> Result<Self, Failure> {
        let (id, secret) = (&server.access_key_id, &server.secret_access_key);
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&server.endpoint)
            .credentials_provider(Credentials::new(id, secret, None, None, "race"))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .force_path_style(true)
            .build();
        let bucket = Self { client: Client::from_conf(config), runtime: Runtime::new()? };
        // The others serve a folder in which it is one already.
        if server.kind == Kind::Sim {
            bucket.create()?;
        }
        Ok(bucket)
    }

    fn create(&self) -> Result<(), Failure> {
        use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
        let place = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(REGION))
            .build();
        let create = self.client.create_bucket().bucket(BUCKET);
        let create = create.create_bucket_configuration(place).send();
        self.runtime.block_on(create).map_err(|error| said(&error)).map(drop)
    }

    /// Counts what lies below a prefix: objects and bytes.
    pub(crate) fn count(&self, prefix: &str) -> Result<(u64, u64), Failure> {
        let list = self.client.list_objects_v2().bucket(BUCKET).prefix(format!("{prefix}/"));
        let mut pages = list.into_paginator().send();
        self.runtime.block_on(async {
            let (mut objects, mut bytes) = (0, 0);
            while let Some(page) = pages.next().await {
                for object in page.map_err(|error| said(&error))?.contents() {
                    objects += 1;
                    bytes += object.size().unwrap_or_default().unsigned_abs();
                }
            }
            Ok((objects, bytes))
        })
    }

    /// Uploads a tree as DataSync lays it out: an object a file, with owner, permissions and times in user metadata.
    ///
    /// The names and formats are those that the pages "POSIX metadata" of Amazon FSx for Lustre and of AWS Storage Gateway
    /// give, with which DataSync says that its metadata works together. Folders have no objects here: not every server
    /// can keep an object whose key ends in `/`.
    pub(crate) fn lay_out(&self, tree: &Path, prefix: &str) -> Result<(), Failure> {
        let mut files = Vec::new();
        each_file(tree, &mut |file, metadata| {
            let path = file.strip_prefix(tree)?.to_str().ok_or("a name is not UTF-8")?;
            files.push((file.to_owned(), format!("{prefix}/{path}"), metadata.clone()));
            Ok(())
        })?;
        let puts = iter(files).map(|(file, key, metadata)| async move {
            let body = ByteStream::from(fs::read(file)?);
            let put = self.client.put_object().bucket(BUCKET).key(key).body(body);
            let put = posix(&metadata)
                .into_iter()
                .fold(put, |put, (name, value)| put.metadata(name, value));
            put.send().await.map_err(|error| said(&error)).map(drop)
        });
        self.runtime.block_on(puts.buffer_unordered(AT_ONCE).try_collect::<()>())
    }
}

/// What DataSync says of a file.
fn posix(metadata: &Metadata) -> [(&'static str, String); 5] {
    let nanoseconds = |seconds: i64, more: i64| {
        format!("{}ns", i128::from(seconds) * 1_000_000_000 + i128::from(more))
    };
    [
        ("file-permissions", format!("{:07o}", metadata.mode())),
        ("file-owner", metadata.uid().to_string()),
        ("file-group", metadata.gid().to_string()),
        ("file-mtime", nanoseconds(metadata.mtime(), metadata.mtime_nsec())),
        ("file-atime", nanoseconds(metadata.atime(), metadata.atime_nsec())),
    ]
}

fn said(error: &(impl std::error::Error + 'static)) -> Failure {
    DisplayErrorContext(error).to_string().into()
}
