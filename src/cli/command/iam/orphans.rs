//! What `orphans archive` needs of the operator's policy: to write the archive, and to read it back.

use serde_json::{Value, json};

use super::statement;
use crate::names::{AccountId, Region};
use crate::playbook::Playbook;

/// Returns the statements for where the playbook wants orphans archived; none where it wants none.
pub(super) fn statements(playbook: &Playbook, region: &str, account: &str) -> Vec<Value> {
    let to = playbook.orphans.place(&AccountId::from(account), &Region::from(region));
    let Some((bucket, prefix)) = to else { return Vec::new() };
    let mut list =
        statement("SeeTheArchive", &["s3:ListBucket"], &[format!("arn:aws:s3:::{bucket}")]);
    list["Condition"] = json!({ "StringLike": { "s3:prefix": format!("{prefix}/*") } });
    let write = statement(
        "WriteTheArchive",
        &["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
        &[format!("arn:aws:s3:::{bucket}/{prefix}/*")],
    );
    vec![list, write]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_the_archive_and_nothing_else() {
        let mut playbook = Playbook::standard().unwrap();
        assert_eq!(statements(&playbook, "eu-west-1", "111122223333"), [] as [Value; 0]);
        playbook.orphans.archive_to = Some("s3://keep-{account}/orphans".to_owned());
        let found = statements(&playbook, "eu-west-1", "111122223333");
        assert_eq!(found[0]["Resource"], json!(["arn:aws:s3:::keep-111122223333"]));
        assert_eq!(found[1]["Resource"], json!(["arn:aws:s3:::keep-111122223333/orphans/*"]));
    }
}
