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
const MOST: usize = 128;

/// A mean above this is a network's.
const SLOW: Duration = Duration::from_micros(200);

/// Items for which no threads are started.
const FEW: usize = 3;

/// Calls before the mean is believed.
const ENOUGH_CALLS: u64 = 16;

/// Calls after which older ones weigh half.
const MEMORY: u64 = 1024;

/// How many threads, and how long metadata calls take.
#[derive(Debug)]
pub(super) struct Pool {
    first: usize,
    most: usize,
    nanos: AtomicU64,
    calls: AtomicU64,
    /// Held by whoever has a large file read by all threads.
    pub(super) large: Mutex<()>,
}

impl Pool {
    /// With a fixed number of workers, or with as many as latency asks for.
    pub(super) fn new(workers: Option<usize>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (first, most) = match workers {
            Some(workers) => (workers.clamp(1, MOST), workers.clamp(1, MOST)),
            None => ((2 * cores).min(MOST), MOST),
        };
        let (nanos, calls) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { first, most, nanos, calls, large: Mutex::new(()) }
    }

    /// Makes a metadata call and takes its time.
    pub(super) fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = call();
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        if self.calls.fetch_add(1, Ordering::Relaxed) >= MEMORY {
            // Two threads that get here together forget a little more; the mean stays.
            self.nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| Some(all / 2)).ok();
            self.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| Some(all / 2)).ok();
        }
        result
    }

    /// Tells whether calls take so long that only more of them at once help.
    pub(super) fn is_slow(&self) -> bool {
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
        W: Fn(&mut L, T, &Queue<'_, T>) -> Result<(), Error> + Sync,
    {
        // No item needs two threads.
        let wide = items.len();
        self.crew(Queue::new(items, None), wide, work)
    }

    /// Does a few items by itself, and many with all threads.
    pub(super) fn run_or_do<T, L, W>(&self, items: Vec<T>, work: W) -> Result<Vec<L>, Error>
    where
        T: Send,
        L: Default + Send,
        W: Fn(&mut L, T) -> Result<(), Error> + Sync,
    {
        if items.len() >= FEW {
            return self.run(items, |local: &mut L, item, _| work(local, item));
        }
        let mut local = L::default();
        items.into_iter().try_for_each(|item| work(&mut local, item))?;
        Ok(vec![local])
    }

    /// Does all items of a source, in its order; the next is taken when a thread is free for it.
    pub(super) fn feed<T, L, W>(
        &self,
        source: &mut (dyn Iterator<Item = Result<T, Error>> + Send),
        work: W,
    ) -> Result<Vec<L>, Error>
    where
        T: Send,
        L: Default + Send,
        W: Fn(&mut L, T) -> Result<(), Error> + Sync,
    {
        let queue = Queue::new(Vec::new(), Some(source));
        self.crew(queue, self.most, |local: &mut L, item, _: &Queue<'_, T>| work(local, item))
    }

    fn crew<T, L, W>(&self, queue: Queue<'_, T>, wide: usize, work: W) -> Result<Vec<L>, Error>
    where
        T: Send,
        L: Default + Send,
        W: Fn(&mut L, T, &Queue<'_, T>) -> Result<(), Error> + Sync,
    {
        // A file system that has been slow before is slow now.
        let first = if self.is_slow() { wide.clamp(self.first, self.most) } else { self.first };
        let crew = Crew {
            pool: self,
            queue,
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

struct Crew<'p, 'a, T, L, W> {
    pool: &'p Pool,
    queue: Queue<'a, T>,
    work: W,
    threads: AtomicUsize,
    done: Mutex<Vec<L>>,
}

impl<T, L, W> Crew<'_, '_, T, L, W>
where
    T: Send,
    L: Default + Send,
    W: Fn(&mut L, T, &Queue<'_, T>) -> Result<(), Error> + Sync,
{
    fn labour<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let mut local = L::default();
        while let Some((item, _busy)) = self.queue.take() {
            if let Err(error) = (self.work)(&mut local, item, &self.queue) {
                self.queue.halt(error);
            }
            if self.pool.is_slow() {
                for _ in 0..self.queue.waiting() {
                    if !self.grows() {
                        break;
                    }
                    scope.spawn(|| self.labour(scope));
                }
            }
        }
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(local);
    }

    fn grows(&self) -> bool {
        let more = |threads| (threads < self.pool.most).then_some(threads + 1);
        self.threads.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

/// Where further items come from.
type Source<'a, T> = &'a mut (dyn Iterator<Item = Result<T, Error>> + Send);

/// Items to do, shared by all threads.
pub(super) struct Queue<'a, T> {
    state: Mutex<State<'a, T>>,
    news: Condvar,
}

struct State<'a, T> {
    waiting: Vec<T>,
    source: Option<Source<'a, T>>,
    busy: usize,
    error: Option<Error>,
}

impl<'a, T> Queue<'a, T> {
    fn new(waiting: Vec<T>, source: Option<Source<'a, T>>) -> Self {
        let state = State { waiting, source, busy: 0, error: None };
        Self { state: Mutex::new(state), news: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds items; the last of them is the next.
    pub(super) fn add(&self, items: impl IntoIterator<Item = T>) {
        let mut state = self.lock();
        let before = state.waiting.len();
        state.waiting.extend(items);
        match state.waiting.len() - before {
            0 => {}
            1 => self.news.notify_one(),
            _ => self.news.notify_all(),
        }
    }

    /// Waits for an item; none when all is done or something failed.
    fn take(&self) -> Option<(T, Busy<'_, 'a, T>)> {
        let mut state = self.lock();
        loop {
            if state.error.is_some() {
                return None;
            }
            if let Some(item) = state.waiting.pop() {
                state.busy += 1;
                return Some((item, Busy(self)));
            }
            match state.source.as_mut().and_then(Iterator::next) {
                Some(Ok(item)) => {
                    state.busy += 1;
                    return Some((item, Busy(self)));
                }
                Some(Err(error)) => state.error = Some(error),
                None if state.source.take().is_some() => {}
                None if state.busy == 0 => return None,
                None => state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn halt(&self, error: Error) {
        self.lock().error.get_or_insert(error);
    }

    /// Returns how many items wait for a thread; of a source that is not at its end, one.
    fn waiting(&self) -> usize {
        let state = self.lock();
        state.waiting.len().max(state.source.is_some().into())
    }

    fn into_error(self) -> Option<Error> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).error
    }
}

/// An item in work; its end is told to those who wait.
struct Busy<'q, 'a, T>(&'q Queue<'a, T>);

impl<T> Drop for Busy<'_, '_, T> {
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
        let failing = |_: &mut (), item: u32, _: &Queue<'_, u32>| {
            if item == 500 { Err(Error::Stopped) } else { Ok(()) }
        };
        assert!(Pool::new(Some(4)).run((0..1000).collect(), failing).is_err());
    }

    #[test]
    fn slow_calls_make_the_pool_grow_to_its_limit_and_begin_wide_the_next_time() {
        let pool = Pool::new(None);
        let sleepy = |_: &mut u8, _: u32, _: &Queue<'_, u32>| {
            pool.timed(|| std::thread::sleep(Duration::from_millis(1)));
            Ok(())
        };
        let threads = pool.run((0..2000).collect(), sleepy).unwrap().len();
        assert_eq!(threads, MOST);
        assert!(pool.run((0..30).collect(), sleepy).unwrap().len() >= 30);
    }

    #[test]
    fn a_source_is_emptied_in_its_order_and_its_error_ends_everything() {
        let taken = Mutex::new(Vec::new());
        let note = |(): &mut (), item: u32| {
            taken.lock().unwrap().push(item);
            Ok(())
        };
        Pool::new(Some(1)).feed(&mut (0..100).map(Ok), note).unwrap();
        assert_eq!(*taken.lock().unwrap(), (0..100).collect::<Vec<_>>());
        let mut torn = (0..100).map(|item| if item < 50 { Ok(item) } else { Err(Error::Stopped) });
        assert!(Pool::new(Some(4)).feed(&mut torn, note).is_err());
    }

    #[test]
    fn a_fixed_number_stays() {
        let pool = Pool::new(Some(3));
        let sleepy = |_: &mut u8, _: u32, _: &Queue<'_, u32>| {
            pool.timed(|| std::thread::sleep(Duration::from_millis(1)));
            Ok(())
        };
        assert_eq!(pool.run((0..200).collect(), sleepy).unwrap().len(), 3);
    }
}
