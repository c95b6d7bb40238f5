//! The `studio-migrate` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    studio_migrate::cli::main()
}
