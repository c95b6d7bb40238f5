//! The table of people: what a platform team edits in a spreadsheet, and gives back.
//!
//! `inventory --csv` writes one row a profile: what was seen, for people to go by, and columns for them to fill in. `--scope`
//! reads the same file back, or any other with the columns `domain` and `profile` and some of the others. Columns that are
//! only for reading are passed over.

use std::collections::{BTreeMap, BTreeSet};

use csv::{ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::snapshot::{Domain, Profile, Snapshot};
use super::spreadsheet::{CSV_BOM, csv_line, is_formula};
use crate::names::DomainId;

/// The columns, in the order in which they are written. New ones are added at the end only.
const COLUMNS: [&str; 17] = [
    "domain",
    "profile",
    "take",
    "reason",
    "owner",
    "cost_centre",
    "wave",
    "tags",
    "status",
    "sso_user",
    "home_uid",
    "home_bytes",
    "home_files",
    "execution_role",
    "landing",
    "opened_by",
    "last_opened",
];

/// What the table says of one profile; nothing, where the profile is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// Whether the profile is to move; `None` leaves it to the playbook.
    pub take: Option<bool>,
    /// Why not.
    pub reason: Option<String>,
    /// The person or team that answers for it.
    pub owner: Option<String>,
    /// The cost centre.
    pub cost_centre: Option<String>,
    /// A hint for the planner: people of one wave move together.
    pub wave: Option<String>,
    /// Tags that are not AWS's.
    pub tags: BTreeMap<String, String>,
}

/// A table that was read.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// By domain and profile in lower case: AWS does not tell upper from lower case in profile names.
    rows: BTreeMap<(String, String), Row>,
}

#[derive(Clone, Debug)]
struct Row {
    line: u64,
    note: Note,
}

/// What is wrong with a table.
#[derive(Debug, Error)]
pub enum TableError {
    /// It is no CSV.
    #[error("the table cannot be read as CSV")]
    Csv(#[from] csv::Error),
    /// A column is missing that says whom a row is about.
    #[error("the table has no column `{0}`; its first line has to name the columns")]
    Missing(&'static str),
    /// A column that is there twice says two things.
    #[error("the table has the column `{0}` twice")]
    Double(String),
    /// A cell holds what its column cannot.
    #[error("line {line}: `{value}` in column `{column}`: {why}")]
    Cell {
        /// The line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What could.
        why: &'static str,
    },
    /// A column that the table does not have, which its writer took it to have.
    #[error("no column is called `{column}`; there are {}", COLUMNS.join(", "))]
    Unknown {
        /// The column.
        column: String,
    },
    /// A row has more cells than the first line names columns.
    #[error(
        "line {line} has a cell more than there are columns: `{value}`; put cells with commas between quotation marks"
    )]
    Surplus {
        /// The line, from 1.
        line: u64,
        /// What stands there.
        value: String,
    },
    /// A cell goes over many lines, as it does when a quotation mark is never closed.
    #[error(
        "line {line}: a cell that begins with `{value}` goes over several lines; is its quotation mark closed?"
    )]
    Quote {
        /// The line, from 1.
        line: u64,
        /// How it begins.
        value: String,
    },
    /// Two rows are about the same profile.
    #[error("line {line} is about {who}, as is line {first}")]
    Twice {
        /// The line, from 1.
        line: u64,
        /// The line before it.
        first: u64,
        /// The domain and profile.
        who: String,
    },
}

impl Table {
    /// Reads a table: UTF-8 with or without a byte order mark, separated by commas, or by semicolons as spreadsheets of some
    /// countries write them.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let (delimiter, before, text) = separated(text, &COLUMNS);
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
        let places = places(reader.headers()?)?;
        let header = reader.headers()?.len();
        let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
        for record in reader.records() {
            let record = record?;
            let line = before + line_of(text, &record);
            if let Some(surplus) = record.iter().skip(header).find(|cell| !cell.trim().is_empty()) {
                let value = surplus.to_owned();
                return Err(TableError::Surplus { line, value });
            }
            // A quote that is never closed takes the rows after it in.
            let holds_rows = |cell: &&str| cell.lines().skip(1).any(|line| line.starts_with("d-"));
            if let Some(value) = record.iter().find(holds_rows) {
                let value = value.lines().next().unwrap_or_default().to_owned();
                return Err(TableError::Quote { line, value });
            }
            let cell = |column: &'static str| cell(&record, &places, column);
            let (Some(domain), Some(profile)) = (cell("domain"), cell("profile")) else {
                if record.iter().all(|cell| cell.trim().is_empty()) {
                    continue;
                }
                let why = "a row has to say which domain and profile it is about";
                return Err(TableError::Cell {
                    line,
                    column: "profile",
                    value: String::new(),
                    why,
                });
            };
            let key = (domain.clone(), profile.to_ascii_lowercase());
            let note = Note {
                take: cell("take").map(|value| take(line, value)).transpose()?,
                reason: cell("reason"),
                owner: cell("owner"),
                cost_centre: cell("cost_centre"),
                wave: cell("wave"),
                tags: tags(line, cell("tags").as_deref().unwrap_or_default())?,
            };
            if let Some(earlier) = rows.get(&key) {
                let who = format!("{domain}/{profile}");
                return Err(TableError::Twice { line, first: earlier.line, who });
            }
            rows.insert(key, Row { line, note });
        }
        Ok(Self { rows })
    }

    /// Returns how many profiles it is about.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether it is about nobody.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes what it says into a snapshot, in place of what an earlier table said.
    pub fn apply(&self, snapshot: &mut Snapshot) {
        for domain in &mut snapshot.domains {
            for profile in &mut domain.profiles {
                profile.note = match self.rows.get(&key(&domain.id, profile)) {
                    Some(row) => row.note.clone(),
                    None => Note::default(),
                };
            }
        }
    }

    /// Returns the rows that are about nobody in any of the snapshots: `line 7: d-abc/alise`.
    pub fn strangers<'a>(&self, snapshots: impl IntoIterator<Item = &'a Snapshot>) -> Vec<String> {
        let people = snapshots.into_iter().flat_map(Snapshot::people);
        let met: BTreeSet<_> = people.map(|(domain, profile)| key(&domain.id, profile)).collect();
        let strangers = self.rows.iter().filter(|(key, _)| !met.contains(*key));
        strangers
            .map(|((domain, profile), row)| format!("line {}: {domain}/{profile}", row.line))
            .collect()
    }
}

fn key(domain: &DomainId, profile: &Profile) -> (String, String) {
    (domain.to_string(), profile.name.as_str().to_ascii_lowercase())
}

/// Writes the table of people of one or more snapshots: UTF-8 with a byte order mark, no cell that a spreadsheet would take for
/// a formula.
pub fn people_csv<'a>(snapshots: impl IntoIterator<Item = &'a Snapshot>) -> String {
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(COLUMNS));
    for (domain, profile) in snapshots.into_iter().flat_map(Snapshot::people) {
        table.push_str(&csv_line(row(domain, profile)));
    }
    table
}

fn row(domain: &Domain, profile: &Profile) -> [String; COLUMNS.len()] {
    let note = &profile.note;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let home = profile.home.as_ref();
    let callers: Vec<_> = profile.opened_by.iter().map(|opened| opened.by.as_str()).collect();
    let last = profile.opened_by.iter().map(|opened| opened.last.as_str()).max();
    [
        domain.id.to_string(),
        profile.name.to_string(),
        note.take.map_or("", |take| if take { "yes" } else { "no" }).to_owned(),
        text(&note.reason),
        text(&note.owner),
        text(&note.cost_centre),
        text(&note.wave),
        note.tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("; "),
        profile.status.clone(),
        text(&profile.sso_user),
        profile.home_uid.as_ref().map(ToString::to_string).unwrap_or_default(),
        number(home.map(|home| home.bytes)),
        number(home.map(|home| home.files)),
        text(&profile.effective.execution_role),
        text(&profile.effective.landing),
        callers.join("; "),
        last.unwrap_or_default().to_owned(),
    ]
}

/// Returns what separates the cells of a table, and the table without what spreadsheets put before it, of which so many lines are
/// gone.
pub(super) fn separated<'a>(text: &'a str, columns: &[&str]) -> (u8, u64, &'a str) {
    let mut text = text.trim_start_matches('\u{feff}');
    // Some spreadsheets begin with a line that says what separates the cells.
    let mut said = None;
    if let Some((first, rest)) = text.split_once('\n')
        && let Some(by) = first.trim_end().strip_prefix("sep=")
    {
        said = by.bytes().next();
        text = rest;
    }
    let first = text.lines().next().unwrap_or_default();
    let begins_with = |separator: char| {
        let cell = first.split(separator).next().unwrap_or_default();
        columns.contains(&named(cell.trim_matches('"')).as_str())
    };
    let by_name = if begins_with(';') && !begins_with(',') { b';' } else { b',' };
    (said.unwrap_or(by_name), u64::from(said.is_some()), text)
}

/// Returns the line that a record stands in, from 1. The reader's own count is one behind where lines end as spreadsheets end them,
/// with a carriage return.
pub(super) fn line_of(text: &str, record: &StringRecord) -> u64 {
    let at = record.position().map_or(0, csv::Position::byte);
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let rest = &text.as_bytes()[at..];
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let before = &text.as_bytes()[..at + ends];
    1 + before.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// A column's name as it is compared.
pub(super) fn named(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

/// Tells whether a name is a column's with two letters changed places, one left out, one too many or one other.
fn is_nearly(name: &str, column: &str) -> bool {
    name != column
        && !COLUMNS.contains(&name)
        && name.len() > 3
        && strsim::osa_distance(name, column) <= 1
}

/// Where each column stands.
fn places(header: &StringRecord) -> Result<BTreeMap<String, usize>, TableError> {
    let mut places = BTreeMap::new();
    for (place, name) in header.iter().enumerate() {
        let name = named(name);
        // A column of the reader's own is fine where it is not taken for one of ours.
        if COLUMNS.iter().any(|column| is_nearly(&name, column)) {
            return Err(TableError::Unknown { column: name });
        }
        if !name.is_empty() && places.insert(name.clone(), place).is_some() {
            return Err(TableError::Double(name));
        }
    }
    for needed in ["domain", "profile"] {
        if !places.contains_key(needed) {
            return Err(TableError::Missing(needed));
        }
    }
    Ok(places)
}

/// What stands in a cell; nothing where the row is short, or the cell is blank.
pub(super) fn cell(
    record: &StringRecord,
    places: &BTreeMap<String, usize>,
    column: &str,
) -> Option<String> {
    let text = record.get(*places.get(column)?)?.trim();
    let plain = text.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(text);
    (!plain.is_empty()).then(|| plain.to_owned())
}

fn take(line: u64, value: String) -> Result<bool, TableError> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "include" => Ok(true),
        "no" | "n" | "false" | "0" | "exclude" => Ok(false),
        _ => Err(TableError::Cell { line, column: "take", value, why: "`yes`, `no` or nothing" }),
    }
}

fn tags(line: u64, value: &str) -> Result<BTreeMap<String, String>, TableError> {
    let mut tags = BTreeMap::new();
    for pair in value.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            let why = "tags are written `key=value; key=value`";
            return Err(TableError::Cell { line, column: "tags", value: pair.to_owned(), why });
        };
        let key = key.trim();
        let refused = |why| TableError::Cell { line, column: "tags", value: pair.to_owned(), why };
        if key.is_empty() {
            return Err(refused("a tag has to have a key before the `=`"));
        }
        if tags.insert(key.to_owned(), value.trim().to_owned()).is_some() {
            return Err(refused("the key stands twice"));
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let profile = |name: &str| Profile { name: name.into(), ..Profile::default() };
        let domain = Domain {
            id: "d-a".into(),
            profiles: vec![profile("Alice"), profile("bob")],
            ..Domain::default()
        };
        Snapshot { domains: vec![domain], ..Snapshot::default() }
    }

    #[test]
    fn what_was_filled_in_comes_back_as_it_was() {
        let text =
            "profile;domain;take;owner;tags;reason\r\nalice;d-a;no;=HYPERLINK;team=x;left\r\n";
        let mut seen = snapshot();
        let table = Table::parse(text).unwrap();
        table.apply(&mut seen);
        assert!(table.strangers([&seen]).is_empty());
        let note = &seen.domains[0].profiles[0].note;
        assert_eq!((note.take, note.reason.as_deref()), (Some(false), Some("left")));
        assert_eq!(note.tags["team"], "x");
        let written = people_csv([&seen]);
        assert!(written.starts_with("\u{feff}domain,profile,take,"), "{written}");
        assert!(written.contains("d-a,Alice,no,left,'=HYPERLINK,"), "{written}");
        let mut again = snapshot();
        Table::parse(&written).unwrap().apply(&mut again);
        assert_eq!(again, seen);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let refused = |text: &str| Table::parse(text).unwrap_err().to_string();
        assert!(refused("name,domain\n").contains("no column `profile`"));
        let maybe = refused("domain,profile,take\nd-a,bob,yes\nd-a,alice,maybe\n");
        assert!(maybe.contains("line 3") && maybe.contains("`maybe`"), "{maybe}");
        // As spreadsheets end lines, and behind the line that some begin with.
        let said =
            refused("sep=,\r\ndomain,profile,take\r\nd-a,bob,yes\r\n\r\nd-a,alice,maybe\r\n");
        assert!(said.contains("line 5"), "{said}");
        let twice = refused("domain,profile\nd-a,Bob\nd-a,bob\n");
        assert!(twice.contains("line 3") && twice.contains("line 2"), "{twice}");
        assert!(refused("domain,profile,tags\nd-a,bob,team\n").contains("key=value"));
        assert!(refused("domain,profile,owner,owner\n").contains("twice"));
        assert!(
            refused("domain,profile,taek\nd-a,bob,no\n").contains("no column is called `taek`")
        );
        let surplus = refused("domain,profile,reason\nd-a,bob,left, came back\n");
        assert!(surplus.contains("line 2") && surplus.contains("came back"), "{surplus}");
        let open = refused("domain,profile,reason\nd-a,bob,\"left\nd-a,alice,x\n");
        assert!(open.contains("line 2") && open.contains("quotation mark"), "{open}");
        assert!(refused("domain,profile,tags\nd-a,bob,a=1;a=2\n").contains("stands twice"));
        assert!(refused("domain,profile,tags\nd-a,bob,=x\n").contains("key before"));
    }

    #[test]
    fn a_row_about_nobody_is_named() {
        let table = Table::parse("domain,profile\nd-a,alise\n\n").unwrap();
        assert_eq!(table.strangers([&snapshot()]), ["line 2: d-a/alise"]);
    }
}
