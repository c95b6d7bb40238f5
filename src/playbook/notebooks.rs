//! Where the notebooks go that people shared in Studio Classic.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Problems;
use super::places;
use super::policy::Staging;
use crate::names::{AccountId, Region};

/// Where the notebooks go that people shared in Studio Classic. Their settings of sharing stay: AWS has nothing that ends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NotebookCopies {
    /// The place that `notebooks` copies them to, `s3://bucket/prefix`; `{account}` and `{region}` are filled in. None: nowhere.
    pub copy_to: Option<String>,
}

impl NotebookCopies {
    /// Returns the bucket and the prefix that the copies go to, with account and Region filled in; `None` where nothing is
    /// copied, or where the place is none, which [`Playbook::check`](super::Playbook::check) tells.
    pub fn place(&self, account: &AccountId, region: &Region) -> Option<(String, String)> {
        places::place(self.copy_to.as_deref()?, account, region)
    }
}

/// Checks that the place is one, and not one that `cleanup` empties.
pub(super) fn check(copies: &NotebookCopies, staging: &Staging, problems: &mut Problems) {
    places::check("shared_notebooks.copy_to", copies.copy_to.as_deref(), staging, problems);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Playbook;

    fn problems(copy_to: &str) -> Vec<String> {
        let mut playbook = Playbook::parse("schema: 1\nname: mine\n", "mine.yaml").unwrap();
        playbook.shared_notebooks.copy_to = Some(copy_to.to_owned());
        playbook.check().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_place_is_a_bucket_and_a_prefix_with_account_and_region_filled_in() {
        let copies =
            NotebookCopies { copy_to: Some("s3://nb-{region}-{account}/classic/all".to_owned()) };
        let place = copies.place(&"111122223333".into(), &"eu-west-1".into());
        assert_eq!(place, Some(("nb-eu-west-1-111122223333".into(), "classic/all".into())));
        assert_eq!(problems("s3://nb-{region}-{account}/classic/all"), [""; 0]);
        assert_eq!(NotebookCopies::default().place(&"1".into(), &"r".into()), None);
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_to_write() {
        for bad in [
            "",
            "bucket/prefix",
            "s3://bucket",
            "s3://bucket/",
            "s3://bucket/a/",
            "s3://bucket//a",
            "s3://Bucket/a",
            "s3://bucket/a b",
            "s3://bucket/../a",
            "https://bucket/a",
            "s3://{profile}/a",
        ] {
            let found = problems(bad);
            assert_eq!(found.len(), 1, "{bad}: {found:?}");
            assert!(found[0].contains("write `s3://bucket/prefix`"), "{bad}: {found:?}");
        }
    }

    #[test]
    fn copies_are_not_put_where_cleanup_deletes() {
        let staged = "s3://sagemaker-{region}-{account}/studio-migrate";
        for bad in [staged.to_owned(), format!("{staged}/reports/notebooks")] {
            assert!(problems(&bad)[0].contains("`cleanup` deletes"), "{bad}");
        }
        assert_eq!(problems(&format!("{staged}-notebooks")), [""; 0]);
    }
}
