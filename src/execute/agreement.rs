//! The journal's view of where people stand says what the events say, whatever has happened.

use proptest::prelude::*;
use serde_json::json;

use super::standing::{Standing, kind};
use super::step::Step;
use crate::inventory::{Domain, Profile, Snapshot};
use crate::journal::{Journal, NewEvent};
use crate::plan::{Plan, draw};
use crate::playbook::Playbook;

const KINDS: [&str; 9] = [
    kind::STARTED,
    kind::FINISHED,
    kind::FAILED,
    kind::DUE_AGAIN,
    kind::UNDO_STARTED,
    kind::UNDO_FINISHED,
    kind::UNDO_FAILED,
    kind::NOTED,
    "call",
];

fn planned(journal: &Journal) -> Plan {
    let person = |name: &str| Profile {
        name: name.into(),
        status: "InService".to_owned(),
        home_uid: Some("200005".into()),
        ..Profile::default()
    };
    let mut snapshot = Snapshot {
        account: Some("000000000000".into()),
        region: Some("eu-west-1".into()),
        domains: vec![Domain {
            id: "d-abc".into(),
            status: "InService".to_owned(),
            profiles: ["ada", "ben"].map(person).into(),
            ..Domain::default()
        }],
        ..Snapshot::default()
    };
    snapshot.id = Some(journal.keep_snapshot(&snapshot).unwrap());
    let plan = draw(&snapshot, &[], &Playbook::standard().unwrap(), None).unwrap();
    journal.keep_plan(&plan).unwrap();
    journal.approve(&plan.id, "arn:aws:iam::000000000000:user/operator", "").unwrap();
    plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_view_and_the_events_agree(tried in proptest::collection::vec((0..2_usize, 0..7_usize, 0..9_usize), 0..80)) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
        let plan = planned(&journal);
        let people: Vec<_> = plan.migrations().map(|(_, one)| one.id.clone()).collect();
        for (who, step, event) in tried {
            let (id, step, event) = (&people[who], Step::ALL[step], KINDS[event]);
            let mut events = journal.events_of(id).unwrap();
            let detail = json!({ "message": "m", "hint": "h" });
            let mut next = crate::journal::Event {
                sequence: i64::MAX,
                at: String::new(),
                operation: None,
                plan: None,
                migration: Some(id.clone()),
                step: Some(step.name().to_owned()),
                kind: event.to_owned(),
                detail: detail.clone(),
                hash: String::new(),
            };
            events.push(next.clone());
            // Only what may follow is ever written.
            if Standing::of(&events).is_err() {
                continue;
            }
            next.sequence = journal
                .record(&NewEvent { migration: Some(id), step: Some(step.name()), kind: event, detail, ..NewEvent::default() })
                .unwrap();
        }
        let all = journal.progress(&plan.id).unwrap();
        let told = all.iter().map(|one| (one.migration.clone(), one.standing.clone(), one.next_step.clone()));
        prop_assert_eq!(told.collect::<Vec<_>>(), journal.standing_by_view(&plan.id));
        for seen in all {
            let id = seen.migration.as_str().into();
            let standing = Standing::of(&journal.events_of(&id).unwrap()).unwrap();
            prop_assert_eq!(&seen.standing, standing.word().name());
            prop_assert_eq!(seen.next_step.as_deref(), standing.next_step().map(Step::name));
            let is_trouble = ["failed", "stuck"].contains(&seen.standing.as_str());
            prop_assert_eq!(seen.why.as_deref(), is_trouble.then_some("m"));
        }
    }
}
