//! The tool, run as a person would run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::account::{Served, exe};

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when it was killed.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub out: String,
    /// What it wrote to stderr.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Insists that the command ended with this code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// Prepares a command with nothing in its environment but what it needs.
pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(exe());
    command.args(words).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", "/nonexistent").env("USER", "tester");
    command
}

/// Prepares a command against a simulated account, with a journal.
pub fn command_on(served: &Served, journal: &Path, words: &[&str]) -> Command {
    let mut command = command(words);
    command.envs(served.environment()).arg("--state").arg(journal);
    command
}

/// Runs a command against a simulated account, with a journal.
pub fn run_on(served: &Served, journal: &Path, words: &[&str]) -> Ran {
    command_on(served, journal, words).output().unwrap().into()
}

/// The playbook of the tests: the demo's, as fast as the test worlds.
pub const PLAYBOOK: &str = include_str!("../../../playbooks/demo.yaml");

/// Takes an inventory, draws up a plan and approves it, so that `run` can begin.
pub fn prepare(served: &Served, journal: &Path) {
    prepare_with(served, journal, &[]);
}

/// The same, with lines of the playbook replaced: each is found by its key, or as `section.key: value` where two have one name.
pub fn prepare_with(served: &Served, journal: &Path, lines: &[&str]) {
    let mut playbook = PLAYBOOK.to_owned();
    for line in ["  poll_seconds: 0.05", "  calls_per_second: 100"].iter().chain(lines) {
        playbook = with_line(&playbook, line);
    }
    let file = journal.with_extension("yaml");
    std::fs::write(&file, playbook).unwrap();
    let mount = served.dir.join("efs");
    run_on(served, journal, &["inventory", "--mount", mount.to_str().unwrap()]).ended(0);
    run_on(served, journal, &["plan", "--playbook", file.to_str().unwrap()]).ended(0);
    run_on(served, journal, &["plan", "approve", "--latest", "--note", "test"]).ended(0);
}

fn with_line(playbook: &str, line: &str) -> String {
    let key = line.trim_start().split(':').next().unwrap();
    let (section, key) = key.split_once('.').map_or((None, key), |(one, key)| (Some(one), key));
    let line = match section {
        Some(section) => line.trim_start().replacen(&format!("{section}."), "  ", 1),
        None => line.to_owned(),
    };
    let mut current = "";
    let mut replaced = 0;
    let mut lines = Vec::new();
    for old in playbook.lines() {
        if old.starts_with(|first: char| first.is_ascii_lowercase()) {
            current = old.split(':').next().unwrap();
        }
        let is_here = section.is_none_or(|section| section == current);
        let is_meant = is_here && old.trim_start().starts_with(&format!("{key}:"));
        replaced += usize::from(is_meant);
        lines.push(if is_meant { line.as_str() } else { old });
    }
    assert_eq!(replaced, 1, "{key} in the playbook");
    lines.join("\n")
}

/// The mover without its symbols: it is fetched into every space, and some tests start a hundred.
pub fn small_mover() -> &'static Path {
    static MOVER: OnceLock<PathBuf> = OnceLock::new();
    MOVER.get_or_init(|| {
        let small = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mover");
        let beside = small.with_extension(std::process::id().to_string());
        let stripped = Command::new("strip").arg("-o").arg(&beside).arg(exe()).status().unwrap();
        assert!(stripped.success(), "strip comes with the C compiler");
        std::fs::rename(&beside, &small).unwrap();
        small
    })
}

/// A mover that is this very program, by its path: next to nothing crosses the bucket, for tests that start hundreds.
pub fn light_mover() -> &'static Path {
    static MOVER: OnceLock<PathBuf> = OnceLock::new();
    MOVER.get_or_init(|| {
        let light = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("light-mover");
        let beside = light.with_extension(std::process::id().to_string());
        std::fs::write(&beside, format!("#!/bin/sh\nexec '{}' \"$@\"\n", exe().display())).unwrap();
        std::fs::rename(&beside, &light).unwrap();
        light
    })
}

/// The words of a run that takes alice over.
pub fn run_alice() -> Vec<&'static str> {
    vec!["run", "--yes", "--user", "alice", "--mover", light_mover().to_str().unwrap()]
}

/// Waits for something that is about to happen.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < patience, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
