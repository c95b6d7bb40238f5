//! What `mover push` and `mover pull` share: a place on S3, the account, and an end on request.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::bar::Bar;
use crate::aws::Account;
use crate::cli::command::stand_in::Unwritten;
use crate::cli::{Context, Exit, Failure};
use crate::mover::{self, Headway, TransferError};

/// Requests a second: what S3 promises for one prefix (Amazon S3 User Guide, "Best practices design patterns": 5,500 GET).
const REQUESTS_PER_SECOND: f64 = 5_500.0;

/// How often a bar is drawn anew.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A place on S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    /// Without slashes around it; it may be empty.
    pub(super) prefix: String,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = text.strip_prefix("s3://").ok_or("a place on S3 begins with s3://")?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err("s3:// is followed by the name of a bucket".to_owned());
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }
}

/// Reaches the account. Like a copy, a transfer is no operation on anybody's profile, and needs no journal.
pub(super) async fn account(context: &Context) -> Result<Account, Failure> {
    let reader = context.reader(REQUESTS_PER_SECOND).await?;
    Ok(reader.with_ledger(Arc::new(Unwritten)))
}

/// Does something that a signal asks to end: it then takes back what it has begun, and a second signal does not wait for
/// that. Meanwhile a bar is drawn. The inner error is how it ends on request.
pub(super) async fn interruptible<T>(
    bar: &Bar,
    (headway, stop): (&Headway, &AtomicBool),
    work: impl Future<Output = Result<T, TransferError>>,
) -> Result<Result<Result<T, TransferError>, Exit>, Failure> {
    let unheard = |error| Failure::of(Exit::Unexpected, "listen to signals", error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut work = std::pin::pin!(work);
    let mut ends_with = None;
    let mut often = tokio::time::interval(LOOK_EVERY);
    loop {
        let heard = tokio::select! {
            done = &mut work => {
                return Ok(match (done, ends_with) {
                    (Err(TransferError::Local(mover::Error::Stopped)), Some(exit)) => Err(exit),
                    (done, _) => Ok(done),
                });
            }
            _ = often.tick() => {
                bar.show(&headway.progress());
                continue;
            }
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
        };
        if ends_with.is_some() {
            return Ok(Err(heard));
        }
        ends_with = Some(heard);
        stop.store(true, Ordering::Relaxed);
    }
}

/// Makes a failure of a transfer, with the exit code and the hint that it asks for.
pub(super) fn failed(what: &str, error: TransferError) -> Failure {
    match error {
        TransferError::Aws { what, source } => Failure::aws(&what, *source),
        TransferError::Absent(_) | TransferError::Nothing { .. } => {
            Failure::of(Exit::Usage, what, error)
                .hinted("`aws s3 ls` shows what is there; paths are written as in the manifest")
        }
        error => Failure::of(Exit::Unexpected, what, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_bucket_and_a_prefix_without_slashes_around_it() {
        for (text, bucket, prefix) in
            [("s3://b/p/q/", "b", "p/q"), ("s3://b", "b", ""), ("s3://b/", "b", "")]
        {
            let place: Place = text.parse().unwrap();
            assert_eq!((place.bucket.as_str(), place.prefix.as_str()), (bucket, prefix));
        }
        assert!("b/p".parse::<Place>().is_err());
        assert!("s3:///p".parse::<Place>().is_err());
    }
}
