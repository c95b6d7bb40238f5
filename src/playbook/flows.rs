//! Where Data Wrangler flows go, for Canvas to import.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Problems;
use super::places;
use super::policy::Staging;
use crate::names::{AccountId, Region};

/// The folder below a domain's own place for Canvas, where the playbook names none.
const FOLDER: &str = "classic-flows";

/// Data Wrangler flows, which are files `*.flow` in Classic homes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flows {
    /// The place that `flows` copies them to, `s3://bucket/prefix`; `{account}` and `{region}` are filled in. None: where Canvas
    /// keeps what is made in it, as far as the domain or the profile says so (`S3ArtifactPath`), else nowhere.
    pub destination: Option<String>,
}

impl Flows {
    /// Returns the bucket and the prefix that flows go to, with account and Region filled in; `of_canvas` is where Canvas keeps
    /// what is made in it. `None` where neither says.
    pub fn place(
        &self,
        account: &AccountId,
        region: &Region,
        of_canvas: Option<&str>,
    ) -> Option<(String, String)> {
        if let Some(destination) = &self.destination {
            return places::place(destination, account, region);
        }
        let path = of_canvas?.strip_prefix("s3://")?;
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let prefix = prefix.trim_matches('/');
        let below =
            if prefix.is_empty() { FOLDER.to_owned() } else { format!("{prefix}/{FOLDER}") };
        (!bucket.is_empty()).then(|| (bucket.to_owned(), below))
    }
}

pub(super) fn check(flows: &Flows, staging: &Staging, problems: &mut Problems) {
    places::check("flows.destination", flows.destination.as_deref(), staging, problems);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_playbook_s_place_beats_the_one_of_canvas() {
        let place = |destination: Option<&str>, of_canvas| {
            let flows = Flows { destination: destination.map(str::to_owned) };
            let place = flows.place(&"1".into(), &"r".into(), of_canvas);
            place.map(|(bucket, prefix)| format!("{bucket} {prefix}"))
        };
        let canvas = Some("s3://sagemaker-r-1/canvas/");
        assert_eq!(place(None, canvas).as_deref(), Some("sagemaker-r-1 canvas/classic-flows"));
        assert_eq!(place(None, Some("s3://b")).as_deref(), Some("b classic-flows"));
        assert_eq!(place(Some("s3://x-{account}/f"), canvas).as_deref(), Some("x-1 f"));
        assert_eq!(place(None, None), None);
    }
}
