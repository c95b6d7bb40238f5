//! The buckets that a run writes to: whose they are, who can see into them, and how they keep what is in them.
//!
//! What crosses the staging bucket is sealed; what DataSync writes lies open in its own until it is fetched. So what is only
//! remarked of the first is wrong with the second.

use super::Checks;
use crate::aws::{BucketPolicy, ErrorKind, Posture, Reader};
use crate::cli::Failure;
use crate::cli::command::iam::only_over_tls;
use crate::playbook::Playbook;

/// A bucket of the playbook.
struct Bucket {
    name: String,
    /// The key of the playbook that names it.
    key: &'static str,
    /// Whether homes lie open in it for a while.
    is_open: bool,
}

/// Checks the buckets that the playbook needs.
pub(super) async fn check(
    checks: &mut Checks<'_>,
    reader: &Reader,
    playbook: &Playbook,
) -> Result<(), Failure> {
    let identity = reader.identity();
    let filled = |name: &str| {
        name.replace("{account}", identity.account.as_str())
            .replace("{region}", identity.region.as_str())
    };
    let staging =
        Bucket { name: filled(&playbook.staging.bucket), key: "staging.bucket", is_open: false };
    one(checks, reader, &staging).await?;
    if playbook.routes.have_datasync() {
        let datasync = Bucket {
            name: filled(&playbook.datasync.bucket),
            key: "datasync.bucket",
            is_open: true,
        };
        one(checks, reader, &datasync).await?;
        if datasync.name == staging.name {
            checks.wrong(format_args!(
                "staging.bucket and datasync.bucket are both {}: execution roles read the one, and must not read the other",
                datasync.name
            ));
        }
    }
    Ok(())
}

async fn one(checks: &mut Checks<'_>, reader: &Reader, bucket: &Bucket) -> Result<(), Failure> {
    let Bucket { name, key, .. } = bucket;
    let (posture, refused) = match reader.whole_posture(name).await {
        Ok(seen) => seen,
        Err(error) if error.kind == ErrorKind::NotFound => {
            checks.wrong(format_args!("there is no bucket {name} (playbook: {key})"));
            return Ok(());
        }
        Err(error) => {
            // S3 answers so, too, when the bucket is not the expected owner's.
            checks.wrong(format_args!(
                "bucket {name} ({key}) cannot be used, or is another account's: {error}"
            ));
            return Ok(());
        }
    };
    if posture.is_public_access_blocked {
        checks.good(format_args!("bucket {name} is there, yours, and closed to the public"));
    } else {
        checks.wrong(format_args!(
            "bucket {name} ({key}) does not block public access: `aws s3api put-public-access-block --bucket {name} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`"
        ));
    }
    match reader.bucket_policy(name).await {
        Ok(policy) => policies(checks, bucket, &policy)?,
        Err(error) => {
            checks.unknown(format_args!("the policy of bucket {name} could not be read: {error}"));
        }
    }
    keeping(checks, bucket, &posture);
    for error in refused {
        checks.unknown(format_args!("bucket {name}: {error}"));
    }
    Ok(())
}

/// Whether it refuses what does not come over TLS, and whom it lets in.
fn policies(
    checks: &mut Checks<'_>,
    bucket: &Bucket,
    policy: &BucketPolicy,
) -> Result<(), Failure> {
    let name = &bucket.name;
    if policy.is_tls_only {
        checks.good(format_args!("bucket {name} refuses whatever does not come over TLS"));
    } else {
        let how = match policy.is_there {
            true => "add this statement to its policy, which `put-bucket-policy` replaces whole",
            false => "`aws s3api put-bucket-policy` with this",
        };
        if bucket.is_open {
            checks.wrong(format_args!(
                "bucket {name} ({}) takes requests without TLS; {how}:",
                bucket.key
            ));
        } else {
            checks.unknown(format_args!(
                "bucket {name} takes requests without TLS; this tool makes none, and what it puts there is sealed. To refuse them, {how}:"
            ));
        }
        checks.paste(&crate::cli::command::json(&only_over_tls(name))?);
    }
    if bucket.is_open && !policy.admits.is_empty() {
        checks.unknown(format_args!(
            "the policy of bucket {name} lets somebody in ({}): nobody but DataSync's role and you should read there",
            policy.admits.join(", ")
        ));
    }
    Ok(())
}

/// How it keeps what is in it.
fn keeping(checks: &Checks<'_>, bucket: &Bucket, posture: &Posture) {
    let name = &bucket.name;
    match (posture.encryption.as_deref(), posture.kms_key.as_deref()) {
        (Some("AES256"), _) => {
            checks.good(format_args!("bucket {name} encrypts with S3's own keys (SSE-S3)"));
        }
        (Some(algorithm), Some(key)) => checks.good(format_args!(
            "bucket {name} encrypts with {algorithm} and key {key}: whoever reads or writes there needs that key, too"
        )),
        (Some(algorithm), None) => {
            checks.good(format_args!("bucket {name} encrypts with {algorithm} and AWS's key"));
        }
        (None, _) => {
            checks.unknown(format_args!("how bucket {name} encrypts could not be asked"));
        }
    }
    match posture.is_versioned {
        Some(true) => checks.unknown(format_args!(
            "bucket {name} keeps earlier versions: {} stays there as one until a lifecycle rule ends it (NoncurrentVersionExpiration)",
            if bucket.is_open { "every home, once it is fetched and deleted," } else { "whatever `cleanup` deletes" }
        )),
        Some(false) => checks.good(format_args!("bucket {name} keeps no earlier versions")),
        None => checks
            .unknown(format_args!("whether bucket {name} keeps earlier versions could not be asked")),
    }
}
