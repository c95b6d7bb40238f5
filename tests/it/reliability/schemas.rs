//! A journal of every earlier version of the schema: all that is in it is read as before, and it is gone on with.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::common::ends::{assert_alike, end};
use crate::common::inside::each;
use crate::common::ready::Ready;
use crate::common::tool::run_alice;

/// The files of the schema, oldest first; their number is the version.
fn schema() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("state/schema");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn names(database: &Connection, question: &str) -> Vec<String> {
    let mut statement = database.prepare(question).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn columns(database: &Connection, schema: &str, table: &str) -> Vec<String> {
    names(database, &format!("SELECT name FROM pragma_table_info('{table}', '{schema}')"))
}

/// Makes a journal as the first so many files of the schema leave one, with what another holds as far as it had a place then.
fn as_of(version: usize, journal: &Path, made: &Path) {
    let old = Connection::open(made).unwrap();
    for file in &schema()[..version] {
        old.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap();
    }
    old.pragma_update(None, "foreign_keys", "OFF").unwrap();
    old.execute("ATTACH ?1 AS today", [journal.to_str().unwrap()]).unwrap();
    for table in names(&old, "SELECT name FROM main.sqlite_master WHERE type = 'table'") {
        // These two follow the events by themselves.
        if table.ends_with("_standing") || table.starts_with("sqlite_") {
            continue;
        }
        let today = columns(&old, "today", &table);
        let mut both = columns(&old, "main", &table);
        both.retain(|column| today.contains(column));
        let both = both.join(", ");
        let copy = format!("INSERT INTO main.{table} ({both}) SELECT {both} FROM today.{table}");
        old.execute(&copy, []).unwrap();
    }
    old.pragma_update(None, "user_version", version as i64).unwrap();
}

/// What people get to read out of a journal, line by line.
fn said(ready: &Ready) -> Vec<String> {
    let commands: [&[&str]; 6] = [
        &["status", "--format", "json"],
        &["report", "--format", "json"],
        &["plan", "show"],
        &["audit", "verify"],
        &["audit", "export"],
        &["run", "--dry-run"],
    ];
    let all = commands.iter().map(|words| ready.run(words).ended(0).out).collect::<String>();
    // When a report was made is its own affair.
    all.lines().filter(|line| !line.contains("\"made_at\"")).map(str::to_owned).collect()
}

#[test]
fn a_journal_of_every_earlier_schema_says_what_it_said_and_is_gone_on_with() {
    let planned = Ready::new();
    let untouched = end(&planned.served);
    let half = planned.copied(None);
    half.run(&[run_alice().as_slice(), &["--until", "provision"]].concat()).ended(0);
    let whole = half.copied(None);
    whole.run(&run_alice()).ended(0);
    let (said_today, whole) = (said(&half), end(&whole.served));
    let versions: Vec<_> = (1..=schema().len()).collect();
    each(&versions, |&version| {
        let ready = half.copied(None);
        let old = ready.file("old.db");
        as_of(version, &ready.journal, &old);
        let ready = ready.with_journal(&old);
        for (line, today) in said(&ready).iter().zip(&said_today) {
            assert_eq!(line, today, "version {version}");
        }
        ready.run(&run_alice()).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("gone on with version {version}"));
        let back = ["rollback", "--user", "alice", "--yes", "--delete-spaces"];
        ready.run(&back).ended(0);
        assert_alike(&end(&ready.served), &untouched, &format!("version {version}, taken back"));
        ready.run(&["audit", "verify"]).ended(0);
        let now = Connection::open(&old).unwrap();
        let now: i64 = now.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(now, schema().len() as i64, "every file of the schema is a version");
    });
}
