//! `report --evidence`: a folder of proof for everyone of the plan, and an index of all of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::folder::Folder;
use crate::cli::{Context, Exit, Failure};
use crate::execute::{Standing, Step, keeping};
use crate::journal::{Event, Journal, exported_line};
use crate::mover::manifest;
use crate::names::MigrationId;
use crate::plan::{Batch, Migration, Plan};
use crate::report::Report;
use crate::report::evidence::{KeptManifest, LeftOutTable, Origin, calls, proof, settings};

/// The manifest in a person's folder.
const MANIFEST: &str = "manifest.jsonl.zst";

/// The manifest of a packed home there.
const PACKED: &str = "packed.jsonl.zst";

/// What was written.
pub(super) struct Evidence {
    /// Everyone's folder, from the root.
    pub(super) folders: BTreeMap<MigrationId, String>,
    /// Whose proof is not complete, and why.
    pub(super) incomplete: Vec<(MigrationId, String)>,
}

/// Writes the evidence of everyone of a plan into a new folder.
pub(super) fn write(
    context: &Context,
    root: &Path,
    journal: &Journal,
    plan: &Plan,
    report: &Report,
) -> Result<Evidence, Failure> {
    let begun = Folder::begin(root).map_err(|error| {
        Failure::of(Exit::Usage, format!("begin the evidence in {}", root.display()), error).hinted(
            "name a folder that is not there yet: evidence is never mixed with what is there",
        )
    })?;
    let mut writing = Writing { journal, plan, folder: begun };
    let mut evidence = Evidence { folders: BTreeMap::new(), incomplete: Vec::new() };
    for (batch, migration) in plan.migrations() {
        let path =
            format!("{}/{}", safe(migration.domain.as_str()), safe(migration.name().as_str()));
        let why = writing.person(batch, migration, &path)?;
        evidence.folders.insert(migration.id.clone(), path);
        evidence.incomplete.extend(why.map(|why| (migration.id.clone(), why)));
    }
    let about = about(journal, plan, report, &evidence)?;
    writing.folder.seal(about).map_err(|error| unwritten(root, error))?;
    for (id, why) in &evidence.incomplete {
        context.ui.warning(format_args!("the evidence of {id} is not complete: {why}"));
    }
    Ok(evidence)
}

/// What the index says besides the files.
fn about(
    journal: &Journal,
    plan: &Plan,
    report: &Report,
    evidence: &Evidence,
) -> Result<Value, Failure> {
    let operations = journal.operations().map_err(|error| Failure::journal("read it", error))?;
    let operations: Vec<Value> = operations
        .into_iter()
        .map(|one| {
            json!({
                "number": one.id.0, "command": one.command, "caller": one.caller, "os_user": one.os_user,
                "host": one.host, "began_at": one.began_at, "ended_at": one.ended_at, "exit": one.exit,
            })
        })
        .collect();
    Ok(json!({
        "made_at": report.made_at,
        "tool_version": report.tool_version,
        "account": plan.account,
        "region": plan.region,
        "plan": plan.id,
        "approvals": report.approvals,
        "audit": report.audit,
        "operations": operations,
        "incomplete": evidence.incomplete,
    }))
}

struct Writing<'a> {
    journal: &'a Journal,
    plan: &'a Plan,
    folder: Folder,
}

impl Writing<'_> {
    /// Writes one person's folder, and returns why the proof is not complete, where it should be.
    fn person(
        &mut self,
        batch: &Batch,
        migration: &Migration,
        path: &str,
    ) -> Result<Option<String>, Failure> {
        let events = self
            .journal
            .events_of(&migration.id)
            .map_err(|error| Failure::journal("read the journal", error))?;
        let standing = Standing::of(&events)
            .map_err(|error| Failure::of(Exit::Unexpected, "read the journal", error))?;
        let failed = |error| unwritten(Path::new(path), error);
        let receipt = standing.receipt(Step::Verify);
        let kept = self.manifest(migration, receipt, path).map_err(failed)?;
        let packed = self.packed(migration, receipt, path).map_err(failed)?;
        self.left_out(path, receipt, &kept, packed.as_ref()).map_err(failed)?;
        let of = (batch, migration);
        let proof = proof(self.plan, of, &standing, &kept, packed.as_ref());
        let files = [
            ("proof.json", format!("{}\n", super::super::json(&proof)?)),
            ("settings.json", format!("{}\n", super::super::json(&settings(&events, &standing))?)),
            ("calls.jsonl", calls(&events)),
            ("events.jsonl", lines(&events)),
        ];
        for (name, text) in files {
            self.folder.write(&format!("{path}/{name}"), &text).map_err(failed)?;
        }
        // Whoever is not proven yet has no manifest, and misses none.
        Ok(receipt.and_then(|_| {
            [Some(kept), packed].into_iter().flatten().find_map(|kept| match kept {
                KeptManifest::Missing(why) => Some(why),
                KeptManifest::File(_) => None,
            })
        }))
    }

    fn manifest(
        &mut self,
        migration: &Migration,
        receipt: Option<&Value>,
        path: &str,
    ) -> io::Result<KeptManifest> {
        let Some(receipt) = receipt else {
            return Ok(KeptManifest::Missing(
                "the copy is not proven, or was taken back".to_owned(),
            ));
        };
        let place = keeping::place(self.journal.path(), migration);
        let place = keeping::found(place, path_in(receipt.get("manifest_file")));
        self.copy(&place, receipt.get("manifest_blake3"), &format!("{path}/{MANIFEST}"))
    }

    /// The manifest of a packed home; `None` where the home did not travel so.
    fn packed(
        &mut self,
        migration: &Migration,
        receipt: Option<&Value>,
        path: &str,
    ) -> io::Result<Option<KeptManifest>> {
        let Some(kept) = receipt.and_then(|receipt| receipt.get("left_where_packed")) else {
            return Ok(None);
        };
        let place = keeping::place_of_packed(self.journal.path(), migration);
        let place = keeping::found(place, path_in(Some(kept)));
        let hash = receipt.and_then(|receipt| receipt.get("left_where_packed_blake3"));
        self.copy(&place, hash, &format!("{path}/{PACKED}")).map(Some)
    }

    /// Copies a manifest into the folder, if it is the one that was proven.
    fn copy(&mut self, from: &Path, proven: Option<&Value>, to: &str) -> io::Result<KeptManifest> {
        let missing = |why: String| Ok(KeptManifest::Missing(why));
        let mut kept = match File::open(from) {
            Ok(kept) => kept,
            Err(error) => {
                let place = from.display();
                return missing(format!("the manifest at {place} cannot be read: {error}"));
            }
        };
        let (mut written, mut hash) = (self.folder.create(to)?, blake3::Hasher::new());
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = kept.read(&mut buffer)?;
            let some = buffer.get(..read).unwrap_or_default();
            if some.is_empty() {
                break;
            }
            hash.update(some);
            written.write_all(some)?;
        }
        let hash = hash.finalize().to_hex();
        // Receipts of earlier versions do not know the hash of what was packed; that list is then as good as its file.
        if let Some(proven) = proven.and_then(Value::as_str)
            && hash.as_str() != proven
        {
            drop(written);
            self.folder.drop_file(to)?;
            let place = from.display();
            return missing(format!(
                "the manifest at {place} is not the one that was proven: its BLAKE3 is {hash}, not {proven}"
            ));
        }
        self.folder.end(to, written)?;
        let name = to.rsplit('/').next().unwrap_or(to);
        Ok(KeptManifest::File(name.to_owned()))
    }

    /// Writes what was not copied: from the manifests where they are there, and otherwise what the receipt names.
    fn left_out(
        &mut self,
        path: &str,
        receipt: Option<&Value>,
        kept: &KeptManifest,
        packed: Option<&KeptManifest>,
    ) -> io::Result<()> {
        let to = format!("{path}/left-out.csv");
        let mut table = LeftOutTable::begin(self.folder.create(&to)?)?;
        let sources = [(Some(kept), Origin::Manifest), (packed, Origin::Packed)];
        for (kept, origin) in sources {
            let Some(KeptManifest::File(name)) = kept else { continue };
            let manifest = self.folder.open(&format!("{path}/{name}"))?;
            for entry in manifest::read(manifest).map_err(io::Error::other)? {
                if let Some((path, reason)) = entry.map_err(io::Error::other)?.not_copied() {
                    table.row(&path, &reason, origin)?;
                }
            }
        }
        if matches!(kept, KeptManifest::Missing(_))
            && let Some(named) = receipt.and_then(|receipt| receipt.get("not_copied_named"))
        {
            let named: Vec<(String, String)> = serde_json::from_value(named.clone())?;
            for (path, reason) in named {
                table.row(&path, &reason, Origin::Receipt)?;
            }
        }
        self.folder.end(&to, table.end())
    }
}

/// A path in a receipt.
fn path_in(receipt: Option<&Value>) -> Option<PathBuf> {
    receipt.and_then(Value::as_str).map(PathBuf::from)
}

fn lines(events: &[Event]) -> String {
    events.iter().map(|event| format!("{}\n", exported_line(event))).collect()
}

/// A name as a name of a folder, whatever it holds.
fn safe(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let mut safe = String::new();
    for byte in name.bytes() {
        if is_plain(byte) && !(safe.is_empty() && byte == b'.') {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02x}"));
        }
    }
    safe
}

fn unwritten(place: &Path, error: io::Error) -> Failure {
    Failure::of(Exit::Unexpected, format!("write the evidence {}", place.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(safe("anna-1"), "anna-1");
        assert_eq!(safe("space.team"), "space.team");
        assert_eq!(safe("../etc"), "%2e.%2fetc");
        assert_eq!(safe(".."), "%2e.");
        assert_eq!(safe("ö"), "%c3%b6");
    }
}
