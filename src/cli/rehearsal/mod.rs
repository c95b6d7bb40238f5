//! A rehearsal: a plan is run on a simulated copy of its snapshot, in this process, on a clock that jumps from one event to the
//! next.
//!
//! The code that runs is the code that will run: the same steps, the same SDK, the same journal. Only what lies beneath the SDK
//! is [modelled](crate::sim::modelled), and the journal is a temporary one. One thread, a paused clock and one seed make the
//! same rehearsal twice, event for event.

mod copy;
mod outcome;
mod record;

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use self::record::Record;
use super::{Exit, Failure};
use crate::aws::{self, Access, Account, Identity};
use crate::execute::{self, Control, Execution, Halt, Selection, Step, Summary, Tools, Transfers};
use crate::inventory::Snapshot;
use crate::journal::{CallLedger, Journal, Lease, NewOperation, OperationId};
use crate::names::{AccountId, MigrationId};
use crate::plan::{Batch, Migration, Plan, Route};
use crate::sim::modelled::Model;
use crate::sim::state::{Effect, Fault};
use crate::sim::{Simulator, World, door};

pub use outcome::{BatchOutcome, Calls, Failed, Held, NotRehearsed, Outcome, StepOutcome};

/// Who runs a rehearsal.
const OPERATOR: &str = "arn:aws:iam::000000000000:user/operator";

/// What stands for the mover: nothing of it is run.
const MOVER: &[u8] = b"the mover of a rehearsal";

/// Bytes of a rehearsal's stack.
const STACK: usize = 32 << 20;

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Script {
    /// What the account looks like.
    pub snapshot: Snapshot,
    /// What is to be run.
    pub plan: Plan,
    /// Who has moved already.
    pub moved: BTreeSet<MigrationId>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What decides everything that chance decides.
    pub seed: u64,
    /// When the run begins.
    pub begin: Timestamp,
}

/// Prepares a rehearsal and gives it to whoever runs it, on a thread of its own: its runtime must not be within another, and the
/// saga of one person, its calls and the simulator that answers them all stand on one stack.
///
/// # Errors
///
/// A fault would end this process, or no temporary files can be made.
pub fn rehearse<T: Send + 'static>(
    script: Script,
    run: impl FnOnce(&Rehearsal) -> T + Send + 'static,
) -> Result<T, Failure> {
    let rehearsing = std::thread::Builder::new()
        .name("rehearsal".to_owned())
        .stack_size(STACK)
        .spawn(move || Rehearsal::prepare(script).map(|rehearsal| run(&rehearsal)))
        .map_err(|error| Failure::of(Exit::Unexpected, "rehearse", error))?;
    let broke_off = |_| Failure::new(Exit::Unexpected, "the rehearsal broke off");
    rehearsing.join().map_err(broke_off)?
}

/// A rehearsal, ready to be run, and after that ready to be gone on with.
#[derive(Debug)]
pub struct Rehearsal {
    script: Script,
    plan: Arc<Plan>,
    world: World,
    journal: Journal,
    operation: OperationId,
    account: Account,
    tools: Tools,
    record: Record,
    lease: Lease,
    runtime: Runtime,
    // Last, since the journal is in it.
    _folder: TempDir,
    _in_use: File,
}

impl Rehearsal {
    fn prepare(script: Script) -> Result<Self, Failure> {
        if script.faults.iter().any(|fault| fault.effect == Effect::Dies) {
            return Err(Failure::usage("a rehearsal cannot die: it would take this command along")
                .hinted("leave faults with the effect `dies` out"));
        }
        let failed = |error| Failure::of(Exit::Unexpected, "prepare the rehearsal", error);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .map_err(failed)?;
        let (folder, in_use) = folder(&script).map_err(failed)?;
        let inside = runtime.enter();
        let journal = Journal::rehearsing(&folder.path().join("journal.db"), script.begin)
            .map_err(|error| Failure::journal("open the rehearsal's journal", error))?;
        let mover = folder.path().join("mover");
        std::fs::write(&mover, MOVER).map_err(failed)?;
        let tools = Tools::of(&mover).map_err(failed)?;
        let plan = Arc::new(on_the_copy(&script.plan));
        let world = world(&script, &plan, &tools);
        drop(inside);
        let (lease, operation) = begin(&journal, &plan)?;
        let account = runtime.block_on(connect(&world, &plan, &journal, operation))?;
        let record = Record::default();
        Ok(Self {
            script,
            plan,
            world,
            journal,
            operation,
            account,
            tools,
            record,
            lease,
            runtime,
            _folder: folder,
            _in_use: in_use,
        })
    }

    /// The simulated account.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The rehearsal's time, in seconds since the epoch.
    pub fn now(&self) -> f64 {
        // Whoever asks from outside of the runtime would be told by another clock.
        let _inside = self.runtime.enter();
        self.world.now()
    }

    /// The rehearsal's journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Runs the plan to its end, or to where it stops by itself. Whoever failed is tried again by another call.
    pub fn run(&self) -> Outcome {
        let summary = self.runtime.block_on(self.through_all_windows());
        outcome::of(self, &summary)
    }

    /// Runs whenever a window is open, until nobody is left.
    async fn through_all_windows(&self) -> Summary {
        let mut all = Summary::default();
        let mut selection = Selection {
            migrations: self.rehearsed().map(|(_, one)| one.id.clone()).collect(),
            ..Selection::default()
        };
        while !selection.migrations.is_empty() {
            let execution = self.execution();
            let run = execute::run(&execution, &selection, Step::Confirm, &self.lease).await;
            // What a stop rule stopped is not mended by another window.
            let is_for_time = run.stopped.is_some() && run.fatal.is_none() && !self.is_enough(&run);
            all.done.extend(run.done);
            all.failed.extend(run.failed);
            all.drifted.extend(run.drifted);
            (all.left, all.stopped, all.fatal) = (run.left, run.stopped, run.fatal);
            let Some(next) = self.next_time(&all.left).filter(|_| is_for_time) else { break };
            let wait = next.duration_since(self.journal.now());
            tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
            selection.migrations = all.left.iter().cloned().collect();
        }
        all
    }

    /// Tells whether so many of a batch failed in a run that it stopped.
    fn is_enough(&self, run: &Summary) -> bool {
        let failures = self.plan.playbook.stop_rules.failures.max(1);
        let failed: BTreeSet<_> = run.failed.iter().map(|(id, _)| id).collect();
        let of =
            |batch: &Batch| batch.migrations.iter().filter(|one| failed.contains(&one.id)).count();
        self.plan.batches.iter().any(|batch| of(batch) >= failures)
    }

    /// When the first batch that has someone left may begin, or go on, if that is not now.
    fn next_time(&self, left: &[MigrationId]) -> Option<Timestamp> {
        let calendar = &self.plan.playbook.calendar;
        let (zone, now) = (calendar.zone().ok()?, self.journal.now());
        let left: BTreeSet<_> = left.iter().collect();
        let has_left = |batch: &&Batch| batch.migrations.iter().any(|one| left.contains(&one.id));
        let batch = self.plan.batches.iter().find(has_left)?;
        if let Some(slot) = batch.slot.as_ref().filter(|slot| slot.from > now) {
            return Some(slot.from);
        }
        let opening = calendar.spans(&zone, now).into_iter().map(|(from, _)| from);
        opening.into_iter().find(|from| *from > now.checked_add(SECOND).unwrap_or(now))
    }

    /// Who is rehearsed: those who have not moved, and whose bytes a model knows the way of.
    fn rehearsed(&self) -> impl Iterator<Item = (&Batch, &Migration)> {
        self.plan
            .migrations()
            .filter(|(_, one)| one.route == Route::InSpace && !self.script.moved.contains(&one.id))
    }

    fn execution(&self) -> Execution {
        Execution {
            account: self.account.clone(),
            journal: self.journal.clone(),
            operation: self.operation,
            plan: self.plan.clone(),
            tools: self.tools.clone(),
            watch: self.record.watch(&self.journal),
            control: Control::of(&self.plan, Halt::default()),
            mount: None,
            domains: Arc::default(),
            transfers: Transfers::default(),
            inventories: Arc::default(),
            planned: execute::Planned::default(),
            may_delete_used_spaces: false,
            may_overwrite_changes: false,
            may_run_any_time: false,
            may_follow_a_poor_trial: false,
            waits: false,
            is_rehearsal: true,
        }
    }
}

/// A temporary folder of a name that follows from what is rehearsed, since receipts name files in it: the same rehearsal leaves
/// the same events. Only while one like it is under way the name is another.
///
/// With it comes a file whose lock says that it is in use: what a rehearsal left that was killed is taken away by the next one.
fn folder(script: &Script) -> std::io::Result<(TempDir, File)> {
    let name = format!("studio-migrate-rehearsal-{}-{}", script.plan.id, script.seed);
    let place = std::env::temp_dir().join(&name);
    if let Ok(in_use) = File::open(place.join(IN_USE))
        && in_use.try_lock().is_ok()
    {
        std::fs::remove_dir_all(&place)?;
    }
    let folder = tempfile::Builder::new()
        .prefix(&name)
        .rand_bytes(0)
        .tempdir()
        .or_else(|_| tempfile::Builder::new().prefix(&format!("{name}-")).tempdir())?;
    let in_use = File::create(folder.path().join(IN_USE))?;
    in_use.lock()?;
    Ok((folder, in_use))
}

/// The file in a rehearsal's folder that is locked as long as the rehearsal lasts.
const IN_USE: &str = "in-use";

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The plan as it is run on the copy, whose account is the simulated one.
fn on_the_copy(plan: &Plan) -> Plan {
    Plan { account: AccountId::new(AccountId::SIMULATED), ..plan.clone() }
}

/// The copy, in whose staging bucket the mover lies already.
fn world(script: &Script, plan: &Plan, tools: &Tools) -> World {
    let model = Model::new(copy::homes(&script.snapshot, plan), script.seed);
    model.put(&plan.staging_bucket(), &tools.key(&plan.playbook.staging.prefix), MOVER.to_vec());
    let state = copy::state(&script.snapshot, &plan.region, &script.faults);
    World::modelled(state, model, script.begin.as_duration().as_secs_f64())
}

/// Begins the one operation of the journal, with every gate opened.
fn begin(journal: &Journal, plan: &Plan) -> Result<(Lease, OperationId), Failure> {
    let failed = |error| Failure::journal("begin the rehearsal", error);
    let lease = journal.take_lease(OPERATOR).map_err(failed)?;
    let begun = NewOperation { command: "rehearse", caller: OPERATOR, os_user: "" };
    let operation = journal.begin(&begun).map_err(failed)?;
    for gate in &plan.playbook.gates {
        journal.open_gate(&gate.name, OPERATOR, "rehearsed").map_err(failed)?;
    }
    Ok((lease, operation))
}

async fn connect(
    world: &World,
    plan: &Plan,
    journal: &Journal,
    operation: OperationId,
) -> Result<Account, Failure> {
    let (id, secret) = copy::ACCESS_KEY;
    let access = Access {
        region: Some(plan.region.to_string()),
        http_client: Some(door(Simulator::new(world.clone()))),
        static_credentials: Some((id.to_owned(), secret.to_owned())),
        identity: Some(Identity {
            account: plan.account.clone(),
            arn: OPERATOR.to_owned(),
            region: plan.region.clone(),
        }),
        calls_per_second: plan.playbook.limits.calls_per_second,
        is_steady: true,
        ..Access::default()
    };
    let reader = aws::connect(&access)
        .await
        .map_err(|error| Failure::aws("reach the simulated account", error))?;
    Ok(reader.with_ledger(Arc::new(CallLedger::new(journal.clone(), operation))))
}
