//! What of a home nobody could read, and so nobody copied: a file of somebody's that is left behind, and no matter of what is
//! left out on purpose.

use std::collections::BTreeMap;

use crate::mover::Class;
use crate::names::{ProfileName, counted};

/// Paths that are named.
const NAMED: usize = 3;

/// What is said of it, by how many entries were not copied of each class, and the first of them by path and reason; none where
/// everything could be read.
pub fn unread_words(
    not_copied: &BTreeMap<String, u64>,
    named: &[(String, String)],
    name: &ProfileName,
) -> Option<String> {
    let class = Class::Unreadable.word();
    let all = *not_copied.get(class).filter(|all| **all > 0)?;
    let named = named.iter().filter(|(_, why)| why.starts_with(class));
    let mut said: Vec<String> = named.take(NAMED).map(|(path, _)| format!("`{path}`")).collect();
    let more = all.saturating_sub(said.len() as u64);
    if more > 0 {
        said.push(format!("{more} more"));
    }
    Some(format!(
        "{} could not be read and did not come along: {}; once it can be (`chmod u+r` in Classic), `studio-migrate rollback --user {name} --to hydrate` and `run --user {name}` bring it",
        counted(all, "entry", "entries"),
        said.join(", ")
    ))
}
