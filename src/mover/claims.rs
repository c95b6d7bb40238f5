//! Whose is what in a home that several people used: which of its paths each of them claims, and what two of them claim.
//!
//! It only looks, at names and sizes, and follows no links. What it finds holds for the moment: whoever packs by it looks again.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::Error;
use super::path::escape;
use super::rules::Rules;
use crate::playbook::LeaveOut;

/// What somebody claims, by name and by patterns that are read as rules are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub who: String,
    /// Their patterns.
    pub patterns: Vec<String>,
}

/// Paths of a home, each standing for everything below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    roots: BTreeSet<Vec<u8>>,
    above: BTreeSet<Vec<u8>>,
}

impl Paths {
    fn add(&mut self, root: &[u8]) {
        let ends = root.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        self.above.extend(ends.map(|(end, _)| root[..end].to_vec()));
        self.roots.insert(root.to_vec());
    }

    /// Tells whether a path is one of these, below one, or a folder above one.
    pub fn have(&self, path: &[u8]) -> bool {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        self.above.contains(path)
            || ends.chain([path.len()]).any(|end| self.roots.contains(&path[..end]))
    }
}

/// What is one person's of a home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The topmost paths that the person claims.
    pub paths: Paths,
    /// How many files these are, what lies below them included.
    pub files: u64,
    /// Their bytes, where they were weighed.
    pub bytes: u64,
    /// Patterns that match nothing.
    pub unmatched: Vec<String>,
}

/// A home, shared out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// One share each, in the order of the claims.
    pub each: Vec<Share>,
    /// Files that nobody claims.
    pub rest_files: u64,
    /// Their bytes.
    pub rest_bytes: u64,
    /// What two people claim, in words: the path and both names.
    pub conflicts: Vec<String>,
    /// Folders that could not be looked into.
    pub unread: Vec<String>,
}

/// Conflicts that are told.
const TOLD: usize = 20;

/// Looks whose is what; files are weighed only where that is asked for, because a file system may take its time for each.
///
/// # Errors
/// A pattern is no glob, or the home cannot be listed.
pub fn shares(home: &Path, claims: &[Claims], weighs: bool) -> Result<Shares, Error> {
    let mut owners = Vec::new();
    let mut rules = Vec::new();
    for (who, claim) in claims.iter().enumerate() {
        for (place, pattern) in claim.patterns.iter().enumerate() {
            owners.push((who, place));
            rules.push(LeaveOut { pattern: pattern.clone(), reason: String::new() });
        }
    }
    let mut looking = Looking {
        home,
        claims,
        weighs,
        rules: Rules::new(rules)?,
        matched: vec![false; owners.len()],
        owners,
        found: Shares { each: vec![Share::default(); claims.len()], ..Shares::default() },
    };
    // An error of the home itself is the caller's; those below are told.
    fs::read_dir(home).map_err(|error| {
        let errno = rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO);
        Error::io("cannot list", b"", errno)
    })?;
    let mut folders = vec![(Vec::new(), None)];
    while let Some((folder, whose)) = folders.pop() {
        looking.folder(&folder, whose, &mut folders);
    }
    Ok(looking.end())
}

type Folders = Vec<(Vec<u8>, Option<usize>)>;

struct Looking<'a> {
    home: &'a Path,
    claims: &'a [Claims],
    weighs: bool,
    rules: Rules,
    /// Whose each rule is, and which of their patterns.
    owners: Vec<(usize, usize)>,
    matched: Vec<bool>,
    found: Shares,
}

impl Looking<'_> {
    /// Looks at what is in a folder, which is somebody's or nobody's.
    fn folder(&mut self, folder: &[u8], whose: Option<usize>, folders: &mut Folders) {
        let Ok(entries) = fs::read_dir(self.home.join(OsStr::from_bytes(folder))) else {
            self.found.unread.push(escape(folder));
            return;
        };
        for entry in entries {
            let Ok(entry) = entry else {
                self.found.unread.push(escape(folder));
                return;
            };
            let name = entry.file_name();
            let mut path = folder.to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.as_bytes());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let whose = self.claimed(&path, is_folder, whose);
            if is_folder {
                folders.push((path, whose));
                continue;
            }
            let bytes = match self.weighs {
                true => entry.metadata().map_or(0, |metadata| metadata.len()),
                false => 0,
            };
            let (files, sum) = match whose.and_then(|who| self.found.each.get_mut(who)) {
                Some(share) => (&mut share.files, &mut share.bytes),
                None => (&mut self.found.rest_files, &mut self.found.rest_bytes),
            };
            *files += 1;
            *sum = sum.saturating_add(bytes);
        }
    }

    /// Whose a path is, with what lies below it.
    fn claimed(&mut self, path: &[u8], is_folder: bool, above: Option<usize>) -> Option<usize> {
        let mut all: BTreeSet<usize> = above.into_iter().collect();
        for rule in self.rules.all(path, is_folder) {
            if let (Some((who, _)), Some(matched)) =
                (self.owners.get(rule), self.matched.get_mut(rule))
            {
                *matched = true;
                all.insert(*who);
            }
        }
        let first = above.or_else(|| all.first().copied())?;
        if let Some(other) = all.iter().find(|who| **who != first)
            && self.found.conflicts.len() < TOLD
        {
            let name = |who: usize| self.claims.get(who).map_or("", |claim| claim.who.as_str());
            self.found.conflicts.push(format!(
                "`{}` is claimed by {} and by {}",
                escape(path),
                name(first),
                name(*other)
            ));
        }
        if above.is_none()
            && let Some(share) = self.found.each.get_mut(first)
        {
            share.paths.add(path);
        }
        Some(first)
    }

    fn end(mut self) -> Shares {
        for ((who, place), matched) in self.owners.iter().zip(&self.matched) {
            if !matched
                && let Some(pattern) = self.claims.get(*who).and_then(|c| c.patterns.get(*place))
                && let Some(share) = self.found.each.get_mut(*who)
            {
                share.unmatched.push(pattern.clone());
            }
        }
        self.found.conflicts.sort();
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(files: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for file in files {
            let path = home.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "12345").unwrap();
        }
        home
    }

    fn claims(claims: &[(&str, &[&str])]) -> Vec<Claims> {
        let own = |patterns: &[&str]| patterns.iter().map(|one| (*one).to_owned()).collect();
        let claim = |(who, patterns): &(&str, &[&str])| Claims {
            who: (*who).to_owned(),
            patterns: own(patterns),
        };
        claims.iter().map(claim).collect()
    }

    #[test]
    fn every_file_is_one_persons_or_everybodys() {
        let home = home(&["ana/a", "ana/deep/b", "work/ana-1.ipynb", "work/all", "ben/x"]);
        let claims = claims(&[("ana", &["ana/", "work/ana-*", "nothing"]), ("ben", &["ben/**"])]);
        let shares = shares(home.path(), &claims, true).unwrap();
        let files: Vec<_> = shares.each.iter().map(|share| (share.files, share.bytes)).collect();
        assert_eq!((files, shares.rest_files, shares.rest_bytes), (vec![(3, 15), (1, 5)], 1, 5));
        assert_eq!(shares.each[0].unmatched, ["nothing"]);
        assert!(shares.conflicts.is_empty() && shares.each[1].unmatched.is_empty());
        let only = Rules::default().only(
            shares.each[0].paths.clone(),
            LeaveOut { pattern: "own".to_owned(), reason: "not ana's".to_owned() },
        );
        let kept = |path: &str, is_folder| only.find(path.as_bytes(), is_folder).is_none();
        assert!(kept("ana", true) && kept("ana/deep/b", false) && kept("work", true));
        assert!(kept("work/ana-1.ipynb", false) && !kept("work/all", false) && !kept("ben", true));
    }

    #[test]
    fn what_two_people_claim_is_told_however_deep_it_lies() {
        let home = home(&["a/b/c.txt", "a/d.txt"]);
        let claims = claims(&[("ana", &["a/"]), ("ben", &["**/c.txt"])]);
        let shares = shares(home.path(), &claims, true).unwrap();
        assert_eq!(shares.conflicts, ["`a/b/c.txt` is claimed by ana and by ben"]);
    }
}
