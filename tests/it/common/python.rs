//! A Python environment of the tests' own, with AWS's models and AWS's command line, at the versions of
//! `tests/conformance/requirements.txt`: a new model must not fail an old commit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Returns the folder of the environment's programs, making it first.
pub fn bin() -> &'static Path {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| {
        let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("venv");
        let bin = venv.join("bin");
        let wanted = std::fs::read_to_string(script("requirements.txt")).unwrap();
        let complete = venv.join("complete");
        if std::fs::read_to_string(&complete).ok().as_ref() != Some(&wanted) {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
            run(Command::new(bin.join("python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg("--requirement")
                .arg(script("requirements.txt")));
            std::fs::write(&complete, &wanted).unwrap();
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
