//! The index of shared notebooks that were copied: what lies beside the copies, for people and for programs.
//!
//! There may be millions of objects, so rows come one after the other, in order, and are written as they come. The page holds
//! the first [`ROWS`] of them; the JSON holds all.

use std::cmp::Ordering;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::mover::Record;
use crate::readiness::{RenderError, page};

/// Rows of a table that stand in the page; the JSON has all.
pub const ROWS: usize = 20_000;

/// Whose a shared notebook is, as far as the snapshot knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    /// A user profile.
    Profile,
    /// A shared space of Studio Classic.
    SharedSpace,
    /// Nobody whom the snapshot knows: the folder's name stands for them.
    #[default]
    Unknown,
}

/// One shared notebook: where it was, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedNotebook {
    /// Who shared it: a profile's or space's name, or the folder's; empty where it lies in no folder.
    pub owner: String,
    /// What the owner is.
    pub owner_kind: OwnerKind,
    /// The first folder below the location, as it is; empty where there is none.
    pub folder: String,
    /// Its name: the key below the folder.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// When it was shared, RFC 3339: when the object was written.
    pub shared_at: Option<String>,
    /// Where it was shared, `s3://…`.
    pub from: String,
    /// Where its copy is, or was to be, `s3://…`.
    pub to: String,
    /// The copy's checksum: the algorithm as S3 spells it, and the sum in base64.
    pub checksum: Option<(String, String)>,
    /// The copy's entity tag, with quotes; of what was not copied, none.
    pub etag: Option<String>,
    /// Why it was not copied; `None` for what was.
    pub reason: Option<String>,
}

impl SharedNotebook {
    /// By owner, then by name; upper and lower case are the same unless nothing else differs.
    pub fn order(one: &Self, other: &Self) -> Ordering {
        let key = |row: &Self| (row.owner.to_lowercase(), row.name.to_lowercase());
        key(one).cmp(&key(other)).then_with(|| one.from.cmp(&other.from))
    }
}

impl Record for SharedNotebook {
    fn weight(&self) -> usize {
        let texts = [&self.owner, &self.folder, &self.name, &self.from, &self.to];
        let reason = self.reason.as_ref().map_or(0, String::len);
        size_of::<Self>() + 150 + reason + texts.iter().map(|text| text.len()).sum::<usize>()
    }
}

/// A place where notebooks were shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SharedPlace {
    /// `s3://bucket/prefix`.
    pub location: String,
    /// The domains and profiles that share there.
    pub set_by: Vec<String>,
    /// Objects that were found.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Why it could not be listed; `None` for what was.
    pub not_listed: Option<String>,
}

/// What the index says of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NotebookIndex {
    /// The version of the JSON's format, [`NotebookIndex::SCHEMA`] today.
    pub schema: u32,
    /// When everything had been looked at, RFC 3339.
    pub made_at: String,
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The plan whose snapshot named the places.
    pub plan: String,
    /// `s3://bucket/prefix` of the copies.
    pub destination: String,
    /// The places.
    pub places: Vec<SharedPlace>,
    /// Notebooks that are at the destination.
    pub copied: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Notebooks that are not.
    pub not_copied: u64,
}

impl NotebookIndex {
    /// The version of the JSON's format that this program writes.
    pub const SCHEMA: u32 = 1;
}

/// A row as it is written: with the command that fetches the copy.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    notebook: &'a SharedNotebook,
    /// `aws s3 cp …`; none for what was not copied.
    fetch: Option<String>,
}

impl<'a> Row<'a> {
    fn of(notebook: &'a SharedNotebook) -> Self {
        let fetch = || format!("aws s3 cp {} .", quoted(&notebook.to));
        Self { notebook, fetch: notebook.reason.is_none().then(fetch) }
    }
}

/// Quotes an argument for a POSIX shell: a key may hold anything.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Writes the index as JSON, row by row; what is no row is an error that ends it.
pub fn notebooks_json<E: From<io::Error>>(
    out: &mut impl Write,
    index: &NotebookIndex,
    copied: impl IntoIterator<Item = Result<SharedNotebook, E>>,
    not_copied: impl IntoIterator<Item = Result<SharedNotebook, E>>,
) -> Result<(), E> {
    let head = serde_json::to_string(index).map_err(io::Error::from)?;
    // Left open for the two lists.
    let head = head.strip_suffix('}').unwrap_or(&head);
    out.write_all(head.as_bytes())?;
    out.write_all(b",\n\"notebooks\":[")?;
    list(out, copied)?;
    out.write_all(b"],\n\"not_copied_notebooks\":[")?;
    list(out, not_copied)?;
    out.write_all(b"]}\n")?;
    Ok(())
}

fn list<E: From<io::Error>>(
    out: &mut impl Write,
    rows: impl IntoIterator<Item = Result<SharedNotebook, E>>,
) -> Result<(), E> {
    for (number, row) in rows.into_iter().enumerate() {
        let row = row?;
        out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &Row::of(&row)).map_err(io::Error::from)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Page<'a> {
    index: &'a NotebookIndex,
    is_simulated: bool,
    rows: Vec<Row<'a>>,
    more: u64,
    left: Vec<Row<'a>>,
    more_left: u64,
}

/// Renders the index as one self-contained HTML page; nothing is loaded from elsewhere. It is given the first rows of each list.
///
/// # Errors
/// None in practice: the template and the data are this program's own.
pub fn notebooks_page(
    index: &NotebookIndex,
    copied: &[SharedNotebook],
    not_copied: &[SharedNotebook],
) -> Result<String, RenderError> {
    let more = |all: u64, shown: &[SharedNotebook]| all.saturating_sub(shown.len() as u64);
    let page = Page {
        index,
        is_simulated: crate::names::AccountId::from(index.account.as_str()).is_simulated(),
        rows: copied.iter().map(Row::of).collect(),
        more: more(index.copied, copied),
        left: not_copied.iter().map(Row::of).collect(),
        more_left: more(index.not_copied, not_copied),
    };
    page::render(include_str!("notebooks.html"), &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(owner: &str, name: &str) -> SharedNotebook {
        SharedNotebook {
            owner: owner.to_owned(),
            owner_kind: OwnerKind::Profile,
            folder: owner.to_owned(),
            name: name.to_owned(),
            bytes: 4096,
            shared_at: Some("2026-08-01T09:00:00Z".to_owned()),
            from: format!("s3://shared/sharing/{owner}/{name}"),
            to: format!("s3://keep/classic/shared/sharing/{owner}/{name}"),
            checksum: Some(("CRC64NVME".to_owned(), "abc=".to_owned())),
            ..SharedNotebook::default()
        }
    }

    fn index() -> NotebookIndex {
        NotebookIndex {
            schema: NotebookIndex::SCHEMA,
            account: "111122223333".to_owned(),
            destination: "s3://keep/classic".to_owned(),
            places: vec![SharedPlace {
                location: "s3://shared/sharing".to_owned(),
                set_by: vec!["d-abc".to_owned()],
                ..SharedPlace::default()
            }],
            copied: 1,
            not_copied: 1,
            ..NotebookIndex::default()
        }
    }

    #[test]
    fn rows_are_ordered_by_owner_and_then_by_name() {
        let mut rows = [row("bob", "a"), row("Alice", "z"), row("alice", "B"), row("alice", "a")];
        rows.sort_by(SharedNotebook::order);
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["a", "B", "z", "a"]);
    }

    #[test]
    fn the_page_escapes_names_loads_nothing_and_has_no_script() {
        let evil = "<script>alert('x')</script>\"><img src=http://x>.ipynb";
        let left = SharedNotebook { reason: Some("<b>denied</b>".to_owned()), ..row("<i>", evil) };
        let mut index = index();
        index.places[0].not_listed = Some("<u>no</u>".to_owned());
        let page = notebooks_page(&index, &[row(evil, evil)], &[left]).unwrap();
        for raw in ["<script", "<img", "<b>denied", "<u>no", "<i>"] {
            assert!(!page.contains(raw), "{raw}");
        }
        assert!(page.contains("&lt;script&gt;"));
        assert_eq!(page::loads(&page), Vec::<&str>::new());
    }

    #[test]
    fn a_command_survives_whatever_a_key_holds() {
        let notebook = row("o'neill", "$(rm -rf ~) `x` \\ \"y\".ipynb");
        let fetch = Row::of(&notebook).fetch.unwrap();
        assert_eq!(
            fetch,
            r#"aws s3 cp 's3://keep/classic/shared/sharing/o'\''neill/$(rm -rf ~) `x` \ "y".ipynb' ."#
        );
        let left = SharedNotebook { reason: Some("gone".to_owned()), ..notebook };
        assert_eq!(Row::of(&left).fetch, None);
    }

    #[test]
    fn the_json_has_every_row_and_a_row_that_is_lost_ends_it() {
        let mut out = Vec::new();
        let rows = [row("a", "1"), row("a", "2")].map(Ok::<_, io::Error>);
        let left = [SharedNotebook { reason: Some("gone".to_owned()), ..row("b", "3") }].map(Ok);
        notebooks_json(&mut out, &index(), rows, left).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read["schema"], 1);
        assert_eq!(read["notebooks"].as_array().unwrap().len(), 2);
        assert!(
            read["notebooks"][1]["fetch"].as_str().unwrap().starts_with("aws s3 cp 's3://keep/")
        );
        assert_eq!(read["not_copied_notebooks"][0]["reason"], "gone");
        assert_eq!(read["not_copied_notebooks"][0]["fetch"], serde_json::Value::Null);
        let lost = [Err(io::Error::other("the disk"))];
        assert!(notebooks_json(&mut Vec::new(), &index(), lost, []).is_err());
    }
}
