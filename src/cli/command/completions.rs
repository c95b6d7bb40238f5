//! `completions` and `man`: what a shell and a terminal want to know about the commands.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::cli::{Context, Exit, Failure};

/// Arguments of `completions`.
#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the completions.
    pub fn run(&self, context: &Context, mut command: Command) {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command, "studio-migrate", &mut text);
        context.ui.text(&String::from_utf8_lossy(&text));
    }
}

/// Prints the manual page.
pub fn manual(context: &Context, command: Command) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut text)
        .map_err(|error| Failure::of(Exit::Unexpected, "write the manual page", error))?;
    context.ui.text(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
