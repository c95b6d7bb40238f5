//! `status --watch` on a terminal: somebody looks on from elsewhere, changes nothing, and is let go when nobody works any more.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::json;
use studio_migrate::journal::{Journal, NewEvent};

use crate::common::account::exe;
use crate::common::ready::{ALICE, Ready};
use crate::common::tool::until;

/// The tool on a terminal of its own.
struct OnTerminal {
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
}

impl OnTerminal {
    fn watching(ready: &Ready) -> Self {
        let line = format!(
            "stty rows 24 cols 80; exec {} status --watch --state {}",
            exe().display(),
            ready.journal.display()
        );
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-c", &line, "/dev/null"]).env("TERM", "xterm");
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut out, written) = (child.stdout.take().unwrap(), Arc::<Mutex<Vec<u8>>>::default());
        let kept = written.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = out.read(&mut bytes) {
                kept.lock().unwrap().extend(&bytes[..read]);
            }
        });
        Self { child, written }
    }

    /// What a person sees now.
    fn screen(&self) -> String {
        let (rows, columns) = (NonZeroU16::new(24).unwrap(), NonZeroU16::new(80).unwrap());
        let mut terminal = vt100::Parser::new(rows, columns, 0);
        terminal.process(&self.written.lock().unwrap());
        terminal.screen().contents()
    }

    fn types(&mut self, keys: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits for the end, and returns what is on the screen then.
    fn ended_well(mut self) -> String {
        until("the tool ends", || self.child.try_wait().unwrap().is_some());
        assert!(self.child.wait().unwrap().success(), "{}", self.screen());
        self.screen()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn whoever_watches_sees_who_is_at_work_writes_nothing_and_is_let_go_at_the_end() {
    let ready = Ready::new();
    let journal = Journal::open(&ready.journal).unwrap();
    let lease = journal.take_lease("ann").unwrap();
    let (id, plan) = (ready.migration("alice").id, ready.plan().id);
    let record = |kind: &'static str, detail| {
        journal
            .record(&NewEvent {
                plan: Some(&plan),
                migration: Some(&id),
                step: Some("hydrate"),
                kind,
                detail,
                ..NewEvent::default()
            })
            .unwrap();
    };
    record("started", json!({}));
    let before = journal.events().unwrap();

    let mut tool = OnTerminal::watching(&ready);
    until("the picture is drawn", || tool.screen().contains("In a step: 1–1 of 1"));
    let seen = tool.screen();
    assert!(seen.contains("): ann") && seen.contains("heartbeat"), "{seen}");
    assert!(seen.contains(&format!("{ALICE} hydrate")) && seen.contains("pilot: 0 of "), "{seen}");
    record("failed", json!({ "message": "the volume is full", "hint": "a larger one" }));
    until("the failure is seen", || tool.screen().contains("the volume is full"));
    tool.types("f");
    until("failures alone are seen", || !tool.screen().contains("In a step"));
    assert!(tool.screen().contains("a larger one"), "{}", tool.screen());
    tool.types("q");
    let last = tool.ended_well();
    assert!(!last.contains("Failures"), "the terminal is as it was: {last}");
    // Nothing was written, and nobody was in the way.
    assert_eq!(journal.events().unwrap().len(), before.len() + 1);
    lease.beat().unwrap();

    let tool = OnTerminal::watching(&ready);
    until("the picture is drawn", || tool.screen().contains("heartbeat"));
    drop(lease);
    let last = tool.ended_well();
    assert!(last.contains("1 failed, 1 waiting") && !last.contains("heartbeat"), "{last}");
}
