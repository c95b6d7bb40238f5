//! `mover verify`: a directory against a manifest.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::cli::{Context, Exit, Failure};
use crate::mover;

pub(super) fn verify(context: &Context, dir: &Path, manifest: &Path) -> Result<Exit, Failure> {
    let failed = |error| Failure::of(Exit::Usage, format!("read {}", manifest.display()), error);
    let stored = std::fs::read(manifest)
        .map_err(|error| Failure::of(Exit::Usage, format!("read {}", manifest.display()), error))?;
    let entries: Vec<_> = mover::manifest::read(&stored)
        .map_err(failed)?
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let verified = mover::verify(dir, &entries, &|_| (), &AtomicBool::new(false))
        .map_err(|error| Failure::of(Exit::Unexpected, "verify", error))?;
    for (path, what) in &verified.differences {
        context.ui.data(format_args!("{path}: {what}"));
    }
    context.ui.data(format_args!(
        "{} entries differ; digest {}",
        verified.differing, verified.totals.digest
    ));
    Ok(if verified.differing == 0 { Exit::Done } else { Exit::SomeFailed })
}
