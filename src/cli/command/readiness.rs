//! `readiness`: phase 2, the pre-migration report, from the last snapshot alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::{DomainId, ProfileName, SnapshotId};
use crate::playbook::{AccountTarget, Playbook};
use crate::readiness::{self, Subject};

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
    /// Print a lifecycle script of the last snapshot as it could run in the new Studio, and nothing else
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
    /// The snapshots to report on: the one that is asked for, the last of every target, or the last.
    fn snapshots(
        &self,
        context: &Context,
        journal: &Journal,
        playbook: &Playbook,
    ) -> Result<Vec<Snapshot>, Failure> {
        let is_over_targets = self.all_targets || playbook.targets.len() > 1;
        if self.snapshot.is_some() || !is_over_targets {
            return Ok(vec![super::chosen_snapshot(context, journal, self.snapshot.as_ref())?]);
        }
        let failed = |error| Failure::journal("read the snapshots", error);
        let mut last = BTreeMap::new();
        for kept in journal.snapshots().map_err(failed)? {
            last.insert((kept.account, kept.region), kept.id);
        }
        if !self.all_targets {
            let of = |target: &AccountTarget, account: &str, region: &str| {
                let in_role = target.role.as_deref().and_then(|arn| arn.split(':').nth(4));
                let wanted = target.account.as_deref().or(in_role);
                target.region == region && wanted.is_none_or(|wanted| wanted == account)
            };
            for target in &playbook.targets {
                if !last.keys().any(|(account, region)| of(target, account, region)) {
                    let whose = target.account.as_deref().or(target.role.as_deref());
                    context.ui.warning(format_args!(
                        "there is no snapshot of {} in {}: `studio-migrate inventory --playbook {}` takes one",
                        whose.unwrap_or("the caller's account"),
                        target.region,
                        self.playbook
                    ));
                }
            }
            last.retain(|(account, region), _| {
                playbook.targets.iter().any(|target| of(target, account, region))
            });
        }
        if last.is_empty() {
            return Ok(vec![super::latest_snapshot(journal)?]);
        }
        last.values().map(|id| journal.snapshot(id).map_err(failed)).collect()
    }

    /// Assesses the last snapshot. Ends with [`Exit::Blocked`] when something blocks.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let playbook = super::playbook(&self.playbook)?;
        let journal = context.existing_journal()?;
        let snapshots = self.snapshots(context, &journal, &playbook)?;
        if let Some(name) = &self.script {
            return print_script(context, &snapshots, name);
        }
        let mut report = readiness::Readiness::over(&snapshots, &playbook);
        report.in_batches(&batches(&journal)?);
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
    let Some(script) = scripts().find(|script| script.name == name) else {
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

fn show(context: &Context, report: &readiness::Readiness) {
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
    context.ui.data(format_args!(
        "{} of {} people are ready; {} are blocked. `studio-migrate explain CODE` says what to do.",
        report.ready,
        report.people,
        report.blocked.len()
    ));
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
