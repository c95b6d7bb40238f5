//! `explain`: what a finding's code means.

use clap::Args;

use crate::cli::{Context, Exit, Failure};
use crate::readiness;

/// Arguments of `explain`.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// The code, e.g. SM101
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// List every code, one a line
    #[arg(long)]
    list: bool,
}

impl Explain {
    /// Prints the meaning, or the list.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let Some(code) = self.code.as_ref().filter(|_| !self.list) else {
            for rule in readiness::rules() {
                context.ui.data(format_args!("{}  {}", rule.code, rule.title));
            }
            return Ok(Exit::Done);
        };
        let Some(rule) = readiness::explain(&code.to_ascii_uppercase()) else {
            return Err(Failure::usage(format!("no rule has the code {code}"))
                .hinted("`studio-migrate explain --list` lists them all"));
        };
        context.ui.data(format_args!(
            "{} ({}): {}\n\nWhy it matters\n  {}\n\nWhat to do\n  {}\n\nSources\n  {}",
            rule.code,
            rule.severity.name(),
            rule.title,
            rule.cause,
            rule.remedy,
            rule.sources.join("\n  ")
        ));
        Ok(Exit::Done)
    }
}
