//! `readiness`: phase 2, the pre-migration report, from the last snapshot alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::mounted::as_if_mounted;
use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::{DomainId, ProfileName, SnapshotId, counted};
use crate::playbook::{AccountTarget, Playbook};
use crate::readiness::{self, Finding, Severity, Subject};

/// Arguments of `readiness`.
#[derive(Args, Clone, Debug)]
pub struct Readiness {
    /// The playbook: a file, or the name of a shipped one
    #[arg(long, default_value = "standard", value_name = "PLAYBOOK")]
    playbook: String,
    /// The snapshot to look at, instead of the last one
    #[arg(long, value_name = "ID")]
    snapshot: Option<SnapshotId>,
    /// Report on the last snapshot of every account and Region in one; a playbook with targets asks for its own
    #[arg(long, conflicts_with = "snapshot")]
    all_targets: bool,
    /// Write the report as one self-contained HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the findings as CSV that is safe to open in Excel
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write everyone's verdict as CSV, a row a person
    #[arg(long, value_name = "FILE")]
    people_csv: Option<PathBuf>,
    /// Print a lifecycle script of the last snapshot as it could run in the new Studio, and nothing else; lines that a person
    /// has to look at are named on stderr
    #[arg(long, value_name = "NAME")]
    script: Option<String>,
    /// Write the report as Markdown
    #[arg(long, value_name = "FILE")]
    md: Option<PathBuf>,
    /// How the findings are written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Readiness {
    /// The snapshots to report on: the one that is asked for, the last of every target of the playbook, the last of every
    /// account and Region, or the last; with them, the targets of which there is none.
    fn snapshots(
        &self,
        context: &Context,
        journal: &Journal,
        playbook: &Playbook,
    ) -> Result<(Vec<Snapshot>, Vec<String>), Failure> {
        let failed = |error| Failure::journal("read the snapshots", error);
        if self.snapshot.is_some() || playbook.targets.is_empty() && !self.all_targets {
            let chosen = super::chosen_snapshot(context, journal, self.snapshot.as_ref())?;
            return Ok((vec![chosen], Vec::new()));
        }
        if self.all_targets {
            let mut last = BTreeMap::new();
            for kept in journal.snapshots().map_err(failed)? {
                last.insert((kept.account, kept.region), kept.id);
            }
            if last.is_empty() {
                super::latest_snapshot(journal)?;
            }
            let all: Result<_, _> =
                last.values().map(|id| journal.snapshot(id).map_err(failed)).collect();
            return Ok((all?, Vec::new()));
        }
        let mut found: Vec<Snapshot> = Vec::new();
        let mut missing = Vec::new();
        for target in &playbook.targets {
            match last_of(journal, target)? {
                Some(snapshot) if found.iter().any(|one| one.id == snapshot.id) => {}
                Some(snapshot) => found.push(snapshot),
                None => {
                    context.ui.warning(format_args!(
                        "there is no snapshot of {}: `studio-migrate inventory --playbook {}` takes one",
                        described(target),
                        self.playbook
                    ));
                    missing.push(described(target));
                }
            }
        }
        if found.is_empty() {
            return Err(Failure::usage("there is no snapshot of any target of the playbook")
                .hinted(format!(
                    "take one with `studio-migrate inventory --playbook {}`",
                    self.playbook
                )));
        }
        Ok((found, missing))
    }

    /// Assesses the last snapshot. Ends with [`Exit::Blocked`] when something blocks.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let playbook = super::playbook(&self.playbook)?;
        context.ui.status(format_args!("Playbook {}", playbook.name));
        let journal = context.existing_journal()?;
        let (mut snapshots, missing) = self.snapshots(context, &journal, &playbook)?;
        for snapshot in &mut snapshots {
            as_if_mounted(&journal, snapshot)?;
        }
        if let Some(name) = &self.script {
            return print_script(context, &snapshots, name);
        }
        let mut report = readiness::Readiness::over(&snapshots, &playbook);
        report.in_batches(&batches(&journal)?);
        report.missing_targets = missing;
        if let Some(path) = &self.html {
            let page = readiness::html(&snapshots, &report)
                .map_err(|error| Failure::of(Exit::Unexpected, "render the page", error))?;
            super::write_file(path, &page)?;
        }
        if let Some(path) = &self.csv {
            super::write_file(path, &readiness::csv(&report))?;
        }
        if let Some(path) = &self.people_csv {
            super::write_file(path, &readiness::people_csv(&report))?;
        }
        if let Some(path) = &self.md {
            super::write_file(path, &readiness::markdown(&report))?;
        }
        match self.format {
            Format::Json => context.ui.data(super::json(&report)?),
            Format::Table => show(context, &report),
        }
        Ok(if report.is_blocked() { Exit::Blocked } else { Exit::Done })
    }
}

/// The account that a target means, where it says so.
fn account_of(target: &AccountTarget) -> Option<&str> {
    target.account.as_deref().or_else(|| target.role.as_deref()?.split(':').nth(4))
}

fn described(target: &AccountTarget) -> String {
    let whose = account_of(target).unwrap_or("the caller's account");
    match target.domains.as_slice() {
        [] => format!("{whose} in {}", target.region),
        domains => format!("{} of {whose} in {}", domains.join(", "), target.region),
    }
}

/// The last snapshot of a target, with no other domains than it names.
fn last_of(journal: &Journal, target: &AccountTarget) -> Result<Option<Snapshot>, Failure> {
    let failed = |error| Failure::journal("read the snapshots", error);
    for kept in journal.snapshots().map_err(failed)?.into_iter().rev() {
        let is_it = kept.region == target.region
            && account_of(target).is_none_or(|account| account == kept.account);
        if !is_it {
            continue;
        }
        let mut snapshot = journal.snapshot(&kept.id).map_err(failed)?;
        let has = |id: &String| snapshot.domains.iter().any(|domain| domain.id.as_str() == id);
        if target.domains.is_empty() && snapshot.only.is_empty() {
            return Ok(Some(snapshot));
        }
        if !target.domains.is_empty() && target.domains.iter().all(has) {
            let named = |id: &DomainId| target.domains.iter().any(|named| named == id.as_str());
            if snapshot.domains.iter().any(|domain| !named(&domain.id)) {
                snapshot.domains.retain(|domain| named(&domain.id));
                snapshot.only = snapshot.domains.iter().map(|domain| domain.id.clone()).collect();
            }
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

/// Who is in which batch of the plan that was drawn up last.
fn batches(journal: &Journal) -> Result<BTreeMap<(DomainId, ProfileName), String>, Failure> {
    let plan = journal.latest_plan().map_err(|error| Failure::journal("read the plan", error))?;
    let mut batches = BTreeMap::new();
    for batch in plan.into_iter().flat_map(|plan| plan.batches) {
        for one in batch.migrations {
            batches.insert((one.domain, one.profile), batch.name.to_string());
        }
    }
    Ok(batches)
}

/// Prints a script as it could run in the new Studio; what a person has to look at goes to stderr.
fn print_script(context: &Context, snapshots: &[Snapshot], name: &str) -> Result<Exit, Failure> {
    let scripts = || snapshots.iter().flat_map(|snapshot| &snapshot.scripts);
    let Some(script) = scripts().find(|script| script.name.eq_ignore_ascii_case(name)) else {
        let names: Vec<_> = scripts().map(|script| script.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "there is no lifecycle script {name} in the last snapshot"
        ))
        .hinted(format!("there are: {}", names.join(", "))));
    };
    let Some(text) = &script.text else {
        return Err(Failure::usage(format!("the text of {name} could not be read")));
    };
    let converted = readiness::convert(text);
    for (line, what) in &converted.left {
        context.ui.warning(format_args!("line {line}: {what}"));
    }
    context.ui.data(converted.text.trim_end());
    Ok(Exit::Done)
}

/// Says how many are ready, and then each thing that was found with whom it is about; `-v` has a row for every finding.
fn show(context: &Context, report: &readiness::Readiness) {
    context.ui.data(format_args!(
        "{} of {} ready; {} blocked.",
        report.ready,
        counted(report.people as u64, "person is", "people are"),
        report.blocked.len()
    ));
    if context.global.verbose > 0 {
        rows(context, report)
    } else {
        summary(context, report)
    }
    for finding in report.of_accounts() {
        context
            .ui
            .data(format_args!("For the whole account: {} ({})", finding.title, finding.code));
    }
    let asides = [
        (
            report.homes().unmeasured,
            "home was not measured, so nobody knows whether it fits",
            "homes were not measured, so nobody knows whether they fit",
        ),
        (report.out_of_scope.len(), "more person is not in scope", "more people are not in scope"),
        (
            report.suppressed.len(),
            "finding does not count, since someone answers for it",
            "findings do not count, since someone answers for them",
        ),
    ];
    for (count, one, many) in asides.iter().filter(|(count, ..)| *count > 0) {
        context.ui.data(counted(*count as u64, one, many));
    }
}

/// What was found, the gravest first: of each the people and things that it is about by count and first names, and what to do.
fn summary(context: &Context, report: &readiness::Readiness) {
    for severity in Severity::ALL {
        let found: Vec<_> = report.findings.iter().filter(|one| one.severity == severity).collect();
        if found.is_empty() {
            continue;
        }
        context.ui.data(match severity {
            Severity::Blocker => "\nBlockers: whoever they are about does not move before",
            Severity::Warning => "\nWarnings: they move, and somebody should look",
            Severity::Advice => "\nAdvice",
        });
        let of = |one: &Finding| (one.code.clone(), one.title.clone());
        let mut things: Vec<(String, String)> = Vec::new();
        for finding in &found {
            if !things.contains(&of(finding)) {
                things.push(of(finding));
            }
        }
        for thing in things {
            let alike: Vec<_> = found.iter().copied().filter(|one| of(one) == thing).collect();
            of_one(context, &alike);
        }
    }
    context.ui.status(
        "\nEvery finding with what was seen: -v, or --html, --md and --csv; `studio-migrate explain CODE` says what one means",
    );
}

/// Says one thing that was found of several.
fn of_one(context: &Context, findings: &[&Finding]) {
    /// How many are named.
    const NAMED: usize = 5;
    let Some(first) = findings.first() else { return };
    let who = match findings {
        [one] => format!("{}: {}", about(&one.subject), one.evidence),
        several => {
            let names: Vec<_> = several.iter().take(NAMED).map(|one| about(&one.subject)).collect();
            let more = several.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{} times: {}{more}", several.len(), names.join(", "))
        }
    };
    context.ui.data(format_args!("{} {}", first.code, first.title));
    context.ui.data(format_args!("      {}", who.replace('\n', "\n      ")));
    if first.severity == Severity::Advice {
        return;
    }
    // A remedy may be each one's own, and one of several would mislead the others. Of a proposal that goes over many lines the
    // first says what to do.
    let remedy = first.remedy.lines().next().unwrap_or_default();
    let whose = if findings.iter().all(|one| one.remedy == first.remedy) {
        String::new()
    } else {
        format!("for {}: ", about(&first.subject))
    };
    context.ui.data(format_args!("      to do: {whose}{remedy}"));
}

/// A row for every finding.
fn rows(context: &Context, report: &readiness::Readiness) {
    let mut table = super::table(["Code", "Severity", "About", "Finding", "Evidence"]);
    for finding in &report.findings {
        table.add_row([
            finding.code.as_str(),
            finding.severity.name(),
            &about(&finding.subject),
            &finding.title,
            &finding.evidence,
        ]);
    }
    context.ui.data(table);
}

fn about(subject: &Subject) -> String {
    match subject {
        Subject::Account => "the account".to_owned(),
        Subject::Domain { domain } => domain.clone(),
        Subject::Profile { domain, profile } => format!("{domain}/{profile}"),
        Subject::Space { domain, space } => format!("{domain}/{space} (space)"),
        Subject::Thing { name } => name.clone(),
    }
}
