//! Where everyone of a plan stands, without reading every event.

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

/// Where one person stands, as the view `v_standing` has it.
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

    /// Returns where everyone of a plan stands, in the order in which batches run.
    pub fn progress(&self, plan: &PlanId) -> Result<Vec<Progress>, Error> {
        let connection = self.lock();
        let mut statement = connection.prepare(
            "SELECT batch, v_standing.migration, standing, next_step, \
                    json_extract(event.detail, '$.message'), \
                    coalesce(json_extract(event.detail, '$.hint'), json_extract(event.detail, '$.look_at')) \
               FROM v_standing LEFT JOIN event ON event.sequence = v_standing.trouble \
              WHERE v_standing.plan = ?1 ORDER BY position",
        )?;
        let rows = statement.query_map([plan.as_str()], |row| {
            Ok(Progress {
                batch: row.get(0)?,
                migration: row.get(1)?,
                standing: row.get(2)?,
                next_step: row.get(3)?,
                why: row.get(4)?,
                hint: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
