//! Who may read what DataSync writes: homes lie open there until they are sealed, and a role that may read one may read them all.

use serde_json::json;

use crate::aws::{Question, S3Location};
use crate::execute::context::Context;
use crate::execute::failure::Failure;

/// Refuses to let a home lie open where the execution role may read it.
pub(super) async fn check(
    cx: &Context,
    homes: &S3Location,
    reports: &S3Location,
) -> Result<(), Failure> {
    let Some(role) = role(cx).await? else { return Ok(()) };
    let arn = cx.account.bucket_arn(&homes.bucket);
    let question = Question {
        // A report names every file.
        resources: vec![
            format!("{arn}/{}/{}/any", homes.prefix, cx.migration.home_uid),
            format!("{arn}/{}/any", reports.prefix),
        ],
        ..Question::about(&["s3:GetObject"])
    };
    let decisions = cx.account.simulate(&role, &question).await?;
    if decisions.iter().any(|one| one.decision == "allowed") {
        return Err(Failure::new(format!(
            "{role} may read what DataSync writes to s3://{}/{}/, where homes of others lie open",
            homes.bucket, homes.prefix
        ))
        .hinted(way_out(&role, &format!("{arn}/{}/datasync/*", cx.plan.playbook.staging.prefix))));
    }
    Ok(())
}

/// The execution role of the space that the home goes to.
async fn role(cx: &Context) -> Result<Option<String>, Failure> {
    let domain = cx.account.domain(&cx.migration.domain).await?;
    if cx.migration.shared.is_some() {
        return Ok(domain.setup.space_role);
    }
    let profile = cx.account.profile(&cx.migration.domain, &cx.migration.profile).await?;
    Ok(profile.settings.over(&domain.defaults).execution_role)
}

/// What keeps a role out, to be pasted. A deny in the bucket's policy would, too, but IAM is not asked about that.
fn way_out(role: &str, resource: &str) -> String {
    let deny = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "KeepOutOfHomesOnTheirWay",
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": resource,
        }],
    });
    let name = role.rsplit('/').next().unwrap_or(role);
    format!(
        "a deny stands above every allow: `aws iam put-role-policy --role-name {name} --policy-name KeepOutOfHomesOnTheirWay --policy-document '{deny}'`, then run again (or put its statement into a permissions boundary); or name a bucket that no execution role may read (datasync.bucket), and plan again"
    )
}
