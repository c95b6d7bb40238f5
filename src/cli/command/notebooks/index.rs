//! The index beside the copies: `index.html` for people, `index.json` for programs.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use jiff::Timestamp;

use super::places::Destination;
use super::walk::Findings;
use crate::cli::{Exit, Failure};
use crate::mover::Sorter;
use crate::plan::Plan;
use crate::report::{NotebookIndex, ROWS, SharedNotebook, notebooks_json, notebooks_page};

/// The page.
pub(super) const PAGE: &str = "index.html";

/// The same as data.
pub(super) const DATA: &str = "index.json";

/// The mark in the user metadata of both, by which a later run knows that they are its own to replace.
pub(super) const MARK: (&str, &str) = ("studio-migrate", "notebooks-index");

/// Both files of an index, in a folder that goes with this.
pub(super) struct Written {
    folder: tempfile::TempDir,
}

impl Written {
    /// Writes both to a temporary folder.
    ///
    /// # Errors
    /// The disk is full, or its folder (`TMPDIR`) is not to be written to.
    pub(super) fn of(plan: &Plan, to: &Destination, findings: Findings) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::of(Exit::Unexpected, "write the index", error);
        let index = NotebookIndex {
            schema: NotebookIndex::SCHEMA,
            made_at: Timestamp::now().to_string(),
            account: plan.account.to_string(),
            region: plan.region.to_string(),
            plan: plan.id.to_string(),
            destination: to.location(),
            places: findings.places,
            copied: findings.there.0,
            bytes: findings.there.1,
            not_copied: findings.not_copied,
        };
        let folder = tempfile::tempdir().map_err(failed)?;
        let mut data = BufWriter::new(File::create(folder.path().join(DATA)).map_err(failed)?);
        // The page holds the first rows, which are kept as they pass.
        let (mut copied, mut left) = (Vec::new(), Vec::new());
        notebooks_json(
            &mut data,
            &index,
            passing(findings.copied, &mut copied).map_err(failed)?,
            passing(findings.left, &mut left).map_err(failed)?,
        )
        .and_then(|()| data.flush())
        .map_err(failed)?;
        let page = notebooks_page(&index, &copied, &left)
            .map_err(|error| Failure::of(Exit::Unexpected, "write the index", error))?;
        std::fs::write(folder.path().join(PAGE), page).map_err(failed)?;
        Ok(Self { folder })
    }

    /// Uploads both, the page last: where it is, the data is too.
    pub(super) async fn upload(
        &self,
        account: &crate::aws::Account,
        to: &Destination,
    ) -> Result<(), Failure> {
        for (name, content_type) in [(DATA, "application/json"), (PAGE, "text/html; charset=utf-8")]
        {
            let place = (to.bucket.as_str(), to.index(name));
            let file = self.folder.path().join(name);
            account
                .put_document((place.0, &place.1), &file, content_type, MARK)
                .await
                .map_err(|error| Failure::aws("write the index", error))?;
        }
        Ok(())
    }
}

/// Gives a list in order, and keeps its first rows.
fn passing<'a>(
    list: Sorter<SharedNotebook>,
    first: &'a mut Vec<SharedNotebook>,
) -> io::Result<impl Iterator<Item = io::Result<SharedNotebook>> + 'a> {
    let rows = list.sorted().map_err(io::Error::other)?;
    Ok(rows.map(|row| {
        let row = row.map_err(io::Error::other)?;
        if first.len() < ROWS {
            first.push(row.clone());
        }
        Ok(row)
    }))
}
