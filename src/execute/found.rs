//! What the account has of a migration whose journal does not know of it: one that was restored from a backup, say.
//!
//! A rollback undoes what was begun. What is there under the plan's names and carries this migration's tags was begun too,
//! whatever the journal has forgotten: that is written down, and undone with the rest. What may hold somebody's work is kept,
//! and said.

use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::standing::{Standing, StepStanding, kind};
use super::step::Step;
use super::steps::{entered, flip, hydrate, provision};

/// Writes down, as begun, what is found to have been; says what is found and is left as it is.
pub(super) async fn begun(cx: &Context, standing: &Standing) -> Result<(), Failure> {
    let is_unknown = |step| matches!(standing.step(step), StepStanding::Untouched);
    // A journal that knows of nothing takes nothing back.
    if standing.to_undo().is_empty() {
        return Ok(());
    }
    if is_unknown(Step::Flip)
        && let Some(remark) = flip::is_unknown(cx).await?
    {
        cx.remark(remark);
    }
    if is_unknown(Step::Provision) && provision::is_left(cx).await? {
        if cx.may_delete_used_spaces || !entered::may_hold_work(cx).await? {
            cx.record(Step::Provision, kind::STARTED, json!({}))?;
        } else {
            cx.remark(format!(
                "space {} was made for this migration, and this journal does not know of it: it is kept, because somebody may have worked in it",
                cx.migration.space
            ));
        }
    }
    if is_unknown(Step::Hydrate) && hydrate::is_left(cx).await? {
        cx.record(Step::Hydrate, kind::STARTED, json!({}))?;
    }
    // A copy that is done has put everything back; a hook that is there all the same is of a reading that was killed.
    if matches!(standing.step(Step::Hydrate), StepStanding::Finished { .. })
        && hydrate::is_left(cx).await?
    {
        hydrate::tidy(cx).await?;
    }
    Ok(())
}
