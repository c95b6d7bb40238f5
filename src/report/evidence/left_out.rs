//! What was not copied, by name and reason, as a table that is safe to open in Excel.

use std::io::{self, Write};

use crate::inventory::{CSV_BOM, csv_line};

/// Who knows that something was not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The manifest of the copy.
    Manifest,
    /// The manifest of the packed home: the space never saw it.
    Packed,
    /// The receipt in the journal, which names the first 200; the manifest is missing.
    Receipt,
}

impl Origin {
    fn word(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Packed => "packed",
            Self::Receipt => "receipt",
        }
    }
}

/// The table, written row by row: a home may have millions of them.
pub struct LeftOutTable<W: Write> {
    to: W,
}

impl<W: Write> LeftOutTable<W> {
    /// Begins the table.
    pub fn begin(mut to: W) -> io::Result<Self> {
        write!(to, "{CSV_BOM}{}", csv_line(["path", "reason", "said_by"]))?;
        Ok(Self { to })
    }

    /// Writes a row. The path is escaped as in the manifest, and the reason begins with its class.
    pub fn row(&mut self, path: &str, reason: &str, said_by: Origin) -> io::Result<()> {
        write!(self.to, "{}", csv_line([path, reason, said_by.word()]))
    }

    /// Returns what the table was written to.
    pub fn end(self) -> W {
        self.to
    }
}
