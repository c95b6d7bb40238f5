//! The worlds `large` and `huge`: thousands of people whose bytes are modelled.

use serde_json::json;

use crate::sim::state::{Role, Statement};
use crate::sim::studio::Members;

use super::Built;
use super::build::build;
use super::description::{AppText, Description, DomainText, ProfileText, SpaceText};

/// Domains of `large` and how many people each has.
const LARGE: &[(&str, usize)] = &[("research", 1200), ("clinical", 600), ("platform", 200)];
/// Domains of `huge` and how many people each has.
const HUGE: &[(&str, usize)] =
    &[("research", 4000), ("clinical", 3000), ("manufacturing", 2000), ("platform", 1000)];

/// Execution roles that the people of `huge` have.
const ROLES: usize = 20;

/// Bytes of a home, on average.
const HOME: u64 = 6 << 30;

/// Builds the world `large`.
pub(super) fn large() -> Built {
    // The description is our own and contradicts itself nowhere, which a test holds it to.
    build(&describe("large", LARGE)).unwrap_or_default()
}

/// Builds the world `huge`.
pub(super) fn huge() -> Built {
    let mut description = describe("huge", HUGE);
    description.roles = (0..ROLES)
        .map(|number| Role {
            arn: role(number),
            statements: vec![Statement {
                allow: true,
                actions: ["sagemaker:*", "s3:*", "logs:*"].map(str::to_owned).into(),
                resources: vec!["*".to_owned()],
                ..Statement::default()
            }],
            ..Role::default()
        })
        .collect();
    for domain in &mut description.domains {
        for (number, person) in domain.profiles.iter_mut().enumerate() {
            person.settings.insert("ExecutionRole".to_owned(), json!(role(number % ROLES)));
        }
    }
    // What AWS grants per account and Region, where it says so, is met at once by ten thousand people.
    description.rates = [("cloudtrail:LookupEvents", 2.0)]
        .map(|(operation, rate)| (operation.to_owned(), rate))
        .into();
    build(&description).unwrap_or_default()
}

fn role(number: usize) -> String {
    format!("arn:aws:iam::000000000000:role/Studio-{number:02}")
}

fn describe(name: &str, domains: &[(&str, usize)]) -> Description {
    let people: usize = domains.iter().map(|(_, people)| people).sum();
    let quotas = [
        ("Maximum number of Studio spaces allowed per account", people * 2),
        ("Maximum number of Studio user profiles allowed per account", people * 2),
        ("Maximum number of running Studio apps allowed per account", 400),
        ("Studio JupyterLab Apps running on ml.t3.medium instance", 100),
        ("Studio CodeEditor Apps running on ml.t3.medium instance", 100),
    ];
    Description {
        name: name.to_owned(),
        seed: 3,
        quotas: quotas.map(|(name, value)| (name.to_owned(), value as f64)).into(),
        domains: domains.iter().map(|(name, people)| domain(name, *people)).collect(),
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
