//! A pool of threads that grows when the file system is slow.
//!
//! A network file system answers after a millisecond whoever asks, so that only more questions at once help; on a local disk
//! more threads than cores only get in each other's way. So the pool starts small, and measures.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::error::Error;

/// The most threads; enough to keep an EFS busy.
const MOST: usize = 64;

/// A mean above this is a network's.
const SLOW: Duration = Duration::from_micros(200);

/// Calls before the mean is believed.
const ENOUGH_CALLS: u64 = 32;

/// How many threads, and how long metadata calls take.
#[derive(Debug)]
pub(super) struct Pool {
    first: usize,
    most: usize,
    nanos: AtomicU64,
    calls: AtomicU64,
}

impl Pool {
    /// With a fixed number of workers, or with as many as latency asks for.
    pub(super) fn new(workers: Option<usize>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (first, most) = match workers {
            Some(workers) => (workers.clamp(1, MOST), workers.clamp(1, MOST)),
            None => ((2 * cores).min(MOST), MOST),
        };
        Self { first, most, nanos: AtomicU64::new(0), calls: AtomicU64::new(0) }
    }

    /// Makes a metadata call and takes its time.
    pub(super) fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = call();
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Relaxed);
        result
    }

    fn is_slow(&self) -> bool {
        let calls = self.calls.load(Ordering::Relaxed);
        calls >= ENOUGH_CALLS
            && Duration::from_nanos(self.nanos.load(Ordering::Relaxed) / calls) > SLOW
    }

    /// Does all items and those that come up while doing them; the last first. The first error ends everything.
    ///
    /// Each thread has its own `L`, and all of them are returned.
    pub(super) fn run<T, L, W>(&self, items: Vec<T>, work: W) -> Result<Vec<L>, Error>
    where
        T: Send,
        L: Default + Send,
        W: Fn(&mut L, T, &Queue<T>) -> Result<(), Error> + Sync,
    {
        // A file system that has been slow before is slow now, but no item needs two threads.
        let first =
            if self.is_slow() { items.len().clamp(self.first, self.most) } else { self.first };
        let crew = Crew {
            pool: self,
            queue: Queue::new(items),
            work,
            threads: AtomicUsize::new(first),
            done: Mutex::new(Vec::new()),
        };
        std::thread::scope(|scope| {
            for _ in 0..first {
                scope.spawn(|| crew.labour(scope));
            }
        });
        match crew.queue.into_error() {
            Some(error) => Err(error),
            None => Ok(crew.done.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

struct Crew<'a, T, L, W> {
    pool: &'a Pool,
    queue: Queue<T>,
    work: W,
    threads: AtomicUsize,
    done: Mutex<Vec<L>>,
}

impl<T, L, W> Crew<'_, T, L, W>
where
    T: Send,
    L: Default + Send,
    W: Fn(&mut L, T, &Queue<T>) -> Result<(), Error> + Sync,
{
    fn labour<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let mut local = L::default();
        while let Some((item, _busy)) = self.queue.take() {
            if let Err(error) = (self.work)(&mut local, item, &self.queue) {
                self.queue.halt(error);
            }
            if self.pool.is_slow() && self.queue.has_waiting() && self.grows() {
                scope.spawn(|| self.labour(scope));
            }
        }
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(local);
    }

    fn grows(&self) -> bool {
        let more = |threads| (threads < self.pool.most).then_some(threads + 1);
        self.threads.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

/// Items to do, shared by all threads.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    news: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    busy: usize,
    error: Option<Error>,
}

impl<T> Queue<T> {
    fn new(waiting: Vec<T>) -> Self {
        Self { state: Mutex::new(State { waiting, busy: 0, error: None }), news: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds items.
    pub(super) fn add(&self, items: impl IntoIterator<Item = T>) {
        self.lock().waiting.extend(items);
        self.news.notify_all();
    }

    /// Waits for an item; none when all is done or something failed.
    fn take(&self) -> Option<(T, Busy<'_, T>)> {
        let mut state = self.lock();
        loop {
            if state.error.is_some() {
                return None;
            }
            if let Some(item) = state.waiting.pop() {
                state.busy += 1;
                return Some((item, Busy(self)));
            }
            if state.busy == 0 {
                return None;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn halt(&self, error: Error) {
        self.lock().error.get_or_insert(error);
    }

    fn has_waiting(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    fn into_error(self) -> Option<Error> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).error
    }
}

/// An item in work; its end is told to those who wait.
struct Busy<'a, T>(&'a Queue<T>);

impl<T> Drop for Busy<'_, T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy -= 1;
        if state.busy == 0 || state.error.is_some() {
            self.0.news.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_that_come_up_are_done_too() {
        let done: Vec<Vec<u32>> = Pool::new(None)
            .run(vec![8], |local: &mut Vec<u32>, item, queue| {
                local.push(item);
                queue.add((0..2).filter(|_| item > 0).map(|_| item - 1));
                Ok(())
            })
            .unwrap();
        assert_eq!(done.iter().map(Vec::len).sum::<usize>(), (1 << 9) - 1);
    }

    #[test]
    fn the_first_error_ends_everything() {
        let failing = |_: &mut (), item: u32, _: &Queue<u32>| {
            if item == 500 { Err(Error::Stopped) } else { Ok(()) }
        };
        assert!(Pool::new(Some(4)).run((0..1000).collect(), failing).is_err());
    }

    #[test]
    fn slow_calls_make_the_pool_grow_to_its_limit_and_begin_wide_the_next_time() {
        let pool = Pool::new(None);
        let sleepy = |_: &mut u8, _: u32, _: &Queue<u32>| {
            pool.timed(|| std::thread::sleep(Duration::from_millis(1)));
            Ok(())
        };
        let threads = pool.run((0..2000).collect(), sleepy).unwrap().len();
        assert_eq!(threads, MOST);
        assert!(pool.run((0..30).collect(), sleepy).unwrap().len() >= 30);
    }

    #[test]
    fn a_fixed_number_stays() {
        let pool = Pool::new(Some(3));
        let sleepy = |_: &mut u8, _: u32, _: &Queue<u32>| {
            pool.timed(|| std::thread::sleep(Duration::from_millis(1)));
            Ok(())
        };
        assert_eq!(pool.run((0..200).collect(), sleepy).unwrap().len(), 3);
    }
}
