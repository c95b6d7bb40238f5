//! A small file system, mounted where a test wants little room: by root, or in a namespace of its own for whoever may not.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Set in a run of one test by itself, in a namespace where everyone may mount.
const INSIDE: &str = "STUDIO_MIGRATE_TEST_MAY_MOUNT";

/// A small file system at a folder, until it is dropped.
pub struct Small(PathBuf);

impl Small {
    /// Mounts it; none where that is not allowed, when `test`, a whole path, has passed in a namespace where it is.
    pub fn mount(at: &Path, options: &str, test: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(at);
        let mounted = mount.output().unwrap();
        if mounted.status.success() {
            return Some(Self(at.to_owned()));
        }
        let why = String::from_utf8_lossy(&mounted.stderr).into_owned();
        assert!(std::env::var_os(INSIDE).is_none(), "cannot mount a file system: {why}");
        let mut again = Command::new("unshare");
        again.args(["--user", "--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
        again.args([test, "--exact"]).env(INSIDE, "1");
        let output = again.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "this mounts a small file system, as root or in a user namespace; where neither is \
             allowed, leave it out with `--skip {test}`\n{why}{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _output = Command::new("umount").arg(&self.0).output();
    }
}
