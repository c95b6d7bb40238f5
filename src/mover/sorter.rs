//! Lists that may be longer than memory: sorted in memory while they are short, and in temporary files when they are not.
//!
//! A home has millions of entries, and the machine that moves it may have two gibibytes. Everything that is collected about
//! all entries goes through a [`Sorter`], which holds at most [`HELD`] bytes; what is more is written out as a sorted run,
//! and the runs are merged while they are read. The files have no name, so that nothing is left whatever happens. They lie
//! where `TMPDIR` says.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;

/// Bytes that one sorter holds in memory: what some forty thousand entries weigh.
const HELD: usize = 14 << 20;

/// Records that lie together. A sorter grows by blocks, because a list that doubles takes three times what is in it.
const BLOCK: usize = 4096;

/// Runs that are merged at once; as many are merged into one when they come together.
const FAN: usize = 32;

/// Bytes that are compressed at once.
const CHUNK: usize = 64 * 1024;

/// The logarithm of the window that a run is compressed with: it decides what reading one costs in memory.
const WINDOW: u32 = 17;

/// Something that is sorted.
pub(crate) trait Record: Serialize + DeserializeOwned + Send {
    /// Returns about how many bytes it takes in memory.
    fn weight(&self) -> usize;
}

/// Which of two comes first.
type Order<T> = fn(&T, &T) -> Ordering;

/// Takes records from many threads, and gives them back in order.
#[derive(Debug)]
pub(crate) struct Sorter<T> {
    order: Order<T>,
    most: usize,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    held: Blocks<T>,
    weight: usize,
    /// Runs by how often they were merged.
    levels: Vec<Vec<File>>,
}

impl<T: Record> Sorter<T> {
    pub(crate) fn new(order: Order<T>) -> Self {
        Self::holding(order, HELD)
    }

    fn holding(order: Order<T>, most: usize) -> Self {
        let state = State { held: Blocks::default(), weight: 0, levels: Vec::new() };
        Self { order, most, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes records.
    pub(crate) fn add(&self, records: impl IntoIterator<Item = T>) -> Result<(), Error> {
        let full = {
            let mut state = self.lock();
            for record in records {
                state.weight += record.weight();
                state.held.push(record);
            }
            if state.weight < self.most {
                return Ok(());
            }
            state.weight = 0;
            std::mem::take(&mut state.held)
        };
        self.spill(full)
    }

    /// Writes a run, while other threads go on.
    fn spill(&self, full: Blocks<T>) -> Result<(), Error> {
        let mut run = write(Held::of(full, self.order).map(Ok))?;
        let mut level = 0;
        loop {
            let crowd = {
                let mut state = self.lock();
                if state.levels.len() <= level {
                    state.levels.resize_with(level + 1, Vec::new);
                }
                state.levels[level].push(run);
                if state.levels[level].len() < FAN {
                    return Ok(());
                }
                std::mem::take(&mut state.levels[level])
            };
            run = write(Merge::of(crowd, Blocks::default(), self.order)?)?;
            level += 1;
        }
    }

    /// Gives everything back, in order.
    pub(crate) fn sorted(self) -> Result<Sorted<T>, Error> {
        let State { held, levels, .. } =
            self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if levels.is_empty() {
            return Ok(Sorted::Held(Held::of(held, self.order)));
        }
        let runs = levels.into_iter().flatten().collect();
        Ok(Sorted::Merged(Merge::of(runs, held, self.order)?))
    }
}

/// Records in order. What ends with an error has been lost on the way from or to the disk.
pub(crate) enum Sorted<T> {
    Held(Held<T>),
    Merged(Merge<T>),
}

impl<T: Record> Iterator for Sorted<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Held(held) => held.next().map(Ok),
            Self::Merged(merge) => merge.next(),
        }
    }
}

/// Records in memory, in blocks that are full but for the last.
#[derive(Debug)]
struct Blocks<T> {
    blocks: Vec<Vec<Option<T>>>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<T> Blocks<T> {
    fn push(&mut self, record: T) {
        match self.blocks.last_mut().filter(|block| block.len() < BLOCK) {
            Some(block) => block.push(Some(record)),
            None => {
                // Most lists are short.
                let mut block = Vec::with_capacity(if self.blocks.is_empty() { 0 } else { BLOCK });
                block.push(Some(record));
                self.blocks.push(block);
            }
        }
    }

    fn len(&self) -> usize {
        let last = self.blocks.last().map_or(0, Vec::len);
        self.blocks.len().saturating_sub(1) * BLOCK + last
    }

    fn get(&self, number: u32) -> Option<&T> {
        let number = number as usize;
        self.blocks.get(number / BLOCK)?.get(number % BLOCK)?.as_ref()
    }

    fn take(&mut self, number: u32) -> Option<T> {
        let number = number as usize;
        self.blocks.get_mut(number / BLOCK)?.get_mut(number % BLOCK)?.take()
    }
}

/// Records in memory, in order. They stay where they are, because a record is large and its number is not.
pub(crate) struct Held<T> {
    records: Blocks<T>,
    numbers: std::vec::IntoIter<u32>,
}

impl<T> Held<T> {
    fn of(records: Blocks<T>, order: Order<T>) -> Self {
        // A sorter holds some hundred thousand records, and each of them has a number.
        let mut numbers: Vec<u32> = (0_u32..).take(records.len()).collect();
        numbers.sort_by(|one, other| match (records.get(*one), records.get(*other)) {
            (Some(one), Some(other)) => order(one, other),
            _ => Ordering::Equal,
        });
        Self { records, numbers: numbers.into_iter() }
    }
}

impl<T> Iterator for Held<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.records.take(self.numbers.next()?)
    }
}

fn failed(error: impl Into<std::io::Error>) -> Error {
    let folder = std::env::temp_dir();
    let folder = std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str());
    Error::io("cannot keep a list of files in", folder, error.into())
}

fn write<T: Record>(records: impl Iterator<Item = Result<T, Error>>) -> Result<File, Error> {
    let file = tempfile::tempfile().map_err(failed)?;
    let mut zip = zstd::Encoder::new(file, 1).map_err(failed)?;
    zip.window_log(WINDOW).map_err(failed)?;
    let mut bytes = Vec::with_capacity(2 * CHUNK);
    for record in records {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        bytes =
            postcard::to_extend(&record?, bytes).map_err(std::io::Error::other).map_err(failed)?;
        let length = u32::try_from(bytes.len() - start - 4);
        let length = length.map_err(std::io::Error::other).map_err(failed)?;
        bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
        if bytes.len() >= CHUNK {
            zip.write_all(&bytes).map_err(failed)?;
            bytes.clear();
        }
    }
    zip.write_all(&bytes).map_err(failed)?;
    let mut file = zip.finish().map_err(failed)?;
    file.rewind().map_err(failed)?;
    Ok(file)
}

/// One run, read from its beginning.
struct Run {
    lines: zstd::Decoder<'static, BufReader<File>>,
    bytes: Vec<u8>,
}

impl Run {
    fn next<T: Record>(&mut self) -> Result<Option<T>, Error> {
        let mut length = [0; 4];
        match self.lines.read_exact(&mut length) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read.map_err(failed)?,
        }
        self.bytes.resize(u32::from_le_bytes(length) as usize, 0);
        self.lines.read_exact(&mut self.bytes).map_err(failed)?;
        postcard::from_bytes(&self.bytes).map(Some).map_err(std::io::Error::other).map_err(failed)
    }
}

/// Several runs, and what is in memory, as one.
pub(crate) struct Merge<T> {
    order: Order<T>,
    runs: Vec<Run>,
    held: Held<T>,
    heads: BinaryHeap<Head<T>>,
}

/// The next record of a run; of [`HELD_RUN`], of what is in memory.
struct Head<T> {
    record: T,
    run: usize,
    order: Order<T>,
}

const HELD_RUN: usize = usize::MAX;

impl<T: Record> Merge<T> {
    fn of(runs: Vec<File>, held: Blocks<T>, order: Order<T>) -> Result<Self, Error> {
        let opened = runs.into_iter().map(|file| {
            let lines = zstd::Decoder::new(file).map_err(failed)?;
            Ok(Run { lines, bytes: Vec::new() })
        });
        let runs = opened.collect::<Result<Vec<_>, Error>>()?;
        let mut merge = Self { order, runs, held: Held::of(held, order), heads: BinaryHeap::new() };
        for run in (0..merge.runs.len()).chain([HELD_RUN]) {
            merge.refill(run)?;
        }
        Ok(merge)
    }

    fn refill(&mut self, run: usize) -> Result<(), Error> {
        let record = match self.runs.get_mut(run) {
            Some(run) => run.next()?,
            None => self.held.next(),
        };
        self.heads.extend(record.map(|record| Head { record, run, order: self.order }));
        Ok(())
    }
}

impl<T: Record> Iterator for Merge<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Head { record, run, .. } = self.heads.pop()?;
        match self.refill(run) {
            Ok(()) => Some(Ok(record)),
            Err(error) => {
                self.heads.clear();
                Some(Err(error))
            }
        }
    }
}

// The heap gives the greatest first; the least record is to be the greatest head.
impl<T> Ord for Head<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.order)(&other.record, &self.record)
    }
}

impl<T> PartialOrd for Head<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Head<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Head<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    impl Record for u64 {
        fn weight(&self) -> usize {
            8
        }
    }

    #[test]
    fn what_does_not_fit_comes_back_in_order_too() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut all: Vec<u64> = (0..100_000).map(|_| random.u64(..50_000)).collect();
        let sorter = Sorter::holding(u64::cmp, 800);
        all.chunks(37).for_each(|some| sorter.add(some.to_vec()).unwrap());
        assert!(sorter.lock().levels.len() > 1, "runs were merged on the way");
        let sorted: Vec<u64> = sorter.sorted().unwrap().collect::<Result<_, _>>().unwrap();
        all.sort_unstable();
        assert!(sorted == all);
    }

    #[test]
    fn a_short_list_touches_no_disk() {
        let sorter = Sorter::new(u64::cmp);
        sorter.add([3, 1, 2]).unwrap();
        let sorted = sorter.sorted().unwrap();
        assert!(matches!(sorted, Sorted::Held(_)));
        assert_eq!(sorted.map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
