//! `report`: what happened, with the proof, from the journal alone.

mod evidence;
pub(super) mod folder;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use crate::cli::context::{Format, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::execute::{
    Standing, Step, StepStanding, held, hidden_words, kind, unread_words, was_hidden, whereabouts,
};
use crate::journal::{Event, Journal};
use crate::names::{PlanId, counted};
use crate::plan::{Batch, LeftOut, Migration, Plan};
use crate::report::{
    self, Approval, Audit, FailureFacts, Inputs, OrphanFacts, PersonFacts, Proof, Report as Data,
    StepFacts,
};

/// Arguments of `report`.
#[derive(Args, Clone, Debug)]
pub struct Report {
    /// Write the report as one self-contained HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write one line a person, as CSV that is safe to open in Excel
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the report as Markdown
    #[arg(long, value_name = "FILE")]
    md: Option<PathBuf>,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a folder of proof for everyone into this new folder: manifest, digests, settings before and after, calls, events
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// How the report is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Report {
    /// Puts the report together and writes it wherever it was asked for.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let data = Data::from(inputs(&journal, &plan)?);
        let evidence = match &self.evidence {
            Some(root) => Some((root, evidence::write(context, root, &journal, &plan, &data)?)),
            None => None,
        };
        // A page leads to the evidence from where it stands itself.
        let linked = |file: &Path| {
            let mut data = data.clone();
            if let Some((root, evidence)) = &evidence {
                let way = way(file.parent().unwrap_or(Path::new("")), root);
                for person in &mut data.people {
                    let folder = evidence.folders.get(&person.migration);
                    person.evidence = folder.map(|folder| format!("{way}/{folder}"));
                }
            }
            data
        };
        self.write_files(&linked)?;
        match self.format {
            Format::Json => context.ui.data(super::json(&linked(Path::new("stdout")))?),
            Format::Table => {
                context.ui.data(format_args!(
                "{}: {} moved, {} failed, {} stuck, {} under way, {} waiting, {} rolled back; {}, {} proven; held up {} minutes in all, {} at most",
                counted(data.totals.people as u64, "person", "people"),
                data.totals.moved,
                data.totals.failed,
                data.totals.stuck,
                data.totals.underway,
                data.totals.waiting,
                data.totals.rolled_back,
                counted(data.totals.files, "file", "files"),
                super::bytes(data.totals.bytes),
                data.totals.held_minutes,
                data.totals.longest_held_minutes,
            ));
                if let Some(words) = data.orphan_totals.words() {
                    context.ui.data(format_args!("Homes that nobody owns: {words}"));
                }
            }
        }
        let is_complete = evidence.is_none_or(|(_, evidence)| evidence.incomplete.is_empty());
        Ok(if is_complete { Exit::Done } else { Exit::SomeFailed })
    }

    fn write_files(&self, linked: &dyn Fn(&Path) -> Data) -> Result<(), Failure> {
        if let Some(path) = &self.html {
            let page = report::html(&linked(path))
                .map_err(|error| Failure::of(Exit::Unexpected, "render the page", error))?;
            super::write_file(path, &page)?;
        }
        if let Some(path) = &self.csv {
            super::write_file(path, &report::csv(&linked(path)))?;
        }
        if let Some(path) = &self.md {
            super::write_file(path, &report::markdown(&linked(path)))?;
        }
        if let Some(path) = &self.json {
            super::write_file(path, &super::json(&linked(path))?)?;
        }
        Ok(())
    }
}

/// The way from one folder to another: relative, so that both can be moved together.
fn way(from: &Path, to: &Path) -> String {
    let (Ok(from), Ok(to)) = (std::path::absolute(from), std::path::absolute(to)) else {
        return to.display().to_string();
    };
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other);
    let shared = shared.count();
    let up = from.components().skip(shared).map(|_| "..".to_owned());
    let down = to.components().skip(shared);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    let way: Vec<_> = up.chain(down).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

fn inputs(journal: &Journal, plan: &Plan) -> Result<Inputs, Failure> {
    let failed = |error| Failure::journal("read the journal", error);
    let approvals = journal.approvals(&plan.id).map_err(failed)?;
    let verdict = journal.audit().map_err(failed)?;
    let (mut people, mut earlier) = (Vec::new(), BTreeMap::new());
    for (batch, migration) in plan.migrations() {
        let events = journal.events_of(&migration.id).map_err(failed)?;
        let mut person = person(batch, migration, &events)?;
        // Whoever went by an earlier plan went the way that it said.
        if let Some(of) = copied_by(&events).filter(|of| *of != plan.id) {
            if !earlier.contains_key(&of) {
                earlier.insert(of.clone(), journal.plan(&of).map_err(failed)?);
            }
            if let Some((_, then)) = earlier[&of].migration(&migration.id) {
                person.route = then.route;
            }
        }
        people.push(person);
    }
    Ok(Inputs {
        made_at: jiff::Timestamp::now().to_string(),
        account: plan.account.clone(),
        region: plan.region.clone(),
        plan: plan.id.clone(),
        playbook: plan.playbook.name.clone(),
        approvals: approvals
            .into_iter()
            .map(|approval| Approval {
                batch: None,
                by: approval.approver,
                at: approval.at,
                note: Some(approval.note).filter(|note| !note.is_empty()),
            })
            .collect(),
        people,
        left_out: left_out(journal, plan)?,
        orphans: orphans(journal, plan)?,
        audit: Audit {
            events: verdict.events as u64,
            head: verdict.head,
            broken_at: verdict.broken_at,
        },
    })
}

/// The plan by which somebody's home was copied last.
fn copied_by(events: &[Event]) -> Option<PlanId> {
    let is_copied = |event: &&Event| {
        event.kind == kind::FINISHED && event.step.as_deref() == Some(Step::Hydrate.name())
    };
    events.iter().rev().find(is_copied)?.plan.clone()
}

/// Homes that nobody owns: those that the last inventory saw, and those that something was done about.
fn orphans(journal: &Journal, plan: &Plan) -> Result<Vec<OrphanFacts>, Failure> {
    let snapshot = super::latest_snapshot(journal)?;
    let told = super::orphans::told(journal, &snapshot, Some(plan))?;
    Ok(told.orphans.into_iter().map(super::orphans::OrphanTold::facts).collect())
}

/// Whom the plan left out; of homes that nobody owns where they are now, since what the plan said of them holds no more.
fn left_out(journal: &Journal, plan: &Plan) -> Result<Vec<LeftOut>, Failure> {
    let known =
        whereabouts(journal).map_err(|error| Failure::journal("read where orphans are", error))?;
    let snapshot = super::latest_snapshot(journal)?;
    let seen = crate::execute::orphans(&snapshot);
    let mut left = plan.left_out.clone();
    for one in &mut left {
        let of_orphan = one.orphan().and_then(|name| {
            let orphan = seen.iter().find(|orphan| orphan.name() == name).cloned();
            known.get(&name)?.words(&orphan.unwrap_or_default(), &snapshot.taken_at)
        });
        if let Some(words) = of_orphan {
            one.because = format!("a home that nobody owns: {words}");
        }
    }
    Ok(left)
}

fn person(batch: &Batch, migration: &Migration, events: &[Event]) -> Result<PersonFacts, Failure> {
    let standing = Standing::of(events)
        .map_err(|error| Failure::of(Exit::Unexpected, "read the journal", error))?;
    let proof = standing.receipt(Step::Verify).and_then(Proof::from_receipt);
    let remarks = remarks(migration, &standing, proof.as_ref());
    Ok(PersonFacts {
        migration: migration.id.clone(),
        domain: migration.domain.clone(),
        profile: migration.name(),
        batch: batch.name.clone(),
        space: migration.space.clone(),
        volume_gb: migration.volume_gb,
        route: migration.route,
        standing: standing.word().name().to_owned(),
        steps: Step::ALL.into_iter().filter_map(|step| facts(step, &standing, events)).collect(),
        held: held(events).map(|held| report::Held::new(held.from, held.to)),
        proof,
        remarks: remarks.into_iter().chain(super::flows::remark(events)).collect(),
        failure: Step::ALL.into_iter().find_map(|step| failure(step, &standing)),
        evidence: None,
    })
}

fn facts(step: Step, standing: &Standing, events: &[Event]) -> Option<StepFacts> {
    let now = standing.step(step);
    if *now == StepStanding::Untouched {
        return None;
    }
    let is_under_way = matches!(now, StepStanding::Started | StepStanding::Undoing { .. });
    let last = |kinds: &[&str]| {
        events
            .iter()
            .rev()
            .find(|event| {
                event.step.as_deref() == Some(step.name()) && kinds.contains(&event.kind.as_str())
            })
            .map(|event| event.at.clone())
    };
    let ends = [kind::FINISHED, kind::FAILED, kind::UNDO_FINISHED, kind::UNDO_FAILED];
    Some(StepFacts {
        name: step.name().to_owned(),
        standing: now.name().to_owned(),
        began_at: last(&[kind::STARTED, kind::UNDO_STARTED]),
        ended_at: if is_under_way { None } else { last(&ends) },
    })
}

/// What could not be put back, doors that closed for good, what nobody could read, and what hides the space from who is to find it.
fn remarks(migration: &Migration, standing: &Standing, proof: Option<&Proof>) -> Vec<String> {
    let mut remarks = Vec::new();
    let strings = |value: &Value| -> Vec<String> {
        serde_json::from_value(value.clone()).unwrap_or_default()
    };
    if let Some(receipt) = standing.receipt(Step::Quiesce) {
        let stopped = receipt.get("stopped").map(strings).unwrap_or_default();
        remarks.extend(stopped.iter().map(|app| {
            format!("the Classic app {app} was stopped and can never be started again")
        }));
    }
    for step in Step::ALL {
        if let StepStanding::Undone { remarks: said } = standing.step(step) {
            remarks.extend(strings(said));
        }
    }
    remarks.extend(proof.and_then(|proof| {
        unread_words(&proof.not_copied, &proof.not_copied_named, &migration.name())
    }));
    if was_hidden(standing) {
        remarks.push(hidden_words(migration));
    }
    remarks
}

fn failure(step: Step, standing: &Standing) -> Option<FailureFacts> {
    let said = match standing.step(step) {
        StepStanding::Failed { failure } => failure,
        StepStanding::Stuck { trouble, .. } => trouble,
        _ => return None,
    };
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(FailureFacts {
        step: step.name().to_owned(),
        message: text("message").unwrap_or_default(),
        hint: text("hint").or_else(|| text("look_at")),
        left_behind: said
            .get("left_behind")
            .and_then(|left| serde_json::from_value(left.clone()).ok())
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_evidence_is_a_relative_one() {
        let from = |from: &str, to: &str| way(Path::new(from), Path::new(to));
        assert_eq!(from("", "evidence"), "evidence");
        assert_eq!(from("out", "out/evidence"), "evidence");
        assert_eq!(from("out", "out"), ".");
        assert_eq!(from("/a/pages", "/a/b/evidence"), "../b/evidence");
    }
}
