//! What `notebooks` needs of the operator's policy: to read where notebooks were shared, and to write where they are copied to.

use serde_json::Value;

use super::statement;
use crate::inventory::bucket_and_prefix;
use crate::names::{AccountId, Region};
use crate::playbook::Playbook;

/// Returns the statements for the places that are given, and for where the playbook wants the copies; none where it wants
/// none. A place is `s3://bucket/prefix`.
pub(super) fn statements(
    playbook: &Playbook,
    shared: &[String],
    region: &str,
    account: &str,
) -> Vec<Value> {
    let to = playbook.shared_notebooks.place(&AccountId::from(account), &Region::from(region));
    let Some((bucket, prefix)) = to else { return Vec::new() };
    let mut statements = Vec::new();
    if !shared.is_empty() {
        let resources: Vec<_> = shared.iter().map(|location| below(location)).collect();
        statements.push(statement(
            "ReadSharedNotebooks",
            &["s3:GetObject", "s3:GetObjectTagging"],
            &resources,
        ));
    }
    statements.push(statement(
        "WriteNotebookCopies",
        &["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"],
        &[format!("arn:aws:s3:::{bucket}/{prefix}/*")],
    ));
    statements
}

/// The ARN of everything below a place.
fn below(location: &str) -> String {
    let (bucket, prefix) = bucket_and_prefix(location);
    match prefix.trim_end_matches('/') {
        "" => format!("arn:aws:s3:::{bucket}/*"),
        prefix => format!("arn:aws:s3:::{bucket}/{prefix}/*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_the_places_and_nothing_else() {
        let mut playbook = Playbook::standard().unwrap();
        let shared = ["s3://shared/sharing/".to_owned(), "s3://whole".to_owned()];
        assert_eq!(statements(&playbook, &shared, "eu-west-1", "111122223333"), [] as [Value; 0]);
        playbook.shared_notebooks.copy_to = Some("s3://keep-{account}/classic".to_owned());
        let found = statements(&playbook, &shared, "eu-west-1", "111122223333");
        assert_eq!(
            found[0]["Resource"],
            serde_json::json!(["arn:aws:s3:::shared/sharing/*", "arn:aws:s3:::whole/*"])
        );
        let copies = "arn:aws:s3:::keep-111122223333/classic/*";
        assert_eq!(found[1]["Resource"], serde_json::json!([copies]));
    }
}
