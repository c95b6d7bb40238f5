//! `sim`: an AWS account of our own, served on loopback.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::stand_in;
use crate::cli::{Context, Exit, Failure};
use crate::sim::worlds::{self, Built};
use crate::sim::{Simulator, World, datasync, server, state, studio};

/// Arguments of `sim`.
#[derive(Args, Clone, Debug)]
pub struct Sim {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Serve a simulated account until SIGINT or SIGTERM; what it holds outlives the process
    Serve(Serve),
    /// Stand in for the `aws` command inside a simulated space
    #[command(hide = true)]
    Aws(stand_in::Aws),
}

/// Arguments of `sim serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The folder that holds the world, or is to hold it
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The loopback address to listen on
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// The world to begin with, when DIR holds none: small, careful, large, huge, or a description file; small by default
    #[arg(long, value_name = "NAME|FILE")]
    pub world: Option<String>,
    /// What goes wrong: a YAML list of operation, from, times, effect
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
}

impl Sim {
    /// Does what was asked.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.action {
            Action::Serve(serve) => serve.run(context).await,
            Action::Aws(aws) => aws.run(context).await,
        }
    }
}

impl Serve {
    async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        if let Some(asked) = self.world.as_ref().filter(|_| holds_world(&self.dir)) {
            context.ui.warning(format_args!(
                "{} holds a world already, which is served as it stands; --world {asked} is not read: name another folder for it",
                self.dir.display()
            ));
        }
        let name = self.world.as_deref().unwrap_or("small");
        let world = open_or_make(&self.dir, || described(name))?;
        if let Some(file) = &self.faults {
            let faults = read_faults(file)?;
            set_faults(&world, faults)?;
        }
        let listener = server::bind(&world, self.listen)
            .await
            .map_err(|error| Failure::of(Exit::Usage, "listen on loopback", error))?;
        let endpoint = listener
            .local_addr()
            .map_err(|error| Failure::of(Exit::Unexpected, "listen on loopback", error))?;
        context.ui.data(ready(&world, &format!("http://{endpoint}")));
        server::serve(Simulator::new(world), listener, stopped())
            .await
            .map_err(|error| Failure::of(Exit::Unexpected, "serve", error))?;
        Ok(Exit::Done)
    }
}

/// What a client needs to know, in one line.
pub(super) fn ready(world: &World, endpoint: &str) -> serde_json::Value {
    world.read(|state| {
        json!({
            "endpoint": endpoint,
            "region": state.region,
            "account_id": "000000000000",
            "access_key_id": state.access_key_id,
            "secret_access_key": state.secret_access_key,
            "dir": world.dir(),
        })
    })
}

fn holds_world(dir: &Path) -> bool {
    dir.join("world.json").exists()
}

/// Opens the world that a folder holds, or makes it there with its homes and buckets.
pub(super) fn open_or_make(
    dir: &Path,
    built: impl FnOnce() -> Result<Built, Failure>,
) -> Result<World, Failure> {
    let exe = std::env::current_exe()
        .map_err(|error| Failure::of(Exit::Unexpected, "find this program's file", error))?;
    let failed = |error: io::Error| {
        Failure::of(Exit::Usage, format!("use the world in {}", dir.display()), error)
    };
    if holds_world(dir) {
        let world = World::open(dir, &exe).map_err(failed)?;
        studio::resume(&world);
        datasync::resume(&world);
        return Ok(world);
    }
    let built = built()?;
    std::fs::create_dir_all(dir).map_err(failed)?;
    built.files(dir).map_err(failed)?;
    World::create(dir, &exe, built.state).map_err(failed)
}

fn described(world: &str) -> Result<Built, Failure> {
    if let Some(built) = worlds::named(world) {
        return Ok(built);
    }
    let path = Path::new(world);
    if !path.exists() {
        return Err(Failure::usage(format!("no world is called {world}"))
            .hinted("there are small, careful, large and huge; or name a description file"));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::of(Exit::Usage, format!("read {world}"), error))?;
    worlds::from_yaml(&text)
        .map_err(|error| Failure::of(Exit::Usage, format!("read {world}"), error))
}

pub(super) fn read_faults(file: &Path) -> Result<Vec<state::Fault>, Failure> {
    let failed = || format!("read the faults in {}", file.display());
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::of(Exit::Usage, failed(), error))?;
    serde_saphyr::from_str(&text).map_err(|error| Failure::of(Exit::Usage, failed(), error))
}

fn set_faults(world: &World, faults: Vec<state::Fault>) -> Result<(), Failure> {
    world
        .change(|state| {
            state.faults = faults;
            state.calls.clear();
            Ok(())
        })
        .map_err(|error| Failure::of(Exit::Unexpected, "set the faults", error))
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn stopped() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match terminate {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
