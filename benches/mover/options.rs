//! What was asked for.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Races the mover against its opponents.
#[derive(Parser)]
pub(crate) struct Options {
    /// The parts to run; all by default
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Only prove that everything works: small trees, one round, no aims judged
    #[arg(long)]
    pub(crate) quick: bool,
    /// How often each contestant runs; its best time counts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Write what is printed to this file too, ready to be pasted
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Where the trees grow; memory (/dev/shm) by default
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Said by `cargo bench` to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part, in the order of running.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Look at 200,000 files
    Scan,
    /// Look at 5,000 files, a millisecond a call
    SlowScan,
    /// Copy 30,000 small files
    Copy,
    /// Copy 2,000 files, a millisecond a call
    SlowCopy,
    /// Copy one file of 4 GB
    One,
    /// Upload 5,000 files
    Push,
    /// Download 5,000 objects in the layout of DataSync
    Pull,
    /// Compare a copy with its original
    Verify,
    /// Time and memory at 20,000 and 200,000 files, and at 5,000,000 where this part is asked for by name
    Growth,
}

impl Options {
    /// The parts to run.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let all = Part::value_variants();
        let is_wanted = |part: &Part| self.parts.is_empty() || self.parts.contains(part);
        all.iter().copied().filter(is_wanted).collect()
    }

    /// Tells whether a part was asked for by name.
    pub(crate) fn names(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// How often each contestant runs.
    pub(crate) fn rounds(&self) -> usize {
        match self.rounds {
            Some(rounds) => rounds.into(),
            None if self.quick => 1,
            None => 3,
        }
    }
}
