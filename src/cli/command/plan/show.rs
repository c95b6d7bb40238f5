//! `plan show`: a plan as a tree, a table, JSON, or a page.

use crate::cli::command::{bytes, count, json, table, write_file};
use crate::cli::{Context, Exit, Failure};
use crate::journal::Approval;
use crate::names::counted;
use crate::plan::{Batch, Migration, Plan, Route};
use crate::readiness::Range;
use crate::report;

/// How a plan is written to stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PlanFormat {
    /// Batches with everyone in them, and why
    #[default]
    Tree,
    /// A row a person
    Table,
    /// Stable and versioned
    Json,
}

/// Writes a plan.
pub(super) fn show(context: &Context, plan: &Plan, format: PlanFormat) -> Result<(), Failure> {
    match format {
        PlanFormat::Json => context.ui.data(json(plan)?),
        PlanFormat::Tree => tree(context, plan),
        PlanFormat::Table => rows(context, plan),
    }
    Ok(())
}

/// Writes a plan as a page with its timeline.
pub(super) fn page(
    plan: &Plan,
    approvals: &[Approval],
    path: &std::path::Path,
) -> Result<(), Failure> {
    let page = report::plan_page(plan, approvals)
        .map_err(|error| Failure::of(Exit::Unexpected, "render the page", error))?;
    write_file(path, &page)
}

fn tree(context: &Context, plan: &Plan) {
    let ui = context.ui;
    let is_whole = context.global.verbose > 0;
    ui.data(format_args!(
        "Plan {} for account {} in {}, playbook {}",
        plan.id, plan.account, plan.region, plan.playbook.name
    ));
    let people = plan.migrations().count();
    let packed = plan.packing.filter(|(made, _)| *made > 0).map(|(made, least)| {
        format!("; {} of them made up, and no packing could do with fewer than {least}", made)
    });
    ui.data(format_args!(
        "{} for {}{}",
        counted(plan.batches.len() as u64, "batch", "batches"),
        counted(people as u64, "person", "people"),
        packed.unwrap_or_default()
    ));
    for batch in &plan.batches {
        ui.data(headline(batch));
        for migration in &batch.migrations {
            let size = migration.bytes.map_or_else(|| "unmeasured".to_owned(), bytes);
            // Why there is said first; what follows, about volume and way, is much the same for everyone.
            let why = match migration.because.split_once("; ") {
                Some((there, _)) if !is_whole => format!("{}; {there}", way(migration)),
                _ => format!("; {}", migration.because),
            };
            ui.data(format_args!(
                "  {}: {size} into space {} with {} GiB{why}",
                migration.name(),
                migration.space,
                migration.volume_gb
            ));
        }
    }
    left_out(context, plan);
    if !is_whole && people > 0 {
        ui.status(
            "Everything about how they go, and why: -v, or `studio-migrate plan explain WHO`",
        );
    }
}

/// What is out of the ordinary about how somebody moves.
fn way(migration: &Migration) -> String {
    let route = match migration.route {
        Route::InSpace => "",
        Route::Packed => ", packed",
        Route::DataSync => ", with DataSync",
    };
    let reused = if migration.is_reused { ", which is theirs" } else { "" };
    format!("{reused}{route}")
}

/// Names whom the plan leaves out: a domain that is not there stands before the people, since it is why they are none.
fn left_out(context: &Context, plan: &Plan) {
    if plan.left_out.is_empty() {
        return;
    }
    context.ui.data(format_args!("left out ({})", plan.left_out.len()));
    let (whole, people): (Vec<_>, Vec<_>) =
        plan.left_out.iter().partition(|left| left.is_whole_domain());
    for left in whole.into_iter().chain(people) {
        context.ui.data(format_args!("  {}/{}: {}", left.domain, left.who, left.because));
    }
}

/// A batch in one line: who, how much, how long, when, and what it waits for.
pub(super) fn headline(batch: &Batch) -> String {
    let people = batch.migrations.len();
    let known: u64 = batch.migrations.iter().filter_map(|migration| migration.bytes).sum();
    let unmeasured = batch.migrations.iter().filter(|migration| migration.bytes.is_none()).count();
    let mut line =
        format!("{} ({}, {}", batch.name, counted(people as u64, "person", "people"), bytes(known));
    if unmeasured > 0 {
        line.push_str(&format!(" and {}", count(unmeasured, "unmeasured home")));
    }
    if let Some(minutes) = batch.minutes {
        line.push_str(&format!(", {}", lasting(minutes)));
    }
    line.push(')');
    if let Some(slot) = &batch.slot {
        line.push_str(&format!(" {}", slot.because));
    }
    for gate in &batch.gates {
        line.push_str(&format!("; waits for gate {gate}"));
    }
    line
}

/// Writes a time from and to: `12 to 40 minutes`, `1.5 to 6.0 hours`.
pub(super) fn lasting(minutes: Range) -> String {
    if minutes.high < 120.0 {
        format!("{:.0} to {:.0} minutes", minutes.low, minutes.high)
    } else {
        format!("{:.1} to {:.1} hours", minutes.low / 60.0, minutes.high / 60.0)
    }
}

fn rows(context: &Context, plan: &Plan) {
    let mut table = table(["Batch", "Domain", "Profile", "To copy", "Space", "GiB", "Not before"]);
    for (batch, migration) in plan.migrations() {
        table.add_row([
            batch.name.to_string(),
            migration.domain.to_string(),
            migration.name().to_string(),
            migration.bytes.map_or_else(|| "unmeasured".to_owned(), bytes),
            migration.space.to_string(),
            migration.volume_gb.to_string(),
            batch.slot.as_ref().map_or_else(String::new, |slot| slot.from.to_string()),
        ]);
    }
    context.ui.data(table);
    for left in &plan.left_out {
        context.ui.data(format_args!("left out: {}/{}: {}", left.domain, left.who, left.because));
    }
}
