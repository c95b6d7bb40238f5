//! The table that says who gets which orphan home: what `orphans --csv` writes, filled in with domain and profile.

use std::collections::BTreeMap;

use super::sheet::{self, TableError};
use crate::names::{DomainId, FileSystemId, HomeUid, ProfileName};

/// The columns that a table has to have.
const COLUMNS: [&str; 4] = ["file_system", "uid", "domain", "profile"];

/// A row that is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// The line, from 1.
    pub line: u64,
    /// The file system of the orphan.
    pub file_system: FileSystemId,
    /// Its folder there.
    pub uid: HomeUid,
    /// The domain of whom it goes to.
    pub domain: DomainId,
    /// Whom it goes to.
    pub profile: ProfileName,
}

/// Reads a table, as spreadsheets write it: rows that name nobody are passed over, and so are other columns.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read_assigned(text: &str) -> Result<Vec<Assigned>, TableError> {
    const WHY: &str = "a row that names a profile has to fill it in";
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut rows = Vec::new();
    for row in sheet::read(text, &COLUMNS, &COLUMNS)? {
        let Some(profile) = row.cell("profile") else { continue };
        let line = row.number;
        let row = Assigned {
            line,
            file_system: row.needed("file_system", WHY)?.into(),
            uid: row.needed("uid", WHY)?.into(),
            domain: row.needed("domain", WHY)?.into(),
            profile: profile.into(),
        };
        let key = (row.file_system.to_string(), row.uid.to_string());
        if let Some(first) = seen.insert(key, line) {
            let who = format!("{}/{}", row.file_system, row.uid);
            return Err(TableError::Twice { line, first, who });
        }
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_name_somebody_are_read_as_spreadsheets_write_them() {
        for text in [
            "\u{feff}file_system,uid,domain,profile,bytes\r\nfs-a,1,d-a,ada,9\r\nfs-a,2,,,9\r\n",
            "sep=;\nprofile;domain;UID;File system\nada;d-a;1;fs-a\n",
        ] {
            let rows = read_assigned(text).unwrap();
            assert_eq!(rows.len(), 1, "{text}");
            let row = &rows[0];
            let told = (row.file_system.as_str(), row.uid.as_str(), row.domain.as_str());
            assert_eq!(told, ("fs-a", "1", "d-a"));
            assert_eq!(row.profile.as_str(), "ada");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let refused = |text: &str| read_assigned(text).unwrap_err().to_string();
        let head = "file_system,uid,domain,profile\r\n";
        assert!(refused("uid,domain,profile\n").contains("no column `file_system`"));
        let short = refused(&format!("{head}fs-a,,d-a,ada\n"));
        assert!(short.contains("line 2") && short.contains("`uid`"), "{short}");
        let twice = refused(&format!("{head}fs-a,1,d-a,ada\nfs-a,1,d-a,bob\n"));
        assert!(twice.contains("line 3 is about fs-a/1, as is line 2"), "{twice}");
    }
}
