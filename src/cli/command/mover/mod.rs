//! `mover`: one directory, moved and proven. Inside a space `mover deliver` reports through S3; the rest works anywhere.

mod bar;
mod copy;
mod deliver;
mod manifest;
mod pull;
mod push;
mod scan;
mod telling;
mod transfer;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::{Context, Exit, Failure};

/// Arguments of `mover`.
#[derive(Args, Clone, Debug)]
pub struct Mover {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Measure a directory without reading its files
    Scan(scan::Scan),
    /// Copy a directory faithfully, and prove it
    Copy(copy::Copy),
    /// Pack a directory onto S3: a few large objects, and an index to restore one file
    Push(push::Push),
    /// Restore a directory from S3, packed or as DataSync leaves it, and prove it
    Pull(pull::Pull),
    /// Compare a directory with a manifest, or two of either
    Verify(verify::Verify),
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
            Action::Scan(scan) => scan.run(context),
            Action::Copy(copy) => copy.run(context).await,
            Action::Push(push) => push.run(context).await,
            Action::Pull(pull) => pull.run(context).await,
            Action::Verify(verify) => verify.run(context),
            Action::Deliver { ticket } => deliver::deliver(context, ticket).await,
        }
    }
}
