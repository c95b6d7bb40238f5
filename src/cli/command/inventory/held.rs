//! Holding what an inventory measured against what earlier ones saw: homes have the same numbers in every file system, so on a wrong
//! mount each has one that is somebody else's, and everything later would go by that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::cli::{Context, Failure};
use crate::execute::{Inventories, Known, other_mounted};
use crate::inventory::{Home, OrphanHome, Snapshot, Trust, Unseen, places};
use crate::journal::Journal;
use crate::names::{FileSystemId, HomeUid, counted};

/// Why a home is in doubt where nothing is as it was.
const NONE_THERE: &str =
    "none of the homes that were seen in this file system is there: look at what is mounted";

/// Holds every home that was measured against the newest inventory that saw it. One that is another is not taken: what was seen
/// before is kept, as of then. Returns what those are called: `d-…/alice`, `d-…/space.team`, `fs-…/200005`.
pub(super) fn hold(
    context: &Context,
    journal: &Journal,
    snapshot: &mut Snapshot,
    mount: &Path,
    believe: &[String],
) -> Result<Vec<String>, Failure> {
    let inventories = Inventories::before(journal, snapshot)
        .map_err(|error| Failure::journal("read the snapshots before", error))?;
    let mut holding = Holding {
        context,
        believed: believed(snapshot, believe)?,
        mounts: mounts(snapshot, mount),
        taken_at: snapshot.taken_at.clone(),
        strange: BTreeSet::new(),
        doubtful: BTreeSet::new(),
        in_doubt: Vec::new(),
        unseen: Vec::new(),
    };
    holding.strange = strange(snapshot, &inventories, &holding.mounts);
    for domain in &mut snapshot.domains {
        let people = domain.profiles.iter_mut().map(|one| {
            (one.name.to_string(), one.home_uid.as_ref(), &mut one.home, &mut one.trust)
        });
        let spaces = domain.spaces.iter_mut().map(|one| {
            let name = format!("space.{}", one.name);
            (name, one.home_uid.as_ref(), &mut one.home, &mut one.trust)
        });
        for (name, uid, home, trust) in people.chain(spaces) {
            let (Some(uid), Some(system)) = (uid, &domain.file_system) else { continue };
            let name = format!("{}/{name}", domain.id);
            let known = inventories.home(&domain.id, uid);
            holding.owned(&name, system, (uid, known), home, trust);
        }
    }
    for system in &mut snapshot.file_systems {
        holding.orphans(&system.id, &inventories, &mut system.orphan_homes);
    }
    snapshot.unseen.append(&mut holding.unseen);
    Ok(holding.in_doubt)
}

/// What somebody says to be right, by the names of homes that were measured.
fn believed(snapshot: &Snapshot, believe: &[String]) -> Result<BTreeSet<String>, Failure> {
    let mut measured = Vec::new();
    for domain in &snapshot.domains {
        let people = domain.profiles.iter().filter(|one| one.home.is_some());
        let spaces = domain.spaces.iter().filter(|one| one.home.is_some());
        let names = people.map(|one| one.name.to_string());
        let names = names.chain(spaces.map(|one| format!("space.{}", one.name)));
        measured.extend(names.map(|name| format!("{}/{name}", domain.id)));
    }
    for system in &snapshot.file_systems {
        measured.extend(system.orphan_homes.iter().map(|one| format!("{}/{}", system.id, one.uid)));
    }
    let mut found = BTreeSet::new();
    for name in believe {
        let is_called = |one: &&String| {
            *one == name || one.split_once('/').is_some_and(|(_, short)| short == name)
        };
        match measured.iter().filter(is_called).collect::<Vec<_>>().as_slice() {
            [one] => found.insert((*one).clone()),
            [] => {
                let message = format!("--believe {name}: no home of that name was measured");
                return Err(Failure::usage(message).hinted("it takes a profile, `space.NAME`, or `<file system>/<number>` for a home that nobody owns; no snapshot was kept"));
            }
            several => {
                let names = Vec::from_iter(several.iter().map(|one| one.as_str()));
                let message = format!("--believe {name} may be {}", names.join(" or "));
                return Err(Failure::usage(message).hinted("name the whole; no snapshot was kept"));
            }
        };
    }
    Ok(found)
}

/// Where the homes of each file system were measured.
fn mounts(snapshot: &Snapshot, mount: &Path) -> BTreeMap<FileSystemId, Vec<PathBuf>> {
    let of_domains = snapshot.domains.iter().filter_map(|domain| domain.file_system.clone());
    let described = snapshot.file_systems.iter().map(|one| one.id.clone());
    of_domains.chain(described).map(|id| (id.clone(), places(mount, snapshot, &id))).collect()
}

/// File systems that are said to be mounted, and have none of the homes that were seen there: nothing is mounted, or another one.
fn strange(
    snapshot: &Snapshot,
    inventories: &Inventories,
    mounts: &BTreeMap<FileSystemId, Vec<PathBuf>>,
) -> BTreeSet<FileSystemId> {
    let is_mounted = |system: &&FileSystemId| {
        mounts.get(*system).is_some_and(|places| places.iter().any(|place| place.is_dir()))
    };
    let mut met = BTreeMap::<&FileSystemId, (bool, bool)>::new();
    for domain in &snapshot.domains {
        let Some(system) = domain.file_system.as_ref().filter(is_mounted) else { continue };
        let people = domain.profiles.iter().map(|one| (&one.home_uid, &one.home));
        let spaces = domain.spaces.iter().map(|one| (&one.home_uid, &one.home));
        let (was_any_seen, is_any_there) = met.entry(system).or_default();
        for (uid, home) in people.chain(spaces) {
            let Some(uid) = uid else { continue };
            *was_any_seen |= inventories.home(&domain.id, uid).last().is_some();
            *is_any_there |= home.is_some();
        }
    }
    let is_strange =
        |(_, (was_any_seen, is_any_there)): &(_, (bool, bool))| *was_any_seen && !is_any_there;
    met.into_iter().filter(is_strange).map(|(system, _)| system.clone()).collect()
}

struct Holding<'a> {
    context: &'a Context,
    believed: BTreeSet<String>,
    mounts: BTreeMap<FileSystemId, Vec<PathBuf>>,
    /// When this inventory was taken, RFC 3339.
    taken_at: String,
    /// File systems of which nothing is where they are said to be mounted.
    strange: BTreeSet<FileSystemId>,
    /// File systems of which a home that somebody owns is another than it was.
    doubtful: BTreeSet<FileSystemId>,
    in_doubt: Vec<String>,
    unseen: Vec<Unseen>,
}

impl Holding<'_> {
    /// Where a home was measured: the folder, or the scan that may tell of it.
    fn place(&self, system: &FileSystemId, uid: &HomeUid) -> PathBuf {
        let places = self.mounts.get(system).map(Vec::as_slice).unwrap_or_default();
        match places {
            [root] if root.is_dir() => root.join(uid.as_str()),
            [.., last] => last.clone(),
            [] => PathBuf::from(uid.as_str()),
        }
    }

    /// Why a home that was measured is not the one that was seen before; says what is merely odd.
    fn judge(
        &self,
        name: &str,
        (system, uid): (&FileSystemId, &HomeUid),
        known: &Known,
        now: &Home,
    ) -> Result<(), String> {
        let place = self.place(system, uid);
        if let Some(root) = place.parent().filter(|_| place.is_dir())
            && let Some(other) = other_mounted(root, system)
        {
            return Err(format!("{other} is mounted at {}, not {system}", root.display()));
        }
        let judged = known.judge(&place, now).or_else(|failure| match self.believed.get(name) {
            // Whose it is, nobody's word changes.
            Some(_) => known.clone().believed().judge(&place, now),
            None => Err(failure),
        });
        match judged {
            Ok(odd) => {
                for odd in odd.iter().filter(|_| known.last().is_some()) {
                    self.context.ui.warning(format_args!("{name}: {odd}"));
                }
                Ok(())
            }
            Err(failure) => Err(match &failure.hint {
                Some(hint) => format!("{}; {hint}", failure.told()),
                None => failure.told(),
            }),
        }
    }

    fn owned(
        &mut self,
        name: &str,
        system: &FileSystemId,
        (uid, known): (&HomeUid, Known),
        home: &mut Option<Home>,
        trust: &mut Trust,
    ) {
        let judged = match home {
            Some(now) => self.judge(name, (system, uid), &known, now),
            None if self.strange.contains(system) && known.last().is_some() => {
                Err(NONE_THERE.to_owned())
            }
            None => return,
        };
        match judged {
            Ok(()) => trust.believed = self.believed_at(name, &known),
            Err(why) => {
                self.doubtful.insert(system.clone());
                let kept = self.refuse(name, uid, &known, &why);
                *home = kept.as_ref().map(|(home, _)| home.clone());
                *trust = kept.map(|(_, trust)| trust).unwrap_or_default();
            }
        }
    }

    /// Homes that nobody owns are known by nobody's number: where another's is in doubt, theirs are as they were seen before.
    fn orphans(
        &mut self,
        system: &FileSystemId,
        inventories: &Inventories,
        orphans: &mut Vec<OrphanHome>,
    ) {
        let is_doubtful = self.doubtful.contains(system);
        let measured = std::mem::take(orphans);
        let mut new = 0;
        for orphan in measured {
            let name = format!("{system}/{}", orphan.uid);
            let known = inventories.orphan(system, &orphan.uid);
            if is_doubtful && known.last().is_none() && !self.believed.contains(&name) {
                new += 1;
                continue;
            }
            match self.judge(&name, (system, &orphan.uid), &known, &orphan.home) {
                Ok(()) => {
                    let believed = self.believed_at(&name, &known);
                    orphans.push(OrphanHome { trust: Trust { as_of: None, believed }, ..orphan });
                }
                Err(why) => {
                    if let Some((home, trust)) = self.refuse(&name, &orphan.uid, &known, &why) {
                        orphans.push(OrphanHome { uid: orphan.uid, home, trust });
                    }
                }
            }
        }
        if !is_doubtful {
            return;
        }
        for uid in inventories.orphans_of(system) {
            if !orphans.iter().any(|one| one.uid == uid)
                && let Some((home, trust)) = kept(&inventories.orphan(system, &uid))
            {
                orphans.push(OrphanHome { uid, home, trust });
            }
        }
        orphans.sort_by(|one, other| one.uid.cmp(&other.uid));
        if new > 0 {
            let new = counted(new, "home that nobody owns", "homes that nobody owns");
            self.unseen.push(Unseen {
                what: "the homes that nobody owns".to_owned(),
                subject: system.to_string(),
                why: format!(
                    "{new} came since, which is not taken while another home of the file system is in doubt"
                ),
            });
        }
    }

    fn believed_at(&self, name: &str, known: &Known) -> Option<String> {
        if self.believed.contains(name) {
            return Some(self.taken_at.clone());
        }
        known.believed_at()
    }

    /// Notes that a home is not taken, and returns what was seen of it before.
    fn refuse(
        &mut self,
        name: &str,
        uid: &HomeUid,
        known: &Known,
        why: &str,
    ) -> Option<(Home, Trust)> {
        let kept = kept(known);
        let becomes = match &kept {
            Some(_) => "what was seen before is kept",
            None => "it is taken for not measured",
        };
        self.unseen.push(Unseen {
            what: format!("the home {uid}"),
            subject: name.to_owned(),
            why: format!("{why} ({becomes})"),
        });
        self.in_doubt.push(name.to_owned());
        kept
    }
}

/// What was seen of a home before, marked with when that was.
fn kept(known: &Known) -> Option<(Home, Trust)> {
    let (home, taken_at) = known.last()?;
    let trust = Trust { as_of: Some(taken_at.to_owned()), believed: known.believed_at() };
    Some((home.clone(), trust))
}
