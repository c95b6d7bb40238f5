//! A volume with a file system of its own: as large as the space says, full when it is full.
//!
//! While an app runs, an ext4 file system in an image lies over the volume's folder, in a mount namespace that only the app's
//! processes share; nothing is ever mounted where anybody else could see it, and what is mounted goes with the last of them.
//! Whenever no app runs, the files lie in the folder itself. Which of the two holds is told by one name: as long as `image`
//! is there, it is the truth, and what an interrupted [`settle`] left is made anew from it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::place::Place;
use super::processes::MARK;
use super::scripts::Running;
use crate::sim::world::World;

/// Makes the file system, fills it, and lies in the app's namespace until it is killed or the world is gone.
const KEEP: &str = include_str!("keep.sh");

/// Copies what is in an image into a folder.
const LOWER: &str = include_str!("lower.sh");

/// How long the file system of an app that has ended may take to write what it holds back.
const DETACH: Duration = Duration::from_secs(120);

/// Why no file system can be mounted here; tried once, with a small one.
static REFUSED: LazyLock<Option<String>> = LazyLock::new(|| try_out().err());

/// One lock a volume, by the mark of its app.
static LOCKS: LazyLock<Mutex<HashMap<String, Arc<Mutex<()>>>>> = LazyLock::new(Mutex::default);

/// What holds a volume to its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// A file system of that size.
    Enforced,
    /// Our own looking after it, because of this.
    Measured(&'static str),
}

impl Limit {
    /// Says which limit a world's volumes have on this machine.
    pub(super) fn of(world: &World) -> Self {
        if !world.read(|state| state.real_volumes) {
            return Self::Measured("the world does not ask for real volumes");
        }
        match REFUSED.as_deref() {
            None => Self::Enforced,
            Some(why) => Self::Measured(why),
        }
    }

    /// What the log stream says of it.
    pub(super) fn told(&self, volume_gb: i32) -> String {
        match self {
            Self::Enforced => {
                format!("simulated volume: {volume_gb} GiB, enforced by a file system of that size")
            }
            Self::Measured(why) => format!(
                "simulated volume: {volume_gb} GiB, measured only, and an app that overfills it is stopped: {why}"
            ),
        }
    }
}

/// Mounts a file system over the volume's folder, with what is in the folder, for processes that enter the namespace of the
/// process that is returned. `None` when the app is to end.
pub(super) fn raise(
    place: &Place,
    volume_gb: i32,
    running: &Running,
) -> Result<Option<u32>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("the volume cannot be mounted: {why}");
    let lock = lock_of(place);
    let _lock = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let said = place.backing.join("said");
    let mut command = private(KEEP, &[&place.volume, &place.backing], &place.mark);
    command.args([&volume_gb.to_string(), "stay"]).stdout(Stdio::piped());
    fs::create_dir_all(place.backing.join("view"))
        .and_then(|()| File::create(&said))
        .map(|file| command.stderr(file))
        .map_err(|error| failed(&error))?;
    let spawned = running.spawn(&mut command).map_err(|error| failed(&error))?;
    let Some(mut keeper) = spawned else { return Ok(None) };
    let mut answer = String::new();
    let read = keeper.stdout.take().map(|mut out| out.read_to_string(&mut answer));
    let pid = keeper.id();
    let is_ready = answer.trim() == "ready" && read.is_some_and(|read| read.is_ok());
    let reaper = thread::Builder::new().name("keeper".to_owned());
    reaper.spawn(move || keeper.wait()).map_err(|error| failed(&error))?;
    if is_ready {
        return Ok(Some(pid));
    }
    Err(failed(&fs::read_to_string(said).unwrap_or_default().trim()))
}

/// Brings what is on a volume back into its folder, once no process of its app is left. Does nothing when it is there.
pub(super) fn settle(place: &Place) -> Result<(), String> {
    let failed = |error: io::Error| {
        format!("what is on the volume stays in {}: {error}", place.backing.display())
    };
    if !place.backing.exists() {
        return Ok(());
    }
    let lock = lock_of(place);
    let _lock = lock.lock().unwrap_or_else(PoisonError::into_inner);
    until_detached(&place.backing).map_err(failed)?;
    let image = place.backing.join("image");
    if image.exists() {
        lower(place, &image).map_err(failed)?;
    }
    removed(&place.backing).map_err(failed)
}

fn lower(place: &Place, image: &Path) -> io::Result<()> {
    let (out, view) = (place.backing.join("out"), place.backing.join("view"));
    removed(&out)?;
    fs::create_dir_all(&out)?;
    fs::create_dir_all(&view)?;
    run(&mut private(LOWER, &[image, &out, &view], &place.mark))?;
    until_detached(&place.backing)?;
    // A kill in between leaves no folder, and the image, from which the next try makes it.
    removed(&place.volume)?;
    fs::rename(out, &place.volume)?;
    place.unmount();
    fs::remove_file(image)
}

/// Forgets a volume whose space is made anew or gone.
pub(super) fn forget(place: &Place) -> io::Result<()> {
    removed(&place.backing)
}

fn removed(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn lock_of(place: &Place) -> Arc<Mutex<()>> {
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(locks.entry(place.mark.clone()).or_default())
}

/// A shell script in a session and a mount namespace of its own, out of which nothing that it mounts spreads.
fn private(script: &str, arguments: &[&Path], mark: &str) -> Command {
    let mut command = Command::new("setsid");
    command
        .args(["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, "volume"])
        .args(arguments)
        .env(MARK, mark)
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{}: {said}", output.status)))
}

/// Waits until no loop device holds a file of a folder: a file system must not be mounted twice.
fn until_detached(backing: &Path) -> io::Result<()> {
    let start = Instant::now();
    while is_attached(backing) {
        if start.elapsed() > DETACH {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "it is still mounted"));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn is_attached(backing: &Path) -> bool {
    let devices = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    devices
        .filter_map(|device| fs::read_to_string(device.path().join("loop/backing_file")).ok())
        .any(|file| Path::new(file.trim_end()).starts_with(backing))
}

fn try_out() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root may mount file systems".to_owned());
    }
    let tried = tempfile::tempdir().and_then(|folder| {
        let (volume, backing) = (folder.path().join("volume"), folder.path().join("backing"));
        fs::create_dir_all(&volume)?;
        fs::create_dir_all(backing.join("view"))?;
        let mut command = private(KEEP, &[&volume, &backing], "");
        run(command.args(["1", "leave"]))?;
        until_detached(&backing)
    });
    tried.map_err(|error| format!("no file system can be mounted here: {error}"))
}
