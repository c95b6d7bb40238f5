//! The index beside the copies: `index.html` for people, `index.json` for programs. A later run replaces its own, and nobody else's.

use jiff::Timestamp;

use super::walk::Found;
use crate::aws::{Account, Reader};
use crate::cli::{Exit, Failure};
use crate::plan::Plan;
use crate::report::{FlowIndex, flows_page};

/// The page.
pub(super) const PAGE: &str = "index.html";

/// The same as data.
pub(super) const DATA: &str = "index.json";

/// The mark in the user metadata of both, by which a later run knows that they are its own to replace.
const MARK: (&str, &str) = ("studio-migrate", "flows-index");

/// Refuses a place where a file of an index's name is somebody else's.
pub(super) async fn refuse_strange(
    reader: &Reader,
    (bucket, prefix): (&str, &str),
) -> Result<(), Failure> {
    let (mark, value) = MARK;
    for name in [PAGE, DATA] {
        let key = format!("{prefix}/{name}");
        let seen = reader
            .look_at(bucket, &key)
            .await
            .map_err(|error| Failure::aws("look for an index at the destination", error))?;
        if seen.is_some_and(|seen| seen.metadata.get(mark).map(String::as_str) != Some(value)) {
            return Err(Failure::new(
                Exit::Blocked,
                format!("s3://{bucket}/{key} is somebody else's, and the index would replace it"),
            )
            .hinted(
                "name another place with `flows.destination`, and draw up and approve the plan anew",
            ));
        }
    }
    Ok(())
}

/// Writes both, the page last: where it is, the data is too. What earlier runs found stays in them.
pub(super) async fn write(
    account: &Account,
    plan: &Plan,
    (bucket, prefix): (&str, &str),
    found: Found,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of(Exit::Unexpected, "write the index", error);
    let index = FlowIndex {
        schema: FlowIndex::SCHEMA,
        made_at: Timestamp::now().to_string(),
        account: plan.account.to_string(),
        region: plan.region.to_string(),
        plan: plan.id.to_string(),
        destination: format!("s3://{bucket}/{prefix}"),
        flows: found.flows,
        not_copied: found.not_copied,
        not_looked_at: found.not_looked_at,
    };
    let page = flows_page(&index)
        .map_err(|error| Failure::of(Exit::Unexpected, "write the index", error))?;
    let folder = tempfile::tempdir().map_err(failed)?;
    for (name, text, content_type) in [
        (DATA, super::super::json(&index)?, "application/json"),
        (PAGE, page, "text/html; charset=utf-8"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, text).map_err(failed)?;
        account
            .put_document((bucket, &format!("{prefix}/{name}")), &file, content_type, MARK)
            .await
            .map_err(|error| Failure::aws("write the index", error))?;
    }
    Ok(())
}
