//! The mover against what one would otherwise use, on the same machine, with the same files, in the same run.
//!
//! `cargo bench` runs everything, `cargo bench -- scan copy` some parts, and `cargo bench -- --quick` proves in a minute
//! that it works. `benches/opponents.sh` installs the opponents first. How to read the tables: `docs/performance.md`.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

mod arrived;
mod contestant;
mod machine;
mod options;
mod program;
mod race;
mod races;
mod report;
mod s3;
mod tree;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use options::{Options, Part};
use report::Report;
use tree::{Shape, Tree};

/// What went wrong.
type Failure = Box<dyn std::error::Error>;

/// The release executable, as everyone gets it.
const OURS: &str = env!("CARGO_BIN_EXE_studio-migrate");

/// What every part needs.
struct Bench {
    options: Options,
    /// Holds all trees, and is gone at the end.
    folder: tempfile::TempDir,
    report: Report,
}

impl Bench {
    fn new(options: Options) -> Result<Self, Failure> {
        let memory = Path::new("/dev/shm");
        let folder = match &options.folder {
            Some(folder) => tempfile::tempdir_in(folder)?,
            None if memory.is_dir() => tempfile::tempdir_in(memory)?,
            None => tempfile::tempdir()?,
        };
        let report = Report::new(options.markdown.as_deref())?;
        Ok(Self { options, folder, report })
    }

    /// Grows a tree of a part's shape, or a small one of the same kind when only the harness is tried.
    fn grow(&self, name: &str, shape: Shape) -> Result<Tree, Failure> {
        let shape = if self.options.quick { shape.quick() } else { shape };
        Ok(Tree::grow(self.folder.path().join(name), &shape)?)
    }
}

fn main() -> Result<ExitCode, Failure> {
    let options = Options::parse();
    let parts = options.parts();
    let mut bench = Bench::new(options)?;
    bench.report.say(machine::describe(&bench)?)?;
    for part in parts {
        match part {
            Part::Scan => races::scan::warm(&mut bench)?,
            Part::SlowScan => races::scan::slow(&mut bench)?,
            Part::Copy => races::copy::small(&mut bench)?,
            Part::SlowCopy => races::copy::slow(&mut bench)?,
            Part::One => races::copy::one(&mut bench)?,
            Part::Push => races::object::push(&mut bench)?,
            Part::Pull => races::object::pull(&mut bench)?,
            Part::Verify => races::verify::verify(&mut bench)?,
            Part::Growth => races::growth::growth(&mut bench)?,
        }
    }
    bench.report.sum_up()?;
    Ok(if bench.report.ours_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
