//! Sharing out a home that a team used: what of it this migration takes, by the claims that the plan carries.
//!
//! The home is looked at anew whenever it is packed, so that what two people claim is found out however the files came to be.
//! What is not taken is in the manifest, by name, with whose it is.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::closing;
use crate::execute::context::Context;
use crate::execute::failure::{Failure, chain};
use crate::execute::step::Step;
use crate::journal::Event;
use crate::mover::{self, Claims, Rules, Shares};
use crate::plan::{Claim, TeamPart};
use crate::playbook::LeaveOut;

/// Conflicts that a failure names.
const NAMED: usize = 5;

/// What to do about a table that does not fit the home.
const CORRECT: &str =
    "correct the table of teams, take an inventory with it (--teams), and draw up the plan again";

/// The kind of event that says how a home was shared out when a part of it was packed. It is no part of a standing.
const SHARED_OUT: &str = "shared-out";

/// How a home was shared out when a part of it was packed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::execute) struct SharedOut {
    claims: BTreeMap<String, Vec<String>>,
}

impl SharedOut {
    /// Whoever claimed something.
    pub(in crate::execute) fn claimants(&self) -> impl Iterator<Item = &str> {
        let claims = self.claims.iter().filter(|(_, own)| !own.is_empty());
        claims.map(|(who, _)| who.as_str())
    }

    /// What somebody claimed.
    pub(in crate::execute) fn claims(&self, who: &str) -> &[String] {
        self.claims.get(who).map_or(&[], Vec::as_slice)
    }
}

/// Returns how the home was shared out when this part of it was packed last, by its events.
pub(in crate::execute) fn last(events: &[Event]) -> Option<SharedOut> {
    let last = events.iter().rev().find(|event| event.kind == SHARED_OUT)?;
    serde_json::from_value(last.detail.clone()).ok()
}

/// What the playbook leaves out of every home.
pub(super) fn of_playbook(cx: &Context) -> Vec<LeaveOut> {
    let rules = cx.plan.playbook.leave_out.iter();
    let rule =
        |rule: &LeaveOut| LeaveOut { pattern: rule.pattern.clone(), reason: rule.reason.clone() };
    rules.map(rule).collect()
}

/// What is left out of a home: what the playbook says, and of a team's home what is not this migration's.
pub(super) async fn rules(cx: &Context, home: &Path) -> Result<Rules, Failure> {
    let of_playbook = of_playbook(cx);
    let refused = |error: mover::Error| Failure::new(chain(&error));
    let Some(part) = &cx.migration.team else { return Rules::new(of_playbook).map_err(refused) };
    let shares = look(part, home).await?;
    refuse_conflicts(&shares)?;
    let name = |claim: &Claim| claim.profile.to_string();
    refuse_unmatched(cx, part, &shares)?;
    let shared_out = SharedOut {
        claims: part.claims.iter().map(|claim| (name(claim), claim.own.clone())).collect(),
    };
    cx.record(Step::Stage, SHARED_OUT, json!(shared_out))?;
    let Some(whose) = &part.whose else {
        let claimed = part.claims.iter().flat_map(|claim| {
            claim.own.iter().map(|pattern| LeaveOut {
                pattern: pattern.clone(),
                reason: format!("{}'s alone, and goes to a space of their own", claim.profile),
            })
        });
        return Rules::new(claimed.chain(of_playbook).collect()).map_err(refused);
    };
    let claims = part.claims.iter().zip(shares.each);
    let own = claims.into_iter().find(|(claim, _)| claim.profile == *whose);
    let Some((_, share)) = own else {
        return Err(Failure::new(format!("the plan does not say what of it is {whose}'s")));
    };
    let others = LeaveOut {
        pattern: format!("all but {}", part.own().join(", ")),
        reason: format!("of the home that {} shared, and not {whose}'s", part.profile),
    };
    Ok(Rules::new(of_playbook).map_err(refused)?.only(share.paths, others))
}

/// Looks whose is what now.
pub(super) async fn look(part: &TeamPart, home: &Path) -> Result<Shares, Failure> {
    let claims: Vec<_> = part
        .claims
        .iter()
        .map(|claim| Claims {
            who: format!("{} (line {})", claim.profile, claim.line),
            patterns: claim.own.clone(),
        })
        .collect();
    let home = home.to_owned();
    // A home may have a million names, and others are at work.
    let looked = tokio::task::spawn_blocking(move || mover::shares(&home, &claims, false)).await;
    let looked = looked.map_err(|error| Failure::new(error.to_string()))?;
    looked.map_err(|error| {
        Failure::new(format!(
            "the home of {} cannot be shared out: {}",
            part.profile,
            chain(&error)
        ))
    })
}

fn refuse_conflicts(shares: &Shares) -> Result<(), Failure> {
    if shares.conflicts.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = shares.conflicts.iter().take(NAMED).map(String::as_str).collect();
    let more = if shares.conflicts.len() > NAMED { " and more" } else { "" };
    Err(Failure::new(format!("{}{more}", named.join("; "))).hinted(CORRECT))
}

/// Refuses where a claim matches nothing: a table is written by hand, and what it misses would go to everybody's space. Who shares
/// the rest waits for everyone's claims; but whoever has moved may have tidied up since.
fn refuse_unmatched(cx: &Context, part: &TeamPart, shares: &Shares) -> Result<(), Failure> {
    let mut unmatched = Vec::new();
    for (claim, share) in part.claims.iter().zip(&shares.each) {
        let is_meant = match &part.whose {
            Some(whose) => *whose == claim.profile,
            None => {
                !share.unmatched.is_empty()
                    && closing::moved_by(cx, part, &claim.profile)?.is_none()
            }
        };
        let told = |pattern: &String| {
            format!("`{pattern}`, which {} claims (line {})", claim.profile, claim.line)
        };
        unmatched.extend(share.unmatched.iter().filter(|_| is_meant).map(told));
    }
    if unmatched.is_empty() {
        return Ok(());
    }
    let (named, more) = (unmatched.iter().take(NAMED), unmatched.len() > NAMED);
    let named: Vec<&str> = named.map(String::as_str).collect();
    Err(Failure::new(format!(
        "{}{} {} nothing in the home of {}",
        named.join(", "),
        if more { " and more" } else { "" },
        if unmatched.len() == 1 { "matches" } else { "match" },
        part.profile
    ))
    .hinted(CORRECT))
}
