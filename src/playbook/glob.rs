//! The two kinds of patterns in a playbook: over profile names, and over paths in a home.

use globset::{Glob, GlobBuilder, GlobMatcher};

use super::policy::Playbook;

/// Compiles a pattern of profile names. AWS does not tell upper from lower case in them, so neither does the pattern.
///
/// # Errors
///
/// The pattern is no glob.
pub fn name_glob(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(pattern).case_insensitive(true).build()?.compile_matcher())
}

/// Compiles a pattern of paths relative to a home, as `globset` reads it: `*` also matches `/`.
///
/// # Errors
///
/// The pattern is no glob.
pub fn path_glob(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(Glob::new(pattern)?.compile_matcher())
}

/// The `leave_out` rules of a playbook, compiled.
#[derive(Clone, Debug)]
pub struct LeaveOutRules(Vec<GlobMatcher>);

impl LeaveOutRules {
    /// Compiles the rules.
    ///
    /// # Errors
    ///
    /// The first pattern that is no glob.
    pub fn of(playbook: &Playbook) -> Result<Self, globset::Error> {
        playbook
            .leave_out
            .iter()
            .map(|rule| path_glob(&rule.pattern))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Returns the number of the first rule that matches a path relative to the home.
    pub fn first_match(&self, path: &str) -> Option<usize> {
        self.0.iter().position(|rule| rule.is_match(path))
    }

    /// Tells whether everything inside a folder is left out, wherever in the home a folder of that name stands.
    ///
    /// `folder` is a path or a bare name. Names that programs make anywhere (`node_modules`, `__pycache__`,
    /// `.ipynb_checkpoints`) must be left out anywhere; other ones stand at the top of the home.
    pub fn empties(&self, folder: &str) -> bool {
        let anywhere = matches!(folder, "node_modules" | "__pycache__" | ".ipynb_checkpoints");
        let above = if anywhere { "some/folder/" } else { "" };
        self.0.iter().any(|rule| {
            let matches = |inside: &str| rule.is_match(format!("{above}{folder}/{inside}"));
            matches("file") && matches("folder/.file")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::LeaveOut;

    fn rules(patterns: &[&str]) -> LeaveOutRules {
        let mut playbook = Playbook::parse("schema: 1\nname: x\n", "x.yaml").unwrap();
        playbook.leave_out = patterns
            .iter()
            .map(|&pattern| LeaveOut { pattern: pattern.to_owned(), reason: "a test".to_owned() })
            .collect();
        LeaveOutRules::of(&playbook).unwrap()
    }

    #[test]
    fn a_folder_is_emptied_only_by_a_rule_that_covers_all_of_it() {
        assert!(rules(&["{.cache,.cache/**}"]).empties(".cache"));
        assert!(!rules(&[".cache/pip/**"]).empties(".cache"));
        assert!(!rules(&[".cache"]).empties(".cache"));
        assert!(rules(&["**/node_modules/**"]).empties("node_modules"));
        assert!(!rules(&["node_modules/**"]).empties("node_modules"));
    }

    #[test]
    fn the_first_rule_that_matches_is_the_one_that_counts() {
        let rules = rules(&["a/b/**", "a/**"]);
        assert_eq!(rules.first_match("a/b/c"), Some(0));
        assert_eq!(rules.first_match("a/c"), Some(1));
        assert_eq!(rules.first_match("b"), None);
    }

    #[test]
    fn profile_names_are_matched_whatever_their_case() {
        assert!(name_glob("alice-*").unwrap().is_match("Alice-2"));
        assert!(!name_glob("alice-*").unwrap().is_match("bob"));
    }
}
