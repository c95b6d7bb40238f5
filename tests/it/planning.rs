//! A plan as operators meet it: shown, explained, exported and brought back, approved by two, kept to windows and gates, and
//! refused for whom it no longer holds.

use std::path::{Path, PathBuf};

use serde_json::Value;
use studio_migrate::aws::NewSpace;
use studio_migrate::playbook::SpaceApp;

use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::client::Client;
use crate::common::tool::{PLAYBOOK, Ran, light_mover, prepare, run_alice, run_on};

struct World {
    folder: tempfile::TempDir,
    served: Served,
    journal: PathBuf,
}

fn world() -> World {
    let role = "roles:\n  - arn: arn:aws:iam::000000000000:role/Approver\n    statements: [{ allow: true, actions: ['*'], resources: ['*'] }]\n";
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), &format!("{role}{ONE_PERSON}"));
    World { journal: folder.path().join("journal.db"), served, folder }
}

impl World {
    fn run(&self, words: &[&str]) -> Ran {
        run_on(&self.served, &self.journal, words)
    }

    /// Takes an inventory and draws up a plan by the demo's playbook, with some lines put in place of others.
    fn plan(&self, changes: &[(&str, &str)]) -> Ran {
        let mut text = PLAYBOOK.replace("poll_seconds: ", "poll_seconds: 0.05 # ");
        for (old, new) in changes {
            assert!(text.contains(old), "{old}");
            text = text.replacen(old, new, 1);
        }
        let file = self.folder.path().join("mine.yaml");
        std::fs::write(&file, text).unwrap();
        let mount = self.served.dir.join("efs");
        self.run(&["inventory", "--mount", mount.to_str().unwrap()]).ended(0);
        self.run(&["plan", "--playbook", file.to_str().unwrap()])
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_plan_is_shown_explained_exported_and_brought_back_with_what_people_changed() {
    let world = world();
    let drawn = world.plan(&[]).ended(0);
    assert!(
        drawn.out.contains("1 batch for 2 people") || drawn.out.contains("batches for 2 people"),
        "{}",
        drawn.out
    );
    // Why is said where it is asked for.
    assert!(!drawn.out.contains("headroom"), "{}", drawn.out);
    let whole = world.run(&["plan", "show", "-v"]).ended(0).out;
    assert!(whole.contains("headroom"), "{whole}");
    let table = world.run(&["plan", "show", "--format", "table"]).ended(0).out;
    assert!(table.contains("alice-studio"), "{table}");
    let told = world.run(&["plan", "explain", "ALICE"]).ended(0).out;
    for said in ["d-sim000000001/alice moves in", "why there", "rollback --user alice"] {
        assert!(told.contains(said), "{told}");
    }
    world.run(&["plan", "explain", "nobody"]).ended(2);

    let pack = world.path("pack");
    world.run(&["plan", "export", &pack]).ended(0);
    let pack = PathBuf::from(pack);
    for file in
        ["plan.html", "plan.json", "readiness.html", "findings.csv", "people.csv", "playbook.yaml"]
    {
        assert!(pack.join(file).exists(), "{file}");
    }
    assert!(read(&pack.join("plan.html")).contains("bob-studio"));
    let people = read(&pack.join("people.csv"));
    let moved = people.replace("d-sim000000001,bob,pilot,", "d-sim000000001,bob,second-wave,");
    assert_ne!(moved, people);
    std::fs::write(pack.join("people.csv"), moved).unwrap();
    let table = pack.join("people.csv");
    let again = world.run(&["plan", "import", table.to_str().unwrap()]).ended(0).out;
    assert!(again.contains("bob is in second-wave: the playbook lists them"), "{again}");
    let shown: Value =
        serde_json::from_str(&world.run(&["plan", "show", "--format", "json"]).ended(0).out)
            .unwrap();
    assert_eq!(shown["batches"][1]["name"], "second-wave");
    std::fs::write(&table, "domain,profile,batch\nd-sim000000001,mallory,pilot\n").unwrap();
    let refused = world.run(&["plan", "import", table.to_str().unwrap()]).ended(2);
    assert!(refused.err.contains("line 2: d-sim000000001/mallory"), "{}", refused.err);
}

#[test]
fn a_plan_that_two_have_to_approve_runs_once_two_different_callers_have() {
    let world = world();
    world
        .plan(&[
            ("callers: 1", "callers: 2"),
            ("  tags: {}\n\n# Where", "  tags: { cost: 'research of {profile}' }\n\n# Where"),
        ])
        .ended(0);
    let unnamed = world.run(&["plan", "approve"]).ended(2);
    assert!(unnamed.err.contains("--latest"), "{}", unnamed.err);
    let first = world.run(&["plan", "approve", "--latest"]).ended(0);
    assert!(first.err.contains("1 more"), "{}", first.err);
    let twice = world.run(&["plan", "approve", "--latest"]).ended(7);
    assert!(twice.err.contains("has approved plan"), "{}", twice.err);
    let early = world.run(&run_alice()).ended(7);
    assert!(early.err.contains("wants 2 different callers"), "{}", early.err);
    let role = ["--assume-role", "arn:aws:iam::000000000000:role/Approver"];
    world.run(&[&["plan", "approve", "--latest"], role.as_slice()].concat()).ended(0);
    world.run(&run_alice()).ended(0);
    let tags = &world.served.state()["studio"]["tags"];
    let space = "arn:aws:sagemaker:eu-west-1:000000000000:space/d-sim000000001/alice-studio";
    assert_eq!(tags[space]["cost"], "research of alice", "{tags:#}");
}

#[test]
fn a_batch_waits_for_its_window_and_its_gate() {
    let world = world();
    let gate = "gates: [{ name: go, before: pilot, what: 'the word of the team' }]";
    let window = "freezes: [{ from: 2020-01-01, to: 2099-01-01, reason: 'no changes' }]";
    world.plan(&[("gates: []", gate), ("freezes: []", window)]).ended(0);
    world.run(&["plan", "approve", "--latest"]).ended(0);
    let shut = world.run(&run_alice()).ended(5);
    assert!(shut.err.contains("waits for gate go (the word of the team)"), "{}", shut.err);
    world.run(&["gate", "open", "come"]).ended(2);
    world.run(&["gate", "open", "go", "--note", "all fine"]).ended(0);
    let gates = world.run(&["gate", "list"]).ended(0).out;
    assert!(gates.contains("all fine"), "{gates}");
    let closed = world.run(&run_alice()).ended(5);
    assert!(closed.err.contains("waits for its window"), "{}", closed.err);
    world.run(&[run_alice().as_slice(), &["--any-time"]].concat()).ended(0);

    // A plan that is drawn up later changes nothing before it is approved, and that is said.
    assert!(!world.run(&["status"]).ended(0).err.contains("goes by plan"));
    world.plan(&[]).ended(0);
    for looks in [&["status"][..], &["run", "--dry-run"]] {
        let err = world.run(looks).ended(0).err;
        assert!(err.contains("goes by plan") && err.contains("is not approved"), "{err}");
    }
}

#[test]
fn whoever_has_drifted_is_refused_by_name_and_the_others_go_on() {
    let world = world();
    prepare(&world.served, &world.journal);
    // Alice makes herself a space of the name that the plan has for bob.
    let client = Client::administrator(&world.served);
    let taken = NewSpace {
        domain: "d-sim000000001".into(),
        name: "bob-studio".into(),
        owner: "alice".into(),
        is_shared: false,
        app: SpaceApp::JupyterLab,
        volume_gb: 5,
        idle_minutes: 60,
        instance_type: "ml.t3.medium".to_owned(),
        tags: [].into(),
    };
    client.wait(client.account.create_space(&taken)).unwrap();
    let mover = light_mover().to_str().unwrap();
    let ran = world.run(&["run", "--yes", "--mover", mover]).ended(4);
    assert!(ran.err.contains("d-sim000000001/bob was not begun"), "{}", ran.err);
    assert!(
        ran.err.contains("the space name bob-studio was taken by a space of alice"),
        "{}",
        ran.err
    );
    let journal = rusqlite::Connection::open(&world.journal).unwrap();
    let standing = |who: &str| -> String {
        let asked = "SELECT standing FROM v_progress WHERE profile = ?1";
        journal.query_row(asked, [who], |row| row.get(0)).unwrap()
    };
    assert_eq!((standing("alice"), standing("bob")), ("moved".to_owned(), "waiting".to_owned()));
    let (people, moved): (i64, i64) = journal
        .query_row("SELECT sum(people), sum(moved) FROM v_batches", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!((people, moved), (2, 1));
    world.run(&["inventory"]).ended(0);
    let drift = world.run(&["plan", "diff", "--drift"]).ended(3);
    assert!(drift.out.contains("bob: the space name"), "{}", drift.out);
}

#[test]
fn a_domain_that_is_not_there_is_named_before_the_people_whom_that_leaves_out() {
    let world = world();
    let said = world.plan(&[("\n  domains: []", "\n  domains: [d-nope]")]).out;
    let left: Vec<_> = said.lines().skip_while(|line| !line.starts_with("left out")).collect();
    assert!(left.len() > 2 && left[1].starts_with("  d-nope/everyone: "), "{said}");
}

#[test]
fn a_plan_that_moves_nobody_cannot_be_approved() {
    let world = world();
    let drawn = world.plan(&[("  exclude: []", "  exclude: [alice, bob]")]).ended(0);
    assert!(drawn.err.contains("nobody is left to migrate"), "{}", drawn.err);
    assert!(!drawn.err.contains("plan approve"), "{}", drawn.err);
    let refused = world.run(&["plan", "approve", "--latest"]).ended(3);
    assert!(refused.err.contains("moves nobody: 2 are left out"), "{}", refused.err);
    assert!(refused.err.contains("plan show"), "{}", refused.err);
    world.plan(&[]).ended(0);
    world.run(&["plan", "approve", "--latest"]).ended(0);
}
