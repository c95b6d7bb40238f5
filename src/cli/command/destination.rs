//! A place on S3 that a playbook names, and that people's files go to: whose it has to be, and how closed.

use crate::aws::{ErrorKind, Posture, Reader};
use crate::cli::{Exit, Failure};
use crate::plan::Plan;

/// The places are those of one account, and the caller may be another one's.
pub(super) fn refuse_other_account(plan: &Plan, reader: &Reader) -> Result<(), Failure> {
    let here = reader.identity();
    if here.account == plan.account && here.region == plan.region {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "plan {} is for account {} in {}, and the caller is in account {} in {}",
        plan.id, plan.account, plan.region, here.account, here.region
    ))
    .hinted("use the right credentials and Region, or another journal with --state"))
}

/// Refuses a bucket that is not the caller's own, or that may be public; `key` is what names it in the playbook.
pub(super) async fn fit(reader: &Reader, bucket: &str, key: &str) -> Result<Posture, Failure> {
    let owner = &reader.identity().account;
    let (posture, _) = reader.whole_posture(bucket).await.map_err(|error| match error.kind {
        ErrorKind::NotFound => Failure::of(Exit::Blocked, format!("find bucket {bucket}"), error)
            .hinted(format!("make it in account {owner}, closed to the public, or name another one with `{key}`")),
        ErrorKind::Denied => Failure::of(Exit::Blocked, format!("look at bucket {bucket}"), error)
            .hinted(format!("it has to belong to account {owner}, and the caller needs what `studio-migrate iam operator --playbook P` prints")),
        _ => Failure::aws(&format!("look at bucket {bucket}"), error),
    })?;
    if !posture.is_public_access_blocked {
        return Err(Failure::new(
            Exit::Blocked,
            format!("bucket {bucket} may be public: not all of its public access blocks are on"),
        )
        .hinted(format!("`aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`, after looking for whoever needs it otherwise")));
    }
    Ok(posture)
}

/// Says how closed a bucket is that is fit.
pub(super) fn said(posture: &Posture) -> String {
    let versions = match posture.is_versioned {
        Some(true) => "keeps earlier versions",
        Some(false) => "keeps no earlier versions",
        None => "does not tell whether it keeps earlier versions",
    };
    format!("the bucket is closed to the public and {versions}")
}
