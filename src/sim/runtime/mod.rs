//! The app runtime: lifecycle scripts are really run, as AWS runs them in a space's container.
//!
//! A script gets a HOME that is the space's volume, the space's metadata, the credentials of the execution role, its Classic
//! home where SageMaker mounts it, and stand-ins of `aws`, `df` and `findmnt` that tell volume and file system apart. What it
//! leaves running lives on until the app is stopped, be the simulator killed and started again meanwhile.

mod measure;
mod place;
mod prepare;
mod processes;
mod scripts;
mod volume;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use self::place::Place;
use self::scripts::Running;
use super::studio;
use super::world::World;

/// How long [`stop`] waits for the processes of an app to be gone.
const STOP: Duration = Duration::from_secs(5);

/// An app that is to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What [`studio::scripts_ended`] is told the outcome under.
    pub key: String,
    /// The domain's id.
    pub domain: String,
    /// The space's name.
    pub space: String,
    /// `JupyterLab` or `CodeEditor`.
    pub app_type: String,
    /// The size of the space's volume, in GiB.
    pub volume_gb: i32,
    /// The Classic home that SageMaker mounts: the file system's id and the uid. `None` where nothing is mounted.
    pub efs_home: Option<(String, String)>,
    /// Why the Classic home cannot be mounted; the app starts nevertheless and `user-default-efs/error.txt` says why.
    pub mount_error: Option<String>,
    /// Lifecycle scripts in the order in which they run: name and decoded text.
    pub scripts: Vec<(String, String)>,
    /// The execution role's ARN.
    pub role: Option<String>,
    /// How long one script may run, in seconds; 300 in AWS.
    pub limit_seconds: f64,
}

/// The apps that this process started, by the mark that their processes bear.
static APPS: LazyLock<Mutex<HashMap<String, Arc<Running>>>> = LazyLock::new(Mutex::default);

/// Starts an app and returns at once. [`studio::scripts_ended`] hears when its scripts have ended, unless the app was stopped
/// before.
pub fn start(world: &World, launch: Launch) {
    if let Some(model) = world.model() {
        return model.start(world, launch);
    }
    let key = launch.key.clone();
    let told = world.clone();
    start_and(world, launch, move |result| studio::scripts_ended(&told, &key, result));
}

fn start_and(
    world: &World,
    launch: Launch,
    ended: impl FnOnce(Result<(), String>) + Send + 'static,
) {
    let place = Place::new(world.dir(), &launch.domain, &launch.space, &launch.app_type);
    let running = Arc::new(Running::default());
    let before = APPS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(place.mark.clone(), Arc::clone(&running));
    if let Some(before) = before {
        before.stop();
        running.inherit(&before);
    }
    // Within the caller's runtime, so that the world's clock is the same for the thread, be it paused.
    let runtime = tokio::runtime::Handle::try_current().ok();
    let world = world.clone();
    let spawned = thread::Builder::new().name(format!("app {}", launch.space)).spawn(move || {
        let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
        let result = scripts::run(&world, &launch, &place, &running);
        if running.is_stopped() {
            return;
        }
        if let Err(reason) = &result {
            place.log(reason);
            running.stop();
            end(&place, &running);
        }
        ended(result);
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "an app could not be started");
    }
}

/// Stops the app of a space: kills every process that it started, waits up to five seconds until they are gone, takes the
/// Classic home out of the volume, and brings what is on a volume with a file system of its own back into its folder.
pub fn stop(world: &World, domain: &str, space: &str) {
    if let Some(model) = world.model() {
        return model.stop(domain, space);
    }
    let place = Place::new(world.dir(), domain, space, "");
    let running =
        APPS.lock().unwrap_or_else(PoisonError::into_inner).remove(&place.mark).unwrap_or_default();
    running.stop();
    end(&place, &running);
}

/// The same, told to `then` once the files of the space are in its folder, which may take as long as copying them.
pub fn stop_and(world: &World, domain: &str, space: &str, then: impl FnOnce() + Send + 'static) {
    // Within the caller's runtime, as in `start_and`.
    let runtime = tokio::runtime::Handle::try_current().ok();
    let (world, domain, space) = (world.clone(), domain.to_owned(), space.to_owned());
    let spawned = thread::Builder::new().name(format!("stop {space}")).spawn(move || {
        let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
        stop(&world, &domain, &space);
        then();
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "an app could not be stopped");
    }
}

/// Kills every process that runs in a space of a world, as a host that runs out of memory does; the apps stay in service.
pub fn kill(world: &World) {
    let spaces: Vec<_> = world.read(|state| {
        state.studio.spaces.values().map(|one| (one.domain.clone(), one.name.clone())).collect()
    });
    for (domain, space) in spaces {
        let place = Place::new(world.dir(), &domain, &space, "");
        processes::kill_all(&place.mark, &BTreeSet::new(), STOP);
    }
}

/// Forgets what may be left of the volume of a space that is made anew or gone.
pub fn forget_volume(world: &World, domain: &str, space: &str) -> io::Result<()> {
    if let Some(model) = world.model() {
        model.forget_volume(domain, space);
        return Ok(());
    }
    volume::forget(&Place::new(world.dir(), domain, space, ""))
}

fn end(place: &Place, running: &Running) {
    if !processes::kill_all(&place.mark, &running.sessions(), STOP) {
        tracing::warn!(mark = place.mark, "processes of an app outlive its end");
    }
    place.unmount();
    if let Err(error) = volume::settle(place) {
        tracing::error!(error, "a volume could not be brought back");
    }
}

#[cfg(test)]
mod tests;
