//! A first table of teams, from what was seen: who opens a profile, and whose names stand in the git configurations of its home.
//! It is a hint, for somebody who knows the people.

use std::collections::{BTreeMap, BTreeSet};

use super::openers::{Openers, name};
use crate::inventory::{CSV_BOM, Domain, Profile, Snapshot, TEAM_COLUMNS, csv_line};
use crate::names::{ProfileName, counted};

/// A first table of teams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// A row for each person, as CSV.
    pub table: String,
    /// Profiles that are in no row, since nothing says that the two names that were seen are of two people: `d-…/name`.
    pub alone: Vec<String>,
}

/// Writes a table of teams to be filled in: a row for each person who was seen in a profile that several people seem to use.
pub fn team_draft(snapshot: &Snapshot) -> Draft {
    let mut alone = Vec::new();
    let openers = Openers::of(snapshot);
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(TEAM_COLUMNS));
    for (domain, profile) in snapshot.people() {
        let seen = seen(&openers, profile);
        if seen.len() < 2 {
            continue;
        }
        if is_one_person(&openers, profile) {
            alone.push(format!("{}/{}", domain.id, profile.name));
            continue;
        }
        for (person, how) in seen {
            table.push_str(&csv_line(row(domain, profile, &person, &how)));
        }
    }
    Draft { table, alone }
}

/// Tells whether all that was seen may be one person: who opened the profile has one name there, and another in git.
fn is_one_person(openers: &Openers<'_>, profile: &Profile) -> bool {
    let authors: BTreeSet<_> =
        profile.home.iter().flat_map(|home| &home.git_authors).map(|one| called(one)).collect();
    openers.people(&profile.opened_by).len() == 1 && authors.len() <= 1
}

/// What an author is called: the address tells more than a first name does, `Ana <ana.lima@example.org>`.
fn called(author: &str) -> String {
    let mail = author.split_once('<').map(|(_, mail)| mail.trim_end_matches('>'));
    as_profile(mail.unwrap_or(author))
}

/// Who was seen in a profile, by the name that their own could have, and how.
fn seen(openers: &Openers<'_>, profile: &Profile) -> BTreeMap<String, Vec<String>> {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let people = openers.people(&profile.opened_by);
    for opened in &profile.opened_by {
        let session = name(&opened.by);
        if people.contains_key(&session.to_lowercase()) {
            let times = counted(opened.times as u64, "time", "times");
            let how = format!("{} opened it {times}", opened.by);
            seen.entry(as_profile(session)).or_default().push(how);
        }
    }
    for author in profile.home.iter().flat_map(|home| &home.git_authors) {
        seen.entry(called(author)).or_default().push(format!("git author {author}"));
    }
    seen.remove("");
    seen
}

fn row(domain: &Domain, team: &Profile, person: &str, how: &[String]) -> [String; 9] {
    let own = domain.profile(&ProfileName::new(person)).filter(|own| own.name != team.name);
    let is_sso = domain.auth_mode == "SSO";
    [
        domain.id.to_string(),
        team.name.to_string(),
        own.map_or_else(|| person.to_owned(), |own| own.name.to_string()),
        own.map_or("", |_| "yes").to_owned(),
        own.and_then(|own| own.sso_user.clone()).filter(|_| is_sso).unwrap_or_default(),
        team.effective.execution_role.clone().unwrap_or_default(),
        String::new(),
        String::new(),
        how.join("; "),
    ]
}

/// The name that a profile of somebody could have: what stands before the `@`, with hyphens for what AWS does not take.
fn as_profile(text: &str) -> String {
    let local = text.split('@').next().unwrap_or(text).to_lowercase();
    let plain: String =
        local.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    plain.trim_matches('-').chars().take(63).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Home, Opened, TeamTable};

    #[test]
    fn a_draft_names_who_was_seen_and_is_a_table_that_can_be_read() {
        let opened = |by: &str| Opened { by: by.to_owned(), times: 2, last: String::new() };
        let team = Profile {
            name: "lab".into(),
            home_uid: Some("200001".into()),
            opened_by: vec![opened("arn:aws:iam::1:user/Ana")],
            home: Some(Home {
                git_authors: vec!["Ana <ana@x.org>".to_owned(), "Ben B <ben.b@x.org>".to_owned()],
                ..Home::default()
            }),
            ..Profile::default()
        };
        let alone = Profile { name: "cleo".into(), ..team.clone() };
        let alone = Profile { opened_by: Vec::new(), home: None, ..alone };
        // One who signs in as `akoen` and commits as `anna.koen` is one person as far as anybody knows.
        let one = Profile {
            name: "anna".into(),
            opened_by: vec![opened("arn:aws:iam::1:user/akoen")],
            home: Some(Home {
                git_authors: vec!["Anna <anna.koen@x.org>".to_owned()],
                ..Home::default()
            }),
            ..Profile::default()
        };
        let domain = Domain {
            id: "d-a".into(),
            auth_mode: "IAM".to_owned(),
            profiles: vec![team, alone, one],
            ..Domain::default()
        };
        let snapshot = Snapshot { domains: vec![domain], ..Snapshot::default() };
        let Draft { table: draft, alone } = team_draft(&snapshot);
        assert_eq!(alone, ["d-a/anna"]);
        let table = TeamTable::parse(&draft).unwrap();
        let names: Vec<_> = table.rows.iter().map(|row| row.profile.as_str()).collect();
        assert_eq!(names, ["ana", "ben-b"]);
        assert_eq!(table.problems(&snapshot), [""; 0]);
        assert!(draft.contains("git author Ben B <ben.b@x.org>"), "{draft}");
    }
}
