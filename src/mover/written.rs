//! A list of what a copy or a pull wrote, line by line while it goes on, so that one that was killed knows its own next time.
//!
//! Without it a file that its owner changed between the two would look like somebody else's. The list lies where whoever owns
//! the home may change it, so nothing is proven by it: what it names is read again.

use std::cmp::Ordering;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::error::Error;
use super::manifest::{Line, LineOut};
use super::sorter::{Record, Sorted, Sorter};

/// Something that a copy wrote.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) entry: Entry,
    /// Which line told of it.
    number: u64,
}

impl Written {
    fn by_path_and_number(one: &Self, other: &Self) -> Ordering {
        Entry::by_path(&one.entry, &other.entry).then(one.number.cmp(&other.number))
    }
}

impl Record for Written {
    fn weight(&self) -> usize {
        self.entry.weight() + size_of::<u64>()
    }
}

/// The list while it is written. What cannot be written is left out: it then counts as somebody else's.
#[derive(Debug, Default)]
pub(super) struct List(Option<Mutex<File>>);

impl List {
    /// Goes on with a list, or begins one.
    pub(super) fn at(path: Option<&Path>) -> Self {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        Self(path.and_then(|path| options.open(path).ok()).map(Mutex::new))
    }

    /// Tells whether there is one: what is the same at the destination, and not on it, was there before.
    pub(super) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Adds what was written; one call to the system for each, so that being killed loses none.
    pub(super) fn add(&self, entry: &Entry) {
        let Some(file) = self.0.as_ref().filter(|_| entry.is_selected()) else { return };
        let Ok(mut line) = serde_json::to_vec(&LineOut::from(entry)) else { return };
        line.push(b'\n');
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(&line);
    }
}

/// Reads a list; none where there is none. A line that was torn is passed over.
pub(super) fn read(path: &Path) -> Result<Option<Sorted<Written>>, Error> {
    let failed = |error| {
        Error::io("cannot read the list of what was written", path.as_os_str().as_bytes(), error)
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let sorter = Sorter::new(Written::by_path_and_number);
    for (number, line) in (0..).zip(BufReader::new(file).split(b'\n')) {
        let line = serde_json::from_slice::<Line>(&line.map_err(failed)?);
        if let Some(entry) = line.ok().and_then(|line| line.entry().ok()) {
            sorter.add([Written { entry, number }])?;
        }
    }
    sorter.sorted().map(Some)
}
