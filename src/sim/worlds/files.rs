//! The real files of a world: Classic homes, and buckets with what is in them.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Built, HomeSpec};
use crate::sim::homes;

/// When files were last written that are there for another reason: 2024-01-01, in seconds since the epoch.
const LONG_AGO: u64 = 1_704_067_200;

impl Built {
    /// Makes homes and buckets below the folder of the world. What an interrupted try left of a home is made anew.
    pub fn files(&self, world: &Path) -> io::Result<()> {
        for spec in &self.homes {
            home(world, spec)?;
        }
        for spec in &self.buckets {
            spec.make(world)?;
        }
        Ok(())
    }
}

fn home(world: &Path, spec: &HomeSpec) -> io::Result<()> {
    let path = world.join("efs").join(&spec.file_system).join(&spec.uid);
    if path.exists() {
        make_removable(&path)?;
        std::fs::remove_dir_all(&path)?;
    }
    std::fs::create_dir_all(&path)?;
    homes::make(&path, &spec.kind, spec.seed)?;
    if let Some(bytes) = spec.bytes_hint {
        // As large as it should look, and no larger on the disk.
        let file = std::fs::File::create(path.join("dataset.bin"))?;
        file.set_len(bytes)?;
        file.set_modified(UNIX_EPOCH + Duration::from_secs(LONG_AGO))?;
    }
    if let Some(hours) = spec.touched_hours_ago {
        let file = std::fs::File::create(path.join("today.ipynb"))?;
        let ago = Duration::try_from_secs_f64(hours * 3600.0).unwrap_or_default();
        file.set_modified(SystemTime::now().checked_sub(ago).unwrap_or(UNIX_EPOCH))?;
    }
    if let Some(owner) = spec.foreign_owner {
        let file = path.join("from-a-colleague.csv");
        std::fs::write(&file, "a,b\n1,2\n")?;
        std::fs::File::open(&file)?.set_modified(UNIX_EPOCH + Duration::from_secs(LONG_AGO))?;
        match std::os::unix::fs::chown(&file, Some(owner), None) {
            // Nobody but root may give a file away: it stays whose the home is.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            other => other?,
        }
    }
    Ok(())
}

/// Lets every folder be emptied: some of a home's are read-only.
fn make_removable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_removable(&entry.path())?;
        }
    }
    Ok(())
}
