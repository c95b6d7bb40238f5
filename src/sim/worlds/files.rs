//! The real files of a world: Classic homes, and buckets with what is in them.

use std::io;
use std::path::Path;

use super::{Built, HomeSpec};
use crate::sim::{bucket, homes};

impl Built {
    /// Makes homes and buckets below the folder of the world. What an interrupted try left of a home is made anew.
    pub fn files(&self, world: &Path) -> io::Result<()> {
        for spec in &self.homes {
            home(world, spec)?;
        }
        for spec in &self.buckets {
            bucket::make_bucket(world, &spec.name)?;
            for (key, bytes) in &spec.objects {
                let bytes = usize::try_from(*bytes).unwrap_or(usize::MAX).min(1 << 20);
                bucket::put(world, &spec.name, key, &vec![b'.'; bytes])?;
            }
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
        std::fs::File::create(path.join("dataset.bin"))?.set_len(bytes)?;
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
