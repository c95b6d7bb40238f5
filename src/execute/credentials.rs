//! Waiting for new credentials when those of a run have expired: one waits for all, and everyone goes on where they were.

use std::time::Duration;

use tokio::time::Instant;

use super::context::Context;
use super::failure::{Failure, FailureKind};
use crate::aws::ErrorKind;

/// How often AWS is asked whether there are new ones.
const LOOK: Duration = Duration::from_secs(15);

/// How often a call is made again with credentials that AWS knows, and refuses all the same.
pub(super) const RENEWALS: u32 = 5;

/// Does something, and does it again with new credentials where they are what was missing.
pub(super) async fn renewing<T>(
    cx: &Context,
    work: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    for _ in 0..RENEWALS {
        match work().await {
            Err(failure) if failure.kind == FailureKind::Credentials => {
                renewed(cx, failure).await?
            }
            done => return done,
        }
    }
    work().await
}

/// Waits until AWS answers again as the plan's account; fails as `expired` once the playbook's time for that is over.
///
/// Whoever comes later waits for the first to come back, and then finds by its own next try that all is well.
pub(super) async fn renewed(cx: &Context, expired: Failure) -> Result<(), Failure> {
    let minutes = cx.plan.playbook.limits.credentials_minutes;
    let end = Instant::now() + Duration::from_secs_f64((minutes * 60.0).max(0.0));
    cx.waits("new credentials");
    let waiting = async {
        let _for_all = cx.control.credentials.lock().await;
        if who(cx).await? {
            // AWS may know them in one place and not yet in the other.
            tokio::time::sleep(LOOK.min(cx.poll())).await;
            return Ok(());
        }
        cx.remark(format!(
            "the credentials have expired: log in again (`aws sso login`), and the run goes on by itself; it waits {minutes:.0} minutes ({expired})"
        ));
        while Instant::now() < end {
            tokio::time::sleep(LOOK.min(cx.poll())).await;
            if who(cx).await? {
                cx.remark("there are new credentials; the run goes on");
                return Ok(());
            }
        }
        Err(expired.hinted("log in again and run the same command: it goes on where it was"))
    };
    let waited = tokio::select! {
        waited = waiting => waited,
        () = cx.halt.asked() => Err(Failure::halted()),
    };
    cx.control.waits(cx.id(), None);
    waited
}

/// Tells whether AWS knows the caller again. Another account's credentials end the run: its journal is not for them.
async fn who(cx: &Context) -> Result<bool, Failure> {
    match cx.account.caller().await {
        Ok(account) if account == cx.plan.account => Ok(true),
        Ok(account) => Err(Failure {
            kind: FailureKind::Credentials,
            ..Failure::new(format!(
                "the new credentials are for account {account}, and the plan is for {}",
                cx.plan.account
            ))
        }),
        Err(error)
            if matches!(
                error.kind,
                ErrorKind::Credentials | ErrorKind::Unavailable | ErrorKind::Throttled
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
