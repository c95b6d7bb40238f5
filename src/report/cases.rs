//! A run with one person of each standing.

use super::facts::{
    Approval, Audit, FailureFacts, Held, Inputs, PersonFacts, Proof, StepFacts, standing,
};
use crate::mover::{Evidence, Totals};
use crate::plan::{LeftOut, Route};

fn step(name: &str, word: &str, began: &str, ended: Option<&str>) -> StepFacts {
    StepFacts {
        name: name.to_owned(),
        standing: word.to_owned(),
        began_at: Some(format!("2026-08-03T{began}Z")),
        ended_at: ended.map(|ended| format!("2026-08-03T{ended}Z")),
    }
}

fn person(name: &str, word: &str) -> PersonFacts {
    PersonFacts {
        migration: format!("d-abc/{name}").into(),
        domain: "d-abc".into(),
        profile: name.into(),
        batch: "pilot".into(),
        space: format!("{name}-studio").into(),
        volume_gb: 5,
        route: Route::InSpace,
        standing: word.to_owned(),
        steps: Vec::new(),
        held: None,
        proof: None,
        remarks: Vec::new(),
        failure: None,
        evidence: None,
    }
}

fn proof() -> Proof {
    Proof {
        totals: Totals {
            files: 1204,
            directories: 41,
            symlinks: 3,
            bytes: 1_288_490_188,
            digest: "6f1e0c5d2b7a".to_owned(),
        },
        evidence: Evidence {
            device: "/dev/nvme1n1".to_owned(),
            fstype: "ext4".to_owned(),
            df: "/dev/nvme1n1 5.0G 1.3G 3.7G 26% /home/sagemaker-user".to_owned(),
            source_device: "127.0.0.1:/".to_owned(),
        },
        not_copied: [("excluded".to_owned(), 902), ("special".to_owned(), 1)].into(),
        not_copied_named: vec![
            (".cache/pip/x".to_owned(), "excluded: caches are made anew".to_owned()),
            ("run/agent.sock".to_owned(), "special: a socket".to_owned()),
        ],
        manifest: "studio-migrate/p1/d-abc/alice/manifest.jsonl.zst".to_owned(),
        manifest_blake3: "c0ffee".to_owned(),
    }
}

/// The facts of such a run.
pub(super) fn inputs() -> Inputs {
    let mut alice = person("alice", standing::MOVED);
    alice.steps = vec![
        step("quiesce", "finished", "07:00:00.120", Some("07:00:40")),
        step("hydrate", "finished", "07:01:00", Some("07:12:30")),
        step("confirm", "finished", "07:13:00", Some("07:14:05")),
    ];
    alice.held =
        Some(Held::new("2026-08-03T07:00:30Z".to_owned(), Some("2026-08-03T07:13:00Z".to_owned())));
    alice.proof = Some(proof());
    alice.remarks = vec![
        "the Classic app JupyterServer/default was stopped and can never be started again"
            .to_owned(),
    ];
    let mut bob = person("bob", standing::FAILED);
    bob.steps = vec![step("hydrate", "failed", "07:01:00", Some("07:31:00"))];
    bob.failure = Some(FailureFacts {
        step: "hydrate".to_owned(),
        message: "the space's app is Failed: no capacity".to_owned(),
        hint: Some("try again later".to_owned()),
        left_behind: vec!["app of space bob-studio".to_owned()],
    });
    let mut carol = person("carol", standing::ROLLED_BACK);
    carol.proof = Some(proof());
    let mut dave = person("dave", standing::STUCK);
    dave.failure = Some(FailureFacts {
        step: "provision".to_owned(),
        message: "AccessDeniedException on DeleteSpace".to_owned(),
        hint: Some("space dave-studio in domain d-abc".to_owned()),
        left_behind: Vec::new(),
    });
    let mut erin = person("erin", standing::WAITING);
    erin.batch = "batch-1".into();
    Inputs {
        made_at: "2026-08-03T08:00:00Z".to_owned(),
        account: "123456789012".into(),
        region: "eu-west-1".into(),
        plan: "0123456789ab".into(),
        playbook: "research".to_owned(),
        approvals: vec![Approval {
            batch: Some("pilot".into()),
            by: "arn:aws:sts::123456789012:assumed-role/Platform/ops".to_owned(),
            at: "2026-08-03T06:55:00Z".to_owned(),
            note: Some("CHG-1042".to_owned()),
        }],
        people: vec![alice, bob, carol, dave, erin],
        left_out: vec![LeftOut {
            domain: "d-abc".into(),
            who: "frank".to_owned(),
            because: "SM203: auto-mount is off".to_owned(),
        }],
        orphans: Vec::new(),
        audit: Audit { events: 96, head: "deadbeef".to_owned(), broken_at: None },
    }
}
