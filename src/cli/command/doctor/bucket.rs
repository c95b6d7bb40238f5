//! The buckets that this tool writes to: whose they are, who can see into them, and how they keep what is in them.
//!
//! What crosses the staging bucket is sealed; what DataSync writes lies open in its own until it is fetched, and what is archived
//! or copied for people lies open for good. So what is only remarked of the first is wrong with the others.

use super::Checks;
use crate::aws::{BucketPolicy, ErrorKind, Posture, Reader};
use crate::cli::Failure;
use crate::cli::command::iam::only_over_tls;
use crate::names::{AccountId, Region};
use crate::playbook::Playbook;

/// What lies in a bucket, and so what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// What is sealed, and deleted by `cleanup`.
    Sealed,
    /// Homes, open, until they are fetched.
    Homes,
    /// Homes that nobody owns, open, for good.
    Archive,
    /// Copies for people, who read them there.
    Copies,
}

/// A bucket of the playbook.
struct Bucket {
    name: String,
    /// The keys of the playbook that name it.
    key: String,
    holds: Holds,
}

impl Bucket {
    fn is_open(&self) -> bool {
        self.holds != Holds::Sealed
    }

    fn is_named_by(&self, key: &str) -> bool {
        self.key.split(", ").any(|one| one == key)
    }
}

/// Checks the buckets that the playbook needs.
pub(super) async fn check(
    checks: &mut Checks<'_>,
    reader: &Reader,
    playbook: &Playbook,
) -> Result<(), Failure> {
    let identity = reader.identity();
    let buckets = buckets(&identity.account, &identity.region, playbook);
    for bucket in &buckets {
        one(checks, reader, bucket).await?;
    }
    let is_both = |bucket: &&Bucket| {
        bucket.is_named_by("staging.bucket") && bucket.is_named_by("datasync.bucket")
    };
    if let Some(both) = buckets.iter().find(is_both) {
        checks.wrong(format_args!(
            "staging.bucket and datasync.bucket are both {}: execution roles read the one, and must not read the other",
            both.name
        ));
    }
    Ok(())
}

/// Every bucket once, with all keys that name it, as what lies most open in it wants it.
fn buckets(account: &AccountId, region: &Region, playbook: &Playbook) -> Vec<Bucket> {
    let filled = |name: &str| {
        name.replace("{account}", account.as_str()).replace("{region}", region.as_str())
    };
    let datasync = playbook.routes.have_datasync().then(|| filled(&playbook.datasync.bucket));
    let archive = playbook.orphans.place(account, region).map(|(bucket, _)| bucket);
    let copies = playbook.shared_notebooks.place(account, region).map(|(bucket, _)| bucket);
    let flows = playbook.flows.place(account, region, None).map(|(bucket, _)| bucket);
    let named = [
        (Some(filled(&playbook.staging.bucket)), "staging.bucket", Holds::Sealed),
        (datasync, "datasync.bucket", Holds::Homes),
        (archive, "orphans.archive_to", Holds::Archive),
        (copies, "shared_notebooks.copy_to", Holds::Copies),
        (flows, "flows.destination", Holds::Copies),
    ];
    let mut buckets: Vec<Bucket> = Vec::new();
    for (name, key, holds) in named {
        let Some(name) = name else { continue };
        match buckets.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                known.key = format!("{}, {key}", known.key);
                if !known.is_open() {
                    known.holds = holds;
                }
            }
            None => buckets.push(Bucket { name, key: key.to_owned(), holds }),
        }
    }
    buckets
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
        if bucket.is_open() {
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
    let who = match bucket.holds {
        Holds::Sealed => None,
        Holds::Homes => Some("nobody but DataSync's role and you should read there"),
        Holds::Archive => Some("nobody but you should read what is archived there"),
        Holds::Copies => Some("nobody but the people whose copies lie there should read them"),
    };
    if let Some(who) = who.filter(|_| !policy.admits.is_empty()) {
        checks.unknown(format_args!(
            "the policy of bucket {name} lets somebody in ({}): {who}",
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
            match bucket.holds {
                Holds::Sealed => "whatever `cleanup` deletes",
                Holds::Homes => "every home, once it is fetched and deleted,",
                Holds::Archive => "an archive that is packed anew or deleted",
                Holds::Copies => "a copy or an index that is replaced or deleted",
            }
        )),
        Some(false) => checks.good(format_args!("bucket {name} keeps no earlier versions")),
        None => checks
            .unknown(format_args!("whether bucket {name} keeps earlier versions could not be asked")),
    }
}
