//! What can end a copy. What concerns one entry alone never does: it is listed in the manifest.

use std::io;

use super::path::escape;

/// Why a copy, a check or a scan ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule's pattern is no glob.
    #[error("the pattern `{pattern}` is no glob")]
    Pattern {
        /// The pattern as written.
        pattern: String,
        /// What `globset` says.
        source: globset::Error,
    },
    /// One of the two directories holds the other, so that the copy would feed on itself.
    #[error("{destination} and {home} are the same directory, or one is within the other")]
    Nested {
        /// Where files come from.
        home: String,
        /// Where files go.
        destination: String,
    },
    /// The destination is too small.
    #[error("the destination has {has} bytes free, and the copy needs {needs}")]
    NoRoom {
        /// Bytes to write and a twentieth more.
        needs: u64,
        /// Bytes that the destination has free.
        has: u64,
    },
    /// The destination has too few inodes.
    #[error("the destination can take {has} more files and folders, and the copy needs {needs}")]
    NoInodes {
        /// Inodes to make.
        needs: u64,
        /// Inodes that the destination has free.
        has: u64,
    },
    /// The file system refused something without which there is no going on.
    #[error("{what} `{path}`")]
    Io {
        /// What was being done: `cannot list`.
        what: &'static str,
        /// The path, escaped.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody asked for an end.
    #[error("stopped on request")]
    Stopped,
    /// A manifest is torn, of another kind, or contradicts itself.
    #[error("the manifest is not sound: {0}")]
    Manifest(String),
    /// An escaped path that no byte path gives.
    #[error("`{0}` is no escaped path")]
    Escape(String),
}

impl Error {
    pub(super) fn io(what: &'static str, path: &[u8], source: impl Into<io::Error>) -> Self {
        Self::Io { what, path: escape(path), source: source.into() }
    }
}
