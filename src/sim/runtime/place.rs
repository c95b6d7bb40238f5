//! Where an app lives: its folders inside the world.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

/// The folder in HOME that holds the Classic home of a private space.
const MOUNT: &str = "user-default-efs";

/// The folders of one app.
#[derive(Clone, Debug)]
pub(super) struct Place {
    world: PathBuf,
    /// HOME.
    pub(super) volume: PathBuf,
    /// What the runtime keeps for the app: metadata, stand-ins, scripts.
    pub(super) run: PathBuf,
    /// What lies behind the volume while it is a file system of its own.
    pub(super) backing: PathBuf,
    /// The log stream of the scripts.
    pub(super) stream: PathBuf,
    /// What every process of the app bears in its environment.
    pub(super) mark: String,
}

impl Place {
    /// Names the folders of an app in a world, whose folder is in canonical form.
    pub(super) fn new(world: &Path, domain: &str, space: &str, app_type: &str) -> Self {
        Self {
            world: world.to_owned(),
            volume: world.join("ebs").join(domain).join(space),
            run: world.join("run").join(domain).join(space),
            backing: world.join("volumes").join(domain).join(space),
            stream: world
                .join("logs")
                .join(domain)
                .join(space)
                .join(app_type)
                .join("default/LifecycleConfigOnStart"),
            mark: world.join(domain).join(space).to_string_lossy().into_owned(),
        }
    }

    /// The real folder of a Classic home.
    pub(super) fn home(&self, file_system: &str, uid: &str) -> PathBuf {
        self.world.join("efs").join(file_system).join(uid)
    }

    /// Makes the Classic home appear in the volume.
    pub(super) fn mount(&self, home: &Path) -> io::Result<()> {
        self.unmount();
        // A new home has the mode that SageMaker's access points give it.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(home)?;
        symlink(home, self.volume.join(MOUNT))
    }

    /// Makes an `error.txt` appear where the Classic home would be.
    pub(super) fn mount_failed(&self, reason: &str) -> io::Result<()> {
        self.unmount();
        let folder = self.volume.join(MOUNT);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("error.txt"), reason)
    }

    /// Takes the Classic home, or the reason why there is none, out of the volume.
    pub(super) fn unmount(&self) {
        let mount = self.volume.join(MOUNT);
        match fs::symlink_metadata(&mount) {
            Ok(about) if about.is_symlink() => {
                let _ = fs::remove_file(&mount);
            }
            Ok(_) => {
                let _ = fs::remove_file(mount.join("error.txt"));
                // Whatever a person put there stays.
                let _ = fs::remove_dir(&mount);
            }
            Err(_) => {}
        }
    }

    /// Opens the log stream.
    pub(super) fn open_log(&self) -> io::Result<fs::File> {
        if let Some(folder) = self.stream.parent() {
            fs::create_dir_all(folder)?;
        }
        OpenOptions::new().create(true).append(true).open(&self.stream)
    }

    /// Writes a line into the log stream.
    pub(super) fn log(&self, line: &str) {
        let written = self.open_log().and_then(|mut file| writeln!(file, "{line}"));
        if let Err(error) = written {
            tracing::warn!(%error, "the log stream of an app cannot be written");
        }
    }
}
