//! The table as it is read, and as a snapshot keeps it.
//!
//! One row is one person of one team. The table is filled in by somebody who knows the people; what it cannot mean is said with
//! the lines, before anything is done by it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::sheet::{self, TableError};
use super::super::snapshot::{Domain, Profile, Snapshot};
use crate::names::{DomainId, ProfileName};

/// The columns, in the order in which they are written. New ones are added at the end only.
pub(crate) const COLUMNS: [&str; 9] = [
    "domain",
    "team_profile",
    "profile",
    "existing",
    "sso_user",
    "execution_role",
    "tags",
    "own",
    "seen",
];

/// The people of a profile that a team shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Team {
    /// In the order of the table. The first of them owns the team's space.
    pub members: Vec<Member>,
}

/// One person of a team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Member {
    /// The line of the table.
    pub line: u64,
    /// Their own profile.
    pub profile: ProfileName,
    /// Whether they had it before.
    pub had_it: bool,
    /// What of the team's home is theirs alone: globs, read as `leave_out` reads them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<String>,
}

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamRow {
    /// The line, from 1.
    pub line: u64,
    /// The domain.
    pub domain: DomainId,
    /// The profile that the team shared.
    pub team: ProfileName,
    /// The person's own profile.
    pub profile: ProfileName,
    /// Whether the person has this profile already.
    pub had_it: bool,
    /// The user of Identity Center, by user name, in a domain that signs in with it.
    pub sso_user: Option<String>,
    /// The execution role of the new profile; the domain's where it is not given.
    pub execution_role: Option<String>,
    /// Tags of the new profile.
    pub tags: BTreeMap<String, String>,
    /// What of the team's home is theirs alone.
    pub own: Vec<String>,
}

/// The table of teams, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamTable {
    /// The rows, in the order of the table.
    pub rows: Vec<TeamRow>,
    /// Columns that are none of a table of teams, by name. They may be somebody's notes, or a column that is called otherwise.
    pub unread: Vec<String>,
}

impl TeamTable {
    /// Reads a table, as spreadsheets write it.
    ///
    /// # Errors
    /// The first thing that is wrong with its form, with its line. [`TeamTable::problems`] says what it cannot mean.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        const WHO: &str =
            "a row has to say the domain, the profile that the team shared, and the person's own";
        let mut rows: Vec<TeamRow> = Vec::new();
        for row in sheet::read(text, &COLUMNS, &["domain", "team_profile", "profile"])? {
            let own = row.cell("own").unwrap_or_default();
            let own = own.split(';').map(str::trim).filter(|pattern| !pattern.is_empty());
            rows.push(TeamRow {
                line: row.number,
                domain: DomainId::new(row.needed("domain", WHO)?),
                team: ProfileName::new(row.needed("team_profile", WHO)?),
                profile: ProfileName::new(row.needed("profile", WHO)?),
                had_it: row.yes_or_no("existing")?.unwrap_or_default(),
                sso_user: row.cell("sso_user"),
                execution_role: row.cell("execution_role"),
                tags: row.tags("tags")?,
                own: own.map(str::to_owned).collect(),
            });
        }
        Ok(Self { rows, unread: sheet::unread(text, &COLUMNS)? })
    }

    /// Returns each person once, with the teams that they are of: what the first row says of their profile counts.
    pub fn people(&self) -> Vec<(&TeamRow, Vec<&ProfileName>)> {
        let mut people: Vec<(&TeamRow, Vec<&ProfileName>)> = Vec::new();
        for row in &self.rows {
            let known = people.iter_mut().find(|(first, _)| is_same_person(first, row));
            match known {
                Some((_, teams)) => teams.push(&row.team),
                None => people.push((row, vec![&row.team])),
            }
        }
        people
    }

    /// Writes what it says into a snapshot, in place of what an earlier table said.
    pub fn apply(&self, snapshot: &mut Snapshot) {
        for domain in &mut snapshot.domains {
            for profile in &mut domain.profiles {
                profile.team = self.team(&domain.id, &profile.name);
            }
        }
    }

    /// The people of a team; nothing where the profile is no team's.
    pub fn team(&self, domain: &DomainId, team: &ProfileName) -> Option<Team> {
        let rows = self.rows.iter().filter(|row| row.domain == *domain && is_same(&row.team, team));
        let members: Vec<Member> = rows
            .map(|row| Member {
                line: row.line,
                profile: row.profile.clone(),
                had_it: row.had_it,
                own: row.own.clone(),
            })
            .collect();
        (!members.is_empty()).then_some(Team { members })
    }
}

impl Domain {
    /// Finds a profile by name, as AWS does: without regard to case.
    pub fn profile(&self, name: &ProfileName) -> Option<&Profile> {
        self.profiles.iter().find(|profile| is_same(&profile.name, name))
    }
}

/// AWS does not tell upper from lower case in the names of profiles.
pub(super) fn is_same(one: &ProfileName, other: &ProfileName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

pub(super) fn is_same_person(one: &TeamRow, other: &TeamRow) -> bool {
    one.domain == other.domain && is_same(&one.profile, &other.profile)
}
