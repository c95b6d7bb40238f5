//! A small account to rehearse on: some people who move, and one who does not and whose things nobody may touch.

use std::collections::BTreeSet;

use studio_migrate::cli::rehearsal::Script;
use studio_migrate::inventory::{
    Domain, Home, Profile, Script as LifecycleScript, Settings, Snapshot, Space,
};
use studio_migrate::plan::draw;
use studio_migrate::playbook::Playbook;
use studio_migrate::readiness::assess;
use studio_migrate::sim::state::Fault;

/// The domain of the account.
pub const DOMAIN: &str = "d-rehearsed";

/// Whoever does not move.
pub const BYSTANDER: &str = "zoe";

/// The built-in script that the first person has already.
pub const THEIR_SCRIPT: &str =
    "arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/tidy-shell";

/// The people who move, by name.
pub const PEOPLE: [&str; 3] = ["ada", "ben", "cyd"];

/// A playbook that moves the first so many people at once, all in one batch.
pub fn playbook(people: usize) -> Playbook {
    let mut playbook = Playbook::standard().unwrap();
    playbook.scope.exclude = vec![BYSTANDER.to_owned()];
    playbook.scope.exclude.extend(PEOPLE.iter().skip(people).map(|&name| name.to_owned()));
    playbook.batches.pilot_users = 0;
    playbook.limits.poll_seconds = 30.0;
    playbook
}

/// What is rehearsed on the account.
pub fn script(playbook: &Playbook, seed: u64, faults: Vec<Fault>) -> Script {
    let snapshot = snapshot();
    let plan = draw(&snapshot, &assess(&snapshot, playbook), playbook, None).unwrap();
    assert!(plan.migrations().count() > 0, "{:?}", plan.left_out);
    let begin = "2026-12-04T09:30:00Z".parse().unwrap();
    Script { snapshot, plan, moved: BTreeSet::new(), faults, seed, begin }
}

fn snapshot() -> Snapshot {
    let defaults = Settings {
        execution_role: Some("arn:aws:iam::000000000000:role/Studio".to_owned()),
        studio_web_portal: Some("ENABLED".to_owned()),
        landing: Some("app:JupyterServer:".to_owned()),
        ..Settings::default()
    };
    let person = |(number, name): (usize, &&str)| {
        let own = Settings {
            built_in_script: (number == 0).then(|| THEIR_SCRIPT.to_owned()),
            ..Settings::default()
        };
        Profile {
            name: (**name).into(),
            status: "InService".to_owned(),
            home_uid: Some(format!("{}", 200_001 + number).into()),
            home: Some(Home { bytes: (number as u64 + 1) << 30, files: 1_000, ..Home::default() }),
            effective: own.over(&defaults),
            own,
            ..Profile::default()
        }
    };
    let people: Vec<&str> = PEOPLE.into_iter().chain([BYSTANDER]).collect();
    Snapshot {
        schema: Snapshot::SCHEMA,
        id: Some("rehearsed".into()),
        account: Some("000000000000".into()),
        region: Some("eu-west-1".into()),
        taken_at: "2026-11-01T00:00:00Z".to_owned(),
        scripts: vec![LifecycleScript {
            arn: THEIR_SCRIPT.to_owned(),
            name: "tidy-shell".to_owned(),
            app_type: "JupyterLab".to_owned(),
            text: Some("#!/bin/bash\necho hello\n".to_owned()),
        }],
        domains: vec![Domain {
            id: DOMAIN.into(),
            name: "rehearsed".to_owned(),
            status: "InService".to_owned(),
            auth_mode: "IAM".to_owned(),
            file_system: Some("fs-rehearsed".into()),
            profiles: people.iter().enumerate().map(person).collect(),
            spaces: vec![Space {
                name: "zoe-lab".into(),
                status: "InService".to_owned(),
                app_type: Some("JupyterLab".to_owned()),
                sharing: Some("Private".to_owned()),
                owner: Some(BYSTANDER.into()),
                volume_gb: Some(20),
                ..Space::default()
            }],
            defaults,
            ..Domain::default()
        }],
        ..Snapshot::default()
    }
}
