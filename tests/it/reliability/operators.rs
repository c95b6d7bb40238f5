//! Two operators at one journal, in whatever order they do whatever they can: a model says what must come of it.
//!
//! Each has a journal of their own on the same file, as two processes have. Time is moved by writing the lease's heartbeat.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use rusqlite::Connection;
use serde_json::json;
use studio_migrate::journal::{Error, Journal, Lease, NewEvent, NewOperation, OperationId};

use super::budget;

/// The two, by name.
const WHO: [&str; 2] = ["ann", "bob"];

/// What an operator, or time, can do.
#[derive(Clone, Debug)]
enum Deed {
    /// Takes the lease.
    Take(usize),
    /// Writes a sign of life.
    Beat(usize),
    /// Gives the lease back, or ends without one.
    End(usize),
    /// Is killed, lease and all, and starts again without one.
    Kill(usize),
    /// Writes an event.
    Record(usize),
    /// Opens a gate.
    Gate(usize, u8),
    /// Begins an operation.
    Begin(usize),
    /// Ends the operation that was begun last.
    Finish(usize, u8),
    /// So much time passes without a beat that the lease may be taken over.
    Expire,
    /// The clock is set back: the last beat lies in the future.
    SetBack,
}

/// What is the case, as far as anybody may rely on it.
#[derive(Clone, Debug, Default)]
struct Model {
    /// Who has the lease by the journal.
    holder: Option<usize>,
    /// Whether it may be taken from them.
    is_free: bool,
    /// Who believes that they have it.
    believes: [bool; 2],
    events: usize,
    gates: Vec<String>,
    operations: Vec<Option<u8>>,
}

impl Model {
    /// Whoever believes in a lease that another has now may not write. Who never took one may: approvals need none.
    fn may_write(&self, who: usize) -> bool {
        !self.believes[who] || self.holder == Some(who)
    }

    fn may_take(&self) -> bool {
        self.holder.is_none() || self.is_free
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Deed;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Deed> {
        let who = 0..WHO.len();
        prop_oneof![
            4 => who.clone().prop_map(Deed::Take),
            3 => who.clone().prop_map(Deed::Beat),
            1 => who.clone().prop_map(Deed::End),
            1 => who.clone().prop_map(Deed::Kill),
            4 => who.clone().prop_map(Deed::Record),
            2 => (who.clone(), 0..3_u8).prop_map(|(who, gate)| Deed::Gate(who, gate)),
            1 => who.clone().prop_map(Deed::Begin),
            1 => (who, 0..9_u8).prop_map(|(who, exit)| Deed::Finish(who, exit)),
            3 => Just(Deed::Expire),
            1 => Just(Deed::SetBack),
        ]
        .boxed()
    }

    fn apply(mut state: Self, deed: &Deed) -> Self {
        match *deed {
            // Who has a lease already does not ask for another.
            Deed::Take(who) if !state.believes[who] && state.may_take() => {
                state.holder = Some(who);
                state.believes[who] = true;
                state.is_free = false;
            }
            Deed::Beat(who) if state.believes[who] && state.holder == Some(who) => {
                state.is_free = false;
            }
            Deed::End(who) => {
                if state.believes[who] && state.holder == Some(who) {
                    state.holder = None;
                }
                state.believes[who] = false;
            }
            Deed::Kill(who) => {
                if state.believes[who] && state.holder == Some(who) {
                    state.is_free = true;
                }
                state.believes[who] = false;
            }
            Deed::Record(who) if state.may_write(who) => state.events += 1,
            Deed::Gate(who, gate) if state.may_write(who) => {
                state.events += 1;
                state.gates.push(format!("gate-{gate}"));
            }
            Deed::Begin(_) => state.operations.push(None),
            Deed::Finish(_, exit) => {
                if let Some(last) = state.operations.last_mut() {
                    *last = Some(exit);
                }
            }
            Deed::Expire if state.holder.is_some() => state.is_free = true,
            // The killed process is gone whatever the clock says.
            Deed::SetBack if state.holder.is_some_and(|who| state.believes[who]) => {
                state.is_free = false;
            }
            _ => {}
        }
        state
    }
}

/// One operator: a process with the journal open, and the lease as long as they believe in it.
struct Operator {
    journal: Journal,
    lease: Option<Lease>,
}

/// The real journal.
struct Real {
    operators: [Operator; 2],
    folder: tempfile::TempDir,
    last_token: i64,
}

fn file(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("journal.db")
}

/// Looks at, or changes, what no operator can.
fn behind(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection
}

impl Real {
    fn token(&self) -> i64 {
        let token = "SELECT coalesce(max(token), 0) FROM lease";
        behind(&file(&self.folder)).query_row(token, [], |row| row.get(0)).unwrap()
    }

    fn change(&self, statement: &str) {
        behind(&file(&self.folder)).execute(statement, []).unwrap();
    }

    /// Dies with the lease: nothing is given back, and the process that held it is no more.
    fn kill(&mut self, who: usize) {
        let fresh = Journal::open(&file(&self.folder)).unwrap();
        let died =
            std::mem::replace(&mut self.operators[who], Operator { journal: fresh, lease: None });
        if let Some(lease) = died.lease {
            let is_current = lease.beat().is_ok();
            std::mem::forget(lease);
            if is_current {
                self.change("UPDATE lease SET pid = 4194999");
            }
        }
    }
}

/// Insists that a write was taken or refused as the model says, and refused for the one reason that there is.
fn check(allowed: bool, outcome: Result<(), Error>) {
    match outcome {
        Ok(()) => assert!(allowed, "a process whose lease is another's has written"),
        Err(Error::LeaseLost(_) | Error::LeaseOver | Error::Missing(_)) if !allowed => {}
        Err(error) => unreachable!("allowed is {allowed}: {error}"),
    }
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let operator = || Operator { journal: Journal::open(&file(&folder)).unwrap(), lease: None };
        Self { operators: [operator(), operator()], last_token: 0, folder }
    }

    fn apply(mut real: Self, model: &Model, deed: Deed) -> Self {
        let after = model;
        match deed {
            Deed::Take(who) if real.operators[who].lease.is_none() => {
                let taken = real.operators[who].journal.take_lease(WHO[who]);
                match taken {
                    Ok(lease) => {
                        assert_eq!(after.holder, Some(who), "the lease was another's");
                        let token = real.token();
                        assert!(token > real.last_token, "{token} after {}", real.last_token);
                        real.operators[who].lease = Some(lease);
                    }
                    Err(Error::LeaseHeld(holder)) => {
                        assert_eq!(Some(holder.who.as_str()), after.holder.map(|who| WHO[who]));
                        assert!(!after.believes[who]);
                    }
                    Err(error) => unreachable!("{error}"),
                }
            }
            Deed::Beat(who) => {
                if let Some(lease) = &real.operators[who].lease {
                    check(after.may_write(who), lease.beat());
                }
            }
            Deed::End(who) => real.operators[who].lease = None,
            Deed::Kill(who) => real.kill(who),
            Deed::Record(who) => {
                let event =
                    NewEvent { kind: "said", detail: json!({ "by": who }), ..NewEvent::default() };
                check(after.may_write(who), real.operators[who].journal.record(&event).map(drop));
            }
            Deed::Gate(who, gate) => {
                let opened =
                    real.operators[who].journal.open_gate(&format!("gate-{gate}"), WHO[who], "");
                check(after.may_write(who), opened);
            }
            Deed::Begin(who) => {
                let begun = NewOperation { command: "run", caller: WHO[who], os_user: WHO[who] };
                let id = real.operators[who].journal.begin(&begun).unwrap();
                assert_eq!(id, OperationId(after.operations.len() as i64));
            }
            Deed::Finish(who, exit) => {
                let last = OperationId(after.operations.len() as i64);
                real.operators[who].journal.end(last, exit).unwrap();
            }
            Deed::Expire => real.change("UPDATE lease SET heartbeat_at = '2020-01-01T00:00:00Z'"),
            Deed::SetBack => real.change("UPDATE lease SET heartbeat_at = '2999-01-01T00:00:00Z'"),
            Deed::Take(_) => {}
        }
        real.last_token = real.token();
        real
    }

    fn check_invariants(real: &Self, model: &Model) {
        for operator in &real.operators {
            let journal = &operator.journal;
            let holder = journal.lease_holder().unwrap().map(|holder| holder.who);
            let expected = model.holder.filter(|_| !model.is_free).map(|who| WHO[who].to_owned());
            assert_eq!(holder, expected);
            let opened: Vec<_> =
                journal.opened_gates().unwrap().into_iter().map(|gate| gate.name).collect();
            assert_eq!(opened, model.gates);
            let ended: Vec<_> =
                journal.operations().unwrap().into_iter().map(|one| one.exit).collect();
            assert_eq!(ended, model.operations);
        }
        let verdict = real.operators[0].journal.audit().unwrap();
        assert_eq!((verdict.events, verdict.broken_at), (model.events, None));
    }
}

prop_state_machine! {
    #![proptest_config(Config {
        cases: budget::of(2000, 60),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn of_two_operators_only_the_one_with_the_lease_writes_and_what_is_written_stands(
        sequential 1..60 => Real
    );
}
