//! Where notebooks were shared and where their copies go, as names alone: nothing here asks AWS.
//!
//! A copy's key is the destination's prefix, the bucket that it comes from, and the key that it had there. So no two objects
//! have the same copy, and whoever knew where a notebook was finds it again.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::Failure;
use crate::inventory::{Snapshot, bucket_and_prefix};
use crate::names::DomainId;
use crate::plan::Plan;

/// A place where notebooks were shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The bucket.
    pub(super) bucket: String,
    /// Without a slash at its end; empty for the whole bucket.
    pub(super) prefix: String,
    /// The domains and profiles that share there.
    pub(super) set_by: Vec<String>,
}

impl Place {
    /// `s3://bucket/prefix`.
    pub(super) fn location(&self) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("s3://{}{slash}{}", self.bucket, self.prefix)
    }

    /// What every key below it begins with.
    pub(super) fn under(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// Tells whether a key of this bucket lies below the place.
    pub(super) fn holds(&self, bucket: &str, key: &str) -> bool {
        self.bucket == bucket && key.starts_with(&self.under())
    }

    /// The domains that share there.
    pub(super) fn domains(&self) -> BTreeSet<&str> {
        self.set_by.iter().map(|who| domain_of(who)).collect()
    }

    /// The first folder below the place that a key lies in, and the rest of the key; no folder is empty.
    pub(super) fn folder_and_name<'a>(&self, key: &'a str) -> (&'a str, &'a str) {
        let below = key.strip_prefix(self.under().as_str()).unwrap_or(key);
        below.split_once('/').unwrap_or(("", below))
    }
}

/// Where the copies go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) bucket: String,
    pub(super) prefix: String,
}

impl Destination {
    /// Returns where the plan's playbook wants the copies.
    ///
    /// # Errors
    /// It wants none.
    pub(super) fn of(plan: &Plan) -> Result<Self, Failure> {
        let place = plan.playbook.shared_notebooks.place(&plan.account, &plan.region);
        let (bucket, prefix) = place.ok_or_else(|| {
            Failure::usage(format!("plan {} copies shared notebooks nowhere", plan.id)).hinted(
                "name a place with `shared_notebooks.copy_to` in the playbook, and draw up and approve the plan anew; nothing that was done is done again",
            )
        })?;
        Ok(Self { bucket, prefix })
    }

    /// `s3://bucket/prefix`.
    pub(super) fn location(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    /// The key of the copy of an object.
    pub(super) fn key_of(&self, bucket: &str, key: &str) -> String {
        format!("{}/{bucket}/{key}", self.prefix)
    }

    /// The key of a file of the index.
    pub(super) fn index(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    /// Refuses a destination inside a place where notebooks are shared, whose copies would be copied again by the next run;
    /// and one around such a place, where copies and originals would lie among each other.
    pub(super) fn refuse_overlap(&self, places: &[Place]) -> Result<(), Failure> {
        let under = format!("{}/", self.prefix);
        let inside = |place: &&Place| place.holds(&self.bucket, &under);
        let around = |place: &&Place| {
            place.bucket == self.bucket && format!("{}/", place.prefix).starts_with(&under)
        };
        let how = match places.iter().find(inside) {
            Some(place) => Some(("inside", place)),
            None => places.iter().find(around).map(|place| ("around", place)),
        };
        let Some((how, place)) = how else { return Ok(()) };
        let (here, there) = (self.location(), place.location());
        Err(Failure::usage(format!(
            "`shared_notebooks.copy_to` is {here}, which lies {how} {there}, where notebooks are shared"
        ))
        .hinted("choose another bucket or prefix in the playbook, and draw up and approve the plan anew"))
    }
}

/// The domain of `d-…` or `d-…/profile`.
fn domain_of(who: &str) -> &str {
    who.split('/').next().unwrap_or(who)
}

/// Returns every distinct place that the domains of a plan share notebooks through, in the order of their names. Settings
/// that differ in a slash at their end mean the same.
pub(super) fn places(plan: &Plan, snapshot: &Snapshot) -> Vec<Place> {
    let moving = plan.migrations().map(|(_, migration)| &migration.domain);
    let left = plan.left_out.iter().map(|left| &left.domain);
    let domains: BTreeSet<&str> = moving.chain(left).map(DomainId::as_str).collect();
    let mut found: BTreeMap<(String, String), Place> = BTreeMap::new();
    for shared in &snapshot.shared_notebooks {
        if !shared.set_by.iter().any(|who| domains.contains(domain_of(who))) {
            continue;
        }
        let (bucket, prefix) = bucket_and_prefix(&shared.location);
        let prefix = prefix.trim_end_matches('/');
        let place = found.entry((bucket.to_owned(), prefix.to_owned())).or_insert_with(|| Place {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            ..Place::default()
        });
        place.set_by.extend(shared.set_by.iter().cloned());
    }
    let mut places: Vec<_> = found.into_values().collect();
    for place in &mut places {
        place.set_by.sort();
        place.set_by.dedup();
    }
    places
}

/// Tells whether a key below one place also lies below another one that is inside it: the inner one speaks for it.
pub(super) fn is_of_inner(places: &[Place], place: &Place, key: &str) -> bool {
    places
        .iter()
        .any(|other| other.prefix.len() > place.prefix.len() && other.holds(&place.bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(bucket: &str, prefix: &str) -> Place {
        Place { bucket: bucket.to_owned(), prefix: prefix.to_owned(), ..Place::default() }
    }

    fn destination(bucket: &str, prefix: &str) -> Destination {
        Destination { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
    }

    #[test]
    fn a_destination_inside_or_around_a_place_is_refused_and_one_beside_it_is_not() {
        let places = [place("shared", "a/sharing"), place("whole", "")];
        for (bucket, prefix, refused) in [
            ("shared", "a/sharing", true),
            ("shared", "a/sharing/copies", true),
            ("shared", "a", true),
            ("shared", "a/sharing-copies", false),
            ("shared", "b", false),
            ("whole", "copies", true),
            ("other", "a/sharing", false),
        ] {
            let result = destination(bucket, prefix).refuse_overlap(&places);
            assert_eq!(result.is_err(), refused, "{bucket}/{prefix}");
        }
    }

    #[test]
    fn the_first_folder_below_a_place_is_told_from_the_name() {
        let shared = place("b", "sharing");
        assert_eq!(shared.folder_and_name("sharing/alice/a/b.ipynb"), ("alice", "a/b.ipynb"));
        assert_eq!(shared.folder_and_name("sharing/loose.ipynb"), ("", "loose.ipynb"));
        assert_eq!(place("b", "").folder_and_name("alice/a"), ("alice", "a"));
    }

    #[test]
    fn copies_of_different_objects_never_meet() {
        let to = destination("keep", "classic");
        assert_eq!(to.key_of("b", "sharing/alice/a"), "classic/b/sharing/alice/a");
        assert_ne!(to.key_of("b", "c/d"), to.key_of("b-c", "d"));
    }

    #[test]
    fn an_object_below_two_places_belongs_to_the_inner_one() {
        let places = [place("b", "sharing"), place("b", "sharing/team"), place("c", "sharing/x")];
        assert!(is_of_inner(&places, &places[0], "sharing/team/alice/a"));
        assert!(!is_of_inner(&places, &places[1], "sharing/team/alice/a"));
        assert!(!is_of_inner(&places, &places[0], "sharing/teams/a"));
        assert!(!is_of_inner(&places, &places[0], "sharing/x/a"));
    }
}
