//! What is said of orphans: as data, and as the table that is filled in to assign them.

use serde::Serialize;

use crate::cli::Failure;
use crate::execute::{Archive, Orphan, Whereabouts, orphan_systems, orphans, whereabouts};
use crate::inventory::{CSV_BOM, Snapshot, csv_line};
use crate::journal::Journal;
use crate::plan::Plan;
use crate::report::OrphanFacts;

/// What is said of all of them.
#[derive(Debug, Serialize)]
pub(in crate::cli::command) struct Told {
    schema: u32,
    /// The snapshot that it is told from, and when that was taken.
    snapshot: Option<String>,
    taken_at: String,
    pub(in crate::cli::command) orphans: Vec<OrphanTold>,
    /// File systems whose domain is gone.
    pub(super) file_systems: Vec<SystemTold>,
}

/// What is said of one.
#[derive(Debug, Serialize)]
pub(in crate::cli::command) struct OrphanTold {
    pub(super) name: String,
    file_system: String,
    uid: String,
    domain: Option<String>,
    is_domain_gone: bool,
    pub(super) files: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) newest: Option<String>,
    /// Where it is, in words.
    pub(super) is: String,
    whereabouts: Whereabouts,
}

/// A file system whose domain is gone.
#[derive(Debug, Serialize)]
pub(super) struct SystemTold {
    pub(super) id: String,
    pub(super) domain: Option<String>,
    pub(super) bytes: u64,
    pub(super) homes: usize,
}

impl OrphanTold {
    /// The same as a report has it.
    pub(in crate::cli::command) fn facts(self) -> OrphanFacts {
        let Whereabouts { archived, delivered, trouble, .. } = self.whereabouts;
        OrphanFacts {
            name: self.name,
            domain: self.domain,
            files: self.files,
            bytes: self.bytes,
            archived_to: archived.map(|(_, one)| one.to),
            delivered_to: delivered.map(|(_, to, _)| to.to_string()),
            not_done: trouble,
            is: self.is,
        }
    }

    pub(super) fn domain_said(&self) -> String {
        let domain = self.domain.as_deref().unwrap_or("—");
        if self.is_domain_gone { format!("{domain} (gone)") } else { domain.to_owned() }
    }
}

/// Puts together what the inventory saw and what the journal knows.
pub(in crate::cli::command) fn told(
    journal: &Journal,
    snapshot: &Snapshot,
    plan: Option<&Plan>,
) -> Result<Told, Failure> {
    let failed = |error| Failure::journal("read where orphans are", error);
    let mut known = whereabouts(journal).map_err(failed)?;
    let archive = plan.and_then(archive);
    let mut rows: Vec<OrphanTold> = orphans(snapshot)
        .into_iter()
        .map(|orphan| {
            let whereabouts = known.remove(&orphan.name()).unwrap_or_default();
            row(orphan, whereabouts, &snapshot.taken_at, archive.as_ref())
        })
        .collect();
    // What was archived stays where it is, whatever a later inventory sees.
    rows.extend(known.into_iter().map(|(name, whereabouts)| {
        row(Orphan::called(&name), whereabouts, &snapshot.taken_at, archive.as_ref())
    }));
    let file_systems = orphan_systems(snapshot)
        .into_iter()
        .map(|system| SystemTold {
            id: system.id.to_string(),
            domain: system.domain.as_ref().map(ToString::to_string),
            bytes: system.bytes.total,
            homes: system.orphan_homes.len(),
        })
        .collect();
    Ok(Told {
        schema: 1,
        snapshot: snapshot.id.as_ref().map(ToString::to_string),
        taken_at: snapshot.taken_at.clone(),
        orphans: rows,
        file_systems,
    })
}

/// Where the plan's playbook wants orphans archived.
pub(super) fn archive(plan: &Plan) -> Option<Archive> {
    let (bucket, prefix) = plan.playbook.orphans.place(&plan.account, &plan.region)?;
    Some(Archive { bucket, prefix, again: false })
}

fn row(
    orphan: Orphan,
    whereabouts: Whereabouts,
    seen_at: &str,
    archive: Option<&Archive>,
) -> OrphanTold {
    let is = whereabouts.words(&orphan, seen_at).unwrap_or_else(|| match archive {
        Some(archive) => format!(
            "on the file system alone; `orphans archive` packs it to {}",
            archive.place_of(&orphan)
        ),
        None => {
            "on the file system alone; the plan archives it nowhere (orphans.archive_to)".to_owned()
        }
    });
    OrphanTold {
        name: orphan.name(),
        file_system: orphan.file_system.to_string(),
        uid: orphan.uid.to_string(),
        domain: orphan.domain.map(|domain| domain.to_string()),
        is_domain_gone: orphan.is_domain_gone,
        files: orphan.home.as_ref().map(|home| home.files),
        bytes: orphan.home.as_ref().map(|home| home.bytes),
        newest: orphan.home.and_then(|home| home.newest),
        is,
        whereabouts,
    }
}

/// Writes the table to fill in: `domain` and `profile` are for whom it goes to, and are empty.
pub(super) fn csv(told: &Told) -> String {
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line([
        "file_system",
        "uid",
        "domain",
        "profile",
        "files",
        "bytes",
        "newest",
        "of_domain",
        "is",
    ]));
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    for one in &told.orphans {
        table.push_str(&csv_line([
            one.file_system.clone(),
            one.uid.clone(),
            String::new(),
            String::new(),
            number(one.files),
            number(one.bytes),
            one.newest.clone().unwrap_or_default(),
            one.domain.clone().unwrap_or_default(),
            one.is.clone(),
        ]));
    }
    table
}
