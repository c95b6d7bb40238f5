//! Plans and who approved them.

use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::json;

use super::error::Error;
use super::event::NewEvent;
use super::store::Journal;
use crate::names::PlanId;
use crate::plan::Plan;

/// One approval of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who approved.
    pub approver: String,
    /// What they said.
    pub note: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Keeps a row for everyone of a plan.
fn keep_people(transaction: &Transaction<'_>, plan: &Plan) -> Result<(), Error> {
    let mut statement = transaction.prepare(
        "INSERT INTO planned (plan, position, batch_number, batch, migration, domain, profile, space, volume_gb, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut position = 0_i64;
    for (number, batch) in (0_i64..).zip(&plan.batches) {
        for one in &batch.migrations {
            position += 1;
            statement.execute(params![
                plan.id.as_str(),
                position,
                number,
                batch.name.as_str(),
                one.id.as_str(),
                one.domain.as_str(),
                one.name().as_str(),
                one.space.as_str(),
                one.volume_gb,
                one.bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
            ])?;
        }
    }
    Ok(())
}

impl Journal {
    /// Keeps a plan; keeping the same one twice keeps one.
    pub fn keep_plan(&self, plan: &Plan) -> Result<(), Error> {
        let body = serde_json::to_string(plan)
            .map_err(|source| Error::Body { what: format!("plan {}", plan.id), source })?;
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let is_new = transaction.execute(
            "INSERT INTO plan (id, snapshot, kept_at, body, account, region, callers)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO NOTHING",
            params![
                plan.id.as_str(),
                plan.snapshot.as_str(),
                self.said_now(),
                body,
                plan.account.as_str(),
                plan.region.as_str(),
                i64::try_from(plan.playbook.approvals.callers).unwrap_or(i64::MAX)
            ],
        )?;
        if is_new > 0 {
            keep_people(&transaction, plan)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Returns the plan with this id.
    pub fn plan(&self, id: &PlanId) -> Result<Plan, Error> {
        self.read_plan("WHERE id = ?1", &[&id.as_str()])?
            .ok_or_else(|| Error::Missing(format!("plan {id}")))
    }

    /// Returns the plan that was kept last.
    pub fn latest_plan(&self) -> Result<Option<Plan>, Error> {
        self.read_plan("ORDER BY sequence DESC LIMIT 1", &[])
    }

    /// Returns the id of the plan that was kept last, without reading the plan.
    pub fn latest_plan_id(&self) -> Result<Option<PlanId>, Error> {
        let asked = "SELECT id FROM plan ORDER BY sequence DESC LIMIT 1";
        let id = |row: &rusqlite::Row<'_>| Ok(PlanId::new(row.get::<_, String>(0)?));
        Ok(self.lock().query_row(asked, [], id).optional()?)
    }

    /// Returns the last plan that as many different callers have approved as its playbook wants: the one that `run` executes.
    pub fn latest_approved_plan(&self) -> Result<Option<Plan>, Error> {
        match self.latest_approved()? {
            Some(head) => self.plan(&head.id).map(Some),
            None => Ok(None),
        }
    }

    /// Writes down that someone approves a plan.
    pub fn approve(&self, plan: &PlanId, approver: &str, note: &str) -> Result<(), Error> {
        self.plan(plan)?;
        let event = NewEvent {
            plan: Some(plan),
            kind: "approved",
            detail: json!({ "approver": approver, "note": note }),
            ..NewEvent::default()
        };
        self.record_with(&event, |transaction| {
            transaction.execute(
                "INSERT INTO approval (plan, approver, note, at) VALUES (?1, ?2, ?3, ?4)",
                params![plan.as_str(), approver, note, self.said_now()],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// Returns who approved a plan, oldest first.
    pub fn approvals(&self, plan: &PlanId) -> Result<Vec<Approval>, Error> {
        let connection = self.lock();
        let mut statement = connection
            .prepare("SELECT approver, note, at FROM approval WHERE plan = ?1 ORDER BY sequence")?;
        let rows = statement.query_map([plan.as_str()], |row| {
            Ok(Approval { approver: row.get(0)?, note: row.get(1)?, at: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn read_plan(
        &self,
        which: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Option<Plan>, Error> {
        let body: Option<String> = self
            .lock()
            .query_row(&format!("SELECT body FROM plan {which}"), values, |row| row.get(0))
            .optional()?;
        body.map(|body| Plan::from_json(&body).map_err(Error::Plan)).transpose()
    }
}
