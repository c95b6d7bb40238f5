//! `rehearse`: how a plan would go, found out on a simulated copy of the snapshot in virtual time.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::sim::read_faults;
use super::todo::standing;
use crate::cli::context::Format;
use crate::cli::rehearsal::{Outcome, Rehearsal, Script, rehearse};
use crate::cli::{Context, Exit, Failure};
use crate::execute::MigrationStanding;
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::counted;
use crate::plan::{self, Plan};
use crate::readiness::{Range, assess};

/// Arguments of `rehearse`.
#[derive(Args, Clone, Debug)]
pub struct Rehearse {
    /// Draw a plan up from the last snapshot with this playbook, instead of taking the last plan; it is not kept
    #[arg(long, value_name = "PLAYBOOK")]
    playbook: Option<String>,
    /// What goes wrong: a YAML list of operation, from, times, effect
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// What decides everything that chance decides
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// When the run begins, instead of now: `2026-12-05T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    begin: Option<Timestamp>,
    /// How the outcome is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Rehearse {
    /// Rehearses, and says how it went.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let script = self.script(context)?;
        let people = people(script.plan.migrations().count());
        context.ui.status(format_args!(
            "Rehearsing plan {}, {people}, on a simulated copy of snapshot {}: nothing is called in the account",
            script.plan.id, script.plan.snapshot
        ));
        let outcome = rehearse(script, Rehearsal::run)?;
        match self.format {
            Format::Json => context.ui.data(super::json(&outcome)?),
            Format::Table => tell(context, &outcome),
        }
        Ok(match (outcome.is_well(), outcome.failed.is_empty() && outcome.drifted.is_empty()) {
            (true, _) => Exit::Done,
            (false, true) => Exit::Stopped,
            (false, false) => Exit::SomeFailed,
        })
    }

    fn script(&self, context: &Context) -> Result<Script, Failure> {
        let journal = context.existing_journal()?;
        let (snapshot, plan) = self.plan(&journal)?;
        let mut moved = BTreeSet::new();
        for (_, migration) in plan.migrations() {
            if standing(&journal, &migration.id)?.word() == MigrationStanding::Moved {
                moved.insert(migration.id.clone());
            }
        }
        let faults = self.faults.as_deref().map(read_faults).transpose()?.unwrap_or_default();
        let begin = self.begin.unwrap_or_else(Timestamp::now);
        Ok(Script { snapshot, plan, moved, faults, seed: self.seed, begin })
    }

    /// The plan that is rehearsed, and the snapshot that it stands on.
    fn plan(&self, journal: &Journal) -> Result<(Snapshot, Plan), Failure> {
        let failed = |error| Failure::journal("read the plan", error);
        if let Some(playbook) = &self.playbook {
            let playbook = super::playbook(playbook)?;
            let snapshot = super::latest_snapshot(journal)?;
            let findings = assess(&snapshot, &playbook);
            let plan = plan::draw(&snapshot, &findings, &playbook, None)
                .map_err(|error| Failure::of(Exit::Usage, "draw up the plan", error))?;
            return Ok((snapshot, plan));
        }
        let plan = journal.latest_plan().map_err(failed)?.ok_or_else(|| {
            Failure::usage("there is no plan yet")
                .hinted("draw one up with `studio-migrate plan`, or give --playbook")
        })?;
        let snapshot = journal.snapshot(&plan.snapshot).map_err(failed)?;
        Ok((snapshot, plan))
    }
}

fn tell(context: &Context, outcome: &Outcome) {
    let ui = context.ui;
    let mut table =
        super::table(["Batch", "People", "Begins", "Ends", "Takes", "Estimate", "Fail"]);
    let at = |time: Option<Timestamp>| {
        time.map_or_else(|| "–".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
    };
    for batch in &outcome.batches {
        table.add_row([
            batch.batch.clone(),
            batch.people.to_string(),
            at(batch.begin),
            at(batch.end),
            duration(batch.minutes),
            batch.estimate.map_or_else(|| "–".to_owned(), between),
            batch.failed.to_string(),
        ]);
    }
    ui.data(table);
    ui.data(format_args!(
        "All of it takes {}; the planner's estimate is {}. Times are UTC.",
        duration(outcome.minutes),
        between(outcome.estimate)
    ));
    let held = outcome.held;
    ui.data(format_args!(
        "{} would be moved, half of them held no longer than {}, nine of ten {}, the longest {}",
        people(outcome.done),
        duration(held.median),
        duration(held.ninety_percent),
        duration(held.longest)
    ));
    tell_cost_and_calls(context, outcome);
    tell_trouble(context, outcome);
}

fn tell_cost_and_calls(context: &Context, outcome: &Outcome) {
    let ui = context.ui;
    let usd = |name: &str| {
        let cost = outcome.cost.get(name).copied().unwrap_or_default();
        format!("{:.0} to {:.0} USD", cost.low, cost.high)
    };
    ui.data(format_args!(
        "Cost by the estimate: {} once, {} a month afterwards instead of {}",
        usd("once"),
        usd("after"),
        usd("before")
    ));
    let (mut calls, mut throttled) = (0, 0);
    for of in outcome.calls.values() {
        calls += of.calls;
        throttled += of.throttled;
    }
    let mut most: Vec<_> = outcome.calls.iter().collect();
    most.sort_by_key(|(name, of)| (std::cmp::Reverse(of.calls), *name));
    let most: Vec<_> =
        most.iter().take(4).map(|(name, of)| format!("{name} {}", of.calls)).collect();
    ui.data(format_args!(
        "{calls} calls, {throttled} of them throttled; most: {}",
        most.join(", ")
    ));
}

fn tell_trouble(context: &Context, outcome: &Outcome) {
    let ui = context.ui;
    for failed in &outcome.failed {
        let step = failed.step.as_deref().unwrap_or("the look before the first step");
        ui.warning(format_args!(
            "{} of {} would fail in {step}: {}",
            failed.migration, failed.batch, failed.message
        ));
    }
    for (migration, changes) in &outcome.drifted {
        ui.warning(format_args!("{migration} would not be begun: {}", changes.join("; ")));
    }
    if let Some(why) = &outcome.stopped {
        ui.warning(format_args!("the run would stop with {} left: {why}", outcome.left));
    }
    if outcome.assumed > 0 {
        ui.status(format_args!(
            "{} were not measured and are taken to be as the planner assumes",
            super::count(outcome.assumed, "home")
        ));
    }
    for one in &outcome.not_rehearsed {
        ui.status(format_args!("{} was not rehearsed: {}", one.migration, one.because));
    }
}

fn people(number: usize) -> String {
    counted(number as u64, "person", "people")
}

fn between(range: Range) -> String {
    format!("{} to {}", duration(range.low), duration(range.high))
}

/// Writes a number of minutes for people.
fn duration(minutes: f64) -> String {
    if minutes < 120.0 { format!("{minutes:.0} min") } else { format!("{:.1} h", minutes / 60.0) }
}
