//! The world `large`: three domains of two thousand people whose bytes are modelled.

use serde_json::json;

use crate::sim::studio::Members;

use super::Built;
use super::build::build;
use super::description::{AppText, Description, DomainText, ProfileText, SpaceText};

/// Domains and how many people each has.
const DOMAINS: [(&str, usize); 3] = [("research", 1200), ("clinical", 600), ("platform", 200)];

/// Bytes of a home, on average.
const HOME: u64 = 6 << 30;

/// Builds the world.
pub(super) fn large() -> Built {
    // The description is our own and contradicts itself nowhere, which a test holds it to.
    build(&describe()).unwrap_or_default()
}

fn describe() -> Description {
    let quotas = [
        ("Maximum number of Studio spaces allowed per account", 4000.0),
        ("Maximum number of Studio user profiles allowed per account", 4000.0),
        ("Maximum number of running Studio apps allowed per account", 400.0),
        ("Studio JupyterLab Apps running on ml.t3.medium instance", 100.0),
        ("Studio CodeEditor Apps running on ml.t3.medium instance", 100.0),
    ];
    Description {
        name: "large".to_owned(),
        seed: 3,
        quotas: quotas.map(|(name, value)| (name.to_owned(), value)).into(),
        domains: DOMAINS.map(|(name, people)| domain(name, people)).into(),
        ..Description::default()
    }
}

fn domain(name: &str, people: usize) -> DomainText {
    let landing =
        json!({ "StudioWebPortal": "ENABLED", "DefaultLandingUri": "app:JupyterServer:" });
    DomainText {
        name: name.to_owned(),
        members: Members::from_iter([("DefaultUserSettings".to_owned(), landing)]),
        modelled_bytes: Some(HOME * people as u64),
        profiles: (0..people).map(|number| person(name, number)).collect(),
        spaces: (0..people / 100)
            .map(|number| SpaceText {
                name: format!("{name}-shared-{number:02}"),
                home: Some("shared".to_owned()),
                ..SpaceText::default()
            })
            .collect(),
        ..DomainText::default()
    }
}

fn person(domain: &str, number: usize) -> ProfileText {
    let mut profile =
        ProfileText { name: format!("{domain}-{number:04}"), ..ProfileText::default() };
    let settings = match number % 10 {
        3 => json!({ "StudioWebPortal": "DISABLED", "DefaultLandingUri": "app:JupyterServer:" }),
        7 => json!({ "AutoMountHomeEFS": "Disabled" }),
        _ => json!({}),
    };
    profile.settings = settings.as_object().cloned().unwrap_or_default();
    if number.is_multiple_of(50) {
        profile.apps.push(AppText {
            app_type: "JupyterServer".to_owned(),
            name: "default".to_owned(),
            instance: "system".to_owned(),
        });
    }
    profile
}
