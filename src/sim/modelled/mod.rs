//! A world without files: homes, volumes and objects are numbers and a few bytes in memory, and what takes time takes it
//! by a model. Nothing is slept for real where tokio's clock is paused, so ten thousand people are moved in minutes.
//!
//! The control plane, its rules and its protocols are those of every other world. What differs: a lifecycle script that is
//! our hook is not run by bash but read, and its order carried out by a model of the mover; objects are few and small
//! and answered from memory; and a call takes a moment.
//!
//! Everything that chance decides comes from one seed, in the order of the calls: on one thread and a paused clock the same
//! seed gives the same world, moment for moment.

mod chance;
mod mover;
mod shelf;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use self::chance::Chance;
use super::state::Effect;

/// How much a home holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Seconds that copying it takes, read back included, at the least and at the most: the seed chooses between them.
    pub seconds: (u64, u64),
}

/// How often an operation was called, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts, those that were made anew included.
    pub calls: u64,
    /// Of these, those that were throttled.
    pub throttled: u64,
    /// Of these, those that a fault hit in any other way.
    pub hit: u64,
}

/// What stands for files in a world that has none.
#[derive(Debug)]
pub struct Model {
    /// Homes by file system and uid.
    homes: BTreeMap<(String, String), Load>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    chance: Chance,
    tally: BTreeMap<String, Tally>,
    /// Objects by bucket and key.
    objects: BTreeMap<(String, String), Vec<u8>>,
    /// Volumes by domain and space.
    volumes: BTreeMap<Place, Volume>,
    /// Copies under way.
    running: BTreeMap<Place, AbortHandle>,
}

/// A domain's id and the name of a space in it.
type Place = (String, String);

/// What is known of a volume.
#[derive(Debug, Default)]
struct Volume {
    /// Seconds of copying that were done on it so far: a copy that is started again goes on from there.
    done: f64,
    /// Hooks whose order was carried out to its end.
    carried_out: BTreeSet<String>,
}

impl Model {
    /// Makes a model of these homes, by file system and uid, in which chance comes from a seed.
    pub fn new(homes: BTreeMap<(String, String), Load>, seed: u64) -> Self {
        let inner = Inner {
            chance: Chance::of(seed),
            tally: BTreeMap::new(),
            objects: BTreeMap::new(),
            volumes: BTreeMap::new(),
            running: BTreeMap::new(),
        };
        Self { homes, inner: Mutex::new(inner) }
    }

    /// Calls so far, by `service:Operation`.
    pub fn tally(&self) -> BTreeMap<String, Tally> {
        self.lock().tally.clone()
    }

    /// Counts an attempt of a call and what a fault does to it.
    pub(super) fn count(&self, call: &str, effect: Option<&Effect>) {
        let mut inner = self.lock();
        if !inner.tally.contains_key(call) {
            inner.tally.insert(call.to_owned(), Tally::default());
        }
        let Some(tally) = inner.tally.get_mut(call) else { return };
        tally.calls += 1;
        match effect {
            Some(Effect::Throttled) => tally.throttled += 1,
            Some(_) => tally.hit += 1,
            None => {}
        }
    }

    /// How long an answer is on its way: 40 to 160 milliseconds.
    pub(super) fn latency(&self) -> Duration {
        Duration::from_secs_f64(0.04 + 0.12 * self.lock().chance.next())
    }

    /// How long something takes this time that usually takes so many seconds: from half of it to one and a half.
    pub(super) fn vary(&self, seconds: f64) -> f64 {
        seconds * (0.5 + self.lock().chance.next())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
