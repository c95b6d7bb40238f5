//! Writing a file from beginning to end without the blocks that hold only zeros: they become holes.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

/// The block size of every file system in question.
const BLOCK: usize = 4096;

static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// A file that is being written. Bytes are held back until a block is full, so that where a write ends does not matter.
#[derive(Debug)]
pub(super) struct Holes<'a> {
    file: BorrowedFd<'a>,
    /// Where what is written next goes; a multiple of the block size until the end.
    at: u64,
    held: Vec<u8>,
}

impl<'a> Holes<'a> {
    /// Begins with an empty file.
    pub(super) fn new(file: BorrowedFd<'a>) -> Self {
        Self { file, at: 0, held: Vec::new() }
    }

    /// Writes bytes after those before.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Errno> {
        if !self.held.is_empty() {
            let some = bytes.len().min(BLOCK - self.held.len());
            self.held.extend_from_slice(&bytes[..some]);
            bytes = &bytes[some..];
            if self.held.len() < BLOCK {
                return Ok(());
            }
            let held = std::mem::take(&mut self.held);
            self.blocks(&held)?;
        }
        let whole = bytes.len() - bytes.len() % BLOCK;
        self.blocks(&bytes[..whole])?;
        self.held.extend_from_slice(&bytes[whole..]);
        Ok(())
    }

    /// Writes runs of blocks that hold anything, and passes over the others.
    fn blocks(&mut self, mut bytes: &[u8]) -> Result<(), Errno> {
        let is_zero = |block: &[u8]| block == ZEROS;
        while !bytes.is_empty() {
            let zeros = bytes.chunks(BLOCK).take_while(|block| is_zero(block)).count() * BLOCK;
            let rest = &bytes[zeros..];
            let data = rest.chunks(BLOCK).take_while(|block| !is_zero(block)).count() * BLOCK;
            write_all(self.file, &rest[..data], self.at + zeros as u64)?;
            self.at += (zeros + data) as u64;
            bytes = &rest[data..];
        }
        Ok(())
    }

    /// Writes what was held back, and gives the file its size.
    pub(super) fn finish(self) -> Result<(), Errno> {
        let end = self.at + self.held.len() as u64;
        if self.held.iter().any(|byte| *byte != 0) {
            write_all(self.file, &self.held, self.at)?;
        }
        rustix::fs::ftruncate(self.file, end)
    }
}

fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8], mut at: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(file, bytes, at) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(written) => {
                bytes = &bytes[written..];
                at += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    #[test]
    fn whatever_the_pieces_the_content_is_the_same_and_zeros_are_holes() {
        let mut content = vec![0; 3 << 20];
        content[1_000_001] = 7;
        content[2_000_000..2_000_100].fill(9);
        for piece in [1000, 4096, 5000, 1 << 20] {
            let file = tempfile::tempfile().unwrap();
            let mut holes = Holes::new(file.as_fd());
            content.chunks(piece).for_each(|bytes| holes.write(bytes).unwrap());
            holes.finish().unwrap();
            let mut read = vec![1; content.len()];
            file.read_exact_at(&mut read, 0).unwrap();
            assert!(read == content, "{piece}");
            assert_eq!(file.metadata().unwrap().len(), content.len() as u64);
            assert!(file.metadata().unwrap().blocks() * 512 <= 64 << 10, "{piece}");
        }
    }

    #[test]
    fn a_file_that_ends_within_a_block_has_its_size() {
        for content in [b"".as_slice(), b"abc", &[0; 5000], &[1; 4097]] {
            let file = tempfile::tempfile().unwrap();
            let mut holes = Holes::new(file.as_fd());
            holes.write(content).unwrap();
            holes.finish().unwrap();
            let mut read = vec![1; content.len()];
            file.read_exact_at(&mut read, 0).unwrap();
            assert_eq!(
                (read.as_slice(), file.metadata().unwrap().len()),
                (content, content.len() as u64)
            );
        }
    }
}
