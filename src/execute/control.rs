//! Steering a run while it goes: pausing it, stopping it, changing how much is done at once, taking one person out.
//!
//! All migrations of a run share one. It holds nothing that a run could not begin with: a run that is killed forgets that it was
//! paused, and goes on with what the playbook says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::Failure;
use super::halt::Halt;
use super::room::{Place, Room};
use super::step::Step;
use crate::names::{MigrationId, counted};
use crate::plan::Plan;
use crate::playbook::Limits;

/// One GiB.
const GIB: u64 = 1 << 30;

/// What can be asked of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Steering {
    /// Nothing: only say how things are.
    Look,
    /// Finish the steps under way, and begin none until someone resumes.
    Pause,
    /// Go on.
    Resume,
    /// Finish the steps under way, then end.
    Drain,
    /// Change one of the limits.
    Set {
        /// Which.
        limit: Limit,
        /// To what: people, apps or GiB.
        to: u64,
    },
    /// Stop one migration at the next safe point, and do not begin it again in this run.
    Abort {
        /// Which, by id.
        migration: MigrationId,
    },
}

/// A limit that can be changed while a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// People at once.
    Concurrency,
    /// Apps that run for a copy at once.
    Apps,
    /// GiB that are being copied at once.
    GibInFlight,
}

impl Limit {
    /// The most that it may be: what a playbook may say, and of apps as many as of people, since each has one.
    pub fn most(self) -> u64 {
        match self {
            Self::Concurrency | Self::Apps => *Limits::USERS.end() as u64,
            Self::GibInFlight => *Limits::GIB_IN_FLIGHT.end(),
        }
    }
}

/// How a run is at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Whether it is paused.
    pub is_paused: bool,
    /// Whether it ends once the steps under way are done.
    pub is_draining: bool,
    /// Why it ends, where a rule says so.
    pub why: Option<String>,
    /// People at once, at most.
    pub concurrency: u64,
    /// Apps that run for a copy at once: at most, and now.
    pub apps: (u64, u64),
    /// GiB that are being copied at once, at most; `None` where nothing limits it.
    pub gib_in_flight: Option<u64>,
    /// Who is at work, by migration.
    pub at_work: BTreeMap<MigrationId, AtWork>,
    /// Migrations that someone took out.
    pub aborted: BTreeSet<MigrationId>,
}

/// What is done for someone at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtWork {
    /// The step.
    pub step: Option<Step>,
    /// For how many seconds it has gone on.
    pub seconds: u64,
    /// What is waited for, in words.
    pub waits_for: Option<String>,
}

struct One {
    halt: Halt,
    step: Option<Step>,
    since: Instant,
    waits_for: Option<String>,
}

/// The controls of a run, shared by all of its migrations.
#[derive(Clone)]
pub struct Control {
    halt: Halt,
    paused: watch::Sender<bool>,
    people: Room,
    apps: Room,
    bytes: Room,
    /// Every migration of the plan.
    known: Arc<BTreeSet<MigrationId>>,
    /// Held by whoever waits for new credentials, on behalf of all.
    pub(super) credentials: Arc<tokio::sync::Mutex<()>>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    at_work: BTreeMap<MigrationId, One>,
    aborted: BTreeSet<MigrationId>,
    why: Option<String>,
}

impl Control {
    /// Makes the controls of a run of this plan.
    pub fn of(plan: &Plan, halt: Halt) -> Self {
        let limits = &plan.playbook.limits;
        let people = limits.users.max(1);
        let apps = plan.at_once.unwrap_or(people).max(1);
        Self {
            halt,
            paused: watch::Sender::new(false),
            people: Room::of(people as u64),
            apps: Room::of(apps as u64),
            bytes: Room::of(limits.gib_in_flight.map_or(u64::MAX, |gib| gib.saturating_mul(GIB))),
            known: Arc::new(plan.migrations().map(|(_, one)| one.id.clone()).collect()),
            credentials: Arc::default(),
            state: Arc::default(),
        }
    }

    /// The request to stop that all share.
    pub fn halt(&self) -> &Halt {
        &self.halt
    }

    /// Says why something cannot be asked of this run, before anything is written down of it.
    ///
    /// # Errors
    ///
    /// The plan knows no such migration, or a limit is larger than any playbook's.
    pub fn check(&self, asked: &Steering) -> Result<(), String> {
        match asked {
            Steering::Abort { migration } if !self.known.contains(migration) => {
                Err("the plan knows no such migration".to_owned())
            }
            Steering::Set { limit, to } if *to > limit.most() => {
                Err(format!("{to} is more than {}, the most that may be set", limit.most()))
            }
            _ => Ok(()),
        }
    }

    /// Does what is asked, and says in words what that means.
    ///
    /// # Errors
    ///
    /// A limit of 0 is asked for, or a run that is draining is to go on.
    pub fn steer(&self, asked: &Steering) -> Result<String, String> {
        Ok(match asked {
            Steering::Look => "at work".to_owned(),
            Steering::Pause => {
                self.paused.send_replace(true);
                "paused: steps under way are finished, and none is begun until `resume`".to_owned()
            }
            Steering::Resume if self.halt.is_draining() => {
                return Err("the run is draining, which cannot be taken back: `run` goes on once it has ended".to_owned());
            }
            Steering::Resume if !self.is_paused() => "was not paused".to_owned(),
            Steering::Resume => {
                self.paused.send_replace(false);
                "goes on".to_owned()
            }
            Steering::Drain => {
                if !self.halt.is_draining() {
                    self.halt.ask();
                }
                "draining: steps under way are finished, then the run ends; the next one goes on from there".to_owned()
            }
            Steering::Set { to: 0, .. } => {
                return Err("a limit is 1 at least; `pause` lets nothing begin".to_owned());
            }
            Steering::Set { limit, to } => self.set(*limit, *to),
            Steering::Abort { migration } => self.abort(migration)?,
        })
    }

    fn set(&self, limit: Limit, to: u64) -> String {
        match limit {
            Limit::Concurrency => {
                self.people.resize(to);
                format!("{} at once from now on", counted(to, "person", "people"))
            }
            Limit::Apps => {
                self.apps.resize(to);
                format!("{} at once from now on", counted(to, "app", "apps"))
            }
            Limit::GibInFlight => {
                self.bytes.resize(to.saturating_mul(GIB));
                format!("{to} GiB in flight at once from now on")
            }
        }
    }

    fn abort(&self, migration: &MigrationId) -> Result<String, String> {
        let mut state = self.lock();
        state.aborted.insert(migration.clone());
        let Some(one) = state.at_work.get(migration) else {
            return Ok(format!("{migration} is not begun in this run"));
        };
        one.halt.ask();
        one.halt.ask();
        Ok(format!(
            "{migration} stops at the next safe point and stays there: the next run goes on with it, and `rollback` takes it back"
        ))
    }

    /// Lets the steps under way end, and says why nothing follows them. The first reason stands.
    pub(super) fn stop(&self, why: String) {
        self.lock().why.get_or_insert(why);
        if !self.halt.is_draining() {
            self.halt.ask();
        }
    }

    /// Returns why a rule ended the run.
    pub(super) fn why(&self) -> Option<String> {
        self.lock().why.clone()
    }

    /// Tells whether someone took this migration out.
    pub(super) fn is_aborted(&self, migration: &MigrationId) -> bool {
        self.lock().aborted.contains(migration)
    }

    /// Waits for a place for one person more; `None` once the run is to end.
    pub(super) async fn admit(&self) -> Option<Place> {
        let entering = async {
            loop {
                let place = self.people.enter(1).await;
                if !*self.paused.borrow() {
                    return place;
                }
                drop(place);
                self.resumed().await;
            }
        };
        tokio::select! {
            biased;
            () = self.halt.asked() => None,
            place = entering => Some(place),
        }
    }

    /// Waits while the run is paused, between two steps of a migration that stops when `halt` says so.
    pub(super) async fn go_on(&self, halt: &Halt) -> Result<(), Failure> {
        if halt.is_draining() {
            return Err(Failure::halted());
        }
        tokio::select! {
            biased;
            () = halt.asked() => Err(Failure::halted()),
            () = self.resumed() => Ok(()),
        }
    }

    /// Tells whether the run is paused.
    pub(super) fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    async fn resumed(&self) {
        let mut paused = self.paused.subscribe();
        // The sender lives as long as this does.
        let _open = paused.wait_for(|is_paused| !is_paused).await;
    }

    /// Waits for a place for one app more, and for the bytes of a home to be copied.
    pub(super) async fn room_to_copy(&self, bytes: u64) -> (Place, Place) {
        let app = self.apps.enter(1).await;
        (app, self.bytes.enter(bytes).await)
    }

    /// Takes a migration in among those at work, and returns the request to stop that is its own.
    pub(super) fn begin(&self, migration: &MigrationId) -> Halt {
        let halt = self.halt.child();
        let one = One { halt: halt.clone(), step: None, since: Instant::now(), waits_for: None };
        self.lock().at_work.insert(migration.clone(), one);
        halt
    }

    /// Notes which step a migration is at.
    pub(super) fn at(&self, migration: &MigrationId, step: Step) {
        if let Some(one) = self.lock().at_work.get_mut(migration) {
            (one.step, one.since, one.waits_for) = (Some(step), Instant::now(), None);
        }
    }

    /// Notes what a migration waits for.
    pub(super) fn waits(&self, migration: &MigrationId, what: Option<&str>) {
        if let Some(one) = self.lock().at_work.get_mut(migration) {
            one.waits_for = what.map(str::to_owned);
        }
    }

    /// Takes a migration out of those at work.
    pub(super) fn end(&self, migration: &MigrationId) {
        self.lock().at_work.remove(migration);
    }

    /// Says how the run is.
    pub fn look(&self) -> Look {
        let (concurrency, _, _) = self.people.look();
        let (apps, used, _) = self.apps.look();
        let (bytes, _, _) = self.bytes.look();
        let state = self.lock();
        let at_work = |one: &One| AtWork {
            step: one.step,
            seconds: one.since.elapsed().as_secs(),
            waits_for: one.waits_for.clone(),
        };
        Look {
            is_paused: self.is_paused(),
            is_draining: self.halt.is_draining(),
            why: state.why.clone(),
            concurrency,
            apps: (apps, used),
            gib_in_flight: (bytes < u64::MAX).then(|| bytes.div_ceil(GIB)),
            at_work: state.at_work.iter().map(|(id, one)| (id.clone(), at_work(one))).collect(),
            aborted: state.aborted.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("look", &self.look()).finish_non_exhaustive()
    }
}
