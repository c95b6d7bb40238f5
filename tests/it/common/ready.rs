//! A world and a journal in which everything is ready to run, and the tool run on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use studio_migrate::journal::Journal;
use studio_migrate::names::{DomainId, SpaceName};
use studio_migrate::plan::{Migration, Plan};
use studio_migrate::playbook::SpaceApp;

use super::ONE_PERSON;
use super::account::Served;
use super::client::Client;
use super::tool::{Ran, command_on, light_mover, prepare_with, small_mover};

/// Where [`ONE_PERSON`] keeps alice.
pub const ALICE: &str = "d-sim000000001/alice";

/// A simulated account with an approved plan.
pub struct Ready {
    /// The account.
    pub served: Served,
    /// The journal's file.
    pub journal: PathBuf,
    description: String,
    folder: tempfile::TempDir,
    mover: &'static Path,
}

impl Ready {
    /// Makes ready for one person.
    pub fn new() -> Self {
        Self::with(ONE_PERSON, None, &[])
    }

    /// Makes ready for the described people, with lines of the playbook replaced. Faults begin once all is ready.
    pub fn with(description: &str, faults: Option<&str>, lines: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let served = Served::start(&folder.path().join("world"), description);
        Self::on(served, folder, description, faults, lines)
    }

    /// Makes ready on an account that is served already, from a folder called `world`.
    pub fn on(
        served: Served,
        folder: tempfile::TempDir,
        description: &str,
        faults: Option<&str>,
        lines: &[&str],
    ) -> Self {
        let journal = folder.path().join("journal.db");
        prepare_with(&served, &journal, lines);
        let (description, mover) = (description.to_owned(), light_mover());
        let ready = Self { served, journal, description, folder, mover };
        if faults.is_some() { ready.with_faults(faults) } else { ready }
    }

    /// Serves the same world again, in which other things go wrong.
    pub fn with_faults(self, faults: Option<&str>) -> Self {
        let Self { served, journal, description, folder, mover } = self;
        drop(served);
        let world = folder.path().join("world");
        let served = Served::with_faults(&world, &description, Some(faults.unwrap_or("[]")));
        Self { served, journal, description, folder, mover }
    }

    /// Another one like this: the same account, home for home, and the same journal, as both are now. Faults begin at once.
    pub fn copied(&self, faults: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (self.folder.path().join("."), folder.path());
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(copied.success(), "cp -a is of the GNU core utilities");
        let journal = to.join(self.journal.file_name().unwrap());
        let served = Served::with_faults(&to.join("world"), &self.description, faults);
        let (description, mover) = (self.description.clone(), self.mover);
        Self { served, journal, description, folder, mover }
    }

    /// Changes the world behind everyone's back.
    pub fn edited(self, edit: impl FnOnce(&mut Value)) -> Self {
        let Self { served, journal, description, folder, mover } = self;
        let mut state = served.state();
        drop(served);
        let world = folder.path().join("world");
        edit(&mut state);
        std::fs::write(world.join("world.json"), state.to_string()).unwrap();
        let served = Served::start(&world, &description);
        Self { served, journal, description, folder, mover }
    }

    /// Goes on with a mover that is a whole executable, as people send it.
    pub fn with_whole_mover(self) -> Self {
        Self { mover: small_mover(), ..self }
    }

    /// Goes on with another journal's file.
    pub fn with_journal(self, journal: &Path) -> Self {
        Self { journal: journal.to_owned(), ..self }
    }

    /// A file beside the journal.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the tool.
    pub fn run(&self, words: &[&str]) -> Ran {
        command_on(&self.served, &self.journal, words).output().unwrap().into()
    }

    /// Takes alice over, with more words on the command line.
    pub fn run_alice(&self, more: &[&str]) -> Ran {
        let words = ["run", "--yes", "--user", "alice", "--mover", self.mover.to_str().unwrap()];
        self.run(&[words.as_slice(), more].concat())
    }

    /// What a profile has set by itself.
    pub fn settings(&self, profile: &str) -> Value {
        self.served.state()["studio"]["profiles"][format!("d-sim000000001/{profile}")]["settings"]
            .clone()
    }

    /// The plan.
    pub fn plan(&self) -> Plan {
        Journal::open(&self.journal).unwrap().latest_approved_plan().unwrap().unwrap()
    }

    /// Someone's migration.
    pub fn migration(&self, profile: &str) -> Migration {
        let plan = self.plan();
        let (_, found) = plan.migrations().find(|(_, m)| m.profile.as_str() == profile).unwrap();
        found.clone()
    }

    /// What moves under this name: a profile's, or `space.<name>`.
    pub fn migration_called(&self, name: &str) -> Migration {
        let plan = self.plan();
        let (_, found) = plan.migrations().find(|(_, m)| m.name().as_str() == name).unwrap();
        found.clone()
    }

    /// Someone's home on the file system.
    pub fn classic_home(&self, profile: &str) -> PathBuf {
        let efs = self.served.dir.join("efs");
        let file_system = std::fs::read_dir(efs).unwrap().next().unwrap().unwrap();
        let state = self.served.state();
        let uid = &state["studio"]["profiles"][format!("d-sim000000001/{profile}")]["uid"];
        file_system.path().join(uid.as_str().unwrap())
    }

    /// Starts an app in a space, as its owner would.
    pub fn start_an_app_of_theirs(&self, space: &str) {
        self.start_an_app(space, &BTreeMap::new());
    }

    /// Starts an app with these tags in a space.
    pub fn start_an_app(&self, space: &str, tags: &BTreeMap<String, String>) {
        let owner = Client::administrator(&self.served);
        let (domain, space) = (DomainId::new("d-sim000000001"), SpaceName::from(space));
        let app = SpaceApp::JupyterLab;
        let starting = owner.account.create_app(&domain, &space, app, ("ml.t3.medium", None), tags);
        owner.wait(starting).unwrap();
    }

    /// Every event of the journal, as the tool exports them.
    pub fn events(&self) -> Vec<Value> {
        lines(&self.run(&["audit", "export"]).ended(0).out)
    }

    /// What the report says about alice.
    pub fn report(&self) -> Value {
        let report = self.run(&["report", "--format", "json"]).ended(0).out;
        let report: Value = serde_json::from_str(&report).unwrap();
        let people = report["people"].as_array().unwrap();
        people.iter().find(|person| person["profile"] == "alice").unwrap().clone()
    }

    /// The exchanges of a wire log.
    pub fn exchanges(log: &Path) -> Vec<Value> {
        // A command that makes no call makes no log.
        if log.exists() { lines(&std::fs::read_to_string(log).unwrap()) } else { Vec::new() }
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Tells whether an operation of AWS's only looks.
pub fn only_looks(exchange: &Value) -> bool {
    let operation = exchange["operation"].as_str().unwrap();
    ["Describe", "List", "Get", "Head", "Lookup", "Simulate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
