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
        /// Every value that holds, which is what is shown in any case
        #[arg(long)]
        effective: bool,
    },
    /// Print the JSON Schema of playbooks, for editors that complete and check
    Schema,
}

impl Playbook {
    /// Does what was asked.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.action {
            Action::Check { playbook } => {
                let checked = super::playbook(playbook)?;
                context.ui.data(format_args!("{playbook} is sound (its name is {})", checked.name));
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
                // The new playbook is called as its file is.
                let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("mine");
                let (old, new) = (format!("\nname: {from}\n"), format!("\nname: {stem}\n"));
                super::write_file(file, &shipped.text.replacen(&old, &new, 1))?;
                context.ui.status(format_args!("Wrote {}", file.display()));
            }
            Action::Show { playbook, .. } => {
                context.ui.data(super::json(&super::playbook(playbook)?)?);
            }
            Action::Schema => context.ui.data(super::json(&crate::playbook::schema())?),
        }
        Ok(Exit::Done)
    }
}
