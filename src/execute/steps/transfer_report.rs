//! What DataSync reports of an execution, held against what it wrote.
//!
//! A report names every file. What DataSync says that it took has to be there once it is fetched, or the home is not whole;
//! what it says that it left is named in the proof.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::aws::{Execution, S3Location};
use crate::execute::context::Context;
use crate::execute::failure::Failure;
use crate::execute::step::Step;
use crate::journal::Event;

/// The kind of event that says what DataSync left of a home, each time that it has been fetched. It is no part of a standing.
const LEFT: &str = "left-by-datasync";

/// Files that a failure names.
const NAMED: usize = 5;

/// Files that are named in the journal.
const NOTED: usize = 200;

/// The largest task report that is read, in bytes.
const LARGEST_REPORT: u64 = 256 << 20;

/// What an execution reports of one home.
#[derive(Debug, Default)]
pub(super) struct Reported {
    /// Whether there is a report at all.
    is_there: bool,
    /// What failed: path and reason.
    failed: BTreeMap<String, String>,
    /// What it says is in the bucket.
    taken: BTreeSet<String>,
    /// What it skipped, and why: since the bucket has it, or since DataSync does not take such things.
    skipped: BTreeMap<String, String>,
}

impl Reported {
    /// Reads what is said of this home.
    pub(super) async fn of(
        cx: &Context,
        reports: &S3Location,
        execution: &str,
    ) -> Result<Self, Failure> {
        let id = execution.rsplit('/').next().unwrap_or_default();
        let under = format!("{}/Detailed-Reports/", reports.prefix);
        let home = format!("/{}/", cx.migration.home_uid);
        let mut reported = Self::default();
        for (key, _) in cx.account.objects(&reports.bucket, &under).await? {
            if !key.contains(&format!("/{id}/")) {
                continue;
            }
            let text = cx.account.object(&reports.bucket, &key, LARGEST_REPORT).await?;
            let report: Value = serde_json::from_slice(&text)
                .map_err(|error| Failure::new(format!("{key} is no task report: {error}")))?;
            reported.take(&report, &home);
        }
        Ok(reported)
    }

    fn take(&mut self, report: &Value, home: &str) {
        self.is_there = true;
        for list in ["Transferred", "Verified", "Skipped", "Deleted"] {
            for entry in report[list].as_array().into_iter().flatten() {
                let path = entry["RelativePath"].as_str().unwrap_or_default();
                let Some(path) = path.strip_prefix(home).map(str::to_owned) else { continue };
                let text = |member: &str| entry[member].as_str().map(str::to_owned);
                let code = text("ErrorCode");
                match (list, text("ErrorDetail").or(code)) {
                    (_, Some(why)) => {
                        self.failed.insert(path, why);
                    }
                    ("Skipped", None) => {
                        let why =
                            text("SkipReason").unwrap_or_else(|| "no reason given".to_owned());
                        self.skipped.insert(path, why);
                    }
                    ("Deleted", None) => {}
                    (_, None) => {
                        self.taken.insert(path);
                    }
                }
            }
        }
    }

    /// Makes sure that nothing of this home failed: the others of an execution may have.
    pub(super) fn check(&self, cx: &Context, ended: &Execution) -> Result<(), Failure> {
        if ended.status == "SUCCESS" && self.failed.is_empty() {
            return Ok(());
        }
        let why = ended.error.clone().unwrap_or_else(|| "DataSync gives no reason".to_owned());
        let hint = "its task report in the bucket names what failed; leave it out, or let the home travel packed";
        if !self.is_there {
            return Err(Failure::new(format!("DataSync failed: {why}")).hinted(hint));
        }
        if self.failed.is_empty() {
            cx.remark(format!("DataSync failed for somebody else of the same execution: {why}"));
            return Ok(());
        }
        let failed = self.failed.iter().map(|(path, why)| format!("`{path}` ({why})"));
        let message = format!("DataSync could not take {}", first(failed, self.failed.len()));
        Err(Failure::of_files(message, "DataSync could not take all of the home").hinted(hint))
    }

    /// Looks for every entry of the report in what was fetched, and writes down what DataSync left.
    ///
    /// # Errors
    ///
    /// Something is not there that DataSync says it took.
    pub(super) fn reconcile(&self, cx: &Context, fetched: &Path) -> Result<(), Failure> {
        if !self.is_there {
            cx.remark("DataSync left no task report: what it may have passed over is not known");
        }
        let (lost, left) = self.missing(|path| fetched.join(path).symlink_metadata().is_ok());
        if !lost.is_empty() {
            let named = lost.iter().map(|path| format!("`{path}`"));
            let message = format!(
                "DataSync reports that it took {}, and its bucket has no such object",
                first(named, lost.len())
            );
            return Err(Failure::of_files(message, "the bucket lacks what DataSync reports")
                .hinted("run again: DataSync then transfers what is missing"));
        }
        if !left.is_empty() {
            cx.remark(format!("DataSync took {} entries of the home not", left.len()));
        }
        let named = left.iter().take(NOTED);
        let named: Vec<_> = named.map(|(path, why)| json!([path, why])).collect();
        cx.record(Step::Stage, LEFT, json!({ "count": left.len(), "named": named }))
    }

    /// What is not there of what DataSync says it took, and of what it says it skipped, which may be there from earlier.
    fn missing(&self, is_there: impl Fn(&str) -> bool) -> (Vec<&String>, Vec<(&String, &String)>) {
        let lost = self.taken.iter().filter(|path| !is_there(path)).collect();
        (lost, self.skipped.iter().filter(|(path, _)| !is_there(path)).collect())
    }
}

/// What DataSync left of a home when it was fetched last: how much, and the first of it by path and reason.
pub(in crate::execute) fn left(events: &[Event]) -> (u64, Vec<(String, String)>) {
    let last = events.iter().rev().find(|event| event.kind == LEFT);
    let Some(said) = last.map(|event| &event.detail) else { return (0, Vec::new()) };
    let named = said["named"].as_array().into_iter().flatten().filter_map(|one| {
        Some((one[0].as_str()?.to_owned(), format!("not taken by DataSync: {}", one[1].as_str()?)))
    });
    (said["count"].as_u64().unwrap_or_default(), named.collect())
}

/// The first few, and how many more there are.
fn first(all: impl Iterator<Item = String>, count: usize) -> String {
    let more = count.saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", all.take(NAMED).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_report_is_looked_for_and_other_peoples_are_not() {
        let mut reported = Reported::default();
        let entries = |list: &str, entries: Value| json!({ list: entries });
        let paths = |paths: &[&str]| {
            paths.iter().map(|path| json!({ "RelativePath": path })).collect::<Vec<_>>()
        };
        let taken = paths(&["/200001", "/200001/a", "/200001/lost", "/200002/not-hers"]);
        reported.take(&entries("Transferred", json!(taken)), "/200001/");
        let skipped = json!([
            { "RelativePath": "/200001/link", "SkipReason": "a link" },
            { "RelativePath": "/200001/old", "SkipReason": "the same" },
        ]);
        reported.take(&entries("Skipped", skipped), "/200001/");
        let failed = json!([{ "RelativePath": "/200001/long", "ErrorDetail": "too long" }]);
        reported.take(&entries("Verified", failed), "/200001/");
        let (lost, left) = reported.missing(|path| ["a", "old"].contains(&path));
        assert_eq!(lost, ["lost"]);
        assert_eq!(left, [(&"link".to_owned(), &"a link".to_owned())]);
        assert_eq!(reported.failed["long"], "too long");
    }
}
