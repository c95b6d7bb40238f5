//! Whoever has moved needs no Classic home mounted any more.

use super::todo::standing;
use crate::cli::Failure;
use crate::execute::MigrationStanding;
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::MigrationId;

/// Makes a snapshot say of whoever has moved that their Classic home is mounted. That `retire`, or a cut-over, turned it off is no
/// reason to call them blocked, and to leave them out of a plan by which the domain is cut over and people are taken back.
pub(super) fn as_if_mounted(journal: &Journal, snapshot: &mut Snapshot) -> Result<(), Failure> {
    const OFF: Option<&str> = Some("Disabled");
    for domain in &mut snapshot.domains {
        let is_off = domain.defaults.auto_mount.as_deref() == OFF;
        for profile in &mut domain.profiles {
            if !is_off && profile.effective.auto_mount.as_deref() != OFF {
                continue;
            }
            let id = MigrationId::new(format!("{}/{}", domain.id, profile.name));
            if standing(journal, &id)?.word() == MigrationStanding::Moved {
                profile.effective.auto_mount = Some("Enabled".to_owned());
            }
        }
    }
    Ok(())
}
