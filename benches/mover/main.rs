//! The mover against what one would otherwise use, on the same machine, with the same files, in the same run.
//!
//! `cargo bench` runs everything; `cargo bench -- small` only the part of that name: `small`, `large`, `scan` or `slow`.
//! How to read the tables: `docs/benchmarks.md`.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

mod race;
mod tree;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use race::{Contestant, Failure, Task, race};
use studio_migrate::mover::{self, Order};
use tree::{Shape, Tree};

/// Notebooks, scripts, caches: half of them below 1,700 bytes.
const SMALL: Shape = Shape { files: 20_000, folders: 1_000, median: 1_700.0, spread: 1.5 };

/// Data sets and models.
const LARGE: Shape = Shape { files: 4, folders: 1, median: 128e6, spread: 0.1 };

/// What is copied with a millisecond a call.
const FEW: Shape = Shape { files: 2_000, folders: 100, median: 1_700.0, spread: 1.5 };

/// Looking at a file and opening it, in all the ways that programs have.
const METADATA_CALLS: &str = "%%stat,getdents64,open,openat,openat2";

const OURS: &str = env!("CARGO_BIN_EXE_studio-migrate");

const CP: &str = r#"cp -a "$1/." "$2""#;
const RSYNC: &str = r#"rsync -a "$1/" "$2""#;
const TAR: &str = r#"tar -C "$1" -cf - . | tar -C "$2" -xf -"#;

fn main() -> Result<(), Failure> {
    let parts: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    println!("{} cores; the files are in {}.", cores(), folder.path().display());
    println!(
        "Each way runs three times in turn, and its best time counts. Only the ratios mean anything:"
    );
    println!("seconds and files/s are those of this machine in this minute.");
    if is_wanted("small") || is_wanted("scan") {
        let tree = Tree::grow(folder.path().join("small"), &SMALL)?;
        if is_wanted("small") {
            copies("Many small files", &tree)?;
        }
        if is_wanted("scan") {
            race("Looking at many small files", Task::Look, &tree, looks())?;
        }
    }
    if is_wanted("large") {
        let tree = Tree::grow(folder.path().join("large"), &LARGE)?;
        copies("A few large files", &tree)?;
    }
    if is_wanted("slow") {
        slow(&Tree::grow(folder.path().join("few"), &FEW)?)?;
    }
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Copies in memory, where nothing but the work itself takes time.
fn copies(title: &str, tree: &Tree) -> Result<(), Failure> {
    let plain = vec![
        Contestant::call("mover, copy alone (it hashes too)", |from, into| copy(from, into, false)),
        Contestant::script("cp -a", &["cp"], &[], CP),
        Contestant::script("tar \\| tar", &["tar"], &[], TAR),
        Contestant::script("rsync -a", &["rsync"], &[], RSYNC),
    ];
    race(&format!("{title}: copy"), Task::Copy, tree, plain)?;
    let proven = vec![
        Contestant::call("mover, copy and verify", |from, into| copy(from, into, true)),
        hashed("b3sum", tree),
        hashed("sha256sum", tree),
        Contestant::script(
            "rsync -a, then rsync -anc",
            &["rsync"],
            &[],
            &format!(r#"{RSYNC}; rsync -anc "$1/" "$2""#),
        ),
    ];
    race(&format!("{title}: copy and proof by content"), Task::Copy, tree, proven)
}

/// `cp -a`, then hashes of both sides on all cores. Nobody even compares the two lists.
fn hashed(tool: &'static str, tree: &Tree) -> Contestant {
    let cores = cores();
    let share = (tree.files / (4 * cores as u64)).clamp(1, 500);
    let hash = |side: &str| {
        format!(r#"find "{side}" -type f -print0 | xargs -0 -n {share} -P {cores} {tool}"#)
    };
    let script = format!("{CP}; {}; {}", hash("$1"), hash("$2"));
    let name = format!("cp -a, then {tool} of both sides");
    Contestant::script(&name, &["cp", "find", "xargs", tool], &[], &script)
}

fn looks() -> Vec<Contestant> {
    vec![
        Contestant::call("mover, scan", |from, _| {
            Ok(mover::scan(from, &|_| (), &AtomicBool::new(false)).map(drop)?)
        }),
        Contestant::script("du -s", &["du"], &[], r#"du -s "$1""#),
    ]
}

/// Copies and scans where every look at a file takes a millisecond, as it does on EFS. Everyone is a program of its own.
fn slow(tree: &Tree) -> Result<(), Failure> {
    let trace = format!("trace={METADATA_CALLS}");
    let inject = format!("inject={METADATA_CALLS}:delay_exit=1000");
    let under =
        ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    let can_trace = race::is_installed(under[0])
        && Command::new(under[0]).args(&under[1..]).arg("true").status()?.success();
    if !can_trace {
        println!("\nSKIPPED: a millisecond a call: `strace` is not installed, or not allowed here");
        return Ok(());
    }
    let ours = |action: &str| format!(r#"exec "{OURS}" mover {action}"#);
    // What a patient administrator would write: one `cp` a folder at the top, 64 at a time.
    let many = r#"cd "$1"; ls -A | xargs -d '\n' -P 64 -n 1 cp -a -t "$2""#;
    let copies = vec![
        Contestant::script("mover copy (with its proof)", &[], &under, &ours(r#"copy "$1" "$2""#)),
        Contestant::script("64 × cp -a", &["cp", "xargs"], &under, many),
        Contestant::script("cp -a", &["cp"], &under, CP),
        Contestant::script("rsync -a", &["rsync"], &under, RSYNC),
    ];
    race("A millisecond a call: copy", Task::Copy, tree, copies)?;
    let looks = vec![
        Contestant::script("mover scan", &[], &under, &ours(r#"scan "$1""#)),
        Contestant::script("du -s", &["du"], &under, r#"du -s "$1""#),
    ];
    race("A millisecond a call: look", Task::Look, tree, looks)
}

fn copy(from: &Path, into: &Path, proves: bool) -> Result<(), Failure> {
    let (source, destination) = (from.to_owned(), into.to_owned());
    let order = Order { source, destination, proves, ..Order::default() };
    let mut manifest = mover::manifest::Writer::new(Vec::new())?;
    let mut give = |entry| manifest.add(&entry);
    let copied = mover::copy(&order, &mut give, &|_| (), &AtomicBool::new(false))?;
    manifest.finish()?;
    if !copied.not_copied.is_empty() {
        return Err("not everything was copied".into());
    }
    match copied.proof {
        Some(proof) if proof.totals != copied.totals => Err("it is not proven".into()),
        _ => Ok(()),
    }
}
