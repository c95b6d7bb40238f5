//! `team people --undo`: profiles that the table had made are deleted where nobody used them, and each row says what became of it.
//!
//! Only what `team people` made is deleted, told by its tag, and nothing that the table says somebody had before. A profile that is
//! gone already is no trouble, so that a command that was killed is finished by the next.

use std::collections::{BTreeMap, BTreeSet};

use super::people::{Found, LOOKS, failed, look, made_for, settled, until_gone, who};
use crate::aws::{self, ErrorKind, Owner, Reader, wait};
use crate::cli::context::Operation;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::TeamRow;
use crate::names::{DomainId, ProfileName};

/// Who owns spaces, asked once a domain.
#[derive(Default)]
pub(super) struct Owners(BTreeMap<DomainId, BTreeSet<String>>);

impl Owners {
    async fn has(&mut self, reader: &Reader, row: &TeamRow) -> Result<bool, aws::Error> {
        if !self.0.contains_key(&row.domain) {
            let mut owners = BTreeSet::new();
            for name in reader.space_names(&row.domain).await? {
                match reader.space(&row.domain, &name).await {
                    Ok(space) => {
                        owners.extend(space.owner.map(|owner| owner.as_str().to_ascii_lowercase()))
                    }
                    Err(error) if error.kind == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            self.0.insert(row.domain.clone(), owners);
        }
        let owners = self.0.get(&row.domain);
        Ok(owners.is_some_and(|all| all.contains(&row.profile.as_str().to_ascii_lowercase())))
    }
}

/// Deletes a profile that `team people` made, unless something is in it, and says what became of it. Returns whether nothing is
/// left of what this table had made for this person.
pub(super) async fn take_away(
    context: &Context,
    operation: &Operation,
    row: &TeamRow,
    teams: &[&ProfileName],
    owners: &mut Owners,
) -> Result<bool, Failure> {
    let account = &operation.account;
    let (line, who) = (row.line, who(row));
    let kept = |why: &str| {
        context.ui.warning(format_args!("line {line}: {who} is kept: {why}"));
        Ok(false)
    };
    let never_ours = |why: &str| {
        context.ui.data(format_args!("{who}: stays: {why}"));
        Ok(true)
    };
    let mut found = look(account, row, teams).await?;
    if matches!(found, Found::Nothing) && !is_gone(account, row).await? {
        found = look(account, row, teams).await?;
    }
    match found {
        Found::Nothing => {
            context.ui.data(format_args!("{who}: there is no such profile"));
            return Ok(true);
        }
        // Whatever its tags say: who filled in the table knows the person.
        _ if row.had_it => return never_ours("the table says that they had it before"),
        Found::Theirs => return never_ours("it was not made by `team people`"),
        Found::Another(why) => return never_ours(&why),
        Found::OfAnotherTeam(team) => return kept(&made_for(&team)),
        Found::Ours(_) => {}
    }
    settled(account, row).await?;
    if let Some(why) = used(account, row, owners).await? {
        return kept(why);
    }
    match account.delete_profile(&row.domain, &row.profile).await {
        Ok(()) => {}
        Err(error) if error.kind == ErrorKind::NotFound => {}
        Err(error) if error.kind == ErrorKind::InUse => return kept(&error.to_string()),
        Err(error) => return Err(Failure::aws("delete a profile", error)),
    }
    until_gone(account, row).await?;
    context.ui.data(format_args!("{who}: the profile is deleted"));
    Ok(true)
}

/// Looks twice more, a moment apart, before a profile is taken for gone: AWS may be late to show what is there.
async fn is_gone(reader: &Reader, row: &TeamRow) -> Result<bool, Failure> {
    let mut misses = 0;
    let look = async || match reader.profile(&row.domain, &row.profile).await {
        Ok(_) => Ok(Some(false)),
        Err(error) if error.kind == ErrorKind::NotFound => {
            misses += 1;
            Ok((misses > 1).then_some(true))
        }
        Err(error) => Err(error),
    };
    match wait::until(LOOKS.0, LOOKS.1, look).await {
        Ok(is_gone) => Ok(is_gone),
        Err(wait::Waited::Error(error)) => Err(failed("look at a profile", error)),
        Err(wait::Waited::TimedOut) => {
            Err(Failure::new(Exit::Unexpected, format!("{} cannot be looked at", who(row))))
        }
    }
}

/// Says what is in a profile; `None` where nothing is.
async fn used(
    reader: &Reader,
    row: &TeamRow,
    owners: &mut Owners,
) -> Result<Option<&'static str>, Failure> {
    let unseen = |error| failed("look whether a profile is used", error);
    if owners.has(reader, row).await.map_err(unseen)? {
        return Ok(Some("it owns a space"));
    }
    let apps = reader.apps(&row.domain, &Owner::Profile(row.profile.clone())).await;
    Ok((!apps.map_err(unseen)?.is_empty()).then_some("an app of its runs"))
}
