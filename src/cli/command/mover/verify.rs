//! `mover verify`: a directory against a manifest, or two of either.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use serde_json::json;

use super::bar::Bar;
use super::manifest::{Draft, failed, open};
use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::mover::{self, Compared, Entry, Error, Progress, Share};

/// Arguments of `mover verify`.
#[derive(Args, Clone, Debug)]
pub(super) struct Verify {
    /// A directory, or a manifest
    one: PathBuf,
    /// Another directory or manifest that it shall be equal to
    #[arg(required_unless_present = "manifest")]
    other: Option<PathBuf>,
    /// The manifest of a copy, of which everything shall be found in the directory; what else is there does not matter
    #[arg(long, value_name = "FILE", conflicts_with = "other")]
    manifest: Option<PathBuf>,
    /// Read only so many files in a hundred; of all others kind, mode, time and size are compared
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    sample: Option<f64>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<f64>();
    number
        .ok()
        .filter(|number| (0.0..=100.0).contains(number))
        .ok_or_else(|| "a share is a number from 0 to 100".to_owned())
}

impl Verify {
    /// Compares, and says what differs.
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let share = self.sample.map_or(Share::All, Share::Percent);
        let bar = Bar::new(context.ui);
        let compared = match (&self.manifest, &self.other) {
            (Some(manifest), _) => against_manifest(&self.one, manifest, share, &bar),
            (None, Some(other)) => {
                let (one, other) = (listed(&self.one, share, &bar)?, listed(other, share, &bar)?);
                mover::compare(one.entries()?, other.entries()?)
                    .map_err(|error| Failure::of(Exit::Usage, "compare", error))
            }
            // The command line asks for one of the two.
            (None, None) => Err(Failure::usage("there is nothing to compare with")),
        };
        bar.finish();
        let compared = compared?;
        self.show(context, &compared);
        Ok(if compared.differing == 0 { Exit::Done } else { Exit::SomeFailed })
    }

    fn show(&self, context: &Context, compared: &Compared) {
        if self.format == Format::Json {
            context.ui.data(json!({
                "schema": 1,
                "is_equal": compared.differing == 0,
                "sampled_percent": self.sample,
                "one": compared.one,
                "other": compared.other,
                "differing": compared.differing,
                "differences": compared.differences,
            }));
            return;
        }
        for (path, what) in &compared.differences {
            context.ui.data(format_args!("{path}: {what}"));
        }
        let unnamed = compared.differing.saturating_sub(compared.differences.len() as u64);
        if unnamed > 0 {
            context.ui.data(format_args!("and {unnamed} more"));
        }
        let sampled = match self.sample {
            Some(percent) => format!(" (of the files, {percent} % were read)"),
            None => String::new(),
        };
        context.ui.data(format_args!(
            "{} entries differ{sampled}; digest {}",
            compared.differing, compared.other.digest
        ));
    }
}

fn against_manifest(
    directory: &Path,
    manifest: &Path,
    share: Share,
    bar: &Bar,
) -> Result<Compared, Failure> {
    // The sums at its end tell whether it is sound, and are known before anything is compared.
    let mut whole = open(manifest)?;
    for entry in whole.by_ref() {
        entry.map_err(|error| failed("read", manifest, error))?;
    }
    let entries = open(manifest)?;
    let tell = |progress: &Progress| bar.show(progress);
    let verified = mover::verify(directory, entries, share, &tell, &AtomicBool::new(false))
        .map_err(|error| {
            Failure::of(Exit::Usage, format!("read {}", directory.display()), error)
        })?;
    Ok(Compared {
        one: whole.totals(),
        other: verified.totals,
        differing: verified.differing,
        differences: verified.differences,
    })
}

/// One side of a comparison, as a manifest.
struct Side {
    manifest: PathBuf,
    /// Where the manifest of a directory is, for as long as it is needed.
    _folder: Option<tempfile::TempDir>,
}

impl Side {
    fn entries(&self) -> Result<impl Iterator<Item = Result<Entry, Error>>, Failure> {
        open(&self.manifest)
    }
}

/// Reads a directory into a manifest; a manifest is one already.
fn listed(path: &Path, share: Share, bar: &Bar) -> Result<Side, Failure> {
    if !path.is_dir() {
        return Ok(Side { manifest: path.to_owned(), _folder: None });
    }
    let folder = tempfile::tempdir()
        .map_err(|error| failed("keep a manifest in", &std::env::temp_dir(), error))?;
    let manifest = folder.path().join("manifest.jsonl.zst");
    let mut draft = Draft::begin(&manifest)?;
    let mut give = |entry: Entry| {
        if let Some((path, reason)) = entry.not_copied() {
            bar.say(format_args!("not compared: {path}: {reason}"));
        }
        draft.add(&entry)
    };
    let tell = |progress: &Progress| bar.show(progress);
    mover::survey(path, share, &mut give, &tell, &AtomicBool::new(false))
        .map_err(|error| failed("read", path, error))?;
    draft.end()?;
    Ok(Side { manifest, _folder: Some(folder) })
}
