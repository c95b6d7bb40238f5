//! The mover as it is handed to spaces: which file, and how a space knows that it got the right one.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The mover's executable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// The file on this machine: a Linux executable for x86-64, as spaces are.
    pub mover: PathBuf,
    /// Its SHA-256 in hexadecimal; `sha256sum` is in every space.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Tools {
    /// Reads and hashes the executable.
    pub fn of(mover: &Path) -> io::Result<Self> {
        let mut file = File::open(mover)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            hasher.update(&buffer[..read]);
        }
        let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { mover: mover.to_owned(), sha256, bytes })
    }

    /// Returns the object key under the staging prefix; named by content, so that an older run's mover is never replaced.
    pub fn key(&self, prefix: &str) -> String {
        format!("{prefix}/tools/{}/studio-migrate", self.sha256)
    }
}
