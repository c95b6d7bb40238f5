//! Progress as a small object in S3, for whoever watches from elsewhere.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::command::stand_in::Unwritten;
use crate::cli::{Context, Exit, Failure};
use crate::mover::Progress;

/// How often a sign of life is written.
const EVERY: Duration = Duration::from_secs(2);

/// An object in a bucket: `s3://bucket/key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        match place {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            _ => Err("an object is written `s3://bucket/key`".to_owned()),
        }
    }
}

/// Does blocking work on a thread of its own, while its progress goes to an object, if one is named.
pub(super) async fn tell_while<T: Send + 'static>(
    context: &Context,
    place: Option<&Place>,
    work: impl FnOnce(&(dyn Fn(&Progress) + Sync)) -> T + Send + 'static,
) -> Result<T, Failure> {
    let account = match place {
        // A sign of life is no change that a journal has to know of.
        Some(_) => Some(context.reader(0.0).await?.with_ledger(Arc::new(Unwritten))),
        None => None,
    };
    let (report, progress) = watch::channel(Progress::default());
    let working = tokio::task::spawn_blocking(move || {
        work(&|now| {
            // The receiver lives as long as the work is waited for.
            let _ = report.send(now.clone());
        })
    });
    let put = async |report: Vec<u8>| {
        if let (Some(account), Some(place)) = (&account, place) {
            // A sign of life that did not get through is followed by the next one.
            let _ = account.put_bytes(&place.bucket, &place.key, report).await;
        }
    };
    telling(put, progress, working).await
}

/// Puts the latest progress somewhere every now and then until the work has ended, and its last word then.
pub(super) async fn telling<T>(
    put: impl AsyncFn(Vec<u8>),
    mut progress: watch::Receiver<Progress>,
    mut working: JoinHandle<T>,
) -> Result<T, Failure> {
    let mut every = tokio::time::interval(EVERY);
    loop {
        let ended = tokio::select! {
            ended = &mut working => Some(ended),
            _ = every.tick() => None,
        };
        let now = progress.borrow_and_update().clone();
        if let Ok(text) = serde_json::to_vec(&now)
            && now.beat > 0
        {
            put(text).await;
        }
        if let Some(ended) = ended {
            return ended.map_err(|error| Failure::of(Exit::Unexpected, "do the work", error));
        }
    }
}
