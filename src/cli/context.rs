//! What every command is given: the global options, the way to the network, and a voice.

use std::path::PathBuf;

use clap::Args;

use super::Ui;

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Use this profile of the AWS configuration
    #[arg(long, global = true, env = "AWS_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// Work in this Region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Send every AWS call to this endpoint instead of AWS
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Assume this role before anything else
    #[arg(long, global = true, value_name = "ARN")]
    pub assume_role: Option<String>,
    /// Keep the journal here
    #[arg(
        long,
        global = true,
        env = "STUDIO_MIGRATE_STATE",
        default_value = "state/journal.db",
        value_name = "FILE"
    )]
    pub state: PathBuf,
    /// Append every AWS exchange to this file, a JSON line each
    #[arg(long, global = true, value_name = "FILE")]
    pub wire_log: Option<PathBuf>,
    /// Say only what is wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; twice for debugging
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Where AWS is.
#[derive(Clone, Debug, Default)]
pub enum Network {
    /// Wherever the SDK's configuration says.
    #[default]
    Configured,
}

/// What every command is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// The options that every command takes.
    pub global: Global,
    /// Where AWS is.
    pub network: Network,
    /// The voice.
    pub ui: Ui,
}
