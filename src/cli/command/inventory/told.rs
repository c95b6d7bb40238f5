//! What is said of a snapshot once it is kept.

use super::take::Take;
use crate::cli::Context;
use crate::cli::command::{self, count};
use crate::cli::context::Format;
use crate::inventory::Snapshot;
use crate::names::counted;

/// Homes in doubt that are named together; each is named by itself before.
const NAMED: usize = 10;

impl Take {
    /// Says what it saw, and what it could not see or does not believe.
    pub(super) fn show(&self, context: &Context, snapshot: &Snapshot, in_doubt: &[String]) {
        let id = snapshot.id.as_ref().map(ToString::to_string).unwrap_or_default();
        let profiles: usize = snapshot.domains.iter().map(|domain| domain.profiles.len()).sum();
        let homes = || snapshot.people().filter_map(|(_, profile)| profile.home.as_ref());
        let bytes: u64 = homes().map(|home| home.bytes).sum();
        if self.format == Format::Json {
            context.ui.data(serde_json::json!({
                "schema": 1,
                "snapshot": id,
                "account": snapshot.account,
                "region": snapshot.region,
                "taken_at": snapshot.taken_at,
                "domains": snapshot.domains.len(),
                "profiles": profiles,
                "homes_measured": homes().count(),
                "home_bytes": bytes,
                "homes_in_doubt": in_doubt,
                "shared_notebook_locations": snapshot.shared_notebooks.len(),
                "left_out": snapshot.left_out,
                "vanished": snapshot.vanished,
                "unseen": snapshot.unseen,
            }));
        } else {
            context.ui.data(format_args!(
                "Snapshot {id}: {}, {}, {} measured ({}), {}",
                count(snapshot.domains.len(), "domain"),
                count(profiles, "profile"),
                count(homes().count(), "home"),
                command::bytes(bytes),
                count(snapshot.shared_notebooks.len(), "shared-notebook location"),
            ));
        }
        for ours in &snapshot.left_out {
            context.ui.status(format_args!("  left out, made by this program: {ours}"));
        }
        for gone in &snapshot.vanished {
            context.ui.status(format_args!("  deleted while the inventory was taken: {gone}"));
        }
        for unseen in &snapshot.unseen {
            context.ui.warning(format_args!(
                "not seen: {} of {}: {}",
                unseen.what, unseen.subject, unseen.why
            ));
        }
        if !in_doubt.is_empty() {
            let first = in_doubt.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>();
            let more = in_doubt.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            context.ui.warning(format_args!(
                "{} seen before, and not taken: {}{more}",
                counted(in_doubt.len() as u64, "home is not the one", "homes are not the ones"),
                first.join(", ")
            ));
        }
    }
}
