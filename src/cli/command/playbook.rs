//! `playbook`: check, make and show policies.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::{Context, Exit, Failure};
use crate::playbook::SHIPPED;

/// Arguments of `playbook`.
#[derive(Args, Clone, Debug)]
pub struct Playbook {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Say everything that is wrong with a playbook
    Check {
        /// A file, or the name of a shipped playbook
        playbook: String,
    },
    /// Write a shipped playbook to a file, to be edited
    New {
        /// The file; it must not exist yet
        file: PathBuf,
        /// The shipped playbook to begin with
        #[arg(long, default_value = "standard", value_name = "NAME")]
        from: String,
    },
    /// Show a playbook with every value that holds, said or not
    Show {
        /// A file, or the name of a shipped playbook
        #[arg(default_value = "standard")]
        playbook: String,
    },
}

impl Playbook {
    /// Does what was asked.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.action {
            Action::Check { playbook } => {
                let checked = super::playbook(playbook)?;
                context.ui.data(format_args!("{} is sound", checked.name));
            }
            Action::New { file, from } => {
                let shipped = SHIPPED.iter().find(|shipped| shipped.name == from.as_str());
                let Some(shipped) = shipped else {
                    let names = SHIPPED.map(|shipped| shipped.name).join(", ");
                    return Err(Failure::usage(format!("no shipped playbook is called {from}"))
                        .hinted(format!("there are {names}")));
                };
                if file.exists() {
                    return Err(Failure::usage(format!("{} is already there", file.display())));
                }
                super::write_file(file, shipped.text)?;
                context.ui.status(format_args!("Wrote {}", file.display()));
            }
            Action::Show { playbook } => context.ui.data(super::json(&super::playbook(playbook)?)?),
        }
        Ok(Exit::Done)
    }
}
