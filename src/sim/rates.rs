//! How fast an operation may be called: a bucket of tokens that fills by so many a second, as AWS throttles.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::world::World;

/// The buckets of a served world, by operation. They are full when the world is opened.
#[derive(Debug, Default)]
pub(super) struct Rates {
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    seen: f64,
}

impl Rates {
    /// Takes a token for a call of `service:Operation`, and tells whether there was none. A bucket holds a second's worth, and
    /// at least one.
    pub(super) fn is_too_fast(&self, world: &World, call: &str) -> bool {
        let Some(rate) = world.read(|state| state.rates.get(call).copied()) else { return false };
        let (now, most) = (world.now(), rate.max(1.0));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(call.to_owned()).or_insert(Bucket { tokens: most, seen: now });
        bucket.tokens = (bucket.tokens + (now - bucket.seen).max(0.0) * rate).min(most);
        bucket.seen = now;
        if bucket.tokens < 1.0 {
            return true;
        }
        bucket.tokens -= 1.0;
        false
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::sim::state::State;

    #[tokio::test(start_paused = true)]
    async fn a_second_gives_as_many_calls_as_the_world_says_and_the_rest_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let rates = [("cloudtrail:LookupEvents".to_owned(), 2.0)].into();
        let state = State { rates, ..State::default() };
        let world = World::create(dir.path(), Path::new("/bin/true"), state).unwrap();
        let rates = Rates::default();
        let called = |call: &str| !rates.is_too_fast(&world, call);
        let look = "cloudtrail:LookupEvents";
        assert_eq!([called(look), called(look), called(look)], [true, true, false]);
        assert!((0..50).all(|_| called("sagemaker:ListApps")));
        tokio::time::advance(Duration::from_millis(600)).await;
        assert_eq!([called(look), called(look)], [true, false]);
    }
}
