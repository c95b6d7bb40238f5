//! What a rollback cannot undo, or may not, said before it begins: from the journal alone.

use serde_json::Value;

use super::standing::{Standing, StepStanding};
use super::step::Step;
use super::steps::flip;
use super::steps::quiesce::cannot_start;
use crate::plan::Migration;

/// Says what a rollback of a migration to and including `first` leaves undone, or destroys.
pub fn foretold(
    migration: &Migration,
    standing: &Standing,
    first: Step,
    deletes_spaces: bool,
) -> Vec<String> {
    let mut said = Vec::new();
    for step in standing.to_undo().into_iter().filter(|step| *step >= first) {
        match step {
            Step::Flip => said.extend(flip::cannot_unset(migration, standing)),
            Step::Provision => said.push(about_space(migration, standing, deletes_spaces)),
            Step::Quiesce => said.extend(stopped(standing).iter().map(|app| cannot_start(app))),
            Step::Stage | Step::Hydrate | Step::Verify | Step::Confirm => {}
        }
    }
    said
}

fn about_space(migration: &Migration, standing: &Standing, deletes_spaces: bool) -> String {
    let space = &migration.space;
    let may_hold_work =
        migration.shared.is_some() || !matches!(standing.step(Step::Flip), StepStanding::Untouched);
    if migration.is_reused {
        format!("space {space} was there before and is kept, with what was copied into it")
    } else if deletes_spaces {
        format!("space {space} is deleted with everything that was done in it")
    } else if may_hold_work {
        format!("space {space} is kept with its volume, because somebody may have worked in it")
    } else {
        format!("space {space} is deleted with its volume, unless somebody could enter it")
    }
}

/// The Classic apps that were stopped, as far as the journal knows.
fn stopped(standing: &Standing) -> Vec<String> {
    let told = match standing.step(Step::Quiesce) {
        StepStanding::Finished { receipt }
        | StepStanding::Undoing { receipt: Some(receipt) }
        | StepStanding::Stuck { receipt: Some(receipt), .. } => receipt.get("stopped"),
        _ => standing.noted(Step::Quiesce, "running"),
    };
    told.and_then(|told: &Value| serde_json::from_value(told.clone()).ok()).unwrap_or_default()
}
