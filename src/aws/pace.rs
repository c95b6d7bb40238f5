//! A pace for each API, shared by everything that one process does: polling counts too.
//!
//! AWS throttles by operation, and tells nobody at what rate. So every operation has a lane of its own, on which calls are let
//! go at even distances. A lane begins slowly and gets faster with every answer until the first throttle tells where the
//! limit is; from then on it stays below, and feels its way up again. Ten thousand profiles are described as fast as the
//! account allows, and no faster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::time::Instant;

/// The slowest pace, in calls a second.
const SLOWEST: f64 = 0.2;

/// The pace that a lane begins at, where no lower one is asked for, in calls a second.
const FIRST: f64 = 10.0;

/// What is left of the pace after a throttle.
const CUT: f64 = 0.6;

/// Operations whose limit AWS does publish, in calls a second: CloudTrail's quota page says two for each account and Region.
const PUBLISHED: [(&str, f64); 1] = [("LookupEvents", 2.0)];

#[derive(Debug)]
struct Lane {
    calls_per_second: f64,
    /// No faster than this, whatever the answers.
    most: f64,
    /// The pace at which the last throttle came; `None` before the first.
    edge: Option<f64>,
    /// When the pace was cut last: what was sent before may still come back throttled, and is no news.
    cut_at: Option<Instant>,
    next: Instant,
}

/// The pace of every operation.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    most: f64,
    lanes: Arc<Mutex<BTreeMap<String, Lane>>>,
}

impl Pace {
    /// Makes a pace of at most so many calls a second to each operation.
    pub(super) fn new(most: f64) -> Self {
        Self { most: most.max(SLOWEST), lanes: Arc::default() }
    }

    /// Waits until the next call to an operation may go.
    pub(super) async fn turn(&self, operation: &str) {
        let at = self.on(operation, |lane| {
            let at = lane.next.max(Instant::now());
            lane.next = at + Duration::from_secs_f64(1.0 / lane.calls_per_second);
            at
        });
        tokio::time::sleep_until(at).await;
    }

    /// Gets faster: a call was answered.
    pub(super) fn answered(&self, operation: &str) {
        self.on(operation, |lane| {
            let step = match lane.edge {
                // Twice as fast every second, as long as nobody minds.
                None => 1.0,
                Some(edge) if lane.calls_per_second < edge * 0.85 => 0.1,
                Some(_) => 0.01,
            };
            lane.calls_per_second = (lane.calls_per_second + step).min(lane.most);
        });
    }

    /// Gets slower: an attempt was throttled.
    fn throttled(&self, operation: &str) {
        self.on(operation, |lane| {
            let now = Instant::now();
            let settling = Duration::from_secs_f64((2.0 / lane.calls_per_second).max(1.0));
            if lane.cut_at.is_some_and(|cut| now.duration_since(cut) < settling) {
                return;
            }
            lane.edge = Some(lane.calls_per_second);
            lane.calls_per_second = (lane.calls_per_second * CUT).max(SLOWEST);
            lane.cut_at = Some(now);
            lane.next = lane.next.max(now + Duration::from_secs_f64(1.0 / lane.calls_per_second));
        });
    }

    fn on<T>(&self, operation: &str, act: impl FnOnce(&mut Lane) -> T) -> T {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(operation.to_owned()).or_insert_with(|| {
            let published = PUBLISHED.iter().find(|(name, _)| *name == operation);
            let most = published.map_or(self.most, |(_, limit)| limit.min(self.most));
            Lane {
                calls_per_second: FIRST.min(most),
                most,
                edge: None,
                cut_at: None,
                next: Instant::now(),
            }
        });
        act(lane)
    }
}

/// Every attempt is looked at, the SDK's own retries included: a call that succeeds in the end may have been throttled twice.
#[dyn_dispatch_hint]
impl Intercept for Pace {
    fn name(&self) -> &'static str {
        "Pace"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(response), Some(metadata)) = (context.response(), bag.load::<Metadata>())
            && is_throttle(response)
        {
            self.throttled(metadata.name());
        }
        Ok(())
    }
}

/// Services tell a throttle by status 429, or by a code in the body of a 400 or 503.
fn is_throttle(response: &HttpResponse) -> bool {
    const CODES: [&str; 5] =
        ["Throttl", "TooManyRequests", "SlowDown", "RequestLimitExceeded", "RateExceeded"];
    /// The code stands at the beginning of a body.
    const LOOKED_AT: usize = 400;
    match response.status().as_u16() {
        429 => true,
        400 | 403 | 503 => response.body().bytes().is_some_and(|body| {
            let head = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]);
            CODES.iter().any(|code| head.contains(code))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn time_of(pace: &Pace, operation: &str, calls: u32) -> Duration {
        let began = Instant::now();
        for _ in 0..calls {
            pace.turn(operation).await;
        }
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_let_go_at_the_pace_and_slower_after_a_throttle() {
        let pace = Pace::new(10.0);
        assert_eq!(time_of(&pace, "DescribeSpace", 11).await.as_millis() / 100, 10);
        pace.throttled("DescribeSpace");
        pace.turn("DescribeSpace").await;
        assert!(time_of(&pace, "DescribeSpace", 1).await >= Duration::from_millis(160));
    }

    #[tokio::test(start_paused = true)]
    async fn one_operation_does_not_wait_for_another() {
        let pace = Pace::new(1.0);
        pace.turn("DescribeSpace").await;
        assert!(time_of(&pace, "ListApps", 1).await < Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn answers_make_it_faster_until_a_throttle_tells_the_limit() {
        let pace = Pace::new(1000.0);
        for _ in 0..500 {
            pace.turn("DescribeSpace").await;
            pace.answered("DescribeSpace");
        }
        assert!(time_of(&pace, "DescribeSpace", 100).await < Duration::from_millis(300));
        pace.throttled("DescribeSpace");
        // Those that were on their way at the same time say nothing new.
        for _ in 0..50 {
            pace.throttled("DescribeSpace");
        }
        let after = time_of(&pace, "DescribeSpace", 100).await;
        assert!(
            after > Duration::from_millis(290) && after < Duration::from_millis(400),
            "{after:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_published_limit_is_kept_from_the_first_call() {
        let pace = Pace::new(1000.0);
        for _ in 0..10 {
            pace.answered("LookupEvents");
        }
        assert!(time_of(&pace, "LookupEvents", 11).await >= Duration::from_secs(5));
    }
}
