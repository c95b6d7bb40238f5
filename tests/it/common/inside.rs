//! A migration driven from inside the test process: the library's saga against a world that the test itself serves, so that
//! faults begin and end between two steps.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use studio_migrate::aws::{self, Access};
use studio_migrate::execute::{Context, Control, Execution, Halt, Notice, Step, Tools};
use studio_migrate::journal::{CallLedger, Journal, NewOperation};
use studio_migrate::sim::state::{Effect, Fault};
use studio_migrate::sim::{Simulator, World, server, studio};
use tokio::runtime::Runtime;

use super::account::{Served, exe};
use super::ends::{End, end_of};
use super::tool::{light_mover, prepare};

/// Stack of a thread that drives a saga: its futures are large in a debug build.
const STACK: usize = 16 << 20;

/// Tries every case, a few at a time, each on a thread with room for a saga.
pub fn each<T: Sync>(cases: &[T], test: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cases.len().min(3) {
            let work = || {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    test(case);
                }
            };
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        }
    });
}

/// Alice's migration in a world of its own, ready to begin.
pub struct Inside {
    /// What the steps are given.
    pub cx: Context,
    world: World,
    remarks: Arc<Mutex<Vec<String>>>,
    runtime: Option<Runtime>,
    _folder: tempfile::TempDir,
}

impl Inside {
    /// Makes the described world and draws up the plan with the tool itself, then serves that world from here.
    pub fn prepared(description: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (dir, file) = (folder.path().join("world"), folder.path().join("journal.db"));
        prepare(&Served::start(&dir, description), &file);
        let world = World::open(&dir, &exe()).unwrap();
        let runtime = Runtime::new().unwrap();
        let endpoint = runtime.block_on(serve(world.clone()));
        let remarks = Arc::<Mutex<Vec<String>>>::default();
        let cx = runtime.block_on(context(&world, endpoint, file, remarks.clone()));
        Self { cx, world, remarks, runtime: Some(runtime), _folder: folder }
    }

    /// Waits for something that the saga does.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(work)
    }

    /// From now on an operation is denied, from its nth call on.
    pub fn deny(&self, operation: &str, from: u64) {
        let denied =
            Fault { operation: operation.to_owned(), from, times: 0, effect: Effect::Denied };
        self.set_faults(vec![denied]);
    }

    /// From now on nothing goes wrong.
    pub fn mend(&self) {
        self.set_faults(Vec::new());
    }

    fn set_faults(&self, faults: Vec<Fault>) {
        self.world
            .change(|state| {
                state.faults = faults;
                state.calls.clear();
                Ok(())
            })
            .unwrap();
    }

    /// How the world is now.
    pub fn end(&self) -> End {
        end_of(self.world.dir())
    }

    /// What undoing said could not be put back.
    pub fn remarks(&self) -> Vec<String> {
        self.remarks.lock().unwrap().clone()
    }

    /// The receipt of each finished step.
    pub fn receipt(&self, step: Step) -> Option<serde_json::Value> {
        self.cx.standing().unwrap().receipt(step).cloned()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // A connection that is kept alive would hold up the end.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(world: World) -> String {
    studio::resume(&world);
    let listener = server::bind(&world, None).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(Simulator::new(world), listener, std::future::pending()));
    endpoint
}

async fn context(
    world: &World,
    endpoint: String,
    journal: PathBuf,
    remarks: Arc<Mutex<Vec<String>>>,
) -> Context {
    let access = world.read(|state| Access {
        region: Some(state.region.clone()),
        endpoint_url: Some(endpoint),
        static_credentials: Some((state.access_key_id.clone(), state.secret_access_key.clone())),
        calls_per_second: 100.0,
        ..Access::default()
    });
    let journal = Journal::open(&journal).unwrap();
    let begun = NewOperation { command: "run", caller: "tester", os_user: "tester" };
    let operation = journal.begin(&begun).unwrap();
    let plan = journal.latest_approved_plan().unwrap().unwrap();
    let migration = plan.migrations().find(|(_, m)| m.profile.as_str() == "alice").unwrap().1;
    let migration = migration.clone();
    let execution = Execution {
        may_run_any_time: false,
        may_follow_a_poor_trial: false,
        waits: false,
        is_rehearsal: false,
        account: aws::connect(&access)
            .await
            .unwrap()
            .with_ledger(Arc::new(CallLedger::new(journal.clone(), operation))),
        journal,
        operation,
        control: Control::of(&plan, Halt::default()),
        plan: Arc::new(plan),
        tools: Tools::of(light_mover()).unwrap(),
        watch: Arc::new(move |notice| {
            if let Notice::StepUndone { remarks: said, .. } = notice {
                remarks.lock().unwrap().extend(said);
            }
        }),
        mount: None,
        domains: std::sync::Arc::default(),
        transfers: Default::default(),
        inventories: Default::default(),
        planned: Default::default(),
        may_delete_used_spaces: true,
        may_overwrite_changes: false,
    };
    execution.context(&migration)
}
