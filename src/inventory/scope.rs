//! The table of people: what a platform team edits in a spreadsheet, and gives back.
//!
//! `inventory --csv` writes one row a profile: what was seen, for people to go by, and columns for them to fill in. `--scope`
//! reads the same file back, or any other with the columns `domain` and `profile` and some of the others. Columns that are
//! only for reading are passed over.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::sheet::{self, TableError};
use super::snapshot::{Domain, Profile, Snapshot};
use super::spreadsheet::{CSV_BOM, csv_line};
use crate::names::DomainId;

/// The columns, in the order in which they are written. New ones are added at the end only.
const COLUMNS: [&str; 17] = [
    "domain",
    "profile",
    "take",
    "reason",
    "owner",
    "cost_centre",
    "wave",
    "tags",
    "status",
    "sso_user",
    "home_uid",
    "home_bytes",
    "home_files",
    "execution_role",
    "landing",
    "opened_by",
    "last_opened",
];

/// What the table says of one profile; nothing, where the profile is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// Whether the profile is to move; `None` leaves it to the playbook.
    pub take: Option<bool>,
    /// Why not.
    pub reason: Option<String>,
    /// The person or team that answers for it.
    pub owner: Option<String>,
    /// The cost centre.
    pub cost_centre: Option<String>,
    /// A hint for the planner: people of one wave move together.
    pub wave: Option<String>,
    /// Tags that are not AWS's.
    pub tags: BTreeMap<String, String>,
}

/// A table that was read.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// By domain and profile in lower case: AWS does not tell upper from lower case in profile names.
    rows: BTreeMap<(String, String), Row>,
}

#[derive(Clone, Debug)]
struct Row {
    line: u64,
    note: Note,
}

impl Table {
    /// Reads a table: UTF-8 with or without a byte order mark, separated by commas, or by semicolons as spreadsheets of some
    /// countries write them.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        const WHO: &str = "a row has to say which domain and profile it is about";
        let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
        for row in sheet::read(text, &COLUMNS, &["domain", "profile"])? {
            let (domain, profile) = (row.needed("domain", WHO)?, row.needed("profile", WHO)?);
            let key = (domain.clone(), profile.to_ascii_lowercase());
            let note = Note {
                take: row.yes_or_no("take")?,
                reason: row.cell("reason"),
                owner: row.cell("owner"),
                cost_centre: row.cell("cost_centre"),
                wave: row.cell("wave"),
                tags: row.tags("tags")?,
            };
            let line = row.number;
            if let Some(earlier) = rows.get(&key) {
                let who = format!("{domain}/{profile}");
                return Err(TableError::Twice { line, first: earlier.line, who });
            }
            rows.insert(key, Row { line, note });
        }
        Ok(Self { rows })
    }

    /// Returns how many profiles it is about.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether it is about nobody.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes what it says into a snapshot, in place of what an earlier table said.
    pub fn apply(&self, snapshot: &mut Snapshot) {
        for domain in &mut snapshot.domains {
            for profile in &mut domain.profiles {
                profile.note = match self.rows.get(&key(&domain.id, profile)) {
                    Some(row) => row.note.clone(),
                    None => Note::default(),
                };
            }
        }
    }

    /// Returns the rows that are about nobody in any of the snapshots: `line 7: d-abc/alise`.
    pub fn strangers<'a>(&self, snapshots: impl IntoIterator<Item = &'a Snapshot>) -> Vec<String> {
        let people = snapshots.into_iter().flat_map(Snapshot::people);
        let met: BTreeSet<_> = people.map(|(domain, profile)| key(&domain.id, profile)).collect();
        let strangers = self.rows.iter().filter(|(key, _)| !met.contains(*key));
        strangers
            .map(|((domain, profile), row)| format!("line {}: {domain}/{profile}", row.line))
            .collect()
    }
}

fn key(domain: &DomainId, profile: &Profile) -> (String, String) {
    (domain.to_string(), profile.name.as_str().to_ascii_lowercase())
}

/// Writes the table of people of one or more snapshots: UTF-8 with a byte order mark, no cell that a spreadsheet would take for
/// a formula.
pub fn people_csv<'a>(snapshots: impl IntoIterator<Item = &'a Snapshot>) -> String {
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(COLUMNS));
    for (domain, profile) in snapshots.into_iter().flat_map(Snapshot::people) {
        table.push_str(&csv_line(row(domain, profile)));
    }
    table
}

fn row(domain: &Domain, profile: &Profile) -> [String; COLUMNS.len()] {
    let note = &profile.note;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let home = profile.home.as_ref();
    let callers: Vec<_> = profile.opened_by.iter().map(|opened| opened.by.as_str()).collect();
    let last = profile.opened_by.iter().map(|opened| opened.last.as_str()).max();
    [
        domain.id.to_string(),
        profile.name.to_string(),
        note.take.map_or("", |take| if take { "yes" } else { "no" }).to_owned(),
        text(&note.reason),
        text(&note.owner),
        text(&note.cost_centre),
        text(&note.wave),
        note.tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("; "),
        profile.status.clone(),
        text(&profile.sso_user),
        profile.home_uid.as_ref().map(ToString::to_string).unwrap_or_default(),
        number(home.map(|home| home.bytes)),
        number(home.map(|home| home.files)),
        text(&profile.effective.execution_role),
        text(&profile.effective.landing),
        callers.join("; "),
        last.unwrap_or_default().to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let profile = |name: &str| Profile { name: name.into(), ..Profile::default() };
        let domain = Domain {
            id: "d-a".into(),
            profiles: vec![profile("Alice"), profile("bob")],
            ..Domain::default()
        };
        Snapshot { domains: vec![domain], ..Snapshot::default() }
    }

    #[test]
    fn what_was_filled_in_comes_back_as_it_was() {
        let text =
            "profile;domain;take;owner;tags;reason\r\nalice;d-a;no;=HYPERLINK;team=x;left\r\n";
        let mut seen = snapshot();
        let table = Table::parse(text).unwrap();
        table.apply(&mut seen);
        assert!(table.strangers([&seen]).is_empty());
        let note = &seen.domains[0].profiles[0].note;
        assert_eq!((note.take, note.reason.as_deref()), (Some(false), Some("left")));
        assert_eq!(note.tags["team"], "x");
        let written = people_csv([&seen]);
        assert!(written.starts_with("\u{feff}domain,profile,take,"), "{written}");
        assert!(written.contains("d-a,Alice,no,left,'=HYPERLINK,"), "{written}");
        let mut again = snapshot();
        Table::parse(&written).unwrap().apply(&mut again);
        assert_eq!(again, seen);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let refused = |text: &str| Table::parse(text).unwrap_err().to_string();
        assert!(refused("name,domain\n").contains("no column `profile`"));
        let maybe = refused("domain,profile,take\nd-a,bob,yes\nd-a,alice,maybe\n");
        assert!(maybe.contains("line 3") && maybe.contains("`maybe`"), "{maybe}");
        // As spreadsheets end lines, and behind the line that some begin with.
        let said =
            refused("sep=,\r\ndomain,profile,take\r\nd-a,bob,yes\r\n\r\nd-a,alice,maybe\r\n");
        assert!(said.contains("line 5"), "{said}");
        let twice = refused("domain,profile\nd-a,Bob\nd-a,bob\n");
        assert!(twice.contains("line 3") && twice.contains("line 2"), "{twice}");
        assert!(refused("domain,profile,tags\nd-a,bob,team\n").contains("key=value"));
        assert!(refused("domain,profile,owner,owner\n").contains("twice"));
        assert!(
            refused("domain,profile,taek\nd-a,bob,no\n").contains("no column is called `taek`")
        );
        let surplus = refused("domain,profile,reason\nd-a,bob,left, came back\n");
        assert!(surplus.contains("line 2") && surplus.contains("came back"), "{surplus}");
        let open = refused("domain,profile,reason\nd-a,bob,\"left\nd-a,alice,x\n");
        assert!(open.contains("line 2") && open.contains("quotation mark"), "{open}");
        assert!(refused("domain,profile,tags\nd-a,bob,a=1;a=2\n").contains("stands twice"));
        assert!(refused("domain,profile,tags\nd-a,bob,=x\n").contains("key before"));
    }

    #[test]
    fn a_row_about_nobody_is_named() {
        let table = Table::parse("domain,profile\nd-a,alise\n\n").unwrap();
        assert_eq!(table.strangers([&snapshot()]), ["line 2: d-a/alise"]);
    }
}
