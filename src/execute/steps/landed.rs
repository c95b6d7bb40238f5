//! Whether everything that a team's home holds now has landed in spaces, by the lists of what was packed of it and is proven there.
//!
//! People may have gone on working, and moved files from what one of them claims to what another does: each part is whole then, and
//! a file is in none. So the home is listed once more, and each of its files has to be in somebody's part by its name, size and
//! time. What a proof names as impossible to take counts as told, and what the playbook leaves out for nothing.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{keeping, packing, sharing_out, verify};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, chain};
use crate::execute::standing::Standing;
use crate::execute::step::Step;
use crate::mover::{self, Class, Entry, Kind, Rules, escape, manifest, scan_listing};
use crate::plan::{Migration, TeamPart};

/// Paths that are kept to find out whose they are; of more only the number is.
const KEPT: usize = 1000;

/// Paths that a failure names.
const NAMED: usize = 5;

/// What of a home is in nobody's space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Astray {
    /// How many files and links.
    pub(super) all: u64,
    /// The first of them, escaped.
    pub(super) named: Vec<String>,
    /// Whose part they are of now, as people are selected: a profile, or what the team's own part is called.
    pub(super) whose: BTreeSet<String>,
}

/// Looks at the home once more, and returns what of it is in none of these parts.
pub(super) async fn astray(
    cx: &Context,
    part: &TeamPart,
    parts: &[&Migration],
) -> Result<Astray, Failure> {
    let home = packing::home(cx).await?;
    let mut landed = Landed::default();
    for one in parts {
        let unread = |error: mover::Error| lost(one, &chain(&error));
        landed.add(&packed(cx, one)?).map_err(unread)?;
    }
    let rules = Rules::new(sharing_out::of_playbook(cx));
    let rules = rules.map_err(|error| Failure::new(chain(&error)))?;
    let (stop, place) = (Arc::<AtomicBool>::default(), home.clone());
    let asked = Arc::clone(&stop);
    let looking = async {
        let looking = move || look(&place, &landed, &rules, &asked);
        let looked = tokio::task::spawn_blocking(looking).await;
        let looked = looked.map_err(|error| Failure::new(error.to_string()))?;
        looked.map_err(|error| {
            Failure::new(format!("the home cannot be looked at: {}", chain(&error)))
        })
    };
    let (looked, was_asked) = cx.halt.stopping(&stop, looking).await;
    let (all, paths) = match looked {
        Err(_) if was_asked => return Err(Failure::halted()),
        looked => looked?,
    };
    let named = paths.iter().take(NAMED).map(|path| escape(path)).collect();
    let whose = if paths.is_empty() {
        BTreeSet::new()
    } else {
        let shares = sharing_out::look(part, &home).await?;
        let own = cx.migration.name().to_string();
        paths
            .iter()
            .map(|path| {
                let found = part.claims.iter().zip(&shares.each);
                let mut theirs = found.filter(|(_, share)| share.paths.have(path));
                theirs.next().map_or_else(|| own.clone(), |(claim, _)| claim.profile.to_string())
            })
            .collect()
    };
    Ok(Astray { all, named, whose })
}

/// The list of what was packed of a part, as it was when the part was proven.
fn packed(cx: &Context, part: &Migration) -> Result<Vec<u8>, Failure> {
    let events = cx.journal.events_of(&part.id)?;
    let standing = Standing::of(&events).map_err(|error| Failure::new(error.to_string()))?;
    let receipt = standing.receipt(Step::Verify).cloned().unwrap_or_default();
    let receipt: verify::Receipt =
        serde_json::from_value(receipt).map_err(|error| lost(part, &error.to_string()))?;
    let beside = keeping::place_of_packed(cx.journal.path(), part);
    let file = keeping::found(beside, receipt.left_where_packed);
    let list = std::fs::read(&file)
        .map_err(|error| lost(part, &format!("{}: {error}", file.display())))?;
    match receipt.left_where_packed_blake3 {
        Some(hash) if blake3::hash(&list).to_hex().as_str() != hash => {
            Err(lost(part, &format!("{} is another one", file.display())))
        }
        _ => Ok(list),
    }
}

fn lost(part: &Migration, why: &str) -> Failure {
    let name = part.name();
    let what = format!("the list of what was packed for {name} cannot be read");
    Failure::of_files(format!("{what}: {why}"), what).hinted(format!(
        "put it back where the journal is, or `studio-migrate rollback --user {name}` and `studio-migrate run --user {name}`"
    ))
}

/// What parts of a home have, a few bytes an entry.
#[derive(Debug, Default)]
struct Landed {
    /// Name, kind, size and time of each file and link.
    marks: HashSet<[u8; 16]>,
    /// What could not be taken, and is named in a proof.
    told: HashSet<Box<[u8]>>,
}

impl Landed {
    fn add(&mut self, list: &[u8]) -> Result<(), mover::Error> {
        for entry in manifest::read(list)? {
            let entry = entry?;
            match entry.skip.as_ref().map(|skip| skip.class) {
                None => {
                    self.marks.insert(mark(&entry));
                }
                Some(Class::Unreadable | Class::Special | Class::Unstorable) => {
                    self.told.insert(entry.path);
                }
                // What changed while it was read is nowhere, and what was left out is another's or nobody's.
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn has(&self, entry: &Entry) -> bool {
        self.marks.contains(&mark(entry)) || self.told.contains(&entry.path)
    }
}

fn mark(entry: &Entry) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&entry.path);
    // No path has a zero byte.
    hasher.update(&[0, u8::from(entry.kind == Kind::Symlink)]);
    hasher.update(&entry.size.to_le_bytes());
    hasher.update(&entry.mtime.0.to_le_bytes());
    hasher.update(&entry.mtime.1.to_le_bytes());
    let mut mark = [0; 16];
    hasher.finalize_xof().fill(&mut mark);
    mark
}

type Paths = Vec<Box<[u8]>>;

/// Lists a home, and returns how many of its files and links are in no part, and the first of them.
fn look(
    home: &Path,
    landed: &Landed,
    rules: &Rules,
    stop: &AtomicBool,
) -> Result<(u64, Paths), mover::Error> {
    let mut left_out: HashSet<Box<[u8]>> = HashSet::new();
    let (mut all, mut paths) = (0, Vec::new());
    let mut keep = |entry: Entry| {
        let is_folder = entry.kind == Kind::Directory;
        // A folder comes before what is below it.
        let is_left_out = above(&entry.path).any(|folder| left_out.contains(folder))
            || rules.find(&entry.path, is_folder).is_some();
        if is_folder && is_left_out {
            left_out.insert(entry.path);
        } else if !is_left_out
            && matches!(entry.kind, Kind::File | Kind::Symlink)
            && !landed.has(&entry)
        {
            all += 1;
            if paths.len() < KEPT {
                paths.push(entry.path);
            }
        }
        Ok(())
    };
    scan_listing(home, &mut keep, &|_| (), stop)?;
    Ok((all, paths))
}

/// The folders above a path.
fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end])
}
