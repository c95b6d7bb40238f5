//! Who is in scope, and why everyone else is not.

use globset::GlobMatcher;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inventory::{Domain, Profile};
use crate::names::{DomainId, ProfileName};
use crate::playbook::{Playbook, Scope, name_glob};

/// Someone who is not in scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutOfScope {
    /// The domain.
    pub domain: DomainId,
    /// The profile.
    pub profile: ProfileName,
    /// Why, in words.
    pub because: String,
}

/// The scope of a playbook, with its patterns made ready.
#[derive(Debug)]
pub struct Scoping<'p> {
    scope: &'p Scope,
    include: Vec<Option<GlobMatcher>>,
    exclude: Vec<Option<GlobMatcher>>,
}

impl<'p> Scoping<'p> {
    /// Makes the patterns ready. One that is no glob, which the playbook's check refuses, matches nobody.
    pub fn of(playbook: &'p Playbook) -> Self {
        let globs = |patterns: &[String]| patterns.iter().map(|one| name_glob(one).ok()).collect();
        let scope = &playbook.scope;
        Self { scope, include: globs(&scope.include), exclude: globs(&scope.exclude) }
    }

    /// Says why a profile is not in scope; `None` means that it is.
    ///
    /// The table of people may take someone in or leave them out; whom the playbook excludes stays out.
    pub fn why_out(&self, domain: &Domain, profile: &Profile) -> Option<String> {
        let scope = self.scope;
        let name = profile.name.as_str();
        let matching = |globs: &[Option<GlobMatcher>]| {
            globs.iter().position(|glob| glob.as_ref().is_some_and(|glob| glob.is_match(name)))
        };
        if !scope.domains.is_empty() && !scope.domains.iter().any(|id| id == domain.id.as_str()) {
            return Some("out of scope: scope.domains does not name the domain".to_owned());
        }
        if let Some(pattern) = matching(&self.exclude).and_then(|at| scope.exclude.get(at)) {
            return Some(format!("out of scope: `{pattern}` of scope.exclude matches"));
        }
        match profile.note.take {
            Some(true) => None,
            Some(false) => {
                let reason = profile.note.reason.as_deref();
                let reason = reason.filter(|reason| !reason.trim().is_empty());
                let reason = reason.unwrap_or("it gives no reason");
                Some(format!("the table of people leaves {name} out: {reason}"))
            }
            None if matching(&self.include).is_none() => {
                Some("out of scope: nothing in scope.include matches".to_owned())
            }
            None if !scope.has_tags(&profile.tags) => {
                let wanted: Vec<_> =
                    scope.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let wanted = wanted.join(", ");
                Some(format!("out of scope: the profile lacks tags of scope.tags ({wanted})"))
            }
            None => None,
        }
    }
}
