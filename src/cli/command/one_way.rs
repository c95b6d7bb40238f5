//! The one-way door of a run: whose Classic apps it stops for good, said by name before the first is stopped.
//!
//! The names are those that the last inventory saw. The run itself looks again, and stops what it finds then.

use std::collections::BTreeMap;

use crate::aws::App;
use crate::cli::{Context, Exit, Failure};
use crate::execute::{Step, classic_apps_of, is_first_pass};
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::MigrationId;
use crate::plan::Plan;
use crate::playbook::ClassicApps;

/// Owners that are named; of more only the number.
const NAMED: usize = 20;

/// Whose Classic apps a run stops.
pub(super) struct Stopping {
    /// When the inventory was taken.
    taken_at: String,
    /// The apps that it saw, `type/name`, by whose they are.
    seen: BTreeMap<String, Vec<String>>,
}

/// Finds whose Classic apps a run would stop; `None` where it stops nobody's: the playbook does not want it, the first of two passes puts
/// it off, or all of these people have that behind them.
pub(super) fn stopping(
    journal: &Journal,
    plan: &Plan,
    waiting: &[(MigrationId, Step)],
    until: Step,
) -> Result<Option<Stopping>, Failure> {
    let due: Vec<_> = waiting
        .iter()
        .filter(|(_, next)| *next == Step::Quiesce)
        .filter_map(|(id, _)| plan.migration(id).map(|(_, migration)| migration))
        .collect();
    let stops = plan.playbook.classic_apps == ClassicApps::Stop && !is_first_pass(plan, until);
    if !stops || due.is_empty() {
        return Ok(None);
    }
    let snapshot = journal
        .latest_snapshot()
        .map_err(|error| Failure::journal("read the snapshot", error))?
        .unwrap_or_else(Snapshot::default);
    let mut seen = BTreeMap::new();
    for migration in due {
        let domain = snapshot.domains.iter().find(|domain| domain.id == migration.domain);
        let apps = domain.map_or(&[][..], |domain| &domain.apps);
        let is_running = |app: &&App| !matches!(app.status.as_str(), "Failed" | "Deleting");
        let (whose, apps) = classic_apps_of(migration, apps);
        let names: Vec<_> = apps
            .into_iter()
            .filter(is_running)
            .map(|app| format!("{}/{}", app.app_type, app.name))
            .collect();
        if !names.is_empty() {
            seen.insert(format!("{}/{whose}", migration.domain), names);
        }
    }
    Ok(Some(Stopping { taken_at: snapshot.taken_at, seen }))
}

impl Stopping {
    /// Says it, in lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let at = &self.taken_at;
        if self.seen.is_empty() {
            return vec![format!(
                "none of them had a Classic app when the inventory was taken ({at}); what runs by now is stopped for good"
            )];
        }
        let named = self.seen.iter().take(NAMED);
        let mut lines: Vec<_> = named
            .map(|(whose, apps)| format!("{whose}: {} will be stopped for good", apps.join(", ")))
            .collect();
        if self.seen.len() > NAMED {
            lines.push(format!("and those of {} more", self.seen.len() - NAMED));
        }
        lines.push(format!(
            "that is what the inventory of {at} saw; what was opened since is stopped, too"
        ));
        lines
    }

    /// Says it, and asks whether to go on.
    ///
    /// # Errors
    /// Nobody said yes.
    pub(super) fn ask(&self, context: &Context) -> Result<(), Failure> {
        context.ui.warning(
            "This run stops Classic apps that still run. AWS does not let them be started again, ever.",
        );
        self.lines().iter().for_each(|line| context.ui.status(format_args!("  {line}")));
        if context.ui.ask("Go on?") {
            return Ok(());
        }
        Err(Failure::new(Exit::ApprovalNeeded, "nobody confirmed that Classic apps may be stopped")
            .hinted("give --yes, or set `classic_apps: require-stopped` in the playbook"))
    }
}
