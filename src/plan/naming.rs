//! The names of all that is made for one person. They come from who the person is, never from a clock or a plan.

use std::collections::BTreeSet;

use crate::names::{DomainId, MigrationId, ProfileName, SpaceName};

/// AWS's limit on the name of a space, of a profile and of a lifecycle script.
const LONGEST: usize = 63;

/// Returns the id of a person's migration: `<domain>/<profile>`.
pub(super) fn migration_id(domain: &DomainId, profile: &ProfileName) -> MigrationId {
    MigrationId::new(format!("{domain}/{profile}"))
}

/// Returns the name of the lifecycle script that starts a person's copy. It is the same in every plan.
pub(super) fn hook(id: &MigrationId, profile: &ProfileName) -> String {
    let head = format!("studio-migrate-{}-", digits(id, 8));
    let profile = plain(profile.as_str());
    let tail: String = profile.chars().take(LONGEST - head.len()).collect();
    format!("{head}{tail}").trim_end_matches('-').to_owned()
}

/// The name under which a shared space moves.
pub(super) fn of_space(space: &SpaceName) -> ProfileName {
    ProfileName::new(format!("space.{space}"))
}

/// The name under which what a team shared moves.
pub(super) fn of_team(profile: &ProfileName) -> ProfileName {
    ProfileName::new(format!("team.{profile}"))
}

/// Returns the space's name that a pattern gives a person, cut to what AWS takes.
///
/// A name that is cut ends in six hexadecimal digits of its own, so that two long names stay two.
pub(super) fn space(pattern: &str, id: &MigrationId, profile: &ProfileName) -> String {
    let name = plain(&pattern.replace("{profile}", profile.as_str()));
    if name.is_empty() {
        digits(id, 6)
    } else if name.len() > LONGEST {
        with_ending(&name, &format!("-{}", digits(id, 6)))
    } else {
        name
    }
}

/// Returns the first of `name`, `name-2`, `name-3`, … that is not taken. Names are compared without case.
pub(super) fn free(name: &str, taken: &BTreeSet<String>) -> SpaceName {
    let mut candidate = name.to_owned();
    let mut number = 2_u64;
    while taken.contains(&folded(&candidate)) {
        candidate = with_ending(name, &format!("-{number}"));
        number += 1;
    }
    SpaceName::from(candidate)
}

/// A name as it is compared: AWS does not tell upper from lower case.
pub(super) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Puts an ending to a name, cutting the name where both would be too long.
fn with_ending(name: &str, ending: &str) -> String {
    let head: String = name.chars().take(LONGEST - ending.len()).collect();
    format!("{}{ending}", head.trim_end_matches('-'))
}

/// Replaces what AWS takes in no name, and trims what it takes at no end.
fn plain(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    text.trim_matches('-').to_owned()
}

fn digits(id: &MigrationId, count: usize) -> String {
    blake3::hash(id.as_str().as_bytes()).to_hex().as_str()[..count].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// AWS's own pattern for names.
    fn is_taken_by_aws(name: &str) -> bool {
        let pattern = fancy_regex::Regex::new("^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$").unwrap();
        name.len() <= 63 && pattern.is_match(name).unwrap()
    }

    fn alice() -> (MigrationId, ProfileName) {
        let profile = ProfileName::from("alice");
        (migration_id(&DomainId::from("d-sim1"), &profile), profile)
    }

    #[test]
    fn a_name_that_fits_is_the_pattern_filled_in() {
        let (id, profile) = alice();
        assert_eq!(space("{profile}-studio", &id, &profile), "alice-studio");
        assert!(hook(&id, &profile).starts_with("studio-migrate-"));
        assert!(hook(&id, &profile).ends_with("-alice"));
    }

    #[test]
    fn two_long_names_that_begin_alike_stay_two() {
        let domain = DomainId::from("d-sim1");
        let names: BTreeSet<String> = ["x", "y"]
            .into_iter()
            .map(|end| {
                let profile = ProfileName::new(format!("{}{end}", "a".repeat(62)));
                space("{profile}-studio", &migration_id(&domain, &profile), &profile)
            })
            .collect();
        assert_eq!(names.len(), 2);
        assert!(names.iter().all(|name| name.len() == 63), "{names:?}");
    }

    #[test]
    fn people_of_the_same_name_in_two_domains_have_two_hooks() {
        let profile = ProfileName::from("alice");
        let hooks: BTreeSet<String> = ["d-sim1", "d-sim2"]
            .map(|domain| hook(&migration_id(&DomainId::from(domain), &profile), &profile))
            .into();
        assert_eq!(hooks.len(), 2);
    }

    #[test]
    fn a_taken_name_gets_a_number_whatever_its_case() {
        let taken = BTreeSet::from(["alice-studio".to_owned(), "alice-studio-2".to_owned()]);
        assert_eq!(free("Alice-studio", &taken).as_str(), "Alice-studio-3");
        assert_eq!(free("bob-studio", &taken).as_str(), "bob-studio");
    }

    proptest! {
        #[test]
        fn every_name_is_one_that_aws_takes(
            profile in "[a-zA-Z0-9](-{0,3}[a-zA-Z0-9]){0,30}",
            pattern in "[a-z]{0,10}(-|)\\{profile\\}[a-z0-9-]{0,30}",
            crowd in 0_usize..4,
        ) {
            let profile = ProfileName::new(profile.chars().take(63).collect::<String>());
            let id = migration_id(&DomainId::from("d-sim1"), &profile);
            let mut taken = BTreeSet::new();
            for _ in 0..=crowd {
                let name = free(&space(&pattern, &id, &profile), &taken);
                prop_assert!(is_taken_by_aws(name.as_str()), "{name}");
                prop_assert!(taken.insert(folded(name.as_str())));
            }
            prop_assert!(is_taken_by_aws(&hook(&id, &profile)), "{}", hook(&id, &profile));
        }
    }
}
