//! Reading one file once: hashed as it is read, and written as it is hashed. Holes stay holes.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::error::Error;
use super::meter::Meter;
use super::pool::Pool;

/// Bytes read at once.
pub(super) const CHUNK: usize = 256 * 1024;

/// From this size on, a file is read in pieces by several threads.
pub(super) const LARGE: u64 = 64 << 20;

/// Bytes of such a piece; a power of two, so that it is a whole branch of BLAKE3's tree.
const PIECE: u64 = 8 << 20;

/// What is looked at when zeros are told from data; the block size of every file system in question.
const BLOCK: usize = 4096;

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Why a file could not be read to its end, or written.
#[derive(Debug)]
pub(super) enum Spill {
    /// The side that is read failed.
    Read(Errno),
    /// The side that is written failed.
    Write(Errno),
    /// Something that concerns the whole copy.
    End(Error),
}

impl From<Error> for Spill {
    fn from(error: Error) -> Self {
        Self::End(error)
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Poured {
    pub(super) bytes: u64,
    pub(super) hash: [u8; 32],
}

/// One reading of one file.
pub(super) struct Pour<'a> {
    pub(super) from: BorrowedFd<'a>,
    /// Where the bytes go; nowhere when only the hash is wanted.
    pub(super) into: Option<BorrowedFd<'a>>,
    /// The size before the reading; a file that grows is read no further.
    pub(super) size: u64,
    /// Whether it may have holes.
    pub(super) is_sparse: bool,
    pub(super) meter: &'a Meter<'a>,
    /// Whether its bytes count as progress.
    pub(super) counts: bool,
    pub(super) path: &'a [u8],
    /// Whose threads help with a large file; nobody's when this must be done alone.
    pub(super) pool: Option<&'a Pool>,
}

/// What one thread has read of a large file.
type Hand = (Vec<(u64, ChainingValue)>, Vec<u8>);

/// Puts the hashes of pieces together, as BLAKE3 does with the parts of any input.
fn root(pieces: &[(u64, ChainingValue)], size: u64) -> [u8; 32] {
    let middle = split(size);
    let (left, right) = pieces.split_at(middle);
    let left_size = middle as u64 * PIECE;
    let (left, right) = (subtree(left, left_size), subtree(right, size - left_size));
    *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
}

fn subtree(pieces: &[(u64, ChainingValue)], size: u64) -> ChainingValue {
    if let [(_, hash)] = pieces {
        return *hash;
    }
    let middle = split(size);
    let (left, right) = pieces.split_at(middle);
    let left_size = middle as u64 * PIECE;
    let (left, right) = (subtree(left, left_size), subtree(right, size - left_size));
    merge_subtrees_non_root(&left, &right, Mode::Hash)
}

/// Returns how many pieces make up the left half of a tree over so many bytes.
fn split(size: u64) -> usize {
    // Pieces are a power of two, and there is more than one.
    usize::try_from(left_subtree_len(size) / PIECE).unwrap_or(usize::MAX)
}

impl Pour<'_> {
    /// Reads all of it; a large file with all threads, if they may have several hands on it.
    pub(super) fn run(&self, buffer: &mut Vec<u8>) -> Result<Poured, Spill> {
        if let Some(pool) = self.pool.filter(|_| self.size >= LARGE) {
            return self.run_in_pieces(pool);
        }
        let mut hasher = blake3::Hasher::new();
        let bytes = self.piece(&mut hasher, (0, self.size), buffer)?;
        self.end_at(bytes)?;
        Ok(Poured { bytes, hash: *hasher.finalize().as_bytes() })
    }

    /// Reads from one offset to another, and returns where it ended: earlier when the file was cut short meanwhile.
    fn piece(
        &self,
        hasher: &mut blake3::Hasher,
        (start, stop): (u64, u64),
        buffer: &mut Vec<u8>,
    ) -> Result<u64, Spill> {
        buffer.resize(CHUNK, 0);
        let mut at = start;
        while at < stop {
            let (data, end) = self.extent(at, stop)?;
            self.hole(hasher, data - at)?;
            at = data;
            while at < end {
                let most = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
                let read = retrying(|| rustix::io::pread(self.from, &mut buffer[..most], at))
                    .map_err(Spill::Read)?;
                if read == 0 {
                    // The caller compares the size.
                    return Ok(at);
                }
                let bytes = &buffer[..read];
                hasher.update(bytes);
                if let Some(into) = self.into {
                    self.write(into, bytes, at).map_err(Spill::Write)?;
                }
                at += read as u64;
                self.count(read as u64)?;
            }
        }
        Ok(at)
    }

    /// Reads a large file with all threads of the pool: BLAKE3 is a tree, so that pieces of it can be hashed apart.
    ///
    /// One file at a time is read like this; other threads go on with small ones.
    fn run_in_pieces(&self, pool: &Pool) -> Result<Poured, Spill> {
        let _alone = pool.large.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.size.div_ceil(PIECE);
        let mut numbers = (0..count).map(Ok);
        let shortest = AtomicU64::new(self.size);
        let failed = Mutex::new(None);
        let read = pool.feed(&mut numbers, |(hashes, buffer): &mut Hand, number| {
            let (start, stop) = (number * PIECE, self.size.min((number + 1) * PIECE));
            let mut hasher = blake3::Hasher::new();
            hasher.set_input_offset(start);
            match self.piece(&mut hasher, (start, stop), buffer) {
                Ok(end) if end == stop => hashes.push((number, hasher.finalize_non_root())),
                Ok(end) => {
                    shortest.fetch_min(end, Ordering::Relaxed);
                }
                Err(spill) => {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(spill);
                    return Err(Error::Stopped);
                }
            }
            Ok(())
        });
        if let Some(spill) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(spill);
        }
        let mut hashes: Vec<_> = read?.into_iter().flat_map(|(hashes, _)| hashes).collect();
        hashes.sort_unstable_by_key(|(number, _)| *number);
        let bytes = shortest.into_inner();
        self.end_at(bytes)?;
        // What was cut short has no hash; its size alone tells that it changed.
        let is_whole = bytes == self.size && hashes.len() as u64 == count;
        let hash = if is_whole { root(&hashes, self.size) } else { [0; 32] };
        Ok(Poured { bytes, hash })
    }

    /// Gives what was written its size, when it may end in a hole or was written out of turn.
    fn end_at(&self, bytes: u64) -> Result<(), Spill> {
        match self.into.filter(|_| self.is_sparse) {
            Some(into) => rustix::fs::ftruncate(into, bytes).map_err(Spill::Write),
            None => Ok(()),
        }
    }

    /// Returns where data begins at or after an offset, and where it ends; all up to `stop` when the file system cannot tell.
    fn extent(&self, at: u64, stop: u64) -> Result<(u64, u64), Spill> {
        if !self.is_sparse {
            return Ok((at, stop));
        }
        let data = match rustix::fs::seek(self.from, SeekFrom::Data(at)) {
            Ok(data) => data.clamp(at, stop),
            Err(Errno::NXIO) => return Ok((stop, stop)),
            Err(_) => return Ok((at, stop)),
        };
        let end = rustix::fs::seek(self.from, SeekFrom::Hole(data)).unwrap_or(stop);
        Ok((data, if end > data { end.min(stop) } else { stop }))
    }

    fn count(&self, bytes: u64) -> Result<(), Error> {
        self.meter.bytes(if self.counts { bytes } else { 0 }, self.path)
    }

    fn hole(&self, hasher: &mut blake3::Hasher, mut bytes: u64) -> Result<(), Spill> {
        while bytes > 0 {
            let some = bytes.min(ZEROS.len() as u64);
            hasher.update(&ZEROS[..usize::try_from(some).unwrap_or(ZEROS.len())]);
            self.count(some)?;
            bytes -= some;
        }
        Ok(())
    }

    /// Writes bytes; of a sparse file without the blocks that hold only zeros, for NFS does not tell its holes.
    fn write(&self, into: BorrowedFd<'_>, bytes: &[u8], at: u64) -> Result<(), Errno> {
        if !self.is_sparse {
            return write_all(into, bytes, at);
        }
        let mut start = 0;
        while start < bytes.len() {
            let is_zero = |block: &[u8]| block == &ZEROS[..block.len()];
            let blocks = bytes[start..].chunks(BLOCK);
            let zeros: usize =
                blocks.clone().take_while(|block| is_zero(block)).map(<[u8]>::len).sum();
            let data: usize = bytes[start + zeros..]
                .chunks(BLOCK)
                .take_while(|block| !is_zero(block))
                .map(<[u8]>::len)
                .sum();
            let (from, to) = (start + zeros, start + zeros + data);
            write_all(into, &bytes[from..to], at + from as u64)?;
            start = to;
        }
        Ok(())
    }
}

fn write_all(into: BorrowedFd<'_>, mut bytes: &[u8], mut at: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        let written = retrying(|| rustix::io::pwrite(into.as_fd(), bytes, at))?;
        if written == 0 {
            return Err(Errno::NOSPC);
        }
        bytes = &bytes[written..];
        at += written as u64;
    }
    Ok(())
}

fn retrying<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn poured(is_sparse: bool, content: &dyn Fn(&std::fs::File)) -> (std::fs::File, std::fs::File) {
        let (from, into) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        content(&from);
        let stop = AtomicBool::new(false);
        let meter = Meter::new(&|_| (), &stop);
        let size = from.metadata().unwrap().len();
        let pour = Pour {
            from: from.as_fd(),
            into: Some(into.as_fd()),
            size,
            is_sparse,
            meter: &meter,
            counts: true,
            path: b"",
            pool: Some(&Pool::new(None)),
        };
        let done = pour.run(&mut Vec::new()).unwrap();
        let mut all = vec![0; usize::try_from(size).unwrap()];
        from.read_exact_at(&mut all, 0).unwrap();
        assert_eq!(done.hash, *blake3::hash(&all).as_bytes());
        let mut copied = vec![1; all.len()];
        into.read_exact_at(&mut copied, 0).unwrap();
        assert!(all == copied);
        assert_eq!(into.metadata().unwrap().len(), size);
        (from, into)
    }

    #[test]
    fn holes_stay_holes() {
        let (_, into) = poured(true, &|file| {
            file.set_len(9 << 20).unwrap();
            file.write_all_at(b"in the middle", 5 << 20).unwrap();
        });
        assert!(into.metadata().unwrap().blocks() * 512 <= 64 << 10);
    }

    #[test]
    fn zeros_that_are_not_told_as_holes_become_holes() {
        let (_, into) = poured(true, &|file| {
            let mut content = vec![0; 3 << 20];
            content[1_000_001] = 7;
            file.write_all_at(&content, 0).unwrap();
        });
        assert!(into.metadata().unwrap().blocks() * 512 <= 64 << 10);
    }

    #[test]
    fn a_large_file_is_hashed_in_pieces_to_the_same_hash() {
        for size in [LARGE, LARGE + 1, LARGE + PIECE - 1, 3 * LARGE + 5 * PIECE + 12_345] {
            poured(false, &|file| {
                let mut random = fastrand::Rng::with_seed(size);
                let mut content = vec![0; usize::try_from(size).unwrap()];
                random.fill(&mut content);
                file.write_all_at(&content, 0).unwrap();
            });
        }
        let (_, into) = poured(true, &|file| {
            file.set_len(2 * LARGE).unwrap();
            file.write_all_at(b"in the middle", LARGE + 5).unwrap();
        });
        assert!(into.metadata().unwrap().blocks() * 512 <= 64 << 10);
    }

    #[test]
    fn a_dense_file_is_copied_as_it_is() {
        poured(false, &|file| file.write_all_at(&[9; CHUNK * 2 + 17], 0).unwrap());
        poured(false, &|_| ());
    }
}
