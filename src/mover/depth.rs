//! The order in which folders are made, before what is in them, and done with, after it.

use std::cmp::Ordering;

use super::entry::Entry;

/// Returns how many folders a path lies below.
pub(super) fn depth(path: &[u8]) -> usize {
    path.iter().filter(|byte| **byte == b'/').count()
}

pub(super) fn above_first(one: &Entry, other: &Entry) -> Ordering {
    depth(&one.path).cmp(&depth(&other.path)).then_with(|| Entry::by_path(one, other))
}

/// Compares so that what lies deeper comes first.
pub(super) fn deepest_first(one: &Entry, other: &Entry) -> Ordering {
    above_first(other, one)
}
