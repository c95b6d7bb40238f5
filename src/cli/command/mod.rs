//! One file a command: its arguments, whose comments are its help, and what it does.

pub mod audit;
pub mod carry;
pub mod cleanup;
mod cleanup_transfers;
pub mod completions;
pub mod cutover;
mod cutover_back;
mod cutover_hidden;
mod cutover_notes;
mod cutover_who;
pub mod demo;
mod destination;
pub mod doctor;
mod ended;
pub mod explain;
pub mod flows;
pub mod gate;
pub mod iam;
pub mod inventory;
mod mounted;
pub mod mover;
pub mod notebooks;
pub mod notify;
mod one_way;
pub mod orphans;
pub mod plan;
pub mod playbook;
pub mod readiness;
pub mod rehearse;
pub mod report;
pub mod retire;
pub mod retry;
pub mod rollback;
pub mod run;
pub mod sim;
mod stand_in;
pub mod status;
pub mod steer;
pub mod team;
mod todo;
pub mod verify;
pub mod version;

use std::io::IsTerminal;
use std::path::Path;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::{Context, Exit, Failure};
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::SnapshotId;
use crate::playbook::Playbook as Policy;

/// The width of a table that goes to no terminal, in characters.
const PAGE: u16 = 140;

/// Reads a playbook: a file, or the name of a shipped one. A playbook with problems is refused with all of them.
fn playbook(name: &str) -> Result<Policy, Failure> {
    let path = Path::new(name);
    let is_file = path.is_file() || name.contains('/') || name.ends_with(".yaml");
    let read = if is_file { Policy::load(path) } else { Policy::shipped(name) };
    let playbook = read.map_err(|error| Failure::of(Exit::Usage, "read the playbook", error))?;
    checked(playbook, &format!("playbook {name} cannot be used"))
}

/// Refuses a playbook with problems, with all of them.
fn checked(playbook: Policy, refusal: &str) -> Result<Policy, Failure> {
    let problems = playbook.check();
    if problems.is_empty() {
        return Ok(playbook);
    }
    let list: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    Err(Failure::usage(format!("{refusal}:{}", list.concat())))
}

/// Returns the last snapshot, or says how to take one.
fn latest_snapshot(journal: &Journal) -> Result<Snapshot, Failure> {
    journal
        .latest_snapshot()
        .map_err(|error| Failure::journal("read the snapshot", error))?
        .ok_or_else(|| {
            Failure::usage("there is no snapshot yet")
                .hinted("take one with `studio-migrate inventory`")
        })
}

/// Returns the snapshot that is asked for, or the last one, and says whose snapshots that leaves aside.
fn chosen_snapshot(
    context: &Context,
    journal: &Journal,
    id: Option<&SnapshotId>,
) -> Result<Snapshot, Failure> {
    let failed = |error| Failure::journal("read the snapshot", error);
    let chosen = match id {
        Some(id) => journal.snapshot(id).map_err(failed)?,
        None => latest_snapshot(journal)?,
    };
    let owner = journal.owner().map_err(failed)?;
    if !owner.is_some_and(|owner| owner.contains(", ")) {
        return Ok(chosen);
    }
    let account = chosen.account.clone().unwrap_or_default();
    let here = (account, chosen.region.clone().unwrap_or_default());
    let mut others = std::collections::BTreeMap::new();
    for kept in journal.snapshots().map_err(failed)? {
        others.insert((kept.account, kept.region), kept.id);
    }
    others.remove(&(here.0.to_string(), here.1.to_string()));
    for ((account, region), id) in others {
        context.ui.warning(format_args!(
            "this is about account {} in {}; account {account} in {region} is in snapshot {id}: give --snapshot {id} for it",
            here.0, here.1
        ));
    }
    Ok(chosen)
}

/// Reads a table of people.
fn table_of_people(path: &Path) -> Result<crate::inventory::Table, Failure> {
    let what = format!("read the table of people {}", path.display());
    let text = spreadsheet(path, &what)?;
    crate::inventory::Table::parse(&text).map_err(|error| Failure::of(Exit::Usage, what, error))
}

/// Reads the text of a file that a spreadsheet wrote.
fn spreadsheet(path: &Path, what: &str) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::of(Exit::Usage, what, error))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Failure::usage(format!("{} is in UTF-16", path.display()))
            .hinted("save it as \"CSV UTF-8\""));
    }
    String::from_utf8(bytes).map_err(|error| {
        let text = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + text.iter().filter(|byte| **byte == b'\n').count();
        let message = format!("failed to {what}: line {line} holds a character that is no UTF-8");
        Failure::usage(message).hinted("save it as \"CSV UTF-8\"")
    })
}

/// Writes data as indented JSON.
fn json(data: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(data)
        .map_err(|error| Failure::of(Exit::Unexpected, "write JSON", error))
}

/// Writes a file, making its folder when it is not there.
fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)
    };
    write().map_err(|error| Failure::of(Exit::Usage, format!("write {}", path.display()), error))
}

/// Writes a table that people fill in. One that is there and says something else may be filled in already, and is left.
fn write_table(path: &Path, text: &str) -> Result<(), Failure> {
    match std::fs::read(path) {
        Ok(there) if there != text.as_bytes() => Err(Failure::usage(format!(
            "{} is already there, and says something else",
            path.display()
        ))
        .hinted(
            "name another file, or move that one away: what somebody filled in is not written over",
        )),
        _ => write_file(path, text),
    }
}

/// Makes a table as wide as the terminal, or as a page where there is none.
fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.set_width(PAGE);
    }
    table.set_header(header);
    table
}

/// Writes a number of things for people: `1 domain`, `12 domains`.
fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Writes a number of bytes for people.
fn bytes(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
