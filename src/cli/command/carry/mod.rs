//! `carry`: what of Classic's set-up goes along into the new Studio, what does not, and why.
//!
//! Without `--apply` it only looks. What it makes bears a tag of its own and is found by name; what it adds to a list is added to
//! what is there. `--undo` takes out what was put in, and leaves what others set since.

mod change;
mod draw;
mod image;
mod look;
mod noted;
mod put_back;
mod row;
mod script;
mod settings;
mod spaces;

use std::cell::Cell;

use clap::{Args, ValueEnum};

use self::change::Changes;
use self::draw::Drawn;
use self::row::{Row, Stands, csv};
use crate::aws::Reader;
use crate::cli::context::approved_plan;
use crate::cli::{Context, Exit, Failure};
use crate::names::{DomainId, counted};
use crate::plan::Plan;

/// Arguments of `carry`.
#[derive(Args, Clone, Debug)]
pub struct Carry {
    /// This domain only; may be given several times
    #[arg(long = "domain", value_name = "ID")]
    domains: Vec<DomainId>,
    /// Take over what the playbook's `carry` says; without it nothing is changed
    #[arg(long)]
    apply: bool,
    /// Take out again what was taken over, as far as nobody has changed it since
    #[arg(long, conflicts_with = "apply")]
    undo: bool,
    /// How the table is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the table is written to stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// Stable and versioned
    Json,
    /// For a spreadsheet
    Csv,
}

impl Carry {
    /// Writes the table, and changes what is asked for.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let domains = super::cutover::domains_of(&plan, &self.domains)?;
        let snapshot = super::latest_snapshot(&journal)?;
        let draw = async |reader: &Reader| Drawn::of(reader, &plan, &snapshot, &domains).await;
        if !self.apply && !self.undo {
            let reader = context.reader(plan.playbook.limits.calls_per_second).await?;
            context.journal_of(&reader)?;
            let drawn = draw(&reader).await?;
            return self.show(context, &drawn.rows).map(|()| Exit::Done);
        }
        drop(journal);
        let operation = context.begin(plan.playbook.limits.calls_per_second).await?;
        let changes = Changes {
            context,
            operation: &operation,
            app: plan.playbook.target.app_type,
            failures: Cell::new(0),
        };
        if self.undo {
            changes.undo(&self.domains).await?;
        } else {
            changes.apply(&draw(&operation.account).await?).await?;
            // What stands now is looked at again: the table tells what was done, not what was meant.
            self.show(context, &draw(&operation.account).await?.rows)?;
        }
        let exit = if changes.failures.get() == 0 { Exit::Done } else { Exit::SomeFailed };
        operation.end(exit)
    }

    fn show(&self, context: &Context, rows: &[Row]) -> Result<(), Failure> {
        match self.format {
            Format::Json => {
                let all = serde_json::json!({ "schema": 1, "rows": rows });
                context.ui.data(super::json(&all)?);
            }
            Format::Csv => context.ui.data(csv(rows).trim_end()),
            Format::Table => {
                summary(context, rows);
                let is_whole = context.global.verbose > 0;
                let shown = rows.iter().filter(|row| is_whole || row.needs_somebody());
                let shown: Vec<_> = shown.collect();
                if shown.is_empty() {
                    return Ok(());
                }
                let mut table = super::table([
                    "Where",
                    "What",
                    "Name",
                    "Becomes",
                    "Stands",
                    "Why, and what to do",
                ]);
                for cells in together(&shown) {
                    table.add_row(cells);
                }
                context.ui.data(table);
                if shown.len() < rows.len() {
                    context.ui.status(format_args!(
                        "{} about which nothing has to be done: -v, or --format csv, names them",
                        counted((rows.len() - shown.len()) as u64, "more", "more")
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The cells of rows, those that differ only in who sets something in one.
fn together(rows: &[&Row]) -> Vec<[String; 6]> {
    /// How many names one cell holds.
    const NAMED: usize = 3;
    let mut groups: Vec<([String; 6], usize)> = Vec::new();
    for row in rows {
        let cells = row.cells();
        match groups.iter_mut().find(|(first, _)| first[1..] == cells[1..]) {
            Some((first, count)) => {
                *count += 1;
                if *count <= NAMED {
                    first[0] = format!("{}, {}", first[0], cells[0]);
                }
            }
            None => groups.push((cells, 1)),
        }
    }
    let said = |(mut cells, count): ([String; 6], usize)| {
        if count > NAMED {
            cells[0] = format!("{} and {} more", cells[0], count - NAMED);
        }
        cells
    };
    groups.into_iter().map(said).collect()
}

/// Says first how many things stand how.
fn summary(context: &Context, rows: &[Row]) {
    let counts: Vec<_> = Stands::ALL
        .into_iter()
        .map(|stands| (stands, rows.iter().filter(|row| row.stands == stands).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(stands, count)| format!("{count} {}", stands.words()))
        .collect();
    context.ui.data(match counts.as_slice() {
        [] => "Classic has nothing to carry".to_owned(),
        counts => format!(
            "{} of Classic: {}",
            counted(rows.len() as u64, "thing", "things"),
            counts.join(", ")
        ),
    });
}

/// The name of what is made from a thing of Classic's, for an app: AWS takes 63 characters.
fn target_name(plan: &Plan, name: &str) -> String {
    const LONGEST: usize = 63;
    let app = plan.playbook.target.app_type.as_str().to_ascii_lowercase();
    let whole = format!("{name}-{app}");
    if whole.len() <= LONGEST {
        return whole;
    }
    // Two long names stay two.
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let ending = format!("-{}-{app}", &hash.as_str()[..6]);
    let head: String = name.chars().take(LONGEST - ending.len()).collect();
    format!("{}{ending}", head.trim_end_matches('-'))
}
