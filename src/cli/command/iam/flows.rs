//! What `flows` needs of the operator's policy: to write the copies, and to look at what is there.

use serde_json::Value;

use super::statement;
use crate::names::{AccountId, Region};
use crate::playbook::Playbook;

/// Returns the statement for where the playbook wants flows copied; none where it leaves that to Canvas.
pub(super) fn statements(playbook: &Playbook, region: &str, account: &str) -> Vec<Value> {
    let to = playbook.flows.place(&AccountId::from(account), &Region::from(region), None);
    let Some((bucket, prefix)) = to else { return Vec::new() };
    vec![statement(
        "WriteFlowCopies",
        &["s3:GetObject", "s3:PutObject"],
        &[format!("arn:aws:s3:::{bucket}/{prefix}/*")],
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_names_the_place_of_the_playbook() {
        let mut playbook = Playbook::standard().unwrap();
        assert_eq!(statements(&playbook, "eu-west-1", "111122223333"), [] as [Value; 0]);
        playbook.flows.destination = Some("s3://keep-{account}/flows".to_owned());
        let found = statements(&playbook, "eu-west-1", "111122223333");
        let copies = "arn:aws:s3:::keep-111122223333/flows/*";
        assert_eq!(found[0]["Resource"], serde_json::json!([copies]));
    }
}
