//! `demo`: the whole migration on a simulated account with real files, through the real commands.

use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use tokio::sync::oneshot;

use super::ended::listen;
use super::sim::{open_or_make, stopped};
use super::todo::standing;
use crate::cli::arguments::Arguments;
use crate::cli::run::dispatch;
use crate::cli::{Context, Exit, Failure, Global};
use crate::execute::MigrationStanding;
use crate::journal::Journal;
use crate::sim::{Simulator, World, server, worlds};

/// Arguments of `demo`.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// The folder for journal, report and world; a fresh one under state/ by default
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How many people the simulated domain has
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    users: u16,
    /// The seed from which homes are made
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Go on serving the simulated account afterwards, until SIGINT
    #[arg(long)]
    keep: bool,
}

/// The commands of a demo that begins from nothing.
const BEFORE: [&str; 4] = [
    "inventory --mount {dir}/world/efs",
    "readiness --playbook demo --html {dir}/readiness.html",
    "plan --playbook demo",
    "plan approve --latest --note demo",
];

/// The commands that go on from an approved plan, wherever it stands.
const AFTER: [&str; 6] = [
    "run --yes",
    "verify",
    "cutover",
    "cleanup",
    "audit verify",
    "report --html {dir}/report.html --json {dir}/report.json",
];

impl Demo {
    /// Runs every stage, and ends well only when everyone's files are proven.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let dir = self.folder()?;
        let ui = context.ui;
        ui.status(format_args!("A simulated account with real files, in {}", dir.display()));
        let (users, seed) = (usize::from(self.users), self.seed);
        let world = open_or_make(&dir.join("world"), || Ok(worlds::small(users, seed)))?;
        let served = Served::start(world).await?;
        let inner = served.context(context, &dir);
        let stages = match stand(&inner)? {
            Stand::AllMoved => {
                ui.data("Nothing to do: everyone is in the new Studio, with every file proven.");
                served.stop().await;
                return Ok(Exit::Done);
            }
            Stand::Approved => {
                ui.status("Going on where an earlier demo stopped");
                AFTER.to_vec()
            }
            Stand::Nothing => BEFORE.iter().chain(&AFTER).copied().collect(),
        };
        let halt = listen(context);
        for stage in stages {
            let exit = step(&inner, stage, &dir).await?;
            if let Some(was_terminated) = halt.was_terminated() {
                ui.status("Stopped; the same command goes on from here");
                return Ok(if was_terminated { Exit::Terminated } else { Exit::Interrupted });
            }
            // Readiness says what stands in the way of some; the plan leaves those out by name.
            let is_fine =
                exit == Exit::Done || (exit == Exit::Blocked && stage.starts_with("readiness"));
            if !is_fine {
                return Ok(exit);
            }
        }
        ui.data(format_args!(
            "Everyone is in the new Studio, with every file proven. Report: {}",
            dir.join("report.html").display()
        ));
        if self.keep {
            served.explain(context);
            stopped().await;
        }
        served.stop().await;
        Ok(Exit::Done)
    }

    /// The named folder, or a fresh one.
    fn folder(&self) -> Result<PathBuf, Failure> {
        let make = |dir: &Path| {
            std::fs::create_dir_all(dir)
                .and_then(|()| dir.canonicalize())
                .map_err(|error| Failure::of(Exit::Usage, format!("make {}", dir.display()), error))
        };
        match &self.dir {
            Some(dir) => make(dir),
            None => {
                let fresh = (1..)
                    .map(|number: u32| PathBuf::from(format!("state/demo-{number}")))
                    .find(|dir| !dir.exists());
                make(&fresh.unwrap_or_else(|| PathBuf::from("state/demo")))
            }
        }
    }
}

/// A simulated account, served on loopback by this very process.
struct Served {
    endpoint: String,
    credentials: (String, String),
    region: String,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn start(world: World) -> Result<Self, Failure> {
        let failed = |error| Failure::of(Exit::Unexpected, "serve the simulated account", error);
        let listener = server::bind(&world, None).await.map_err(failed)?;
        let endpoint = format!("http://{}", listener.local_addr().map_err(failed)?);
        let (credentials, region) = world.read(|state| {
            let keys = (state.access_key_id.clone(), state.secret_access_key.clone());
            (keys, state.region.clone())
        });
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            // A server that ends early shows in every call that follows.
            let _ = server::serve(Simulator::new(world), listener, stopped).await;
        });
        Ok(Self { endpoint, credentials, region, stop, ended })
    }

    /// The context of a command that works on this account.
    fn context(&self, context: &Context, dir: &Path) -> Context {
        let global = Global {
            profile: None,
            region: Some(self.region.clone()),
            endpoint_url: Some(self.endpoint.clone()),
            assume_role: None,
            state: dir.join("journal.db"),
            simulated: Some(self.credentials.clone()),
            ..context.global.clone()
        };
        Context { global, ..context.clone() }
    }

    /// Says how to reach the account from another terminal.
    fn explain(&self, context: &Context) {
        context.ui.status(format_args!(
            "Still serving. In another terminal:\n  export AWS_ENDPOINT_URL={} AWS_REGION={} AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}\n  aws sagemaker list-user-profiles",
            self.endpoint, self.region, self.credentials.0, self.credentials.1
        ));
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.ended.await;
    }
}

/// How far an earlier demo in the same folder came.
enum Stand {
    Nothing,
    Approved,
    AllMoved,
}

fn stand(context: &Context) -> Result<Stand, Failure> {
    if !context.global.state.exists() {
        return Ok(Stand::Nothing);
    }
    let journal: Journal = context.journal()?;
    let approved =
        journal.latest_approved_plan().map_err(|error| Failure::journal("read the plan", error))?;
    let Some(plan) = approved else { return Ok(Stand::Nothing) };
    for (_, migration) in plan.migrations() {
        if standing(&journal, &migration.id)?.word() != MigrationStanding::Moved {
            return Ok(Stand::Approved);
        }
    }
    Ok(Stand::AllMoved)
}

/// Runs one real command, parsed as if it had been typed.
async fn step(context: &Context, line: &str, dir: &Path) -> Result<Exit, Failure> {
    let words: Vec<String> =
        line.split(' ').map(|word| word.replace("{dir}", &dir.display().to_string())).collect();
    let typed = words.join(" ");
    context.ui.status(format_args!("\n$ studio-migrate {typed}"));
    let arguments = std::iter::once("studio-migrate".to_owned()).chain(words);
    let parsed = Arguments::try_parse_from(arguments)
        .map_err(|error| Failure::of(Exit::Unexpected, format!("run {typed}"), error))?;
    let context = Context { typed, ..context.clone() };
    dispatch(&context, parsed.command).await
}
