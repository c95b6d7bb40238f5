//! The messenger of a run: a queue and a task for each target, so that one that is dead holds up neither the run nor the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::deliver::{Undelivered, deliver};
use super::message::Message;
use super::queue::Queue;
use super::target::Target;
use super::teller::Teller;
use crate::execute::{Halt, Watch};
use crate::journal::{Journal, NewEvent, OperationId};
use crate::names::PlanId;

/// How long notices are still delivered once the run is over.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same once somebody asks to stop, and for those who did not take what they were sent last.
const HURRY: Duration = Duration::from_secs(3);

/// Says at the terminal what is wrong and stops nothing.
pub type Complain = Arc<dyn Fn(&str) + Send + Sync>;

/// Where it is written down that a notice did not arrive.
#[derive(Clone, Debug)]
pub struct Register {
    /// The journal.
    pub journal: Journal,
    /// The command that someone ran.
    pub operation: OperationId,
    /// The plan.
    pub plan: PlanId,
}

impl Register {
    fn write(&self, kind: &str, detail: Value) {
        let event = NewEvent {
            operation: Some(self.operation),
            plan: Some(&self.plan),
            kind,
            detail,
            ..NewEvent::default()
        };
        // A journal that takes nothing any more stops the run itself, and with better words.
        if let Err(error) = self.journal.record(&event) {
            tracing::warn!(%error, kind, "an event about notices is missing from the journal");
        }
    }
}

/// One target, and what waits for it.
struct Lane {
    target: Target,
    queue: Queue,
    register: Register,
    complain: Complain,
    undelivered: AtomicUsize,
    /// Whether the last notice was given up.
    is_down: AtomicBool,
}

impl Lane {
    /// Delivers what comes until no more will.
    async fn work(&self) {
        while let Some(message) = self.queue.next().await {
            let is_down = self.is_down.load(Ordering::SeqCst);
            // Who did not take the last one, after all its attempts, gets one for the next: many notices to a target that is
            // down would else take many times as long.
            let attempts = if is_down { 1 } else { self.target.attempts };
            match deliver(&self.target, &message, attempts).await {
                Ok(delivered) => {
                    self.is_down.store(false, Ordering::SeqCst);
                    let (target, answer) = (&self.target.name, delivered.answer);
                    tracing::info!(target, answer, notice = message.word(), "a notice was taken");
                }
                Err(undelivered) => {
                    self.is_down.store(true, Ordering::SeqCst);
                    self.note(&message, &undelivered);
                }
            }
        }
    }

    /// Writes down that a notice did not arrive, and says so the first time.
    fn note(&self, message: &Message, undelivered: &Undelivered) {
        let (target, moment) = (&self.target.name, message.word());
        let Undelivered { why, attempts } = undelivered;
        self.register.write(
            "notice-undelivered",
            json!({ "id": message.id, "moment": moment, "target": target, "attempts": attempts, "why": why }),
        );
        if self.undelivered.fetch_add(1, Ordering::SeqCst) == 0 && self.target.unusable().is_none()
        {
            let tries = if *attempts == 1 {
                "1 attempt".to_owned()
            } else {
                format!("{attempts} attempts")
            };
            (self.complain)(&format!(
                "{moment} did not reach {target}: {why} ({tries}); nothing waits for it, and the journal has what else does not arrive"
            ));
        }
    }

    /// Says what was never sent, or did not arrive after the first that was told of.
    fn conclude(&self) {
        let target = &self.target.name;
        let undelivered = self.undelivered.load(Ordering::SeqCst);
        let (dropped, left) = (self.queue.dropped(), self.queue.left());
        if undelivered > 1 {
            (self.complain)(&format!("{undelivered} notices did not reach {target}"));
        }
        if dropped + left > 0 {
            self.register.write(
                "notices-dropped",
                json!({ "target": target, "dropped": dropped, "left": left }),
            );
            (self.complain)(&format!(
                "{} more notices for {target} were not sent: {dropped} had no room while it was slow, {left} no time at the end",
                dropped + left
            ));
        }
    }
}

/// Delivers the notices of one run. Dropped before [`Messenger::finish`], it delivers no more.
pub struct Messenger {
    teller: Arc<Teller>,
    lanes: Vec<Arc<Lane>>,
    tasks: JoinSet<()>,
}

impl Messenger {
    /// Begins to wait for notices. Has to be called on a runtime.
    pub fn start(
        targets: Vec<Target>,
        teller: Teller,
        register: &Register,
        complain: &Complain,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let lane = |target: Target| {
            if let Some(why) = target.unusable() {
                complain(&format!("{} is not told of anything: {why}", target.name));
            }
            let lane = Arc::new(Lane {
                target,
                queue: Queue::default(),
                register: register.clone(),
                complain: complain.clone(),
                undelivered: AtomicUsize::new(0),
                is_down: AtomicBool::new(false),
            });
            let worker = lane.clone();
            tasks.spawn(async move { worker.work().await });
            lane
        };
        let lanes = targets.into_iter().map(lane).collect();
        Self { teller: Arc::new(teller), lanes, tasks }
    }

    /// Returns what execution tells: everything goes to `others`, and what is to be told also into the queues, at once.
    pub fn watch(&self, others: Watch) -> Watch {
        if self.lanes.is_empty() {
            return others;
        }
        let (teller, lanes) = (self.teller.clone(), self.lanes.clone());
        Arc::new(move |notice| {
            if let Some(message) = teller.tell(&notice) {
                let wants = |lane: &&Arc<Lane>| {
                    message.moment.is_some_and(|moment| lane.target.wants(moment))
                };
                for lane in lanes.iter().filter(wants) {
                    lane.queue.push(message.clone());
                }
            }
            others(notice);
        })
    }

    /// Delivers what still waits, for 30 seconds at most; for three where only those are left who did not take the last one, or
    /// once somebody asks to stop, and no longer once they ask again. A program that still runs then is killed.
    pub async fn finish(mut self, halt: &Halt) {
        for lane in &self.lanes {
            lane.queue.close();
        }
        let delivered = async { while self.tasks.join_next().await.is_some() {} };
        let is_done = tokio::select! {
            () = delivered => true,
            () = patience(halt) => false,
            () = hopeless(&self.lanes) => false,
        };
        if !is_done {
            self.tasks.shutdown().await;
        }
        for lane in &self.lanes {
            lane.conclude();
        }
    }
}

/// Waits until only targets are left that did not take what they were sent last, and have had time for another try.
async fn hopeless(lanes: &[Arc<Lane>]) {
    let is_lost = |lane: &Arc<Lane>| lane.queue.left() == 0 || lane.is_down.load(Ordering::SeqCst);
    tokio::time::sleep(HURRY).await;
    while !lanes.iter().all(is_lost) {
        tokio::time::sleep(HURRY / 10).await;
    }
}

async fn patience(halt: &Halt) {
    let hurry = async {
        halt.asked().await;
        tokio::select! {
            () = tokio::time::sleep(HURRY) => {}
            () = halt.hurried() => {}
        }
    };
    tokio::select! {
        () = tokio::time::sleep(PATIENCE) => {}
        () = hurry => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::super::message::Source;
    use super::super::target::targets;
    use super::*;
    use crate::execute::Notice;
    use crate::journal::NewOperation;
    use crate::playbook::Playbook;

    #[tokio::test(start_paused = true)]
    async fn patience_ends_sooner_when_somebody_asks_to_stop_and_at_once_when_they_ask_again() {
        let began = Instant::now();
        patience(&Halt::default()).await;
        assert_eq!(began.elapsed(), PATIENCE);
        let (began, halt) = (Instant::now(), Halt::default());
        halt.ask();
        patience(&halt).await;
        assert_eq!(began.elapsed(), HURRY);
        let began = Instant::now();
        halt.ask();
        patience(&halt).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    /// A run that is told to these targets: what was complained of, and the events.
    async fn run(
        entries: &str,
        notices: usize,
        halt: &Halt,
    ) -> (Vec<String>, Vec<(String, Value)>) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        let begun = NewOperation { command: "run", caller: "tester", os_user: "tester" };
        let operation = journal.begin(&begun).unwrap();
        let text = format!("schema: 1\nname: mine\nnotifications:\n{entries}");
        let playbook = Playbook::parse_checked(&text, "mine.yaml").unwrap();
        let said = Arc::<Mutex<Vec<String>>>::default();
        let complain: Complain = {
            let said = said.clone();
            Arc::new(move |line: &str| said.lock().unwrap().push(line.to_owned()))
        };
        let register = Register { journal: journal.clone(), operation, plan: "ab12".into() };
        let teller = Teller::new(Source { command: "run", ..Source::default() });
        let messenger =
            Messenger::start(targets(&playbook, |_| None), teller, &register, &complain);
        let watch = messenger.watch(Arc::new(|_| {}));
        for _ in 0..notices {
            watch(Notice::RunBegan { migrations: 1 });
        }
        messenger.finish(halt).await;
        let events = journal.events().unwrap();
        assert!(events.iter().all(|event| event.operation == Some(operation)));
        let said = said.lock().unwrap().clone();
        (said, events.into_iter().map(|event| (event.kind, event.detail)).collect())
    }

    #[tokio::test]
    async fn what_does_not_arrive_is_said_once_and_journalled_each_time() {
        let entry = "  - on: [run-began]\n    command: ['false']\n";
        let (said, events) = run(entry, 3, &Halt::default()).await;
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("run-began did not reach notifications[0] (false): ended with exit code 1 (1 attempt)"), "{said:?}");
        assert_eq!(said[1], "3 notices did not reach notifications[0] (false)");
        assert_eq!(events.len(), 3);
        let (kind, detail) = &events[0];
        assert_eq!((kind.as_str(), &detail["moment"]), ("notice-undelivered", &"run-began".into()));
        assert_eq!(detail["why"], "ended with exit code 1");
    }

    #[tokio::test]
    async fn a_target_without_its_secret_is_told_of_before_anything_happens() {
        let entry = "  - on: [run-began]\n    url: https://example.com\n    secret_env: HOOK\n";
        let (said, events) = run(entry, 1, &Halt::default()).await;
        assert!(said[0].contains("the variable HOOK"), "{said:?}");
        assert_eq!((said.len(), events.len()), (1, 1));
    }

    #[tokio::test]
    async fn what_there_is_no_room_and_no_time_for_is_counted() {
        let entry = "  - on: [run-began]\n    command: [sleep, '60']\n  - on: [run-ended]\n    command: ['false']\n";
        let halt = Halt::default();
        halt.ask();
        halt.ask();
        let (said, events) = run(entry, 70, &halt).await;
        let [(kind, detail)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(kind, "notices-dropped");
        let count = |name: &str| detail[name].as_u64().unwrap();
        assert_eq!(count("dropped") + count("left"), 70);
        assert!(count("dropped") >= 5, "{detail}");
        assert_eq!(said.len(), 1, "{said:?}");
    }
}
