//! Reading one file once: hashed as it is read, and written as it is hashed. Holes stay holes.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::error::Error;
use super::meter::Meter;

/// Bytes read at once.
pub(super) const CHUNK: usize = 256 * 1024;

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
}

impl Pour<'_> {
    /// Reads all of it.
    pub(super) fn run(&self, buffer: &mut Vec<u8>) -> Result<Poured, Spill> {
        buffer.resize(CHUNK, 0);
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        while at < self.size {
            let (data, end) = self.extent(at)?;
            self.hole(&mut hasher, data - at)?;
            at = data;
            while at < end {
                let most = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
                let read = retrying(|| rustix::io::pread(self.from, &mut buffer[..most], at))
                    .map_err(Spill::Read)?;
                if read == 0 {
                    // It was cut short while it was read; the caller compares the size.
                    return Ok(Poured { bytes: at, hash: *hasher.finalize().as_bytes() });
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
        if let Some(into) = self.into.filter(|_| self.is_sparse) {
            rustix::fs::ftruncate(into, at).map_err(Spill::Write)?;
        }
        Ok(Poured { bytes: at, hash: *hasher.finalize().as_bytes() })
    }

    /// Returns where data begins at or after an offset, and where it ends; all of the rest when the file system cannot tell.
    fn extent(&self, at: u64) -> Result<(u64, u64), Spill> {
        if !self.is_sparse {
            return Ok((at, self.size));
        }
        let data = match rustix::fs::seek(self.from, SeekFrom::Data(at)) {
            Ok(data) => data.clamp(at, self.size),
            Err(Errno::NXIO) => return Ok((self.size, self.size)),
            Err(_) => return Ok((at, self.size)),
        };
        let end = rustix::fs::seek(self.from, SeekFrom::Hole(data)).unwrap_or(self.size);
        Ok((data, if end > data { end.min(self.size) } else { self.size }))
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
    fn a_dense_file_is_copied_as_it_is() {
        poured(false, &|file| file.write_all_at(&[9; CHUNK * 2 + 17], 0).unwrap());
        poured(false, &|_| ());
    }
}
