//! Snapshots of the inventory: kept whole, named by their content, never changed.

use rusqlite::{OptionalExtension, params};

use super::error::Error;
use super::store::Journal;
use crate::inventory::Snapshot;
use crate::names::SnapshotId;

/// A snapshot of the journal, without what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSnapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// When collection began, RFC 3339.
    pub taken_at: String,
    /// How many domains it has.
    pub domains: u32,
    /// How many profiles they have together.
    pub profiles: u32,
    /// Of how many the homes were measured.
    pub homes: u32,
}

impl Journal {
    /// Keeps a snapshot and returns the id that its content gives it. One that is kept already becomes the last one
    /// again.
    pub fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<SnapshotId, Error> {
        let body = |snapshot: &Snapshot| {
            serde_json::to_string(snapshot)
                .map_err(|source| Error::Body { what: "a snapshot".to_owned(), source })
        };
        let mut kept = Snapshot { id: None, ..snapshot.clone() };
        let hash = blake3::hash(body(&kept)?.as_bytes()).to_hex();
        let id = SnapshotId::new(&hash.as_str()[..12]);
        kept.id = Some(id.clone());
        self.lock().execute(
            "INSERT INTO snapshot (id, kept_at, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (id) DO UPDATE SET sequence = (SELECT max(sequence) + 1 FROM snapshot)",
            params![id.as_str(), self.said_now(), body(&kept)?],
        )?;
        Ok(id)
    }

    /// Returns the snapshot with this id.
    pub fn snapshot(&self, id: &SnapshotId) -> Result<Snapshot, Error> {
        self.read_snapshot("WHERE id = ?1", &[&id.as_str()])?
            .ok_or_else(|| Error::Missing(format!("snapshot {id}")))
    }

    /// Returns the snapshot that was taken last.
    pub fn latest_snapshot(&self) -> Result<Option<Snapshot>, Error> {
        self.read_snapshot("ORDER BY sequence DESC LIMIT 1", &[])
    }

    /// Lists the snapshots, the last one last.
    pub fn snapshots(&self) -> Result<Vec<KeptSnapshot>, Error> {
        let connection = self.lock();
        let mut statement = connection.prepare(
            "SELECT id, \
                    coalesce(json_extract(body, '$.account'), ''), \
                    coalesce(json_extract(body, '$.region'), ''), \
                    coalesce(json_extract(body, '$.taken_at'), ''), \
                    json_array_length(body, '$.domains'), \
                    (SELECT coalesce(sum(json_array_length(value, '$.profiles')), 0) \
                       FROM json_each(body, '$.domains')), \
                    (SELECT count(*) FROM json_each(body, '$.domains') AS domain, \
                            json_each(domain.value, '$.profiles') AS profile \
                      WHERE json_type(profile.value, '$.home') = 'object') \
               FROM snapshot ORDER BY sequence",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(KeptSnapshot {
                id: SnapshotId::new(row.get::<_, String>(0)?),
                account: row.get(1)?,
                region: row.get(2)?,
                taken_at: row.get(3)?,
                domains: row.get(4)?,
                profiles: row.get(5)?,
                homes: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn read_snapshot(
        &self,
        which: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Option<Snapshot>, Error> {
        let body: Option<String> = self
            .lock()
            .query_row(&format!("SELECT body FROM snapshot {which}"), values, |row| row.get(0))
            .optional()?;
        body.map(|body| {
            serde_json::from_str(&body)
                .map_err(|source| Error::Body { what: "a snapshot".to_owned(), source })
        })
        .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_comes_back_as_it_was_kept_and_is_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        let snapshot = Snapshot { schema: 1, caller: "arn:x".to_owned(), ..Snapshot::default() };
        let id = journal.keep_snapshot(&snapshot).unwrap();
        assert_eq!(journal.keep_snapshot(&snapshot).unwrap(), id);
        let kept = journal.latest_snapshot().unwrap().unwrap();
        assert_eq!(kept, Snapshot { id: Some(id.clone()), ..snapshot });
        assert_eq!(journal.snapshot(&id).unwrap(), kept);
    }
}
