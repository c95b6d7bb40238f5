//! Whom a cut-over leads to a page that does not show the space that they moved into.
//!
//! It stands in nobody's way: the files are there, and whoever hid the app may take it off the list at any time.

use super::todo::standing;
use crate::aws::{ErrorKind, Reader};
use crate::cli::{Context, Failure};
use crate::execute::{MigrationStanding, hidden_words, hides, was_hidden};
use crate::journal::Journal;
use crate::names::DomainId;
use crate::plan::{Migration, Plan};

/// Names everybody who moved and does not find their space, as their profiles are now, and the domains that hide it from all others.
pub(super) async fn name(
    context: &Context,
    reader: &Reader,
    journal: &Journal,
    (plan, domains): (&Plan, &[DomainId]),
) -> Result<(), Failure> {
    for domain in domains {
        let of_domain =
            || plan.migrations().map(|(_, one)| one).filter(|one| one.domain == *domain);
        for migration in of_domain() {
            let standing = standing(journal, &migration.id)?;
            let was = standing.word() == MigrationStanding::Moved && was_hidden(&standing);
            if was && is_hidden_still(reader, migration).await? {
                context.ui.warning(format_args!("{}: {}", migration.id, hidden_words(migration)));
            }
        }
        let seen = reader.domain(domain).await;
        let seen = seen.map_err(|error| Failure::aws("look at the domain", error))?;
        let hidden = &seen.defaults.hidden_app_types;
        if let Some(one) = of_domain().find(|one| one.shared.is_none() && hides(hidden, one)) {
            context.ui.warning(format_args!(
                "{domain}: {app} is hidden from everyone whose profile does not say otherwise (StudioWebPortalSettings.HiddenAppTypes of the domain), and people who moved do not find their spaces; take {app} off that list",
                app = one.app
            ));
        }
    }
    Ok(())
}

async fn is_hidden_still(reader: &Reader, migration: &Migration) -> Result<bool, Failure> {
    match reader.profile(&migration.domain, &migration.profile).await {
        Ok(profile) => Ok(hides(&profile.settings.hidden_app_types, migration)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::aws("look at the profile", error)),
    }
}
