//! Where everyone of a plan stands, without reading every event.

use std::collections::HashMap;

use rusqlite::OptionalExtension;

use super::error::Error;
use super::store::Journal;
use crate::names::PlanId;

/// A plan without everyone in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanHead {
    /// Its id.
    pub id: PlanId,
    /// The account that it is for.
    pub account: String,
    /// The Region that it is for.
    pub region: String,
}

/// Where one person stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The batch.
    pub batch: String,
    /// The migration.
    pub migration: String,
    /// `waiting`, `underway`, `moved`, `failed`, `rolled-back` or `stuck`.
    pub standing: String,
    /// The first step that is not done.
    pub next_step: Option<String>,
    /// Why a step or an undo failed, if one did.
    pub why: Option<String>,
    /// What a person can do about it.
    pub hint: Option<String>,
}

impl Journal {
    /// Returns the last plan that as many different callers have approved as its playbook wants.
    pub fn latest_approved(&self) -> Result<Option<PlanHead>, Error> {
        let asked = "SELECT id, account, region FROM plan \
             WHERE callers <= (SELECT count(DISTINCT approver) FROM approval WHERE approval.plan = plan.id) \
             ORDER BY sequence DESC LIMIT 1";
        let head = |row: &rusqlite::Row<'_>| {
            Ok(PlanHead {
                id: PlanId::new(row.get::<_, String>(0)?),
                account: row.get(1)?,
                region: row.get(2)?,
            })
        };
        Ok(self.lock().query_row(asked, [], head).optional()?)
    }

    /// Returns where everyone of a plan stands, in the order in which batches run, as the view `v_standing` has it.
    ///
    /// What is known of people is read at one go and put to them here: to look each of a hundred thousand up takes SQLite half
    /// as long again, and so does asking why of those who are well.
    pub fn progress(&self, plan: &PlanId) -> Result<Vec<Progress>, Error> {
        let connection = self.lock();
        let mut well = connection.prepare(
            "SELECT migration, standing, next_step FROM migration_standing WHERE trouble IS NULL",
        )?;
        let well = well.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?, None, None)))
        })?;
        let mut known: HashMap<String, Seen> = well.collect::<Result<_, _>>()?;
        let mut in_trouble = connection.prepare(
            "SELECT seen.migration, standing, next_step, json_extract(event.detail, '$.message'), \
                    coalesce(json_extract(event.detail, '$.hint'), json_extract(event.detail, '$.look_at')) \
               FROM migration_standing AS seen JOIN event ON event.sequence = seen.trouble",
        )?;
        let in_trouble = in_trouble.query_map([], |row| {
            let about = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((row.get::<_, String>(0)?, about))
        })?;
        for seen in in_trouble {
            let (migration, about) = seen?;
            known.insert(migration, about);
        }
        let mut people = connection
            .prepare("SELECT batch, migration FROM planned WHERE plan = ?1 ORDER BY position")?;
        let rows = people.query_map([plan.as_str()], |row| {
            let (batch, migration): (String, String) = (row.get(0)?, row.get(1)?);
            let nothing = || ("waiting".to_owned(), Some("quiesce".to_owned()), None, None);
            let (standing, next_step, why, hint) = known.remove(&migration).unwrap_or_else(nothing);
            Ok(Progress { batch, migration, standing, next_step, why, hint })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What is known of a migration: standing, next step, why it failed, and what can be done.
type Seen = (String, Option<String>, Option<String>, Option<String>);

#[cfg(test)]
impl Journal {
    /// Migration, standing and next step of everyone of a plan, by the view that people ask with `sqlite3`.
    pub(crate) fn standing_by_view(&self, plan: &PlanId) -> Vec<(String, String, Option<String>)> {
        let connection = self.lock();
        let asked = "SELECT migration, standing, next_step FROM v_standing WHERE plan = ?1 ORDER BY position";
        let mut statement = connection.prepare(asked).unwrap();
        let rows =
            statement.query_map([plan.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }
}
