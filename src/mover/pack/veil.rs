//! Sealing a packed home, so that whoever else may read the bucket learns nothing of it, file names included.
//!
//! Objects that are read whole (`packed.json`, manifests, indexes) are sealed as reports are, under a name. A shard is read in
//! parts, so each of its frames is sealed by itself, behind its length. Which frame is whose, the sealed index says, with the
//! hash of every file: frames that somebody swapped are found out.

use std::io::{self, Read};

use super::super::seal::ReportKey;
use super::error::TransferError;

/// The name under which frames are sealed.
const FRAME: &str = "frame";
/// The longest frame that is read, in bytes: far more than one ever has.
const LONGEST: usize = 64 << 20;

/// The key of a home, or none for one that lies open.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Veil(Option<ReportKey>);

impl Veil {
    pub(in super::super) fn new(key: Option<ReportKey>) -> Self {
        Self(key)
    }

    /// Seals one frame of a shard.
    pub(super) fn frame(&self, frame: Vec<u8>) -> Vec<u8> {
        let Some(key) = self.0.as_ref().filter(|_| !frame.is_empty()) else { return frame };
        let sealed = key.seal(FRAME, &frame);
        // A frame has about a megabyte: its length fits.
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        [length.to_be_bytes().as_slice(), &sealed].concat()
    }

    /// Seals an object that is read whole.
    pub(super) fn object(&self, name: &str, object: Vec<u8>) -> Vec<u8> {
        match &self.0 {
            Some(key) => key.seal(name, &object),
            None => object,
        }
    }

    /// Opens an object that is read whole.
    pub(in super::super) fn open(
        &self,
        key: &str,
        name: &str,
        stored: Vec<u8>,
    ) -> Result<Vec<u8>, TransferError> {
        match &self.0 {
            Some(veil) => {
                veil.open(name, &stored).map_err(|broken| TransferError::unsound(key, broken))
            }
            None => Ok(stored),
        }
    }

    /// Reads frames that lie one behind the other.
    pub(in super::super) fn frames<'a>(&'a self, stored: impl Read + 'a) -> Box<dyn Read + 'a> {
        match &self.0 {
            Some(key) => Box::new(Unveiling { key, stored, open: io::Cursor::default() }),
            None => Box::new(stored),
        }
    }
}

/// Opens frame after frame as they are read.
struct Unveiling<'a, R> {
    key: &'a ReportKey,
    stored: R,
    open: io::Cursor<Vec<u8>>,
}

impl<R: Read> Read for Unveiling<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.open.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let mut length = [0; 4];
            match self.stored.read(&mut length)? {
                0 => return Ok(0),
                some => self.stored.read_exact(&mut length[some..])?,
            }
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if length > LONGEST {
                return Err(io::Error::other("a frame says that it is longer than one can be"));
            }
            let mut sealed = vec![0; length];
            self.stored.read_exact(&mut sealed)?;
            let open = self.key.open(FRAME, &sealed).map_err(io::Error::other)?;
            self.open = io::Cursor::new(open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil() -> Veil {
        Veil::new(Some(ReportKey::derive(b"secret", "d-sim1/alice")))
    }

    fn read(veil: &Veil, stored: &[u8]) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        veil.frames(stored).read_to_end(&mut read).map(|_| read)
    }

    #[test]
    fn frames_come_back_in_their_order_and_only_under_their_key() {
        let veil = veil();
        let stored = [veil.frame(b"one".to_vec()), veil.frame(b"two".to_vec())].concat();
        assert_eq!(read(&veil, &stored).unwrap(), b"onetwo");
        assert!(!stored.windows(3).any(|some| some == b"one"));
        let other = Veil::new(Some(ReportKey::derive(b"secret", "d-sim1/bob")));
        assert!(read(&other, &stored).is_err());
        assert!(read(&veil, &stored[..stored.len() - 1]).is_err());
        assert!(read(&veil, &[0xff; 9]).is_err());
        assert_eq!(read(&Veil::default(), b"open").unwrap(), b"open");
    }
}
