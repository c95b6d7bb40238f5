//! What `sim serve` says of the world that it is asked for.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::account::exe;

/// Serves a folder until it is ready, and returns what was said on stderr.
fn served(dir: &Path, world: &[&str]) -> String {
    let mut child = Command::new(exe())
        .args(["sim", "serve", "--dir"])
        .arg(dir)
        .args(world)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("\"endpoint\""), "{ready}");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

#[test]
fn a_world_that_is_asked_for_where_there_is_one_already_is_said_not_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("world");
    assert_eq!(served(&dir, &["--world", "small"]), "");
    let before = std::fs::read(dir.join("world.json")).unwrap();
    let said = served(&dir, &["--world", "careful"]);
    assert!(said.contains("holds a world already") && said.contains("--world careful"), "{said}");
    assert_eq!(std::fs::read(dir.join("world.json")).unwrap(), before);
    assert_eq!(served(&dir, &[]), "");
}
