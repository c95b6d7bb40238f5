//! `status`: where everyone stands, from the journal alone.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::cli::context::{Format, approved_plan};
use crate::cli::watch::{self, Ended};
use crate::cli::{Context, Exit, Failure, steering};
use crate::execute::{Look, whereabouts};
use crate::journal::Journal;
use crate::names::to_the_second;

/// Arguments of `status`.
#[derive(Args, Clone, Debug)]
pub struct Status {
    /// Watch until nobody is at work any more: a live picture on a terminal (q quits), elsewhere the table every two seconds
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
    counts: BTreeMap<String, usize>,
    running: Option<String>,
    /// The command that ended without a word, where nobody is at work.
    killed: Option<String>,
    /// What the run that is at work says of itself, where it can be asked from here.
    run: Option<Look>,
    migrations: Vec<Line>,
    /// Homes that nobody owns: how many are archived, how many delivered to somebody, and what of them was not done.
    orphans: Orphans,
}

/// What was done about homes that nobody owns.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Orphans {
    archived: usize,
    delivered: usize,
    not_done: Vec<String>,
}

/// One person's standing.
#[derive(Debug, Serialize)]
struct Line {
    migration: String,
    batch: String,
    standing: String,
    step: Option<String>,
    failure: Option<String>,
    hint: Option<String>,
}

impl Line {
    /// Why somebody failed, and beneath it what a person can do.
    fn why(&self) -> String {
        let both = [self.failure.as_deref(), self.hint.as_deref()];
        both.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

impl Status {
    /// Shows the standing, again and again when asked to.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = journal
            .latest_approved()
            .map_err(|error| Failure::journal("read which plan is approved", error))?;
        if let Some(plan) = plan {
            context.name_newer(&journal, &plan.id)?;
        }
        drop(journal);
        if self.watch
            && self.format == Format::Table
            && context.ui.has_screen()
            && let Some(exit) = on_screen(context).await?
        {
            return Ok(exit);
        }
        loop {
            let mut overview = look(context)?;
            if overview.running.is_some() {
                overview.run = steering::look(&context.global.state).await;
            }
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
                &line.standing,
                line.step.as_deref().unwrap_or("—"),
                &line.why(),
            ]);
        }
        context.ui.data(table);
        let counts: Vec<_> =
            overview.counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        context.ui.data(format_args!("Plan {}: {}", overview.plan, counts.join(", ")));
        let orphans = &overview.orphans;
        if *orphans != Orphans::default() {
            context.ui.data(format_args!(
                "Homes that nobody owns: {} archived, {} delivered, {} not done (`studio-migrate orphans`)",
                orphans.archived,
                orphans.delivered,
                orphans.not_done.len()
            ));
        }
        if let Some(running) = &overview.running {
            context.ui.data(format_args!("At work: {running}"));
        }
        if let Some(killed) = &overview.killed {
            context.ui.data(format_args!(
                "Nobody is at work: {killed} ended without a word; the same command goes on from there"
            ));
        }
        if let Some(run) = &overview.run {
            context.ui.data(words(run));
        }
        Ok(())
    }
}

/// Says how a run is, and who of it waits for what.
fn words(run: &Look) -> String {
    let mut said = steering::words(run);
    for (migration, one) in &run.at_work {
        if let (Some(step), Some(what)) = (one.step, &one.waits_for) {
            said.push_str(&format!(
                "\n  {migration}: {step} for {} s, waits for {what}",
                one.seconds
            ));
        }
    }
    said
}

/// Watches on the terminal. Whoever watches takes no lease and writes nothing. `None` is that nobody is at work: the table then
/// says how everyone stands.
async fn on_screen(context: &Context) -> Result<Option<Exit>, Failure> {
    let file = &context.global.state;
    if !file.exists() {
        context.existing_journal()?;
    }
    let journal =
        Journal::watch(file).map_err(|error| Failure::journal("open the journal", error))?;
    let (stop, terminated) = watch::stopped_by_signals();
    let stopping = stop.clone();
    let (said, run) = tokio::sync::watch::channel(steering::look(file).await);
    let file = file.clone();
    // A run that is slow to answer does not keep whoever watches from leaving.
    let asking = tokio::spawn(async move {
        loop {
            tokio::time::sleep(watch::OFTEN).await;
            said.send_replace(steering::look(&file).await);
        }
    });
    let watching = tokio::task::spawn_blocking(move || {
        watch::watch(&journal, || run.borrow().clone(), &stopping)
    })
    .await;
    asking.abort();
    let ended = watching.map_err(|error| Failure::of(Exit::Unexpected, "watch", error))??;
    Ok(match ended {
        Ended::AtRest => None,
        Ended::Left if terminated.load(Ordering::Relaxed) => Some(Exit::Terminated),
        Ended::Left if stop.load(Ordering::Relaxed) => Some(Exit::Interrupted),
        Ended::Left => Some(Exit::Done),
    })
}

fn orphans(journal: &Journal) -> Result<Orphans, Failure> {
    let known =
        whereabouts(journal).map_err(|error| Failure::journal("read where orphans are", error))?;
    Ok(Orphans {
        archived: known.values().filter(|one| one.archived.is_some()).count(),
        delivered: known.values().filter(|one| one.delivered.is_some()).count(),
        not_done: known
            .iter()
            .filter_map(|(name, one)| Some(format!("{name}: {}", one.trouble.as_ref()?)))
            .collect(),
    })
}

fn look(context: &Context) -> Result<Overview, Failure> {
    let journal = context.existing_journal()?;
    let failed = |error| Failure::journal("read where everyone stands", error);
    let Some(plan) = journal.latest_approved().map_err(failed)? else {
        // Says why there is none.
        approved_plan(&journal)?;
        return Err(Failure::usage("there is no approved plan"));
    };
    let mut counts = BTreeMap::new();
    let mut migrations = Vec::new();
    for one in journal.progress(&plan.id).map_err(failed)? {
        *counts.entry(one.standing.clone()).or_insert(0) += 1;
        migrations.push(Line {
            migration: one.migration,
            batch: one.batch,
            standing: one.standing,
            step: one.next_step,
            failure: one.why,
            hint: one.hint,
        });
    }
    let holder =
        journal.lease_holder().map_err(|error| Failure::journal("read the lease", error))?;
    let unended =
        journal.unended().map_err(|error| Failure::journal("read what was run", error))?;
    let killed = unended.filter(|_| holder.is_none());
    Ok(Overview {
        schema: 1,
        plan: plan.id.to_string(),
        account: plan.account,
        region: plan.region,
        counts,
        running: holder.map(|holder| holder.to_string()),
        killed: killed.map(|last| {
            format!("`studio-migrate {}`, begun {},", last.command, to_the_second(&last.began_at))
        }),
        run: None,
        migrations,
        orphans: orphans(&journal)?,
    })
}
