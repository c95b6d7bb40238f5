//! What an inventory has seen so far, on disk: one that is killed at nine thousand profiles goes on at nine thousand and one.
//!
//! A file beside the journal with one JSON object a line, only ever appended to, taken away once the snapshot is kept. The
//! first line says what is being looked at; a file about something else, or an old one, is begun anew. A last line that was
//! torn by the kill is as if it were not there.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How long what was seen is good for: people come, go and change settings.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The version of the file's format.
const SCHEMA: u32 = 1;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    schema: u32,
    about: String,
    begun_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Line<T> {
    key: String,
    seen: T,
}

/// An inventory under way.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    begun_at: Timestamp,
    seen: HashMap<String, String>,
    file: Mutex<File>,
}

impl Partial {
    /// Opens the file, taking in what an earlier inventory of the same things has left, or begins it anew.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::ResourceBusy`] while another inventory keeps what it sees there.
    pub fn open(path: &Path, about: &str) -> io::Result<Self> {
        let now = Timestamp::now();
        let mut options = OpenOptions::new();
        // For its owner alone, as the journal is: it holds names, settings and scripts.
        options.create(true).append(true).mode(0o600);
        let mut file = options.open(path)?;
        // Two that keep what they see in one file would take each other's half away.
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::ErrorKind::ResourceBusy.into(),
            TryLockError::Error(error) => error,
        })?;
        let earlier = read(path)?.filter(|(head, _)| {
            head.schema == SCHEMA && head.about == about && now.duration_since(head.begun_at) < KEPT
        });
        if let Some((head, seen)) = earlier {
            // A torn line is closed, so that it spoils nothing but itself.
            file.write_all(b"\n")?;
            return Ok(Self {
                path: path.to_owned(),
                begun_at: head.begun_at,
                seen,
                file: Mutex::new(file),
            });
        }
        file.set_len(0)?;
        let head = Head { schema: SCHEMA, about: about.to_owned(), begun_at: now };
        writeln!(file, "{}", serde_json::to_string(&head)?)?;
        Ok(Self {
            path: path.to_owned(),
            begun_at: now,
            seen: HashMap::new(),
            file: Mutex::new(file),
        })
    }

    /// Returns when the inventory was begun.
    pub fn begun_at(&self) -> Timestamp {
        self.begun_at
    }

    /// Returns how many things an earlier inventory has seen already.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Tells whether nothing was seen before.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Returns what was seen of a thing, if it was.
    pub(super) fn recall<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let seen = self.seen.get(key)?;
        serde_json::from_str::<Line<T>>(seen).ok().map(|line| line.seen)
    }

    /// Keeps what was seen of a thing. Where that fails, it will be asked for again after a kill, and nothing else is lost.
    pub(super) fn keep<T: Serialize>(&self, key: String, seen: &T) {
        let Ok(mut line) = serde_json::to_string(&Line { key, seen }) else { return };
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "what was seen is not kept, and would be asked again after a kill");
        }
    }

    /// Takes the file away: the snapshot is kept.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// Reads the head and the lines by key; `None` for a file that is not there or does not begin with a head.
fn read(path: &Path) -> io::Result<Option<(Head, HashMap<String, String>)>> {
    /// A line as far as its key, whatever was seen.
    #[derive(Deserialize)]
    struct Key {
        key: String,
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut lines = BufReader::new(file).split(b'\n');
    let Some(head) = lines.next().transpose()? else { return Ok(None) };
    let Ok(head) = serde_json::from_slice::<Head>(&head) else { return Ok(None) };
    let mut seen = HashMap::new();
    for line in lines {
        let Ok(line) = String::from_utf8(line?) else { continue };
        if let Ok(key) = serde_json::from_str::<Key>(&line) {
            seen.insert(key.key, line);
        }
    }
    Ok(Some((head, seen)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_recalled_after_a_kill_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partial");
        let first = Partial::open(&path, "one account").unwrap();
        first.keep("profile a".to_owned(), &"seen");
        let begun_at = first.begun_at();
        drop(first);
        let torn = OpenOptions::new().append(true).open(&path);
        torn.unwrap().write_all(br#"{"key":"profile b","se"#).unwrap();
        let second = Partial::open(&path, "one account").unwrap();
        assert_eq!(second.recall::<String>("profile a").as_deref(), Some("seen"));
        assert_eq!((second.recall::<String>("profile b"), second.len()), (None, 1));
        assert_eq!(second.begun_at(), begun_at);
        second.keep("profile b".to_owned(), &"now whole");
        drop(second);
        let third = Partial::open(&path, "one account").unwrap();
        assert_eq!(third.recall::<String>("profile b").as_deref(), Some("now whole"));
        third.finish().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn another_account_and_a_file_that_is_none_of_ours_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partial");
        Partial::open(&path, "one account").unwrap().keep("profile a".to_owned(), &1);
        assert!(Partial::open(&path, "another account").unwrap().is_empty());
        std::fs::write(&path, b"\xff\xfe no such thing").unwrap();
        assert!(Partial::open(&path, "one account").unwrap().is_empty());
    }
}
