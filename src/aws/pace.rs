//! A pace for each service, shared by everything that one process does: polling counts too.
//!
//! Calls are let go at even distances. A throttled service is slowed down to half, and gets faster again with every call
//! that is answered, so that ten thousand profiles are listed as fast as the account allows and no faster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The slowest pace, in calls a second.
const SLOWEST: f64 = 0.2;

/// How much of the full pace is won back by a call that is answered.
const RECOVERY: f64 = 0.02;

#[derive(Debug)]
struct Lane {
    calls_per_second: f64,
    next: Instant,
}

/// The pace of every service.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    full: f64,
    lanes: Arc<Mutex<BTreeMap<&'static str, Lane>>>,
}

impl Pace {
    /// Makes a pace of so many calls a second to each service.
    pub(super) fn new(calls_per_second: f64) -> Self {
        Self { full: calls_per_second.max(SLOWEST), lanes: Arc::default() }
    }

    /// Waits until the next call to a service may go.
    pub(super) async fn turn(&self, service: &'static str) {
        let at = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            let lane = lanes
                .entry(service)
                .or_insert_with(|| Lane { calls_per_second: self.full, next: Instant::now() });
            let at = lane.next.max(Instant::now());
            lane.next = at + Duration::from_secs_f64(1.0 / lane.calls_per_second);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// Learns from how a call ended.
    pub(super) fn learn(&self, service: &'static str, was_throttled: bool) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get_mut(service) {
            lane.calls_per_second = if was_throttled {
                (lane.calls_per_second / 2.0).max(SLOWEST)
            } else {
                (lane.calls_per_second + self.full * RECOVERY).min(self.full)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_are_let_go_at_the_pace_and_slower_after_a_throttle() {
        let pace = Pace::new(10.0);
        let began = Instant::now();
        for _ in 0..11 {
            pace.turn("sagemaker").await;
        }
        assert_eq!(began.elapsed().as_millis() / 100, 10);
        pace.learn("sagemaker", true);
        pace.turn("sagemaker").await;
        let slowed = Instant::now();
        pace.turn("sagemaker").await;
        assert!(slowed.elapsed() >= Duration::from_millis(190));
    }

    #[tokio::test(start_paused = true)]
    async fn one_service_does_not_wait_for_another() {
        let pace = Pace::new(1.0);
        pace.turn("sagemaker").await;
        let began = Instant::now();
        pace.turn("s3").await;
        assert!(began.elapsed() < Duration::from_millis(10));
    }
}
