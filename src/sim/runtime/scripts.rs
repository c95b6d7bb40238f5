//! Lifecycle scripts: run one after the other, each within its limit.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Launch;
use super::place::Place;
use super::volume::{self, Limit};
use super::{measure, prepare, processes};
use crate::sim::world::World;

/// Whether we are root and can give up what root may do.
static HAS_SETPRIV: LazyLock<bool> = LazyLock::new(|| {
    let mut probe = Command::new("setpriv");
    probe.args(["--bounding-set=-all", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    rustix::process::geteuid().is_root() && probe.status().is_ok_and(|status| status.success())
});

/// How often a script is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// An app that this process started.
#[derive(Debug, Default)]
pub(super) struct Running {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    stopped: bool,
    /// Sessions that scripts led.
    sessions: BTreeSet<i32>,
    /// Why the runtime killed the app's processes.
    why: Option<String>,
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the app is to end: no script starts from here on.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    pub(super) fn sessions(&self) -> BTreeSet<i32> {
        self.lock().sessions.clone()
    }

    /// Takes over the sessions of the app that was in the same space before.
    pub(super) fn inherit(&self, before: &Self) {
        let sessions = before.sessions();
        self.lock().sessions.extend(sessions);
    }

    /// Says why the app's processes are about to be killed.
    pub(super) fn fail(&self, why: String) {
        self.lock().why = Some(why);
    }

    fn why(&self) -> Option<String> {
        self.lock().why.clone()
    }

    /// Sleeps until the time is over or the app is to end; returns whether it is.
    pub(super) fn sleep(&self, time: Duration) -> bool {
        let inner = self.lock();
        let waited = self.changed.wait_timeout_while(inner, time, |inner| !inner.stopped);
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        inner.stopped
    }

    /// Starts a script unless the app is to end, in one go with respect to [`Running::stop`].
    pub(super) fn spawn(&self, command: &mut Command) -> io::Result<Option<Child>> {
        let mut inner = self.lock();
        if inner.stopped {
            return Ok(None);
        }
        let child = command.spawn()?;
        inner.sessions.extend(i32::try_from(child.id()).ok());
        Ok(Some(child))
    }
}

/// Prepares the app and runs its scripts.
pub(super) fn run(
    world: &World,
    launch: &Launch,
    place: &Place,
    running: &Arc<Running>,
) -> Result<(), String> {
    // A container starts empty: what is left of an app before, when the simulator was killed under it, goes.
    processes::kill_all(&place.mark, &running.sessions(), super::STOP);
    volume::settle(place)?;
    let environment = prepare::prepare(world, launch, place)?;
    let Some(inside) = limited(world, launch, place, running)? else { return Ok(()) };
    for (number, (name, text)) in launch.scripts.iter().enumerate() {
        let path = place.run.join("scripts").join(format!("{number}-{}", name.replace('/', "_")));
        let failed = |error: io::Error| {
            format!("LifecycleConfigOnStart: script {name} cannot be run: {error}")
        };
        fs::write(&path, text).map_err(failed)?;
        let mut command = command(place, &path, &environment, inside).map_err(failed)?;
        let Some(child) = running.spawn(&mut command).map_err(failed)? else { return Ok(()) };
        let ended = wait(child, launch.limit_seconds, place, running).map_err(failed)?;
        if let Some(why) = running.why() {
            return Err(format!("LifecycleConfigOnStart: script {name} was killed: {why}"));
        }
        match ended {
            Some(status) if status.success() => {}
            Some(status) => {
                return Err(format!(
                    "LifecycleConfigOnStart: script {name} exited with {}",
                    told(status)
                ));
            }
            None => {
                let limit = launch.limit_seconds;
                return Err(format!(
                    "LifecycleConfigOnStart: script {name} ran longer than {limit} seconds"
                ));
            }
        }
    }
    Ok(())
}

/// Where the scripts of an app run.
#[derive(Clone, Copy, Debug)]
enum Inside {
    /// On the machine as it is.
    Machine,
    /// In the mount namespace of a process.
    Namespace(u32),
}

/// Holds the volume to its size, one way or the other, and says in the log stream which. `None` when the app is to end.
fn limited(
    world: &World,
    launch: &Launch,
    place: &Place,
    running: &Arc<Running>,
) -> Result<Option<Inside>, String> {
    let limit = Limit::of(world);
    place.log(&limit.told(launch.volume_gb));
    match limit {
        Limit::Enforced => {
            Ok(volume::raise(place, launch.volume_gb, running)?.map(Inside::Namespace))
        }
        Limit::Measured(_) => {
            measure::watch(place, launch.volume_gb, running);
            Ok(Some(Inside::Machine))
        }
    }
}

/// Builds the command of a script: a session of its own and, for root, no capability, so that permission bits hold.
fn command(
    place: &Place,
    script: &Path,
    environment: &[(String, String)],
    inside: Inside,
) -> io::Result<Command> {
    let mut words: Vec<String> = Vec::new();
    if let Inside::Namespace(keeper) = inside {
        // The working directory is looked up once more, now that something lies over it.
        let chdir = format!("--chdir={}", place.volume.display());
        words.extend(["nsenter".to_owned(), format!("--mount=/proc/{keeper}/ns/mnt")]);
        words.extend(["env".to_owned(), chdir]);
    }
    if *HAS_SETPRIV {
        words.extend(["setpriv", "--bounding-set=-all"].map(str::to_owned));
    }
    words.extend(["setsid", "bash"].map(str::to_owned));
    let log = place.open_log()?;
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command
        .args(words)
        .arg(script)
        .current_dir(&place.volume)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// Waits for a script; `None` when it ran too long and was killed.
fn wait(
    mut child: Child,
    limit_seconds: f64,
    place: &Place,
    running: &Running,
) -> io::Result<Option<ExitStatus>> {
    let limit = Duration::try_from_secs_f64(limit_seconds).unwrap_or(Duration::MAX);
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            processes::kill_all(&place.mark, &running.sessions(), super::STOP);
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

fn told(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => code.to_string(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".to_owned(),
    }
}
