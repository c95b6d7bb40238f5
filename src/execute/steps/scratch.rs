//! A folder beside the journal in which a home lies open for a moment, while it is sealed.
//!
//! Only we may look into it, and it goes as soon as it is no longer needed, with the folders above it that are empty then.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::execute::context::Context;
use crate::execute::failure::Failure;

/// The folder beside the journal.
const FOLDER: &str = "scratch";

/// Held while folders come and go: one that is empty may be just about to hold another home.
static MAKING: Mutex<()> = Mutex::new(());

/// The folder of one home.
pub(super) struct Scratch {
    beside: PathBuf,
    folder: PathBuf,
}

impl Scratch {
    /// Makes it with nothing in it; what a try that was killed left there goes.
    pub(super) fn of(cx: &Context) -> Result<Self, Failure> {
        let scratch = Self::named(cx);
        scratch.make().map_err(|error| {
            Failure::new(format!("{} cannot be made: {error}", scratch.folder.display()))
        })?;
        Ok(scratch)
    }

    /// Takes away what a try that was killed left.
    pub(super) fn forget(cx: &Context) {
        drop(Self::named(cx));
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    fn named(cx: &Context) -> Self {
        let beside = cx.journal.path().parent().unwrap_or(Path::new("")).join(FOLDER);
        Self { folder: beside.join(cx.id().as_str()), beside }
    }

    fn make(&self) -> std::io::Result<()> {
        let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        if self.folder.exists() {
            remove(&self.folder)?;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = remove(&self.folder);
        // One that is not empty stays: another home lies there.
        for above in
            self.folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.beside))
        {
            let _ = std::fs::remove_dir(above);
        }
    }
}

/// Removes a folder with all in it, folders that their owner may not write to included. No link is followed.
fn remove(folder: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    std::fs::remove_dir(folder)
}
