//! A ticket carried out inside a space: copy, prove, and say so in a [`Done`].

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use super::conflicts::Conflicts;
use super::copy::{Copied, Order, copy_with};
use super::entry::Entry;
use super::error::Error;
use super::gone::Spares;
use super::meter::Meter;
use super::path::escape;
use super::reread::reread;
use super::rules::Rules;
use super::ticket::{Done, Evidence, Phase, Progress, Ticket};
use super::{kept, manifest, room};
use crate::playbook::{Conflict, LeaveOut};

/// Where a Classic home is mounted below a space's home.
pub const MOUNT: &str = "user-default-efs";

/// What the migration keeps below a space's home.
pub const OWN: &str = ".studio-migrate";

/// What AWS leaves in place of a mount that failed.
const ERROR_FILE: &str = "error.txt";

/// Bytes of that file that are repeated.
const LONGEST_ERROR: usize = 2000;

/// Entries that an error names.
pub(super) const NAMED: usize = 5;

/// Copies the Classic home at `source` into the space's `home` as a ticket says, and proves it. Never fails: what went wrong
/// is in [`Done::error`].
///
/// Returns the manifest too, compressed as it is to be stored, once there is one.
pub fn deliver_locally(
    ticket: &Ticket,
    home: &Path,
    source: &Path,
    report: &(dyn Fn(&Progress) + Sync),
) -> (Done, Option<Vec<u8>>) {
    deliver(ticket, home, source, report, &AtomicBool::new(false))
}

/// The same, with a way to stop it.
pub fn deliver(
    ticket: &Ticket,
    home: &Path,
    source: &Path,
    report: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> (Done, Option<Vec<u8>>) {
    let meter = Meter::new(report, stop);
    let mut done = begun(ticket);
    let mut stored = None;
    let carried = carry_out(ticket, home, source, &meter, (&mut done, &mut stored));
    meter.begin(Phase::Finished, 0, 0);
    concluded(&mut done, carried);
    (done, stored)
}

/// The beginning of a last word.
pub(super) fn begun(ticket: &Ticket) -> Done {
    Done {
        schema: 1,
        migration: ticket.migration.clone(),
        space: ticket.space.clone(),
        attempt: Some(ticket.attempt),
        started_at: jiff::Timestamp::now().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Done::default()
    }
}

/// Its end: when, and what went wrong.
pub(super) fn concluded(done: &mut Done, carried: Result<(), Failure>) {
    if let Err(failure) = carried {
        if let Failure::Mover(Error::NoRoom { needs, .. }) = failure {
            done.needs_bytes = Some(needs);
        }
        done.error = Some(failure.words());
    }
    done.ended_at = jiff::Timestamp::now().to_string();
}

/// Why a ticket was not carried out.
pub(super) enum Failure {
    Words(String),
    Mover(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Mover(error)
    }
}

impl Failure {
    /// Keeps nothing of an error but what it and its causes say.
    pub(super) fn words_of(error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        Self::Words(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }

    fn words(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Mover(error) => Self::words_of(error).words(),
        }
    }
}

fn carry_out(
    ticket: &Ticket,
    home: &Path,
    source: &Path,
    meter: &Meter<'_>,
    (done, stored): (&mut Done, &mut Option<Vec<u8>>),
) -> Result<(), Failure> {
    let order = order(ticket, home, source)?;
    if let Some(blake3) = &ticket.rereads {
        let list = earlier(home, blake3)?;
        done.reread = Some(reread(&order.destination, &list, meter)?);
        done.evidence = evidence(&order.destination, &order.destination);
        return Ok(());
    }
    is_mounted(home, source)?;
    let mut writer = manifest::Writer::new(Vec::new())?;
    let mut conflicts = Conflicts::of(ticket, order.since.as_deref());
    let mut give = |entry: Entry| {
        conflicts.note(&entry);
        writer.add(&entry)
    };
    let copied = copy_with(&order, &mut give, meter)?;
    let evidence = evidence(&order.destination, source);
    let has_to_be_whole = order.conflict == Conflict::Refuse;
    Carried { writer, conflicts, copied, has_to_be_whole }.prove(evidence, (done, stored))
}

/// A home that has arrived, with the list of it.
pub(super) struct Carried {
    pub(super) writer: manifest::Writer<Vec<u8>>,
    pub(super) conflicts: Conflicts,
    pub(super) copied: Copied,
    /// Whether what is in the way of anything fails the delivery.
    pub(super) has_to_be_whole: bool,
}

impl Carried {
    /// Writes down what arrived and what was read back of it; what differs is an error, and so is what is in the way where all has to arrive.
    pub(super) fn prove(
        self,
        evidence: Evidence,
        (done, stored): (&mut Done, &mut Option<Vec<u8>>),
    ) -> Result<(), Failure> {
        let Self { writer, conflicts, copied, has_to_be_whole } = self;
        let (bytes, totals, not_copied) = writer.finish()?;
        let verified = copied.proof.unwrap_or_default();
        done.source = totals;
        done.not_copied = not_copied;
        done.destination = verified.totals;
        done.evidence = evidence;
        done.manifest_blake3 = blake3::hash(&bytes).to_hex().to_string();
        done.manifest_bytes = bytes.len() as u64;
        *stored = Some(bytes);
        if verified.differing > 0 || done.source != done.destination {
            let named =
                verified.differences.into_iter().map(|(path, what)| format!("`{path}`: {what}"));
            let named = listed(named.take(NAMED).collect(), verified.differing);
            let words = format!("{DIFFERS}: {named}");
            return Err(Failure::Words(words));
        }
        if has_to_be_whole && conflicts.are_some() {
            return Err(Failure::Words(conflicts.words()));
        }
        Ok(())
    }
}

pub(super) fn listed(named: Vec<String>, all: u64) -> String {
    let more = all.saturating_sub(named.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

pub(super) fn order(ticket: &Ticket, home: &Path, source: &Path) -> Result<Order, Failure> {
    let folder = Path::new(&ticket.folder);
    if !folder.components().all(|component| matches!(component, Component::Normal(_))) {
        return Err(Failure::Words(format!(
            "the folder `{}` does not lie in the home",
            ticket.folder
        )));
    }
    // Reading again writes nothing, and its owner may have moved the folder since.
    if ticket.rereads.is_none() {
        refuse_links(home, folder)?;
    }
    let conflict = match ticket.conflict.as_str() {
        "refuse" => Conflict::Refuse,
        "keep-both" => Conflict::KeepBoth,
        "source-wins" => Conflict::SourceWins,
        "newer-wins" => Conflict::NewerWins,
        other => return Err(Failure::Words(format!("`{other}` is no way to handle conflicts"))),
    };
    let rules = ticket
        .leave_out
        .iter()
        .map(|(pattern, reason)| LeaveOut { pattern: pattern.clone(), reason: reason.clone() });
    let brought = ticket.brought.as_deref().and_then(|hash| kept::find(home, hash));
    let since = match brought {
        Some(brought) => Some(brought),
        None => ticket.earlier.as_deref().map(|hash| earlier(home, hash)).transpose()?,
    };
    Ok(Order {
        source: source.to_owned(),
        destination: if ticket.folder.is_empty() { home.to_owned() } else { home.join(folder) },
        rules: Rules::new(rules.collect())?,
        conflict,
        keep_out: vec![home.join(OWN), home.join(MOUNT)],
        proves: true,
        // Where the list that is named is gone, nothing is removed by what is left of others.
        deletes: ticket.deletes && (since.is_some() || ticket.brought.is_none()),
        // What changes between two passes is followed; what changed since a move that was taken back may be of another mind.
        spares: if ticket.brought.is_some() { Spares::Cleared } else { Spares::Emptied },
        since,
        hints: kept::latest(home).filter(|_| !ticket.is_beside),
        written: Some(kept::written(home)).filter(|_| !ticket.is_beside),
        ..Order::default()
    })
}

/// Makes sure that the way from a space's home to the folder leads over folders only: a link may lead into the Classic home, or
/// out of the volume, and what is written through it is not where the proof says.
fn refuse_links(home: &Path, folder: &Path) -> Result<(), Failure> {
    let mut at = home.to_owned();
    for step in folder.components() {
        at.push(step);
        // What cannot be looked at cannot be made either, and whoever makes it says why.
        let Ok(there) = at.symlink_metadata() else { return Ok(()) };
        let name = escape(at.strip_prefix(home).unwrap_or(&at).as_os_str().as_bytes());
        if there.is_symlink() {
            let target = std::fs::read_link(&at).unwrap_or_default();
            let target = escape(target.as_os_str().as_bytes());
            return Err(Failure::Words(format!(
                "`~/{name}` is a link to `{target}`, and nothing is written through a link: have the space's owner remove or rename the link (`rm ~/{name}` leaves what it leads to), and try again"
            )));
        }
        if !there.is_dir() {
            return Err(Failure::Words(format!(
                "`~/{name}` is no folder: have the space's owner rename it, and try again"
            )));
        }
    }
    Ok(())
}

/// Finds the manifest of the earlier pass that a ticket names.
fn earlier(home: &Path, blake3: &str) -> Result<PathBuf, Failure> {
    kept::find(home, blake3).ok_or_else(|| {
        Failure::Words(
            "the list of what the earlier pass copied is gone from the volume".to_owned(),
        )
    })
}

/// How the word begins of a copy that is not what was read.
pub const DIFFERS: &str = "what was read back differs from the home";

/// How the word begins of a copy that found no Classic home: whoever reads the report tells the way out by it.
pub const NOT_MOUNTED: &str = "the Classic home is not mounted";

/// Makes sure that the Classic home is there, and not what AWS leaves when mounting fails: a folder with `error.txt`.
fn is_mounted(home: &Path, source: &Path) -> Result<(), Failure> {
    let missing = |why: &str| Failure::Words(format!("{NOT_MOUNTED}: {why}"));
    let is_link = source.is_symlink();
    if !source.is_dir() {
        return Err(missing(if is_link {
            "the link to it leads nowhere"
        } else {
            "it is missing"
        }));
    }
    let text = std::fs::read(source.join(ERROR_FILE));
    match text {
        Ok(text) if !is_link && !room::is_mounted_below(source, home) => {
            let text =
                String::from_utf8_lossy(&text[..text.len().min(LONGEST_ERROR)]).trim().to_owned();
            Err(missing(&text))
        }
        _ => Ok(()),
    }
}

/// Asks the system where the two directories are.
pub(super) fn evidence(destination: &Path, source: &Path) -> Evidence {
    let (device, fstype) = find_mount(destination);
    let (source_device, _) = find_mount(source);
    Evidence { device, fstype, df: said("df", &["-h"], destination), source_device }
}

fn find_mount(directory: &Path) -> (String, String) {
    let said = said("findmnt", &["-n", "-o", "SOURCE,FSTYPE", "-T"], directory);
    // The last of several mounts over one another is the one that is seen.
    let line = said.lines().last().unwrap_or_default().trim();
    let (device, fstype) = line.rsplit_once(char::is_whitespace).unwrap_or((line, ""));
    (device.trim().to_owned(), fstype.to_owned())
}

/// Returns what a program prints about a directory; nothing when it cannot be run, and the proof then lacks it.
fn said(program: &str, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(directory).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
