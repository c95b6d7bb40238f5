//! A Python environment of the tests' own, with AWS's models and AWS's command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What the checks need, pinned so that a new model does not fail an old commit.
const PACKAGES: [&str; 4] = ["botocore", "awscli", "regex", "zstandard"];

/// Returns the folder of the environment's programs, making it first.
pub fn bin() -> &'static Path {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| {
        let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("venv");
        let bin = venv.join("bin");
        if !bin.join("aws").exists() || !venv.join("complete").exists() {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
            run(Command::new(bin.join("python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(PACKAGES));
            std::fs::write(venv.join("complete"), "").unwrap();
        }
        bin
    })
}

/// The path of one of the project's checking scripts.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(name)
}

/// Runs a Python script of the project with arguments, and insists that it finds nothing wrong.
#[track_caller]
pub fn check(name: &str, arguments: &[&Path]) -> String {
    let output =
        Command::new(bin().join("python")).arg(script(name)).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{name}:\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\nPython 3 with venv and pip, and a way to PyPI, are needed",
        String::from_utf8_lossy(&output.stderr)
    );
}
