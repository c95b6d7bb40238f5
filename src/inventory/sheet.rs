//! Reading a table that somebody filled in with a spreadsheet: by the names of its columns, and with the line of everything that
//! is wrong with it.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord};
use thiserror::Error;

use super::spreadsheet::is_formula;

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
    #[error("no column is called `{column}`; there are {}", known.join(", "))]
    Unknown {
        /// The column.
        column: String,
        /// The columns that there are.
        known: &'static [&'static str],
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

/// A row of a table: what stands in the columns that are known, blank cells left out.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The line, from 1.
    pub(super) number: u64,
    cells: BTreeMap<&'static str, String>,
}

impl Line {
    /// What stands in a cell; nothing where the row is short, or the cell is blank.
    pub(super) fn cell(&self, column: &str) -> Option<String> {
        self.cells.get(column).cloned()
    }

    /// What stands in a cell that may not be blank.
    pub(super) fn needed(
        &self,
        column: &'static str,
        why: &'static str,
    ) -> Result<String, TableError> {
        let missing = || TableError::Cell { line: self.number, column, value: String::new(), why };
        self.cell(column).ok_or_else(missing)
    }

    /// `yes` or `no` in a cell.
    pub(super) fn yes_or_no(&self, column: &'static str) -> Result<Option<bool>, TableError> {
        let Some(value) = self.cell(column) else { return Ok(None) };
        match value.to_ascii_lowercase().as_str() {
            "yes" | "y" | "true" | "1" | "include" => Ok(Some(true)),
            "no" | "n" | "false" | "0" | "exclude" => Ok(Some(false)),
            _ => {
                let (line, why) = (self.number, "`yes`, `no` or nothing");
                Err(TableError::Cell { line, column, value, why })
            }
        }
    }

    /// Tags in a cell, `key=value; key=value`.
    pub(super) fn tags(
        &self,
        column: &'static str,
    ) -> Result<BTreeMap<String, String>, TableError> {
        let mut tags = BTreeMap::new();
        let value = self.cell(column).unwrap_or_default();
        for pair in value.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            let refused =
                |why| TableError::Cell { line: self.number, column, value: pair.to_owned(), why };
            let Some((key, value)) = pair.split_once('=') else {
                return Err(refused("tags are written `key=value; key=value`"));
            };
            let key = key.trim();
            if key.is_empty() {
                return Err(refused("a tag has to have a key before the `=`"));
            }
            if tags.insert(key.to_owned(), value.trim().to_owned()).is_some() {
                return Err(refused("the key stands twice"));
            }
        }
        Ok(tags)
    }
}

/// Reads a table: UTF-8 with or without a byte order mark, separated by commas, or by semicolons as spreadsheets of some
/// countries write them. Rows in which nothing stands are passed over.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub(super) fn read(
    text: &str,
    columns: &'static [&'static str],
    needed: &[&'static str],
) -> Result<Vec<Line>, TableError> {
    let (text, before, delimiter) = opened(text, columns);
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let places = places(reader.headers()?, columns, needed)?;
    let header = reader.headers()?.len();
    let mut lines = Vec::new();
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
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let cells = columns
            .iter()
            .filter_map(|column| Some((*column, cell(&record, places.get(*column).copied()?)?)));
        lines.push(Line { number: line, cells: cells.collect() });
    }
    Ok(lines)
}

/// The table below what a spreadsheet may put before it, how many lines that is, and what separates the cells.
fn opened<'a>(text: &'a str, columns: &[&str]) -> (&'a str, u64, u8) {
    let mut text = text.trim_start_matches('\u{feff}');
    // Some spreadsheets begin with a line that says what separates the cells.
    let mut said = None;
    if let Some((first, rest)) = text.split_once('\n')
        && let Some(by) = first.trim_end().strip_prefix("sep=")
    {
        said = by.bytes().next();
        text = rest;
    }
    let before = u64::from(said.is_some());
    let first = text.lines().next().unwrap_or_default();
    let begins_with = |separator: char| {
        let cell = first.split(separator).next().unwrap_or_default();
        columns.contains(&named(cell.trim_matches('"')).as_str())
    };
    let by_name = if begins_with(';') && !begins_with(',') { b';' } else { b',' };
    (text, before, said.unwrap_or(by_name))
}

/// Names the columns of a table that nobody reads: what stands in them counts for nothing.
///
/// # Errors
/// The first line is no CSV.
pub(super) fn unread(text: &str, columns: &[&str]) -> Result<Vec<String>, TableError> {
    let (text, _, delimiter) = opened(text, columns);
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let names = reader.headers()?.iter().map(str::trim);
    let is_ours = |name: &&str| name.is_empty() || columns.contains(&named(name).as_str());
    Ok(names.filter(|name| !is_ours(name)).map(str::to_owned).collect())
}

/// Returns the line that a record stands in, from 1. The reader's own count is one behind where lines end as spreadsheets end them,
/// with a carriage return.
fn line_of(text: &str, record: &StringRecord) -> u64 {
    let at = record.position().map_or(0, csv::Position::byte);
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let rest = &text.as_bytes()[at..];
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let before = &text.as_bytes()[..at + ends];
    1 + before.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// A column's name as it is compared.
fn named(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

/// Where each column stands.
fn places(
    header: &StringRecord,
    columns: &'static [&'static str],
    needed: &[&'static str],
) -> Result<BTreeMap<String, usize>, TableError> {
    // A name is nearly a column's with two letters changed places, one left out, one too many or one other.
    let is_nearly = |name: &str, column: &str| {
        name != column
            && !columns.contains(&name)
            && name.len() > 3
            && strsim::osa_distance(name, column) <= 1
    };
    let mut places = BTreeMap::new();
    for (place, name) in header.iter().enumerate() {
        let name = named(name);
        // A column of the reader's own is fine where it is not taken for one of ours.
        if columns.iter().any(|column| is_nearly(&name, column)) {
            return Err(TableError::Unknown { column: name, known: columns });
        }
        if !name.is_empty() && places.insert(name.clone(), place).is_some() {
            return Err(TableError::Double(name));
        }
    }
    for needed in needed {
        if !places.contains_key(*needed) {
            return Err(TableError::Missing(needed));
        }
    }
    Ok(places)
}

fn cell(record: &StringRecord, place: usize) -> Option<String> {
    let text = record.get(place)?.trim();
    let plain = text.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(text);
    (!plain.is_empty()).then(|| plain.to_owned())
}
