//! Plans and who approved them.

use rusqlite::{OptionalExtension, params};
use serde_json::json;

use super::error::Error;
use super::event::NewEvent;
use super::store::{Journal, now};
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

impl Journal {
    /// Keeps a plan; keeping the same one twice keeps one.
    pub fn keep_plan(&self, plan: &Plan) -> Result<(), Error> {
        let body = serde_json::to_string(plan)
            .map_err(|source| Error::Body { what: format!("plan {}", plan.id), source })?;
        self.lock().execute(
            "INSERT INTO plan (id, snapshot, kept_at, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
            params![plan.id.as_str(), plan.snapshot.as_str(), now(), body],
        )?;
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

    /// Returns the last plan that as many different callers have approved as its playbook wants: the one that `run` executes.
    pub fn latest_approved_plan(&self) -> Result<Option<Plan>, Error> {
        self.read_plan(
            "WHERE coalesce(json_extract(body, '$.playbook.approvals.callers'), 1) \
                   <= (SELECT count(DISTINCT approver) FROM approval WHERE approval.plan = plan.id) \
             ORDER BY sequence DESC LIMIT 1",
            &[],
        )
    }

    /// Writes down that someone approves a plan.
    pub fn approve(&self, plan: &PlanId, approver: &str, note: &str) -> Result<(), Error> {
        self.plan(plan)?;
        self.record(&NewEvent {
            plan: Some(plan),
            kind: "approved",
            detail: json!({ "approver": approver, "note": note }),
            ..NewEvent::default()
        })?;
        self.lock().execute(
            "INSERT INTO approval (plan, approver, note, at) VALUES (?1, ?2, ?3, ?4)",
            params![plan.as_str(), approver, note, now()],
        )?;
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
