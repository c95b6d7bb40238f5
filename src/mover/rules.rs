//! What is left out: globs over paths relative to the home, each with the reason that its owner gets to read.
//!
//! The first rule that matches a path wins. Patterns are read as `globset` reads them by default, so `*` also matches `/`.
//! A rule that matches a folder covers everything below it, and a pattern that ends in `/**` covers the folder too. A pattern
//! that ends in `/` matches folders only. Names that are not UTF-8 are matched by their bytes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{Candidate, Glob, GlobSet, GlobSetBuilder};

use super::claims::Paths;
use super::error::Error;
use crate::playbook::LeaveOut;

/// Rules in their order, compiled into one automaton.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<LeaveOut>,
    globs: Vec<Compiled>,
    set: GlobSet,
    /// Where only some paths are meant: which, and what is said of all others.
    only: Option<(Paths, LeaveOut)>,
}

/// Which rule a glob of the set stands for.
#[derive(Clone, Copy, Debug)]
struct Compiled {
    rule: usize,
    folders_only: bool,
}

impl Rules {
    /// Compiles rules.
    ///
    /// # Errors
    /// [`Error::Pattern`] when a pattern is no glob.
    pub fn new(rules: Vec<LeaveOut>) -> Result<Self, Error> {
        let mut set = GlobSetBuilder::new();
        let mut globs = Vec::new();
        for (rule, LeaveOut { pattern, .. }) in rules.iter().enumerate() {
            for (glob, folders_only) in readings(pattern) {
                let refused = |source| Error::Pattern { pattern: pattern.clone(), source };
                set.add(Glob::new(glob).map_err(refused)?);
                globs.push(Compiled { rule, folders_only });
            }
        }
        let refused =
            |source| Error::Pattern { pattern: "all patterns together".to_owned(), source };
        Ok(Self { set: set.build().map_err(refused)?, rules, globs, only: None })
    }

    /// Compiles one pattern, for whoever asks what it matches and nothing more.
    ///
    /// # Errors
    /// [`Error::Pattern`] when it is no glob.
    pub fn of(pattern: &str) -> Result<Self, Error> {
        Self::new(vec![LeaveOut { pattern: pattern.to_owned(), reason: String::new() }])
    }

    /// Leaves out everything but some paths and what lies below them, too; the folders above them are kept.
    #[must_use]
    pub fn only(self, paths: Paths, others: LeaveOut) -> Self {
        Self { only: Some((paths, others)), ..self }
    }

    /// Returns the numbers of all rules that match a path.
    pub(super) fn all(&self, path: &[u8], is_folder: bool) -> BTreeSet<usize> {
        let candidate = Candidate::new(OsStr::from_bytes(path));
        let matches = self.set.matches_candidate(&candidate).into_iter();
        let meant = matches
            .filter_map(|glob| self.globs.get(glob))
            .filter(|glob| is_folder || !glob.folders_only);
        meant.map(|glob| glob.rule).collect()
    }

    /// Returns the first rule that matches a path, if any.
    pub fn find(&self, path: &[u8], is_folder: bool) -> Option<&LeaveOut> {
        if let Some((paths, others)) = &self.only
            && !paths.have(path)
        {
            return Some(others);
        }
        if self.rules.is_empty() {
            return None;
        }
        let candidate = Candidate::new(OsStr::from_bytes(path));
        let matches = self.set.matches_candidate(&candidate).into_iter();
        let meant = matches
            .filter_map(|glob| self.globs.get(glob))
            .filter(|glob| is_folder || !glob.folders_only);
        meant.map(|glob| glob.rule).min().and_then(|rule| self.rules.get(rule))
    }
}

/// Returns the globs that a pattern stands for, and whether each is about folders only.
fn readings(pattern: &str) -> Vec<(&str, bool)> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    if let Some(folder) = pattern.strip_suffix('/') {
        return vec![(folder, true)];
    }
    let folder = pattern.strip_suffix("/**").filter(|folder| !folder.is_empty() && *folder != "**");
    std::iter::once((pattern, false)).chain(folder.map(|folder| (folder, true))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(patterns: &[&str]) -> Rules {
        let rule = |(number, pattern): (usize, &&str)| LeaveOut {
            pattern: (*pattern).to_owned(),
            reason: format!("reason {number}"),
        };
        Rules::new(patterns.iter().enumerate().map(rule).collect()).unwrap()
    }

    fn reason(rules: &Rules, path: &[u8], is_folder: bool) -> Option<String> {
        rules.find(path, is_folder).map(|rule| rule.reason.clone())
    }

    #[test]
    fn the_first_rule_that_matches_wins() {
        let rules = rules(&["*.tmp", "cache/**", "**/*.tmp"]);
        assert_eq!(reason(&rules, b"cache/a.tmp", false), Some("reason 0".to_owned()));
        assert_eq!(reason(&rules, b"cache/a", false), Some("reason 1".to_owned()));
        assert_eq!(reason(&rules, b"a", false), None);
    }

    #[test]
    fn a_pattern_for_what_is_below_a_folder_covers_the_folder() {
        let rules = rules(&["**/node_modules/**"]);
        assert!(rules.find(b"node_modules", true).is_some());
        assert!(rules.find(b"a/b/node_modules", true).is_some());
        assert!(rules.find(b"node_modules", false).is_none());
        assert!(rules.find(b"my_node_modules", true).is_none());
    }

    #[test]
    fn a_trailing_slash_means_folders() {
        let rules = rules(&["build/"]);
        assert!(rules.find(b"build", true).is_some());
        assert!(rules.find(b"build", false).is_none());
    }

    #[test]
    fn names_that_are_not_utf8_are_matched_by_their_bytes() {
        assert!(rules(&["*.bin"]).find(b"\xff\xfe.bin", false).is_some());
    }

    #[test]
    fn a_pattern_that_is_no_glob_is_refused_by_name() {
        let refused =
            Rules::new(vec![LeaveOut { pattern: "a[".to_owned(), reason: String::new() }]);
        assert_eq!(refused.unwrap_err().to_string(), "the pattern `a[` is no glob");
    }
}
