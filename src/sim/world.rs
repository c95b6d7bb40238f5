//! A world: a folder with the control plane and the real files, and the one lock around it.
//!
//! Every change is on the disk (written beside, then renamed) before the call that made it is answered, so a world outlives
//! a killed process and a second process meets the same account. A [modelled](super::modelled) world has no folder and dies
//! with its process.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::Clock;
use super::modelled::Model;
use super::state::State;
use super::wire::Refusal;

/// A simulated account. Clones share it.
#[derive(Clone, Debug)]
pub struct World {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    exe: PathBuf,
    clock: Clock,
    state: Mutex<State>,
    endpoint: Mutex<Option<String>>,
    objects: Mutex<()>,
    /// The state before the last change of what SageMaker holds, in a world in which things go wrong.
    before: Mutex<Option<State>>,
    /// Whether this is how a world was: then nothing that happens to it is kept.
    is_past: bool,
    /// Held as long as the world is open: two processes cannot serve one folder.
    lock: Option<File>,
    /// What stands for files in a world that has none.
    model: Option<Model>,
}

impl World {
    /// Makes a world in an empty or new folder. `exe` is our own executable, which stands in for the `aws` command.
    pub fn create(dir: &Path, exe: &Path, state: State) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        if dir.join("world.json").exists() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{} already holds a world", dir.display()),
            ));
        }
        let world = Self::with(dir, exe, state)?;
        world.save(&world.lock())?;
        Ok(world)
    }

    /// Opens the world that a folder holds.
    pub fn open(dir: &Path, exe: &Path) -> io::Result<Self> {
        let text = fs::read(dir.join("world.json"))?;
        let state = serde_json::from_slice(&text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Self::with(dir, exe, state)
    }

    fn with(dir: &Path, exe: &Path, state: State) -> io::Result<Self> {
        let dir = dir.canonicalize()?;
        let lock = File::create(dir.join("world.lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("another process serves the world in {}", dir.display()),
            ),
            TryLockError::Error(error) => error,
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                dir,
                exe: exe.to_owned(),
                clock: Clock::start(),
                state: Mutex::new(state),
                endpoint: Mutex::default(),
                objects: Mutex::default(),
                before: Mutex::default(),
                is_past: false,
                lock: Some(lock),
                model: None,
            }),
        })
    }

    /// Returns the world as it was before the last change of what SageMaker holds. Known only in a world of files with faults, and
    /// only while the process runs in which that change was made.
    pub(super) fn past(&self) -> Option<Self> {
        let inner = &self.inner;
        if inner.model.is_some() {
            return None;
        }
        let before = inner.before.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(Self {
            inner: Arc::new(Inner {
                dir: inner.dir.clone(),
                exe: inner.exe.clone(),
                clock: inner.clock,
                state: Mutex::new(before),
                endpoint: Mutex::new(self.endpoint()),
                objects: Mutex::default(),
                before: Mutex::default(),
                is_past: true,
                lock: inner.lock.as_ref().and_then(|lock| lock.try_clone().ok()),
                model: None,
            }),
        })
    }

    /// Makes a world that is modelled: nothing of it is on the disk, and its clock begins at `begin`, in seconds since the
    /// epoch.
    pub fn modelled(state: State, model: Model, begin: f64) -> Self {
        Self {
            inner: Arc::new(Inner {
                dir: PathBuf::new(),
                exe: PathBuf::new(),
                clock: Clock::at(begin),
                state: Mutex::new(state),
                endpoint: Mutex::default(),
                objects: Mutex::default(),
                before: Mutex::default(),
                is_past: false,
                lock: None,
                model: Some(model),
            }),
        }
    }

    /// What stands for files in a modelled world; `None` in one that has real ones.
    pub fn model(&self) -> Option<&Model> {
        self.inner.model.as_ref()
    }

    /// The world's folder: `efs/<file-system>/<uid>/`, `ebs/<domain>/<space>/`, `s3/<bucket>/`, `world.json`.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Our own executable.
    pub fn exe(&self) -> &Path {
        &self.inner.exe
    }

    /// Seconds since the epoch by the world's clock.
    pub fn now(&self) -> f64 {
        self.inner.clock.now()
    }

    /// The loopback endpoint, once a server serves this world.
    pub fn endpoint(&self) -> Option<String> {
        self.inner.endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says where the world is served.
    pub fn set_endpoint(&self, endpoint: &str) {
        *self.inner.endpoint.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(endpoint.to_owned());
    }

    /// Takes the lock that an object of a bucket changes under, whichever service changes it.
    pub(super) fn hold_objects(&self) -> MutexGuard<'_, ()> {
        self.inner.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the state.
    pub fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the state, or refuses to. A change is saved before this returns; a refusal changes nothing.
    pub fn change<R>(
        &self,
        change: impl FnOnce(&mut State) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut state = self.lock();
        if self.inner.model.is_some() {
            // Nothing is saved, and every service looks before it changes anything: ten thousand people are not copied for
            // each of a million calls.
            return change(&mut state);
        }
        let mut next = state.clone();
        let result = change(&mut next)?;
        if next != *state {
            self.save(&next).map_err(|error| {
                Refusal::new("InternalFailure", format!("the world cannot be saved: {error}"))
                    .status(500)
            })?;
            let is_seen_late = !next.faults.is_empty() && next.studio != state.studio;
            let before = std::mem::replace(&mut *state, next);
            if is_seen_late {
                *self.inner.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
            }
        }
        Ok(result)
    }

    fn save(&self, state: &State) -> io::Result<()> {
        if self.inner.is_past {
            return Ok(());
        }
        let path = self.inner.dir.join("world.json");
        let beside = self.inner.dir.join("world.json.new");
        let text = serde_json::to_vec(state)?;
        let mut file = File::create(&beside)?;
        file.write_all(&text)?;
        fs::rename(beside, path)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
