//! A tree of files that is the same on every machine, because a seed decides its shape and what is in it.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use fastrand::Rng;

/// The modes that files have, so that it shows who keeps them.
const MODES: [u32; 4] = [0o644, 0o640, 0o600, 0o755];

/// The shape of a tree.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) files: u64,
    pub(crate) folders: u64,
    /// Bytes of the middle file; half of the files are smaller.
    pub(crate) median: f64,
    /// How far sizes spread: the standard deviation of their natural logarithm.
    pub(crate) spread: f64,
    /// One file in this many has content, the others are empty.
    pub(crate) filled: u64,
}

impl Shape {
    /// Homes: notebooks, scripts, caches. Half of the files are below 1,700 bytes, the mean is about 7,000.
    pub(crate) const fn home(files: u64, folders: u64) -> Self {
        Self { files, folders, median: 1_700.0, spread: 1.68, filled: 1 }
    }

    /// The same at a hundredth of the size, to try the harness.
    pub(crate) fn quick(self) -> Self {
        let less = |count: u64| (count / 100).max(1);
        let median = if self.files == 1 { self.median / 100.0 } else { self.median };
        Self { files: less(self.files), folders: less(self.folders), median, ..self }
    }
}

/// A tree on disk.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) files: u64,
    pub(crate) folders: u64,
    pub(crate) bytes: u64,
}

impl Tree {
    /// Grows a tree at a path that is not there yet.
    pub(crate) fn grow(root: PathBuf, shape: &Shape) -> io::Result<Self> {
        let mut random = Rng::with_seed(2024);
        let mut folders = vec![root.clone()];
        fs::create_dir_all(&root)?;
        for number in 0..shape.folders {
            // One in three lies at the top, so that tools which share out the top have something to share.
            let parent = if random.u8(..3) == 0 { 0 } else { random.usize(..folders.len()) };
            let folder = folders[parent].join(format!("folder-{number:05}"));
            fs::create_dir(&folder)?;
            folders.push(folder);
        }
        let mut bytes = 0;
        for number in 0..shape.files {
            let folder = &folders[random.usize(..folders.len())];
            let size = if number % shape.filled == 0 { size(shape, &mut random) } else { 0 };
            write(&folder.join(format!("file-{number:07}.bin")), size, &mut random)?;
            bytes += size;
        }
        Ok(Self { root, files: shape.files, folders: shape.folders, bytes })
    }

    /// Takes it away, since memory is not endless.
    pub(crate) fn fell(self) -> io::Result<()> {
        fs::remove_dir_all(&self.root)
    }
}

/// Draws a size from a log-normal distribution, by the method of Box and Muller.
fn size(shape: &Shape, random: &mut Rng) -> u64 {
    let (one, other) = (1.0 - random.f64(), random.f64());
    let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
    (shape.median * (shape.spread * normal).exp()) as u64
}

/// Writes what no one can compress.
fn write(path: &Path, size: u64, random: &mut Rng) -> io::Result<()> {
    const CHUNK: u64 = 1 << 20;
    let mut file = File::create_new(path)?;
    let mut content = Vec::new();
    let mut left = size;
    while left > 0 {
        content.resize(left.min(CHUNK) as usize, 0);
        random.fill(&mut content);
        file.write_all(&content)?;
        left -= content.len() as u64;
    }
    file.set_permissions(Permissions::from_mode(MODES[random.usize(..MODES.len())]))?;
    let since = Duration::new(random.u32(..).into(), random.u32(..1_000_000_000));
    file.set_modified(UNIX_EPOCH + since)
}
