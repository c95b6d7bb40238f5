//! Waiting for what AWS does in its own time: the models have no waiters for domains, profiles, spaces and apps.

use std::time::Duration;

use tokio::time::Instant;

use super::error::{Error, ErrorKind};

/// Why waiting ended without anything to see.
#[derive(Debug)]
pub enum Waited {
    /// Looking failed in a way that more looking does not mend.
    Error(Error),
    /// The time was over.
    TimedOut,
}

/// Makes a change, makes it once more if what it changes was busy, and waits until that has settled.
///
/// When the reply to a change is lost, the SDK asks again and is refused: the thing is busy with the very change that was
/// asked for, or with someone else's. Either way making it again afterwards does no harm.
pub async fn settled<E>(
    settle: impl AsyncFn() -> Result<(), E>,
    change: impl AsyncFn() -> Result<(), Error>,
) -> Result<Result<(), Error>, E> {
    match change().await {
        Err(error) if error.kind == ErrorKind::InUse => {
            settle().await?;
            if let Err(error) = change().await {
                return Ok(Err(error));
            }
        }
        Err(error) => return Ok(Err(error)),
        Ok(()) => {}
    }
    settle().await.map(Ok)
}

/// Looks every `poll` until there is something to see, for at most `longest`.
///
/// A look that meets throttling or a failure of the network is repeated: waiting is what the next look is for.
pub async fn until<T>(
    poll: Duration,
    longest: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>, Error>,
) -> Result<T, Waited> {
    let end = Instant::now() + longest;
    loop {
        match look().await {
            Ok(Some(seen)) => return Ok(seen),
            Ok(None) => {}
            Err(error)
                if matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable)
                    && Instant::now() < end => {}
            Err(error) => return Err(Waited::Error(error)),
        }
        if Instant::now() >= end {
            return Err(Waited::TimedOut);
        }
        tokio::time::sleep(poll).await;
    }
}
