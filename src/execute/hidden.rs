//! An app that somebody moved into and that their own profile hides: their space is there, and they do not find it.
//!
//! A playbook hides nothing that people move into, so whoever set it did so for something else, or by mistake. A list on the
//! profile hides the domain's; what the domain hides from everyone is looked at when it is cut over.

use serde_json::Value;

use super::standing::Standing;
use super::step::Step;
use crate::aws::Settings;
use crate::plan::Migration;

/// Tells whether a list of hidden app types has the app that a migration leads to.
pub fn hides(hidden_app_types: &[String], migration: &Migration) -> bool {
    hidden_app_types.iter().any(|hidden| hidden == migration.app.as_str())
}

/// Tells whether a profile's own settings hide the app of its migration. A shared space is entered by many, and is nobody's to hide.
pub(super) fn is_hidden(migration: &Migration, own: &Settings) -> bool {
    migration.shared.is_none() && hides(&own.hidden_app_types, migration)
}

/// Tells whether it was so when somebody was confirmed.
pub fn was_hidden(standing: &Standing) -> bool {
    let receipt = standing.receipt(Step::Confirm);
    receipt
        .and_then(|receipt| receipt.get("is_hidden"))
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

/// What is said of it.
pub fn hidden_words(migration: &Migration) -> String {
    format!(
        "{app} is hidden from them by their own profile (StudioWebPortalSettings.HiddenAppTypes): space {} is there and filled, and Studio does not show it; take {app} off that list",
        migration.space,
        app = migration.app
    )
}
