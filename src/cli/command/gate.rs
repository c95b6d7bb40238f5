//! `gate`: opening what keeps a batch waiting, and seeing what is shut.

use clap::{Args, Subcommand};

use crate::cli::{Context, Exit, Failure};
use crate::names::to_the_second;

/// Arguments of `gate`.
#[derive(Args, Clone, Debug)]
pub struct Gate {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// List the gates of the last plan, and who opened which
    List,
    /// Open a gate of the last plan, for good
    Open {
        /// Its name
        name: String,
        /// What you say about it, for the audit trail
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
    },
}

impl Gate {
    /// Does what was asked.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let failed = |error| Failure::journal("read the gates", error);
        let plan = journal.latest_plan().map_err(failed)?;
        let gates = plan.map(|plan| plan.playbook.gates).unwrap_or_default();
        match &self.action {
            Action::List => {
                let opened = journal.opened_gates().map_err(failed)?;
                let mut table = super::table(["Gate", "Before", "What", "Opened"]);
                for gate in &gates {
                    let by = opened.iter().find(|one| one.name == gate.name);
                    let said = |one: &crate::journal::OpenedGate| {
                        format!("{} by {} {}", to_the_second(&one.at), one.opener, one.note)
                    };
                    table.add_row([
                        gate.name.clone(),
                        gate.before.to_string(),
                        gate.what.clone(),
                        by.map_or_else(|| "shut".to_owned(), said),
                    ]);
                }
                context.ui.data(table);
            }
            Action::Open { name, note } => {
                if !gates.iter().any(|gate| gate.name == *name) {
                    let names: Vec<_> = gates.iter().map(|gate| gate.name.as_str()).collect();
                    return Err(Failure::usage(format!("the last plan has no gate {name}"))
                        .hinted(if names.is_empty() {
                            "it has none".to_owned()
                        } else {
                            format!("it has {}", names.join(", "))
                        }));
                }
                let reader = context.reader(0.0).await?;
                context.journal_of(&reader)?;
                let opener = reader.identity().arn.clone();
                journal.open_gate(name, &opener, note).map_err(failed)?;
                context.ui.data(format_args!("Gate {name} is open, by {opener}"));
            }
        }
        Ok(Exit::Done)
    }
}
