//! Who may read an archive of orphan homes. It lies open to whoever may read the place, so no execution role may: it would show
//! everybody homes of others.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::{Question, Reader};
use crate::cli::{Context, Exit, Failure};
use crate::execute::Archive;
use crate::inventory::Snapshot;
use crate::names::counted;

/// Refuses a place that an execution role of the snapshot may read: all such roles are named, with what shuts them out.
///
/// IAM is asked, and by its simulation IAM knows a role's own policies and its boundary. It does not look at the bucket's policy,
/// which may let a role in or keep it out: that is said, and not guessed at.
pub(super) async fn refuse_readers(
    context: &Context,
    reader: &Reader,
    archive: &Archive,
    snapshot: &Snapshot,
) -> Result<(), Failure> {
    let arn = format!("{}/{}", reader.bucket_arn(&archive.bucket), archive.prefix);
    let question =
        Question { resources: vec![format!("{arn}/any")], ..Question::about(&["s3:GetObject"]) };
    let roles = roles(snapshot);
    let mut readers = Vec::new();
    for role in &roles {
        let decisions = reader.simulate(role, &question).await.map_err(|error| {
            Failure::aws(&format!("ask whether {role} may read the archive"), error)
        })?;
        if decisions.iter().any(|one| one.decision == "allowed") {
            readers.push(role.as_str());
        }
    }
    let place = format!("s3://{}/{}/", archive.bucket, archive.prefix);
    if readers.is_empty() {
        context.ui.status(format_args!(
            "No execution role may read {place}, says IAM by the policies and the boundary of each ({}); it was not asked about the bucket's own policy",
            counted(roles.len() as u64, "role", "roles")
        ));
        return Ok(());
    }
    let message = match readers.as_slice() {
        [one] => format!("{one} may read {place}, where homes of others would lie open"),
        several => format!(
            "{} execution roles may read {place}, where homes of others would lie open:\n  {}",
            several.len(),
            several.join("\n  ")
        ),
    };
    Err(Failure::new(Exit::Blocked, message).hinted(way_out(&arn)?))
}

/// The execution roles that a snapshot knows.
fn roles(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut roles = BTreeSet::new();
    for domain in &snapshot.domains {
        roles.extend(domain.defaults.execution_role.clone());
        roles.extend(domain.setup.space_role.clone());
        roles.extend(
            domain.profiles.iter().filter_map(|profile| profile.effective.execution_role.clone()),
        );
    }
    roles
}

/// What shuts a role out so that IAM's simulation sees it.
fn way_out(arn: &str) -> Result<String, Failure> {
    Ok(format!(
        "a deny stands above every allow. Save this as deny.json:\n{}\nand give it to each of these roles: `aws iam put-role-policy --role-name ROLE --policy-name KeepOutOfTheArchive --policy-document file://deny.json`; or put its statement into their permissions boundary. A deny in the bucket's policy keeps them out, too, but IAM is not asked about that policy, and this command would go on refusing. Or name another bucket (orphans.archive_to), and draw up and approve the plan anew",
        crate::cli::command::json(&deny(arn))?
    ))
}

fn deny(arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "KeepOutOfTheArchive",
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": [format!("{arn}/*")],
        }],
    })
}
