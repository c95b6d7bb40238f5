//! A simulated account, served by a child process or by the test itself.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::tool::small_mover;

/// The tool's executable.
pub fn exe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_studio-migrate"))
}

/// A simulated account, served until dropped.
pub struct Served {
    /// The folder that holds the world.
    pub dir: PathBuf,
    /// What `sim serve` said: endpoint, credentials, Region.
    pub said: Value,
    child: Child,
}

impl Served {
    /// Serves the world that a folder holds, or makes the described one there.
    pub fn start(dir: &Path, description: &str) -> Self {
        Self::with_faults(dir, description, None)
    }

    /// Serves one of the worlds that come with the tool.
    pub fn named(dir: &Path, world: &str) -> Self {
        let mut command = Command::new(exe());
        command.args(["sim", "serve", "--dir"]).arg(dir).arg("--world").arg(world);
        Self::begin(command, dir)
    }

    /// Serves a world in which things go wrong.
    pub fn with_faults(dir: &Path, description: &str, faults: Option<&str>) -> Self {
        let mut command = Command::new(exe());
        // It starts faster than the real command, and some tests start a hundred apps.
        command.env("STUDIO_MIGRATE_SIM_AWS", "stand-in");
        Self::by(command, dir, description, faults)
    }

    /// Serves a world whose spaces have the real AWS command line, from a folder of programs.
    pub fn with_aws(dir: &Path, description: &str, bin: &Path) -> Self {
        let mut command = Command::new(exe());
        let path = std::env::var_os("PATH").unwrap();
        let folders = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).unwrap());
        command.env_remove("STUDIO_MIGRATE_SIM_AWS");
        Self::by(command, dir, description, None)
    }

    /// Serves a world as a user to whom a mode means something, which it does not to root.
    pub fn as_common_user(dir: &Path, description: &str) -> Self {
        const NOBODY: u32 = 65534;
        if !rustix::process::geteuid().is_root() {
            return Self::start(dir, description);
        }
        let tool = dir.with_file_name("tool");
        std::fs::copy(small_mover(), &tool).unwrap();
        std::fs::create_dir_all(dir).unwrap();
        for reached in [dir.parent().unwrap(), &tool] {
            std::fs::set_permissions(reached, Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::chown(dir, Some(NOBODY), Some(NOBODY)).unwrap();
        let mut command = Command::new(tool);
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        Self::by(command, dir, description, None)
    }

    /// Serves a world as a user who may do nothing that root may: root gives up its capabilities.
    pub fn without_capabilities(dir: &Path, description: &str) -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::start(dir, description);
        }
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-all").arg(exe());
        Self::by(command, dir, description, None)
    }

    fn by(mut command: Command, dir: &Path, description: &str, faults: Option<&str>) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let file = dir.with_extension("yaml");
        std::fs::write(&file, description).unwrap();
        command.args(["sim", "serve", "--dir"]).arg(dir);
        // A world that is there is served as it stands.
        if !dir.join("world.json").exists() {
            command.arg("--world").arg(&file);
        }
        if let Some(faults) = faults {
            let file = dir.with_extension("faults.yaml");
            std::fs::write(&file, faults).unwrap();
            command.arg("--faults").arg(file);
        }
        Self::begin(command, dir)
    }

    fn begin(mut command: Command, dir: &Path) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line).unwrap();
        Self { dir: dir.to_owned(), said, child }
    }

    /// What clients need in their environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let said = |name: &str| self.said[name].as_str().unwrap().to_owned();
        vec![
            ("AWS_ENDPOINT_URL", said("endpoint")),
            ("AWS_REGION", said("region")),
            ("AWS_DEFAULT_REGION", said("region")),
            ("AWS_ACCESS_KEY_ID", said("access_key_id")),
            ("AWS_SECRET_ACCESS_KEY", said("secret_access_key")),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// The control plane as it is on the disk.
    pub fn state(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.dir.join("world.json")).unwrap()).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
