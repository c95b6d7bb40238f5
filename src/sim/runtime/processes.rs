//! The processes of an app: found by the mark in their environment and by their session, and killed.
//!
//! A mark is inherited by whatever a script starts and survives `setsid`, `nohup` and the end of the simulator; a session is
//! shared by what gave up its environment. Together they play the part of a container.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// The environment variable that holds the mark.
pub(super) const MARK: &str = "STUDIO_MIGRATE_SIM_APP";

/// A process that lives.
struct Process {
    pid: i32,
    session: i32,
    marked: bool,
}

/// Finds the processes that bear a mark or share a session with one that does, or are in one of `sessions`.
pub(super) fn find(mark: &str, sessions: &BTreeSet<i32>) -> Vec<i32> {
    let processes = living(&format!("{MARK}={mark}"));
    let own = own_session();
    let mut known: BTreeSet<i32> =
        processes.iter().filter(|one| one.marked).map(|one| one.session).collect();
    // A session's number may be taken again once the session is gone; its new leader bears no mark.
    let strangers: BTreeSet<i32> = processes
        .iter()
        .filter(|one| one.pid == one.session && !one.marked)
        .map(|one| one.pid)
        .collect();
    known.extend(sessions.difference(&strangers));
    known.remove(&own);
    known.remove(&0);
    let me = getpid().as_raw_nonzero().get();
    processes
        .into_iter()
        .filter(|one| one.pid != me && (one.marked || known.contains(&one.session)))
        .map(|one| one.pid)
        .collect()
}

/// Kills the processes of an app until there are none, and tells whether that came about in time.
pub(super) fn kill_all(mark: &str, sessions: &BTreeSet<i32>, patience: Duration) -> bool {
    let start = Instant::now();
    let mut quiet = 0;
    loop {
        let found = find(mark, sessions);
        // A process in the middle of its exec shows no environment, and is there at the next look.
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        if quiet == 2 {
            return true;
        }
        if start.elapsed() > patience {
            return false;
        }
        for pid in found {
            if let Some(pid) = Pid::from_raw(pid) {
                // It may have ended by itself meanwhile.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn living(mark: &str) -> Vec<Process> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Some(session) = session_of(&entry.path().join("stat")) else { continue };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let marked = environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes());
        found.push(Process { pid, session, marked });
    }
    found
}

/// Reads the session of a process that is neither a zombie nor gone: `pid (name) state parent group session …`.
fn session_of(stat: &std::path::Path) -> Option<i32> {
    let text = fs::read(stat).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The name may hold anything, brackets and spaces included.
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(2)?.parse().ok()
}

fn own_session() -> i32 {
    session_of(std::path::Path::new("/proc/self/stat")).unwrap_or_default()
}
