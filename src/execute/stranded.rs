//! Somebody of a team who is taken back: what is theirs lies in the home that the team shared, which no profile of their own opens.
//! That is said before a rollback and after it, with the way on. So is a table that by now says something else than when a team moved.

use super::failure::Failure;
use super::standing::Standing;
use super::step::Step;
use super::steps::sharing_out;
use crate::journal::Journal;
use crate::names::MigrationId;
use crate::plan::{Batch, Migration, Plan};

/// Finds the migration that closes the profile whose home a migration takes somebody's part of; `None` for everyone else.
pub fn closes_after<'a>(
    plan: &'a Plan,
    migration: &Migration,
) -> Option<(&'a Batch, &'a Migration)> {
    let part = migration.team.as_ref().filter(|part| part.whose.is_some())?;
    plan.migrations().find(|(_, one)| {
        one.domain == migration.domain
            && one
                .team
                .as_ref()
                .is_some_and(|rest| rest.whose.is_none() && rest.profile == part.profile)
    })
}

/// Says of each team that has moved whose part of its home is in nobody's space by the table of the plan: it was left out of the
/// shared space as somebody's, and that somebody does not claim it any more.
///
/// # Errors
/// The journal cannot be read.
pub fn unclaimed(journal: &Journal, plan: &Plan) -> Result<Vec<(MigrationId, String)>, Failure> {
    let mut said = Vec::new();
    for (_, rest) in plan.migrations() {
        let Some(part) = rest.team.as_ref().filter(|part| part.whose.is_none()) else { continue };
        let events = journal.events_of(&rest.id)?;
        let standing = Standing::of(&events).map_err(|error| Failure::new(error.to_string()))?;
        let moved = standing.receipt(Step::Verify).and_then(|_| sharing_out::last(&events));
        let Some(then) = moved else { continue };
        let claims_now = |who: &str| {
            let claim = part.claims.iter().find(|claim| claim.profile.as_str() == who);
            claim.map_or(&[][..], |claim| &claim.own)
        };
        let others: Vec<_> =
            then.claimants().filter(|who| claims_now(who) != then.claims(who)).collect();
        if !others.is_empty() {
            let (team, names) = (&part.profile, others.join(", "));
            said.push((
                rest.id.clone(),
                format!(
                    "of the home that {team} shared, what {names} claimed when it moved may be in no space: the table of this plan says something else; `studio-migrate rollback --user team.{team}` and `studio-migrate run --user team.{team}` share it out anew"
                ),
            ));
        }
    }
    Ok(said)
}

/// Says where the files of somebody of a team are once their space is given up, and what to do; `None` for everyone else.
/// `opens_too` tells whether the profile that the team shared is opened by the same rollback.
///
/// # Errors
/// The journal cannot be read.
pub fn stranded(
    journal: &Journal,
    plan: &Plan,
    migration: &Migration,
    opens_too: bool,
) -> Result<Option<String>, Failure> {
    let Some(part) = &migration.team else { return Ok(None) };
    let Some(whose) = &part.whose else { return Ok(None) };
    let is_closed = match closes_after(plan, migration) {
        Some((_, rest)) if !opens_too => {
            let standing = Standing::of(&journal.events_of(&rest.id)?)
                .map_err(|error| Failure::new(error.to_string()))?;
            // A flip that was begun may have closed it.
            standing.to_undo().contains(&Step::Flip)
        }
        _ => false,
    };
    let team = &part.profile;
    let (standing, open) = if is_closed {
        ("closed", format!("; `studio-migrate rollback --user team.{team}` opens profile {team}"))
    } else {
        ("open", String::new())
    };
    Ok(Some(format!(
        "but for a space that is kept, what is {whose}'s of the home that {team} shared is on the file system only: profile {whose} does not open that home, and profile {team} is {standing}; `studio-migrate run --user {whose}` brings it to a space of theirs again{open}"
    )))
}
