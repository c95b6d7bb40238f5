//! A tree of files that is the same on every machine, because a seed decides its shape and what is in it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use fastrand::Rng;

/// The shape of a tree.
pub(crate) struct Shape {
    pub(crate) files: u64,
    pub(crate) folders: u64,
    /// Bytes of the middle file; half of the files are smaller.
    pub(crate) median: f64,
    /// How far sizes spread: the standard deviation of their natural logarithm.
    pub(crate) spread: f64,
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
            let folder = folders[parent].join(format!("folder-{number:04}"));
            fs::create_dir(&folder)?;
            folders.push(folder);
        }
        let mut bytes = 0;
        let mut content = Vec::new();
        for number in 0..shape.files {
            let folder = &folders[random.usize(..folders.len())];
            content.resize(size(shape, &mut random), 0);
            random.fill(&mut content);
            write(&folder.join(format!("file-{number:05}.bin")), &content, random.u32(..))?;
            bytes += content.len() as u64;
        }
        Ok(Self { root, files: shape.files, folders: shape.folders, bytes })
    }
}

/// Draws a size from a log-normal distribution, by the method of Box and Muller.
fn size(shape: &Shape, random: &mut Rng) -> usize {
    let (one, other) = (1.0 - random.f64(), random.f64());
    let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
    (shape.median * (shape.spread * normal).exp()) as usize
}

fn write(path: &Path, content: &[u8], seconds: u32) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content)?;
    file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds.into()))
}
