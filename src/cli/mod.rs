//! The command line: the only place that prints, reads the environment, or decides an exit code. One file a command.

mod arguments;
mod command;
mod context;
mod drawn;
mod environment;
mod exit;
mod failure;
mod progress;
pub mod rehearsal;
mod run;
mod steering;
mod ui;
mod watch;

pub use context::{Context, Global};
pub use exit::Exit;
pub use failure::Failure;
pub use run::main;
pub use ui::Ui;
