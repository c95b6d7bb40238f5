//! Where each orphan home is, folded from the events of the journal: what was proven last stands, and what failed since is told
//! beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::found::Orphan;
use crate::execute::standing::kind::UNDO_FINISHED;
use crate::execute::step::Step;
use crate::inventory::Home;
use crate::journal::{Error, Event, Journal};
use crate::mover::{Class, Totals};
use crate::names::{MigrationId, PlanId, counted, to_the_second};

/// The kinds of events about orphans. None is part of anybody's standing.
pub(in crate::execute) mod kind {
    /// A home is about to be packed.
    pub const ARCHIVING: &str = "orphan-archiving";
    /// A home is archived, and was read back; the detail is an [`super::Archived`].
    pub const ARCHIVED: &str = "orphan-archived";
    /// A home could not be archived, or not proven.
    pub const NOT_ARCHIVED: &str = "orphan-not-archived";
    /// A home is about to be delivered to somebody.
    pub const ASSIGNING: &str = "orphan-assigning";
    /// A home is in somebody's space, proven; the detail is a [`super::Delivered`].
    pub const ASSIGNED: &str = "orphan-assigned";
    /// A home could not be delivered.
    pub const NOT_ASSIGNED: &str = "orphan-not-assigned";
    /// What crossed the bucket for a home that was delivered is deleted, and nothing of the delivery is left.
    pub const ASSIGN_ENDED: &str = "orphan-assign-ended";
    /// What a delivery that nobody wanted any more needed is taken away, and put back.
    pub const ASSIGN_GIVEN_UP: &str = "orphan-assign-given-up";
}

/// A home in the archive, as it was proven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// The orphan, `fs-…/200005`.
    pub orphan: String,
    /// `s3://bucket/prefix/fs-…/200005`.
    pub to: String,
    /// What was read on the file system, and read back from the archive.
    pub totals: Totals,
    /// How many entries were not archived, by reason class.
    pub not_copied: BTreeMap<String, u64>,
    /// The first of them by name: path and reason; the manifest has all.
    pub not_copied_named: Vec<(String, String)>,
    /// Bytes of the archive.
    pub stored_bytes: u64,
    /// The manifest, kept beside the journal.
    pub manifest_file: PathBuf,
    /// Its BLAKE3.
    pub manifest_blake3: String,
}

/// A home in somebody's space, as it was proven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The orphan, `fs-…/200005`.
    pub orphan: String,
    /// The space that it is in.
    pub space: String,
    /// The folder under that space's home.
    pub folder: String,
    /// What was packed, and read back from the volume.
    pub totals: Totals,
    /// How many entries were not delivered, by reason class.
    pub not_copied: BTreeMap<String, u64>,
    /// The first of them by name: path and reason; the manifests have all.
    pub not_copied_named: Vec<(String, String)>,
    /// The manifest, kept beside the journal.
    pub manifest_file: PathBuf,
    /// Its BLAKE3.
    pub manifest_blake3: String,
}

/// A delivery that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Begun {
    /// When, RFC 3339.
    pub at: String,
    /// Under which plan.
    pub plan: Option<PlanId>,
    /// The folder under the space's home that it goes into.
    pub folder: String,
    /// The number of the delivery.
    #[serde(skip)]
    pub copy: Option<u32>,
    /// Whether it is done, but for deleting what crossed the bucket.
    pub is_delivered: bool,
    /// Whether the space was given up since.
    #[serde(skip)]
    pub is_unwound: bool,
}

/// What is known of one orphan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Whereabouts {
    /// When and where it was archived.
    pub archived: Option<(String, Archived)>,
    /// When, to whom and where it was delivered.
    pub delivered: Option<(String, MigrationId, Delivered)>,
    /// To whom else it was delivered before, and where: it is with them until they delete it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<(MigrationId, Delivered)>,
    /// To whom a delivery was begun that has not ended, and when and under which plan.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub under_way: BTreeMap<MigrationId, Begun>,
    /// What failed since.
    pub trouble: Option<String>,
    /// Why it was not archived, and why not delivered, since that was done last: the one says nothing of the other.
    #[serde(skip)]
    not_done: [Option<String>; 2],
    /// When it was begun to be archived, and delivered, last.
    #[serde(skip)]
    begun: [Option<String>; 2],
}

impl Whereabouts {
    /// Says where it is, in words, and whether an inventory of `seen_at` saw it changed since; `None` where nothing was done.
    pub fn words(&self, orphan: &Orphan, seen_at: &str) -> Option<String> {
        let mut said = Vec::new();
        if let Some((_, one)) = &self.archived {
            said.push(format!("archived at {}, {}", one.to, proof(&one.totals, &one.not_copied)));
        }
        if let Some((_, to, one)) = &self.delivered {
            said.push(format!(
                "delivered to {to}, in ~/{} of space {}, {}",
                one.folder,
                one.space,
                proof(&one.totals, &one.not_copied)
            ));
        }
        for (to, one) in &self.also {
            said.push(format!(
                "delivered to {to} before, in ~/{} of space {}",
                one.folder, one.space
            ));
        }
        if let Some(seen) = orphan.home.as_ref().and_then(|home| self.changed(home, seen_at)) {
            said.push(seen);
        }
        if let Some(trouble) = &self.trouble {
            said.push(format!("NOT done: {trouble}"));
        }
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// Says what an inventory saw of the home on the file system that is not in the archive, or with whom it was delivered to.
    fn changed(&self, home: &Home, seen_at: &str) -> Option<String> {
        let time = |text: &str| text.parse::<Timestamp>().ok();
        let seen = time(seen_at)?;
        // A time that lies ahead says nothing about when the file was written, and hides every other.
        let newest = home.newest.as_deref().and_then(time).filter(|newest| *newest <= seen);
        let is_newer = |begun: &Option<String>| {
            let begun = begun.as_deref().and_then(time);
            begun.is_some_and(|begun| begun < seen && newest.is_some_and(|newest| newest > begun))
        };
        let is_other = self.archived.as_ref().is_some_and(|(at, one)| {
            time(at).is_some_and(|at| at < seen)
                && one.not_copied.keys().all(|class| class == Class::Special.word())
                && (one.totals.files, one.totals.symlinks) != (home.files, home.symlinks)
        });
        let is_archive_old = self.archived.is_some() && (is_other || is_newer(&self.begun[0]));
        let is_delivery_old = self.delivered.is_some() && is_newer(&self.begun[1]);
        let again = match (is_archive_old, is_delivery_old) {
            (false, false) => return None,
            (true, false) => "`orphans archive --again`",
            (false, true) => "`orphans assign --again`",
            (true, true) => "`orphans archive --again` and `orphans assign --again`",
        };
        Some(format!(
            "CHANGED since on the file system, as the inventory of {} saw it ({}); as it is now it goes there with {again}",
            to_the_second(seen_at),
            counted(home.files, "file", "files")
        ))
    }
}

fn proof(totals: &Totals, not_copied: &BTreeMap<String, u64>) -> String {
    let left: Vec<_> = not_copied.iter().map(|(class, count)| format!("{count} {class}")).collect();
    let left = match left.as_slice() {
        [] => String::new(),
        left => format!(", not copied: {}", left.join(", ")),
    };
    let digest = totals.digest.get(..12).unwrap_or(&totals.digest);
    format!("proven: {}, digest {digest}{left}", counted(totals.files, "file", "files"))
}

/// Returns what is known of every orphan that something was done about, by its name.
///
/// # Errors
/// The journal cannot be read.
pub fn whereabouts(journal: &Journal) -> Result<BTreeMap<String, Whereabouts>, Error> {
    let kinds = [
        kind::ARCHIVING,
        kind::ARCHIVED,
        kind::NOT_ARCHIVED,
        kind::ASSIGNING,
        kind::ASSIGNED,
        kind::NOT_ASSIGNED,
        kind::ASSIGN_ENDED,
        kind::ASSIGN_GIVEN_UP,
    ];
    let mut events = Vec::new();
    for kind in kinds {
        events.extend(journal.events_of_kind(kind)?);
    }
    events.sort_by_key(|event| event.sequence);
    let mut all: BTreeMap<String, Whereabouts> = BTreeMap::new();
    for event in events {
        let Some(orphan) = text(&event, "orphan") else { continue };
        follow(all.entry(orphan).or_default(), event, journal)?;
    }
    Ok(all)
}

fn follow(one: &mut Whereabouts, event: Event, journal: &Journal) -> Result<(), Error> {
    let ends = [kind::ASSIGN_ENDED, kind::ASSIGN_GIVEN_UP];
    if let Some(to) = event.migration.as_ref().filter(|_| ends.contains(&event.kind.as_str())) {
        one.under_way.remove(to);
    }
    match event.kind.as_str() {
        kind::ARCHIVED => {
            one.not_done[0] = None;
            one.archived = serde_json::from_value(event.detail).ok().map(|said| (event.at, said));
        }
        kind::ASSIGNED => {
            let Some(to) = event.migration.clone() else { return Ok(()) };
            one.not_done[1] = None;
            if let Some(begun) = one.under_way.get_mut(&to) {
                begun.is_delivered = true;
            }
            if was_unwound(journal, &to, event.sequence)? {
                one.not_done[1] = Some(format!(
                    "{to} was rolled back after it had been delivered: run it again, and assign it again"
                ));
            } else {
                let said = serde_json::from_value(event.detail).ok();
                if let Some((_, before, there)) = one.delivered.take()
                    && before != to
                {
                    one.also.push((before, there));
                }
                one.also.retain(|(before, _)| *before != to);
                one.delivered = said.map(|said| (event.at, to, said));
            }
        }
        kind::NOT_ARCHIVED => one.not_done[0] = text(&event, "why"),
        kind::ARCHIVING => one.begun[0] = Some(event.at),
        kind::ASSIGNING => {
            one.begun[1] = Some(event.at.clone());
            let Some(to) = event.migration.clone() else { return Ok(()) };
            let begun = Begun {
                folder: text(&event, "folder").unwrap_or_default(),
                copy: event.detail["copy"].as_u64().and_then(|copy| u32::try_from(copy).ok()),
                is_delivered: false,
                is_unwound: was_unwound(journal, &to, event.sequence)?,
                at: event.at,
                plan: event.plan,
            };
            one.under_way.insert(to, begun);
        }
        kind::NOT_ASSIGNED | kind::ASSIGN_GIVEN_UP => one.not_done[1] = text(&event, "why"),
        _ => {}
    }
    let begun = one.under_way.iter().map(|(to, begun)| match begun.is_delivered {
        true => format!("what crossed the bucket on its way to {to} is not deleted yet: `orphans assign` does that"),
        false => format!(
            "its delivery to {to}, begun at {}, has not ended: `orphans assign` goes on with it, or ends it where its table says otherwise",
            to_the_second(&begun.at)
        ),
    });
    let troubles: Vec<_> = one.not_done.iter().flatten().cloned().chain(begun).collect();
    one.trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
    Ok(())
}

/// Tells whether the space of a migration was given up after an event: with the space goes what was delivered into it. A
/// rollback that kept the space has not asked for its end.
fn was_unwound(journal: &Journal, migration: &MigrationId, since: i64) -> Result<bool, Error> {
    let mut events = journal.events_of(migration)?;
    events.retain(|event| event.sequence > since);
    let is_undone = |event: &Event| {
        event.kind == UNDO_FINISHED && event.step.as_deref() == Some(Step::Provision.name())
    };
    let is_deletion =
        |event: &Event| event.kind == "call" && event.detail["operation"] == "DeleteSpace";
    Ok(events.iter().any(is_undone) && events.iter().any(is_deletion))
}

fn text(event: &Event, name: &str) -> Option<String> {
    event.detail.get(name).and_then(Value::as_str).map(str::to_owned)
}
