//! Every environment variable that is read here and not by clap or the AWS SDK.
//!
//! - `STUDIO_MIGRATE_CRASH_AT=N`: abort at the nth point before or after an event is written, to rehearse crashes.
//! - `STUDIO_MIGRATE_METADATA=FILE`: in place of `/opt/ml/metadata/resource-metadata.json` (read by the hook).
//! - `STUDIO_MIGRATE_LOG=FILTER`: what the diagnostics say, as `tracing` filters are written.
//! - Whatever `notifications[].secret_env` of a playbook names: the secret with which posts to that webhook are signed.
//! - `NO_COLOR`: honoured by what draws.
//! - `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`: read by the SDK, and refused here when empty.
//! - `USER`, `LOGNAME`: who sits at the keyboard, for the audit trail.
//! - `HOME`: the home that `mover deliver` fills.

use std::path::PathBuf;

/// The point at which a rehearsed crash happens.
pub fn crash_point() -> Option<u64> {
    std::env::var("STUDIO_MIGRATE_CRASH_AT").ok()?.parse().ok()
}

/// What the diagnostics say.
pub fn log_filter() -> Option<String> {
    std::env::var("STUDIO_MIGRATE_LOG").ok()
}

/// Finds a variable that is set, names the endpoint of a service, and is empty. The SDK cannot do with that.
pub fn empty_endpoint() -> Option<String> {
    let is_endpoint = |name: &str| name.starts_with("AWS_ENDPOINT_URL");
    let names = std::env::vars_os().filter(|(_, value)| value.is_empty());
    names.filter_map(|(name, _)| name.into_string().ok()).find(|name| is_endpoint(name))
}

/// What a variable that a playbook names holds.
pub fn named(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Who sits at the keyboard.
pub fn user() -> String {
    ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// The home of whoever runs this.
pub fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}
