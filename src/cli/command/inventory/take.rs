//! Taking a snapshot: of the caller's account and Region, or of every target that a playbook names.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::held;
use crate::aws::Reader;
use crate::cli::command::{self, count};
use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::{Partial, Request, Snapshot, Table, TeamTable, collect, people_csv};
use crate::journal::{Journal, KeptSnapshot};
use crate::names::DomainId;
use crate::playbook::AccountTarget;

/// The most calls a second to each operation unless the caller says less: no more than a bound for a limit never met.
const AS_FAST_AS_ANSWERED: f64 = 1000.0;

/// What to take a snapshot of.
#[derive(Args, Clone, Debug)]
pub struct Take {
    /// Look at this domain only; may be given several times
    #[arg(long = "domain", value_name = "ID", conflicts_with = "all_domains")]
    domains: Vec<DomainId>,
    /// Look at every domain, which is the default
    #[arg(long)]
    all_domains: bool,
    /// Look at every target of this playbook, each with its role: a file, or the name of a shipped one
    #[arg(long, value_name = "PLAYBOOK", conflicts_with = "domains")]
    playbook: Option<String>,
    /// Measure homes under this mounted EFS root, or take them from what `mover scan --per-home --format json` wrote elsewhere
    #[arg(long, value_name = "EFS_ROOT|FILE")]
    mount: Option<PathBuf>,
    /// Take the home of this profile, of `space.NAME` or, where nobody owns it, of `<file system>/<number>` as it is measured now, although an
    /// earlier inventory saw another there; may be given several times
    #[arg(long, value_name = "PROFILE", requires = "mount")]
    believe: Vec<String>,
    /// Read the table of people: whom to take or leave, owners, cost centres, waves
    #[arg(long, value_name = "FILE")]
    scope: Option<PathBuf>,
    /// Read the table of teams: who the people are that used one profile together, and whose is what of its home
    #[arg(long, value_name = "FILE")]
    teams: Option<PathBuf>,
    /// Write the table of people, to be filled in and given back with --scope
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Look through so many days of CloudTrail for who opened which profile; 0 for none
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(0..=90))]
    opened_days: u32,
    /// Make at most so many calls a second to each operation, 0.2 to 1000, instead of as many as AWS answers
    #[arg(long, value_name = "CALLS", value_parser = pace)]
    calls_per_second: Option<f64>,
    /// Forget what an inventory that was killed has seen, and begin anew
    #[arg(long)]
    fresh: bool,
    /// Also write the snapshot to this file, as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the summary is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

fn pace(text: &str) -> Result<f64, String> {
    let pace: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
    if (0.2..=AS_FAST_AS_ANSWERED).contains(&pace) {
        Ok(pace)
    } else {
        Err("0.2 to 1000 calls a second can be asked for".to_owned())
    }
}

/// A snapshot, and which homes are not the ones that were seen before.
type Taken = (Snapshot, Vec<String>);

/// The tables that were given with an inventory.
#[derive(Clone, Copy)]
struct Tables<'a> {
    people: Option<&'a Table>,
    teams: Option<&'a TeamTable>,
}

impl Tables<'_> {
    /// Writes what they say into a snapshot; what was not given anew is taken over from the snapshots before.
    fn apply(
        self,
        context: &Context,
        journal: &Journal,
        snapshot: &mut Snapshot,
    ) -> Result<(), Failure> {
        if self.people.is_none() || self.teams.is_none() {
            carry_over(context, journal, snapshot)?;
        }
        if let Some(table) = self.people {
            table.apply(snapshot);
        }
        if let Some(table) = self.teams {
            command::team::refuse(&table.problems(snapshot))?;
            table.apply(snapshot);
        }
        Ok(())
    }
}

/// Takes over what the last tables of people and of teams said of those who are still there.
fn carry_over(
    context: &Context,
    journal: &Journal,
    snapshot: &mut Snapshot,
) -> Result<(), Failure> {
    let failed = |error| Failure::journal("read the snapshot before", error);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let account = text(snapshot.account.as_ref().map(AsRef::as_ref));
    let region = text(snapshot.region.as_ref().map(AsRef::as_ref));
    let is_of_it = |kept: &KeptSnapshot| kept.account == account && kept.region == region;
    let earlier = journal.snapshots().map_err(failed)?;
    let mut unmet: BTreeSet<_> = snapshot.domains.iter().map(|domain| domain.id.clone()).collect();
    let (mut noted, mut measured) = (0, 0);
    for kept in earlier.iter().rev().filter(|kept| is_of_it(kept)) {
        if unmet.is_empty() {
            break;
        }
        let mut before = journal.snapshot(&kept.id).map_err(failed)?;
        // Of each domain the last snapshot that has it is what counts.
        before.domains.retain(|domain| unmet.remove(&domain.id));
        noted += snapshot.take_notes_of(&before);
        snapshot.take_teams_of(&before);
        measured += before.people().filter(|(_, profile)| profile.home.is_some()).count();
    }
    if noted > 0 {
        context.ui.status(format_args!(
            "  what the table of people says of {} is taken over; --scope gives another table",
            count(noted, "profile")
        ));
    }
    let measures = snapshot.people().any(|(_, profile)| profile.home.is_some());
    if measured > 0 && !measures {
        context.ui.warning(format_args!(
            "no home was measured, where the snapshot before had {}: give --mount, or sizes are unknown to readiness and plan",
            count(measured, "home")
        ));
    }
    Ok(())
}

impl Take {
    /// Takes the snapshot, or one of every target, and keeps it.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        if let Some(mount) = &self.mount
            && !mount.exists()
        {
            return Err(Failure::usage(format!("{} is not there", mount.display())).hinted(
                "--mount takes the root of the domain's EFS, mounted on this machine, or a scan of it",
            ));
        }
        let people = self.scope.as_deref().map(command::table_of_people).transpose()?;
        let teams =
            self.teams.as_deref().map(|path| command::team::table(context, path)).transpose()?;
        let tables = Tables { people: people.as_ref(), teams: teams.as_ref() };
        let pace = self.calls_per_second.unwrap_or(AS_FAST_AS_ANSWERED);
        let targets = match &self.playbook {
            Some(name) => command::playbook(name)?.targets,
            None => Vec::new(),
        };
        let (mut taken, mut failed) = (Vec::new(), None);
        if targets.is_empty() {
            let reader = context.onlooker(pace).await?;
            let journal = context.journal_of(&reader)?;
            taken.push(self.snapshot(context, &reader, &journal, tables).await?);
        } else {
            for (number, target) in (1..).zip(&targets) {
                match self.target(context, target, pace, tables).await {
                    Ok(snapshot) => taken.push(snapshot),
                    // The others are looked at all the same, and what was seen of them is kept.
                    Err(failure) => {
                        context.ui.error(format_args!(
                            "target {number} of {} ({}): {failure}",
                            targets.len(),
                            target.region
                        ));
                        failed.get_or_insert(failure);
                    }
                }
            }
        }
        for (snapshot, in_doubt) in &taken {
            self.show(context, snapshot, in_doubt);
        }
        let (taken, in_doubt): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        if let Some(table) = &people {
            super::name_strangers(context, table, &taken);
        }
        if let Some(path) = &self.out {
            let text = match taken.as_slice() {
                [one] => command::json(one)?,
                all => command::json(&all)?,
            };
            command::write_file(path, &text)?;
        }
        if let Some(path) = &self.csv {
            command::write_file(path, &people_csv(&taken))?;
        }
        if let Some(failure) = failed {
            return Err(failure);
        }
        Ok(if in_doubt.iter().all(Vec::is_empty) { Exit::Done } else { Exit::SomeFailed })
    }

    /// Takes the snapshot of one target of a playbook, as the role that it names.
    async fn target(
        &self,
        context: &Context,
        target: &AccountTarget,
        pace: f64,
        tables: Tables<'_>,
    ) -> Result<Taken, Failure> {
        let mut there = context.clone();
        there.global.region = Some(target.region.clone());
        if target.role.is_some() {
            there.global.assume_role.clone_from(&target.role);
        }
        let reader = there.onlooker(pace).await?;
        let found = reader.identity().account.as_str();
        if target.account.as_deref().is_some_and(|account| account != found) {
            let wanted = target.account.as_deref().unwrap_or_default();
            return Err(Failure::usage(format!(
                "the playbook means account {wanted}, and these credentials are of account {found}"
            ))
            .hinted("correct `targets` in the playbook: `role` has to be a role of that account"));
        }
        let journal = there.journal_with(&reader)?;
        let take = Self {
            domains: target.domains.iter().map(|id| DomainId::new(id.as_str())).collect(),
            ..self.clone()
        };
        take.snapshot(&there, &reader, &journal, tables).await
    }

    /// Takes one snapshot and keeps it.
    async fn snapshot(
        &self,
        context: &Context,
        reader: &Reader,
        journal: &Journal,
        tables: Tables<'_>,
    ) -> Result<Taken, Failure> {
        let ui = context.ui;
        let partial = self.partial(context, reader)?;
        if !partial.is_empty() {
            ui.status(format_args!(
                "  going on with the inventory that was begun at {}: {} answers are there; --fresh begins anew",
                partial.begun_at(),
                partial.len()
            ));
        }
        let request = Request {
            domains: self.distinct(),
            mount: self.mount.as_deref(),
            opened_days: self.opened_days,
            partial: Some(&partial),
            tell: &|line| ui.status(format_args!("  {line}")),
        };
        let mut snapshot = collect(reader, &request).await;
        if let Some(missing) =
            self.domains.iter().find(|id| !snapshot.domains.iter().any(|seen| seen.id == **id))
        {
            let why = snapshot.unseen.iter().find(|unseen| unseen.subject == missing.as_str());
            let why = why.map(|unseen| format!(": {}", unseen.why)).unwrap_or_default();
            return Err(Failure::usage(format!("domain {missing} could not be seen{why}"))
                .hinted("`aws sagemaker list-domains` lists what there is; no snapshot was kept"));
        }
        let in_doubt = match &self.mount {
            Some(mount) => held::hold(context, journal, &mut snapshot, mount, &self.believe)?,
            None => Vec::new(),
        };
        tables.apply(context, journal, &mut snapshot)?;
        let id = journal
            .keep_snapshot(&snapshot)
            .map_err(|error| Failure::journal("keep the snapshot", error))?;
        snapshot.id = Some(id);
        partial.finish().map_err(|error| {
            Failure::of(Exit::Unexpected, "take the half of an inventory away", error)
        })?;
        Ok((snapshot, in_doubt))
    }

    /// The domains that were asked for, each once.
    fn distinct(&self) -> Vec<DomainId> {
        let mut domains = self.domains.clone();
        domains.sort();
        domains.dedup();
        domains
    }

    /// Opens what an inventory of the same things has left behind when it was killed.
    fn partial(&self, context: &Context, reader: &Reader) -> Result<Partial, Failure> {
        let identity = reader.identity();
        let mut name = context.global.state.as_os_str().to_owned();
        name.push(format!(".inventory-{}-{}", identity.account, identity.region));
        let path = PathBuf::from(name);
        let failed = |error| Failure::of(Exit::Usage, format!("write {}", path.display()), error);
        if self.fresh && path.exists() {
            std::fs::remove_file(&path).map_err(failed)?;
        }
        let domains: Vec<_> = self.distinct().iter().map(ToString::to_string).collect();
        let about = format!(
            "{} {} domains [{}] {} days of openings",
            identity.account,
            identity.region,
            domains.join(" "),
            self.opened_days
        );
        Partial::open(&path, &about).map_err(|error| {
            if error.kind() == std::io::ErrorKind::ResourceBusy {
                return Failure::new(
                    Exit::LeaseHeld,
                    "another inventory of this account and Region is under way",
                )
                .hinted(format!("it holds {}", path.display()));
            }
            failed(error)
        })
    }
}
