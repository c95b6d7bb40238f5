//! Several ways to do the same, one after another and then all over again, so that a noisy moment meets everyone.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use studio_migrate::mover;

use crate::tree::Tree;

/// How often each one runs; the best counts.
const ROUNDS: usize = 3;

/// What went wrong.
pub(crate) type Failure = Box<dyn Error>;

/// Something that is done with a tree and an empty folder.
type Way = Box<dyn Fn(&Path, &Path) -> Result<(), Failure>>;

/// One way to do it.
pub(crate) struct Contestant {
    name: String,
    /// Programs without which it cannot run.
    needs: Vec<&'static str>,
    way: Way,
}

impl Contestant {
    /// Something that this process does itself.
    pub(crate) fn call(
        name: &str,
        way: impl Fn(&Path, &Path) -> Result<(), Failure> + 'static,
    ) -> Self {
        Self { name: name.to_owned(), needs: Vec::new(), way: Box::new(way) }
    }

    /// A shell script, with the tree as `$1` and the empty folder as `$2`; before it stands what it runs under.
    pub(crate) fn script(name: &str, needs: &[&'static str], under: &[&str], script: &str) -> Self {
        let words: Vec<String> =
            under.iter().chain(&["sh", "-ec", script, "sh"]).map(ToString::to_string).collect();
        let way = move |from: &Path, into: &Path| {
            let mut command = Command::new(&words[0]);
            // Cargo's own, in which every program would look for its libraries first.
            command.env_remove("LD_LIBRARY_PATH").args(&words[1..]).arg(from).arg(into);
            let output = command.stdin(Stdio::null()).stdout(Stdio::null()).output()?;
            let why = String::from_utf8_lossy(&output.stderr);
            if output.status.success() { Ok(()) } else { Err(format!("it failed: {why}").into()) }
        };
        Self { name: name.to_owned(), needs: needs.to_vec(), way: Box::new(way) }
    }

    fn lacks(&self) -> Option<&'static str> {
        self.needs.iter().find(|program| !is_installed(program)).copied()
    }
}

/// Tells whether a program is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What is to be done with a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// To look at it.
    Look,
    /// To copy it; what arrived is counted, outside the time.
    Copy,
}

/// Runs all contestants, of which the first is ours, and prints a table.
pub(crate) fn race(
    title: &str,
    task: Task,
    tree: &Tree,
    contestants: Vec<Contestant>,
) -> Result<(), Failure> {
    println!("\n## {title}\n");
    println!("{} files, {} folders, {:.1} MB\n", tree.files, tree.folders, tree.bytes as f64 / 1e6);
    let (present, absent): (Vec<_>, Vec<_>) =
        contestants.into_iter().partition(|contestant| contestant.lacks().is_none());
    for contestant in absent {
        let lacks = contestant.lacks().unwrap_or_default();
        println!("SKIPPED: {}: `{lacks}` is not installed\n", contestant.name);
    }
    let into = tree.root.with_extension("copy");
    let mut times = vec![Vec::new(); present.len()];
    for _ in 0..ROUNDS {
        for (contestant, times) in present.iter().zip(&mut times) {
            let failed = |error| format!("{}: {error}", contestant.name);
            times.push(time(contestant, task, tree, &into).map_err(failed)?);
        }
    }
    print(tree, &present, &times);
    Ok(())
}

fn time(
    contestant: &Contestant,
    task: Task,
    tree: &Tree,
    into: &Path,
) -> Result<Duration, Failure> {
    fs::create_dir(into)?;
    let start = Instant::now();
    (contestant.way)(&tree.root, into)?;
    let time = start.elapsed();
    if task == Task::Copy {
        let there = mover::scan(into, &|_| (), &AtomicBool::new(false))?;
        if (there.files, there.bytes) != (tree.files, tree.bytes) {
            return Err(format!("{} files arrived", there.files).into());
        }
    }
    fs::remove_dir_all(into)?;
    Ok(time)
}

fn print(tree: &Tree, contestants: &[Contestant], times: &[Vec<Duration>]) {
    let best = |times: &[Duration]| times.iter().min().map_or(f64::NAN, Duration::as_secs_f64);
    let worst = |times: &[Duration]| times.iter().max().map_or(f64::NAN, Duration::as_secs_f64);
    let ours = times.first().map_or(f64::NAN, |times| best(times));
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["", "best, s", "worst, s", "files/s", "MB/s", "time / ours"]);
    for (contestant, times) in contestants.iter().zip(times) {
        let seconds = best(times);
        table.add_row([
            contestant.name.clone(),
            format!("{seconds:.3}"),
            format!("{:.3}", worst(times)),
            format!("{:.0}", tree.files as f64 / seconds),
            format!("{:.0}", tree.bytes as f64 / 1e6 / seconds),
            format!("{:.2}", seconds / ours),
        ]);
    }
    table.column_iter_mut().skip(1).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    println!("{table}");
}
