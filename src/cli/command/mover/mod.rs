//! `mover`: one directory, moved and proven. Inside a space `mover deliver` reports through S3; the rest works anywhere.

mod copy;
mod deliver;
mod verify;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::{Args, Subcommand};

use crate::cli::{Context, Exit, Failure};
use crate::mover;

/// Arguments of `mover`.
#[derive(Args, Clone, Debug)]
pub struct Mover {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Measure a directory
    Scan {
        /// The directory
        dir: PathBuf,
    },
    /// Copy a directory faithfully, and prove it
    Copy {
        /// What to copy; it is never written to
        source: PathBuf,
        /// Where to
        destination: PathBuf,
        /// Leave out what the leave-out rules of this playbook match
        #[arg(long, value_name = "PLAYBOOK")]
        playbook: Option<String>,
        /// Write the manifest here
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
    },
    /// Compare a directory with a manifest
    Verify {
        /// The directory
        dir: PathBuf,
        /// The manifest that a copy wrote
        #[arg(long, value_name = "FILE")]
        manifest: PathBuf,
    },
    /// Move a home inside a space, by the ticket that the hook wrote
    #[command(hide = true)]
    Deliver {
        /// The ticket
        #[arg(long, value_name = "FILE")]
        ticket: PathBuf,
    },
}

impl Mover {
    /// Does what was asked.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.action {
            Action::Scan { dir } => {
                let scan = mover::scan(dir, &|_| (), &AtomicBool::new(false))
                    .map_err(|error| Failure::of(Exit::Usage, "scan", error))?;
                context.ui.data(super::json(&scan)?);
                Ok(Exit::Done)
            }
            Action::Copy { source, destination, playbook, manifest } => {
                let order = copy::order(source, destination, playbook.as_deref())?;
                copy::copy(context, &order, manifest.as_deref())
            }
            Action::Verify { dir, manifest } => verify::verify(context, dir, manifest),
            Action::Deliver { ticket } => deliver::deliver(context, ticket).await,
        }
    }
}
