//! Who shared a notebook, told from the first folder below the place.
//!
//! Classic names that folder, and AWS documents no rule. What the snapshot knows by that name, or by that
//! `HomeEfsFileSystemUid`, is named; anything else stays the folder's name. Nothing is guessed where two could be meant.

use std::collections::BTreeSet;

use super::places::Place;
use crate::inventory::{Domain, Snapshot};
use crate::report::OwnerKind;

/// The profiles and Classic shared spaces of the domains that share at a place.
pub(super) struct Owners<'a> {
    domains: Vec<&'a Domain>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, place: &Place) -> Self {
        let sharing = place.domains();
        let is_sharing = |domain: &&Domain| sharing.contains(domain.id.as_str());
        Self { domains: snapshot.domains.iter().filter(is_sharing).collect() }
    }

    /// Returns the owner's name and kind for a folder.
    ///
    /// A name beats a uid. AWS does not tell upper from lower case in names, and uids are unique in a file system only.
    pub(super) fn owner(&self, folder: &str) -> (String, OwnerKind) {
        if folder.is_empty() {
            return (String::new(), OwnerKind::Unknown);
        }
        let named = self.found(|name, _| name.eq_ignore_ascii_case(folder));
        let meant = named.or_else(|| self.found(|_, uid| uid == Some(folder)));
        meant.unwrap_or_else(|| (folder.to_owned(), OwnerKind::Unknown))
    }

    /// Returns the only name for which something holds. Profiles of one name in two domains are one name.
    fn found(&self, is_meant: impl Fn(&str, Option<&str>) -> bool) -> Option<(String, OwnerKind)> {
        let mut found = BTreeSet::new();
        for domain in &self.domains {
            for profile in &domain.profiles {
                if is_meant(
                    profile.name.as_str(),
                    profile.home_uid.as_ref().map(|uid| uid.as_str()),
                ) {
                    found.insert((profile.name.to_string(), OwnerKind::Profile));
                }
            }
            for space in domain.spaces.iter().filter(|space| space.home_uid.is_some()) {
                if is_meant(space.name.as_str(), space.home_uid.as_ref().map(|uid| uid.as_str())) {
                    found.insert((space.name.to_string(), OwnerKind::SharedSpace));
                }
            }
        }
        let only = found.pop_first()?;
        found.is_empty().then_some(only)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Profile, Space};
    use crate::names::{DomainId, HomeUid, ProfileName, SpaceName};

    fn profile(name: &str, uid: &str) -> Profile {
        let home_uid = Some(HomeUid::from(uid));
        Profile { name: ProfileName::from(name), home_uid, ..Profile::default() }
    }

    fn space(name: &str, uid: Option<&str>) -> Space {
        let home_uid = uid.map(HomeUid::from);
        Space { name: SpaceName::from(name), home_uid, ..Space::default() }
    }

    fn snapshot() -> Snapshot {
        let domain = |id: &str, profiles, spaces| Domain {
            id: DomainId::from(id),
            profiles,
            spaces,
            ..Domain::default()
        };
        Snapshot {
            domains: vec![
                domain(
                    "d-one",
                    vec![profile("Alice", "200001"), profile("200009", "200002")],
                    vec![space("team", Some("200003")), space("alices-lab", None)],
                ),
                domain("d-two", vec![profile("bob", "200001"), profile("alice", "200007")], vec![]),
                domain("d-else", vec![profile("carl", "200005")], vec![]),
            ],
            ..Snapshot::default()
        }
    }

    fn owner(set_by: &[&str], folder: &str) -> (String, OwnerKind) {
        let set_by = set_by.iter().map(|who| (*who).to_owned()).collect();
        let snapshot = snapshot();
        Owners::of(&snapshot, &Place { set_by, ..Place::default() }).owner(folder)
    }

    #[test]
    fn a_folder_is_known_by_a_profiles_or_classic_spaces_name_or_uid() {
        for (folder, name, kind) in [
            ("Alice", "Alice", OwnerKind::Profile),
            ("ALICE", "Alice", OwnerKind::Profile),
            ("200001", "Alice", OwnerKind::Profile),
            ("team", "team", OwnerKind::SharedSpace),
            ("200003", "team", OwnerKind::SharedSpace),
            // A name beats a uid.
            ("200009", "200009", OwnerKind::Profile),
        ] {
            assert_eq!(owner(&["d-one/Alice"], folder), (name.to_owned(), kind), "{folder}");
        }
    }

    #[test]
    fn what_nobody_is_known_by_stays_as_it_is() {
        for folder in ["carl", "200005", "alices-lab", "somebody", ""] {
            let expected = (folder.to_owned(), OwnerKind::Unknown);
            assert_eq!(owner(&["d-one"], folder), expected, "{folder}");
        }
    }

    #[test]
    fn nothing_is_guessed_where_two_could_be_meant() {
        // Two file systems, the same uid.
        let expected = ("200001".to_owned(), OwnerKind::Unknown);
        assert_eq!(owner(&["d-one", "d-two"], "200001"), expected);
        // Two profiles whose names differ in case only.
        let expected = ("alice".to_owned(), OwnerKind::Unknown);
        assert_eq!(owner(&["d-one", "d-two"], "alice"), expected);
    }
}
