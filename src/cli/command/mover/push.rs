//! `mover push`: a directory as a packed home on S3.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::bar::Bar;
use super::copy::LeavingOut;
use super::transfer::{Place, account, failed, interruptible};
use crate::cli::{Context, Exit, Failure};
use crate::mover::{self, Entry, PushOrder};

/// Arguments of `mover push`.
#[derive(Args, Clone, Debug)]
pub struct Push {
    /// What to push; it is never written to
    source: PathBuf,
    /// Where to: s3://BUCKET/PREFIX
    place: Place,
    #[command(flatten)]
    leaving_out: LeavingOut,
    /// Let a shard end after so many MiB of tar
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    shard_size: u64,
}

impl Push {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let (rules, _) = self.leaving_out.read()?;
        let account = account(context).await?;
        let order = PushOrder {
            source: self.source.clone(),
            bucket: self.place.bucket.clone(),
            prefix: self.place.prefix.clone(),
            rules,
            shard_bytes: Some(self.shard_size << 20),
            seal: None,
        };
        let (headway, stop) = (Arc::default(), Arc::default());
        let bar = Bar::new(context.ui);
        let mut give = |entry: &Entry| {
            if let Some((path, reason)) = entry.not_copied() {
                bar.say(format_args!("not copied: {path}: {reason}"));
            }
        };
        let pushing = mover::push(&account, &order, &mut give, &headway, &stop);
        let pushed = interruptible(&bar, (&headway, &stop), pushing).await;
        bar.finish();
        let pushed = pushed?;
        let pushed = match pushed {
            Ok(pushed) => pushed,
            Err(exit) => return Ok(exit),
        };
        let pushed = pushed.map_err(|error| failed("push", error))?;
        context.ui.data(json!({
            "schema": 1,
            "source": pushed.totals,
            "not_copied": pushed.not_copied,
            "shards": pushed.shards,
            "uploaded": pushed.uploaded,
            "uploaded_bytes": pushed.uploaded_bytes,
        }));
        Ok(Exit::Done)
    }
}
