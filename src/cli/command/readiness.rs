//! `readiness`: phase 2, the pre-migration report, from the last snapshot alone.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::Snapshot;
use crate::names::SnapshotId;
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
    /// Assesses the last snapshot. Ends with [`Exit::Blocked`] when something blocks.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let playbook = super::playbook(&self.playbook)?;
        let journal = context.existing_journal()?;
        let snapshot = super::chosen_snapshot(context, &journal, self.snapshot.as_ref())?;
        if let Some(name) = &self.script {
            return print_script(context, &snapshot, name);
        }
        let report = readiness::Readiness::of(&snapshot, &playbook);
        if let Some(path) = &self.html {
            let page = readiness::html(&snapshot, &report)
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
            super::write_file(path, &readiness::markdown(&snapshot, &report))?;
        }
        match self.format {
            Format::Json => context.ui.data(super::json(&report)?),
            Format::Table => show(context, &report),
        }
        Ok(if report.is_blocked() { Exit::Blocked } else { Exit::Done })
    }
}

/// Prints a script as it could run in the new Studio; what a person has to look at goes to stderr.
fn print_script(context: &Context, snapshot: &Snapshot, name: &str) -> Result<Exit, Failure> {
    let Some(script) = snapshot.scripts.iter().find(|script| script.name == name) else {
        let names: Vec<_> = snapshot.scripts.iter().map(|script| script.name.as_str()).collect();
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
