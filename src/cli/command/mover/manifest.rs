//! A manifest that appears under its name when it is whole.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::cli::{Exit, Failure};
use crate::mover::manifest::{Entries, Writer, read};
use crate::mover::{Entry, Error};

/// A manifest that is being written.
pub(super) struct Draft {
    path: PathBuf,
    file: tempfile::NamedTempFile,
    writer: Writer<BufWriter<File>>,
}

impl Draft {
    /// Begins a manifest beside its name.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        let unwritten = |error| failed("write", path, error);
        if path.is_dir() {
            return Err(Failure::usage(format!("{} is a directory", path.display())));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        // What a killed run left has the same name.
        let _absent = std::fs::remove_file(folder.join(&name).with_added_extension("part"));
        let file = tempfile::Builder::new()
            .prefix(&name)
            .suffix(".part")
            .rand_bytes(0)
            .tempfile_in(folder)
            .map_err(unwritten)?;
        let inner = file.as_file().try_clone().map_err(unwritten)?;
        let writer =
            Writer::new(BufWriter::new(inner)).map_err(|error| failed("write", path, error))?;
        Ok(Self { path: path.to_owned(), file, writer })
    }

    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), Error> {
        self.writer.add(entry)
    }

    /// Ends it, and gives it its name.
    pub(super) fn end(self) -> Result<(), Failure> {
        let unwritten = |error: &dyn std::error::Error| {
            let what = format!("write {}", self.path.display());
            Failure::new(Exit::Unexpected, format!("cannot {what}: {error}"))
        };
        self.writer.finish().map_err(|error| unwritten(&error))?;
        self.file.as_file().sync_all().map_err(|error| unwritten(&error))?;
        self.file.persist(&self.path).map_err(|error| unwritten(&error))?;
        Ok(())
    }
}

/// Makes sure that a manifest is not written into what is read.
pub(super) fn outside(manifest: Option<&Path>, source: &Path) -> Result<(), Failure> {
    let Some(manifest) = manifest else { return Ok(()) };
    let folder = manifest.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    match (folder, source.canonicalize()) {
        (Ok(folder), Ok(source)) if folder.starts_with(&source) => Err(Failure::usage(format!(
            "{} lies in {}, where nothing is written",
            manifest.display(),
            source.display()
        ))),
        _ => Ok(()),
    }
}

/// Opens a manifest to read it.
pub(super) fn open(path: &Path) -> Result<Entries<File>, Failure> {
    let file = File::open(path).map_err(|error| failed("read", path, error))?;
    read(file).map_err(|error| failed("read", path, error))
}

pub(super) fn failed(
    what: &str,
    path: &Path,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Failure {
    Failure::of(Exit::Usage, format!("{what} {}", path.display()), error)
}
