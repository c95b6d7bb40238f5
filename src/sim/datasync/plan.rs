//! What an execution is about to do, kept beside the world so that a process that dies can go on.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sim::World;

use super::source::{Item, Kind};

/// What is done with one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deed {
    /// It is transferred.
    Copy {
        /// Whether there is something of its name.
        overwrites: bool,
        /// Whether its bytes are; else its metadata alone.
        has_content: bool,
    },
    /// It stays as it is.
    Skip(Skip),
    /// It is removed from the destination.
    Delete,
}

/// Why something stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Skip {
    /// The destination has it already.
    Unchanged,
    /// The destination has something of its name, and nothing is overwritten.
    NeverOverwritten,
    /// It is a socket, a pipe or a device.
    Special,
    /// It is a link, and links are skipped.
    Link,
}

impl Skip {
    /// The reason as a report gives it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Unchanged => "The destination has the same content and metadata",
            Self::NeverOverwritten => {
                "OverwriteMode is NEVER and the file exists at the destination"
            }
            Self::Special => "Special files are not transferred",
            Self::Link => "Symbolic links are not transferred",
        }
    }
}

/// One item and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Planned {
    pub(super) item: Item,
    pub(super) deed: Deed,
}

/// Everything that an execution does, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) all: Vec<Planned>,
}

impl Plan {
    /// Writes the plan: beside, then into place.
    pub(super) fn save(&self, world: &World, execution: &str) -> io::Result<()> {
        let path = path(world, execution);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        fs::rename(beside, path)
    }

    /// Reads the plan that an execution has.
    pub(super) fn load(world: &World, execution: &str) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(path(world, execution))?)?)
    }

    /// Forgets the plan of an execution that has ended.
    pub(super) fn forget(world: &World, execution: &str) {
        // One that is left behind is never read: an execution that has ended stays so.
        let _gone = fs::remove_file(path(world, execution));
    }
}

fn path(world: &World, execution: &str) -> PathBuf {
    world.dir().join("datasync").join(format!("{execution}.json"))
}

/// The key of an item below a prefix: its path without the first slash, and for a folder a slash at the end. The location itself
/// has the prefix for a key, and none in the root of a bucket; that it is written at all is inferred from its metadata being
/// restored.
pub(super) fn key(prefix: &str, item: &Item) -> String {
    let path = item.path.trim_start_matches('/');
    let end = if item.kind == Kind::Folder && !path.is_empty() { "/" } else { "" };
    format!("{prefix}{path}{end}")
}
