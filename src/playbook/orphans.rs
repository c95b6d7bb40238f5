//! Where homes go that nobody owns any more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Problems;
use super::places;
use super::policy::Staging;
use crate::names::{AccountId, Region};

/// Homes that no profile and no space owns, on the file systems of domains and on those whose domain is gone. Nothing deletes one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Orphans {
    /// The place that `orphans archive` packs them to, `s3://bucket/prefix`, which no execution role may read; `{account}` and
    /// `{region}` are filled in. None: nowhere.
    pub archive_to: Option<String>,
}

impl Orphans {
    /// Returns the bucket and the prefix of the archive, with account and Region filled in; `None` where nothing is archived, or
    /// where the place is none, which [`Playbook::check`](super::Playbook::check) tells.
    pub fn place(&self, account: &AccountId, region: &Region) -> Option<(String, String)> {
        places::place(self.archive_to.as_deref()?, account, region)
    }
}

pub(super) fn check(orphans: &Orphans, staging: &Staging, problems: &mut Problems) {
    places::check("orphans.archive_to", orphans.archive_to.as_deref(), staging, problems);
}

#[cfg(test)]
mod tests {
    use crate::playbook::Playbook;

    #[test]
    fn an_archive_is_a_place_that_cleanup_does_not_empty() {
        let problems = |archive_to: &str| {
            let text = format!("schema: 1\nname: x\norphans: {{ archive_to: \"{archive_to}\" }}\n");
            let playbook = Playbook::parse(&text, "x.yaml").unwrap();
            playbook.check().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(problems("s3://archive-{account}/orphans"), [""; 0]);
        assert!(problems("archive/orphans")[0].contains("orphans.archive_to"));
        let staged = problems("s3://sagemaker-{region}-{account}/studio-migrate/orphans");
        assert!(staged[0].contains("`cleanup` deletes"), "{staged:?}");
    }
}
