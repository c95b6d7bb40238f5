//! The three loops that every saga must pass: each step taken twice, each step failing, each undo done twice.

use std::sync::Mutex;

use serde::de::DeserializeOwned;
use serde_json::Value;
use studio_migrate::aws::Owner;
use studio_migrate::execute::steps::{confirm, flip, hydrate, provision, quiesce, stage, verify};
use studio_migrate::execute::{
    Context, Failure, MigrationStanding, Outcome, Step, Stuck, back, forward,
};

use crate::common::ONE_PERSON;
use crate::common::ends::{End, assert_alike};
use crate::common::inside::{Inside, each};
use crate::common::tool::until;

/// A step, a call that it makes, and the first of those calls that is denied, as all are after it.
const FAILURES: [(Step, &str, u64); 15] = [
    (Step::Quiesce, "sagemaker:DeleteApp", 1),
    (Step::Stage, "s3:PutObject", 1),
    (Step::Provision, "sagemaker:CreateSpace", 1),
    (Step::Provision, "sagemaker:DescribeSpace", 2),
    (Step::Hydrate, "sagemaker:CreateStudioLifecycleConfig", 1),
    (Step::Hydrate, "sagemaker:UpdateUserProfile", 1),
    (Step::Hydrate, "sagemaker:CreateApp", 1),
    // These four leave something behind: the app runs, the hook is set, the hook exists, the marker is there unread.
    (Step::Hydrate, "sagemaker:DeleteApp", 1),
    (Step::Hydrate, "sagemaker:UpdateUserProfile", 2),
    (Step::Hydrate, "sagemaker:DeleteStudioLifecycleConfig", 1),
    (Step::Hydrate, "s3:GetObject", 2),
    (Step::Verify, "s3:GetObject", 1),
    (Step::Flip, "sagemaker:UpdateUserProfile", 1),
    (Step::Flip, "sagemaker:DescribeUserProfile", 2),
    (Step::Confirm, "sagemaker:UpdateSpace", 1),
];

fn go(inside: &Inside, last: Step) {
    let outcome = inside.wait(forward(&inside.cx, last));
    assert!(matches!(outcome, Outcome::Done(_)), "up to {last}: {outcome:?}");
}

/// Goes up to a step, lets that fail, and mends the world.
fn fail(inside: &Inside, step: Step, operation: &str, from: u64) {
    if let Some(before) = Step::ALL.into_iter().take_while(|other| *other < step).last() {
        go(inside, before);
    }
    inside.deny(operation, from);
    let outcome = inside.wait(forward(&inside.cx, Step::Confirm));
    assert!(matches!(outcome, Outcome::Failed(_)), "{step} without {operation}: {outcome:?}");
    assert_eq!(inside.cx.standing().unwrap().next_step(), Some(step), "without {operation}");
    assert_eq!(inside.cx.standing().unwrap().word(), MigrationStanding::Failed);
    inside.mend();
}

/// Takes everything back and insists that the world is as it was, but for what cannot be brought back.
fn unwind(inside: &Inside, failed: Step, when: &str) {
    let outcome = inside.wait(back(&inside.cx));
    let is_back = matches!(
        outcome,
        Outcome::Done(MigrationStanding::RolledBack | MigrationStanding::Waiting)
    );
    assert!(is_back, "{when}: {outcome:?}");
    // A Classic app that was stopped is the one thing that stays undone, and is named.
    let was_stopped = failed > Step::Quiesce;
    let named = inside.remarks().iter().any(|remark| remark.contains("JupyterServer/default"));
    assert_eq!(named, was_stopped, "{when}: {:?}", inside.remarks());
    assert_eq!(inside.remarks().len(), usize::from(was_stopped), "{when}: {:?}", inside.remarks());
    assert_eq!(apps(inside).is_empty(), was_stopped, "{when}");
}

/// The apps of alice and of her space.
fn apps(inside: &Inside) -> Vec<String> {
    let migration = &inside.cx.migration;
    let owners = [Owner::Profile(migration.profile.clone()), Owner::Space(migration.space.clone())];
    let mut found = Vec::new();
    for owner in owners {
        let apps = inside.wait(inside.cx.account.apps(&migration.domain, &owner)).unwrap();
        found.extend(apps.into_iter().map(|app| format!("{}/{}", app.app_type, app.name)));
    }
    found
}

async fn perform(cx: &Context, step: Step) -> Result<(), Failure> {
    match step {
        Step::Quiesce => quiesce::perform(cx).await.map(drop),
        Step::Stage => stage::perform(cx).await.map(drop),
        Step::Provision => provision::perform(cx).await.map(drop),
        Step::Hydrate => hydrate::perform(cx).await.map(drop),
        Step::Verify => verify::perform(cx).await.map(drop),
        Step::Flip => flip::perform(cx).await.map(drop),
        Step::Confirm => confirm::perform(cx).await.map(drop),
    }
}

async fn undo(cx: &Context, step: Step, receipt: Option<Value>) -> Result<Vec<String>, Stuck> {
    fn read<R: DeserializeOwned>(receipt: Option<Value>) -> Option<R> {
        receipt.map(|receipt| serde_json::from_value(receipt).unwrap())
    }
    match step {
        Step::Quiesce => quiesce::undo(cx, read(receipt).as_ref()).await,
        Step::Stage => stage::undo(cx, read(receipt).as_ref()).await,
        Step::Provision => provision::undo(cx, read(receipt).as_ref()).await,
        Step::Hydrate => hydrate::undo(cx, read(receipt).as_ref()).await,
        Step::Verify => verify::undo(cx, read(receipt).as_ref()).await,
        Step::Flip => flip::undo(cx, read(receipt).as_ref()).await,
        Step::Confirm => confirm::undo(cx, read(receipt).as_ref()).await,
    }
}

/// How the world is after a plain run.
fn plain() -> End {
    let plain = Mutex::new(End::new());
    each(&[()], |()| {
        let inside = Inside::prepared(ONE_PERSON);
        go(&inside, Step::Confirm);
        *plain.lock().unwrap() = inside.end();
    });
    plain.into_inner().unwrap()
}

#[test]
fn every_step_taken_twice_ends_as_once() {
    let once = plain();
    each(&Step::ALL, |&step| {
        let twice = Inside::prepared(ONE_PERSON);
        go(&twice, step);
        twice.wait(perform(&twice.cx, step)).unwrap();
        go(&twice, Step::Confirm);
        assert_alike(&twice.end(), &once, &format!("{step} taken twice"));
    });
}

#[test]
fn whichever_step_fails_the_world_can_be_made_as_it_was() {
    each(&FAILURES, |&(step, operation, from)| {
        let when = format!("{step} failed without {operation} {from}");
        let inside = Inside::prepared(ONE_PERSON);
        let before = inside.end();
        fail(&inside, step, operation, from);
        unwind(&inside, step, &when);
        assert_alike(&inside.end(), &before, &when);
    });
}

#[test]
fn every_undo_done_twice_ends_as_once() {
    each(&FAILURES, |&(step, operation, from)| {
        let when = format!("undone twice after {step} failed without {operation} {from}");
        let inside = Inside::prepared(ONE_PERSON);
        let before = inside.end();
        fail(&inside, step, operation, from);
        let receipts: Vec<_> =
            Step::ALL.into_iter().rev().map(|step| (step, inside.receipt(step))).collect();
        unwind(&inside, step, &when);
        for (again, receipt) in receipts.into_iter().filter(|(again, _)| *again <= step) {
            let undone = inside.wait(undo(&inside.cx, again, receipt));
            assert!(undone.is_ok(), "{when}, {again}: {undone:?}");
        }
        assert_alike(&inside.end(), &before, &when);
    });
}

#[test]
fn a_migration_that_failed_and_was_taken_back_can_be_made_again() {
    let once = plain();
    each(&[Step::Hydrate, Step::Confirm], |&step| {
        let (_, operation, from) = FAILURES.into_iter().rev().find(|f| f.0 == step).unwrap();
        let inside = Inside::prepared(ONE_PERSON);
        fail(&inside, step, operation, from);
        unwind(&inside, step, "before the second try");
        go(&inside, Step::Confirm);
        assert_alike(&inside.end(), &once, "made again");
    });
}

#[test]
fn a_quiesce_that_failed_half_way_names_the_apps_that_it_stopped() {
    const SERVER: &str = "          - app_type: JupyterServer\n            name: default\n";
    const KERNEL: &str = "          - app_type: KernelGateway\n            name: datascience\n            instance: ml.t3.medium\n";
    assert!(ONE_PERSON.contains(SERVER));
    each(&[ONE_PERSON.replace(SERVER, &format!("{KERNEL}{SERVER}"))], |world| {
        let inside = Inside::prepared(world);
        inside.deny("sagemaker:DeleteApp", 2);
        let outcome = inside.wait(forward(&inside.cx, Step::Quiesce));
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        inside.mend();
        inside.wait(back(&inside.cx));
        assert_eq!(
            inside.remarks(),
            [
                "the Classic app KernelGateway/datascience was stopped and can never be started again"
            ]
        );
        // The one whose deletion was taken may still be on its way down; the other stays.
        until("the stopped app is gone", || apps(&inside).len() < 2);
        assert_eq!(apps(&inside), ["JupyterServer/default"]);
    });
}
