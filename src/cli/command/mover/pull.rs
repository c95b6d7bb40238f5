//! `mover pull`: a home from S3 into a directory, proven.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;

use super::bar::Bar;
use super::copy::{Policy, show};
use super::manifest::Draft;
use super::transfer::{Place, account, failed, interruptible};
use crate::cli::{Context, Exit, Failure};
use crate::mover::{self, Entry, PullOrder};

/// Arguments of `mover pull`.
#[derive(Args, Clone, Debug)]
pub struct Pull {
    /// Where from: s3://BUCKET/PREFIX, packed by `mover push` or an object a file as DataSync leaves it
    place: Place,
    /// Where to
    destination: PathBuf,
    /// Restore this file or folder of a packed home, and nothing else
    #[arg(long, value_name = "PATH")]
    only: Option<String>,
    /// What happens where something else is already
    #[arg(long, value_enum, default_value = "refuse", value_name = "POLICY")]
    conflict: Policy,
    /// Fetch what size and time say is there already, too
    #[arg(long)]
    paranoid: bool,
    /// Write the manifest here
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

impl Pull {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let only = match &self.only {
            Some(path) => Some(self::path(path)?),
            None => None,
        };
        let account = account(context).await?;
        let order = PullOrder {
            bucket: self.place.bucket.clone(),
            prefix: self.place.prefix.clone(),
            destination: self.destination.clone(),
            conflict: self.conflict.into(),
            only,
            is_paranoid: self.paranoid,
            seal: None,
            earlier: mover::Earlier::default(),
        };
        let ui = context.ui;
        let bar = Arc::new(Bar::new(ui));
        let manifest = self.manifest.as_deref().map(Draft::begin).transpose()?;
        let manifest = Arc::new(Mutex::new(manifest));
        let (writing, saying) = (Arc::clone(&manifest), Arc::clone(&bar));
        let give = move |entry: Entry| {
            if let Some((path, reason)) = entry.not_copied() {
                saying.say(format_args!("not copied: {path}: {reason}"));
            }
            let mut manifest = writing.lock().unwrap_or_else(PoisonError::into_inner);
            manifest.as_mut().map_or(Ok(()), |manifest| manifest.add(&entry))
        };
        let (headway, stop) = (Arc::default(), Arc::default());
        let pulling = mover::pull(&account, &order, Box::new(give), &headway, &stop);
        let pulled = interruptible(&bar, (&headway, &stop), pulling).await;
        bar.finish();
        let pulled = match pulled? {
            Ok(pulled) => pulled.map_err(|error| failed("pull", error))?,
            Err(exit) => return Ok(exit),
        };
        let manifest = manifest.lock().unwrap_or_else(PoisonError::into_inner).take();
        manifest.map(Draft::end).transpose()?;
        for (path, why) in &pulled.shadowed {
            ui.status(format_args!(
                "not copied: {path}: another object of this path is in place: {why}"
            ));
        }
        let not_pushed: u64 = pulled.not_pushed.values().sum();
        if not_pushed > 0 {
            ui.status(format_args!(
"not copied when this home was pushed: {not_pushed}; its manifest in the bucket names them"
            ));
        }
        let exit = show(context, &pulled.copied);
        Ok(if pulled.lost > 0 { Exit::SomeFailed } else { exit })
    }
}

/// Reads a path as the manifest writes it, and as people do: with slashes around it.
fn path(text: &str) -> Result<Vec<u8>, Failure> {
    let path = mover::unescape(text.trim_start_matches("./").trim_matches('/'))
        .map_err(|error| Failure::of(Exit::Usage, "read --only", error))?;
    if path.is_empty() {
        return Err(Failure::usage("--only takes the path of a file or folder within the home"));
    }
    Ok(path)
}
