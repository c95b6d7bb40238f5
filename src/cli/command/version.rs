//! `version`: which build this is.

use clap::Args;

use crate::cli::Context;
use crate::cli::context::Format;

/// Arguments of `version`.
#[derive(Args, Clone, Debug)]
pub struct Version {
    /// How it is written to stdout
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Version {
    /// Prints the version.
    pub fn run(&self, context: &Context) {
        let version = env!("CARGO_PKG_VERSION");
        if self.format == Format::Json {
            context.ui.data(serde_json::json!({
                "schema": 1,
                "name": "studio-migrate",
                "version": version,
            }));
        } else {
            context.ui.data(format_args!("studio-migrate {version}"));
        }
    }
}
