//! One notice to one target: tried again after a while, and given up after its attempts.

use std::time::Duration;

use super::message::Message;
use super::target::{Refusal, Target};

/// The wait after the first failed attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// A notice that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// What the other side answered.
    pub answer: String,
    /// How often it was sent.
    pub attempts: u32,
}

/// A notice that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Why the last attempt failed.
    pub why: String,
    /// How often it was sent.
    pub attempts: u32,
}

/// Delivers a notice, in so many attempts at most.
///
/// # Errors
///
/// The last attempt failed, or one whose like would fail again.
pub async fn deliver(
    target: &Target,
    message: &Message,
    attempts: u32,
) -> Result<Delivered, Undelivered> {
    tried(attempts, || target.attempt(message)).await
}

async fn tried<F: Future<Output = Result<String, Refusal>>>(
    most: u32,
    mut attempt: impl FnMut() -> F,
) -> Result<Delivered, Undelivered> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match attempt().await {
            Ok(answer) => return Ok(Delivered { answer, attempts }),
            Err(refusal) if refusal.is_final || attempts >= most => {
                return Err(Undelivered { why: refusal.why, attempts });
            }
            Err(refusal) => {
                let wait = refusal.wait.unwrap_or_else(|| backoff(attempts));
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Returns how long to wait after so many attempts: half of it is chance, so that many runs do not come back at once.
fn backoff(attempts: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << (attempts - 1).min(10));
    doubled.min(LONGEST_WAIT).mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_later_and_later_and_given_up() {
        let calls = Cell::new(0);
        let began = Instant::now();
        let ended = tried(4, || {
            calls.set(calls.get() + 1);
            std::future::ready(Err(Refusal::passing(format!("no {}", calls.get()))))
        })
        .await;
        assert_eq!(ended, Err(Undelivered { why: "no 4".to_owned(), attempts: 4 }));
        // 0.5 s, 1 s and 2 s, each between its half and its whole.
        let took = began.elapsed();
        assert!(
            (Duration::from_millis(1_750)..=Duration::from_millis(3_510)).contains(&took),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_go_better_is_not_tried_again() {
        let began = Instant::now();
        let ended = tried(5, || std::future::ready(Err(Refusal::lasting("gone")))).await;
        assert_eq!(ended, Err(Undelivered { why: "gone".to_owned(), attempts: 1 }));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_other_side_may_say_how_long_to_wait() {
        let calls = Cell::new(0);
        let began = Instant::now();
        let ended = tried(3, || {
            calls.set(calls.get() + 1);
            let wait = Some(Duration::from_secs(7));
            std::future::ready(if calls.get() < 2 {
                Err(Refusal { wait, ..Refusal::passing("later") })
            } else {
                Ok("taken".to_owned())
            })
        })
        .await;
        assert_eq!(ended, Ok(Delivered { answer: "taken".to_owned(), attempts: 2 }));
        assert_eq!(began.elapsed().as_secs(), 7);
    }

    #[test]
    fn no_wait_is_longer_than_the_longest() {
        for attempts in 1..100 {
            assert!(backoff(attempts) <= LONGEST_WAIT);
        }
        assert!(backoff(1) <= FIRST_WAIT);
    }
}
