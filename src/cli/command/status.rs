//! `status`: where everyone stands, from the journal alone.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::run::standing;
use crate::cli::context::{Format, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::execute::{Step, StepStanding};

/// Arguments of `status`.
#[derive(Args, Clone, Debug)]
pub struct Status {
    /// Look again every two seconds until everyone is done or has failed
    #[arg(long)]
    watch: bool,
    /// How the standing is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Everyone's standing; the JSON form of this command.
#[derive(Debug, Serialize)]
struct Overview {
    schema: u32,
    plan: String,
    account: String,
    region: String,
    counts: BTreeMap<&'static str, usize>,
    running: Option<String>,
    migrations: Vec<Line>,
}

/// One person's standing.
#[derive(Debug, Serialize)]
struct Line {
    migration: String,
    batch: String,
    standing: &'static str,
    step: Option<&'static str>,
    failure: Option<String>,
    hint: Option<String>,
}

impl Status {
    /// Shows the standing, again and again when asked to.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        loop {
            let overview = look(context)?;
            self.show(context, &overview)?;
            let is_at_rest = overview.running.is_none();
            if !self.watch || is_at_rest {
                return Ok(Exit::Done);
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    fn show(&self, context: &Context, overview: &Overview) -> Result<(), Failure> {
        if self.format == Format::Json {
            context.ui.data(super::json(overview)?);
            return Ok(());
        }
        let mut table = super::table(["Batch", "Migration", "Standing", "Next step", "Why"]);
        for line in &overview.migrations {
            table.add_row([
                line.batch.as_str(),
                &line.migration,
                line.standing,
                line.step.unwrap_or("—"),
                line.failure.as_deref().unwrap_or(""),
            ]);
        }
        context.ui.data(table);
        let counts: Vec<_> =
            overview.counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        context.ui.data(format_args!("Plan {}: {}", overview.plan, counts.join(", ")));
        if let Some(running) = &overview.running {
            context.ui.data(format_args!("At work: {running}"));
        }
        Ok(())
    }
}

fn look(context: &Context) -> Result<Overview, Failure> {
    let journal = context.existing_journal()?;
    let plan = approved_plan(&journal)?;
    let mut counts = BTreeMap::new();
    let mut migrations = Vec::new();
    for (batch, migration) in plan.migrations() {
        let standing = standing(&journal, &migration.id)?;
        let word = standing.word().name();
        *counts.entry(word).or_insert(0) += 1;
        let trouble = Step::ALL.into_iter().find_map(|step| match standing.step(step) {
            StepStanding::Failed { failure } => Some(failure.clone()),
            StepStanding::Stuck { trouble, .. } => Some(trouble.clone()),
            _ => None,
        });
        let said = |name: &str| {
            trouble.as_ref().and_then(|trouble| trouble.get(name)).and_then(Value::as_str)
        };
        migrations.push(Line {
            migration: migration.id.to_string(),
            batch: batch.name.to_string(),
            standing: word,
            step: standing.next_step().map(Step::name),
            failure: said("message").map(str::to_owned),
            hint: said("hint").or(said("look_at")).map(str::to_owned),
        });
    }
    let holder =
        journal.lease_holder().map_err(|error| Failure::journal("read the lease", error))?;
    Ok(Overview {
        schema: 1,
        plan: plan.id.to_string(),
        account: plan.account.to_string(),
        region: plan.region.to_string(),
        counts,
        running: holder.map(|holder| holder.to_string()),
        migrations,
    })
}
