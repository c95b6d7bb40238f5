//! Who stands in the way of a cut-over: people who are not moved, or not in the plan, and would be led away from their files.

use super::cutover::Cutover;
use super::todo::{self, standing};
use crate::cli::{Exit, Failure};
use crate::execute::MigrationStanding;
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::{DomainId, MigrationId, TAG_TEAM, counted};
use crate::plan::Plan;

impl Cutover {
    /// Refuses while somebody stands in the way whom nobody named.
    ///
    /// # Errors
    /// Who that is; or the journal cannot be read.
    pub(super) fn refuse_others(
        &self,
        journal: &Journal,
        plan: &Plan,
        snapshot: &Snapshot,
        domains: &[DomainId],
    ) -> Result<(), Failure> {
        if self.undo || self.force {
            return Ok(());
        }
        self.refuse_unmoved(journal, plan, domains)?;
        self.refuse_unclaimed(journal, plan, domains)?;
        self.refuse_left_out(plan, snapshot, domains)
    }

    /// A name that nobody has is more likely a slip than somebody.
    pub(super) fn refuse_strangers(&self, plan: &Plan, snapshot: &Snapshot) -> Result<(), Failure> {
        let is_known = |name: &str| {
            let is_it = |domain: &DomainId, who: &str| is_called(name, domain, who);
            plan.migrations().any(|(_, one)| is_it(&one.domain, one.name().as_str()))
                || snapshot
                    .domains
                    .iter()
                    .any(|seen| seen.profiles.iter().any(|one| is_it(&seen.id, one.name.as_str())))
        };
        match self.despite.iter().find(|name| !is_known(name)) {
            Some(stranger) => Err(Failure::usage(format!(
                "neither the plan nor the last inventory knows {stranger}"
            ))
            .hinted("--despite takes a profile, or <domain>/<profile> where two domains have one of that name")),
            None => Ok(()),
        }
    }

    fn is_despite(&self, domain: &DomainId, who: &str) -> bool {
        self.despite.iter().any(|named| is_called(named, domain, who))
    }

    fn refuse_unmoved(
        &self,
        journal: &Journal,
        plan: &Plan,
        domains: &[DomainId],
    ) -> Result<(), Failure> {
        let mut waiting = Vec::new();
        for (_, migration) in plan.migrations() {
            if domains.contains(&migration.domain)
                && !self.is_despite(&migration.domain, migration.name().as_str())
                && standing(journal, &migration.id)?.word() != MigrationStanding::Moved
            {
                waiting.push(migration.id.to_string());
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let named = waiting.join(", ");
        Err(Failure::new(
            Exit::Blocked,
            format!(
                "{} not moved yet: {named}",
                counted(waiting.len() as u64, "person of the plan is", "people of the plan are")
            ),
        )
        .hinted("finish them with `studio-migrate run` (whoever was taken back, with `run --user`), or name each with --despite"))
    }

    fn refuse_unclaimed(
        &self,
        journal: &Journal,
        plan: &Plan,
        domains: &[DomainId],
    ) -> Result<(), Failure> {
        let unclaimed = todo::unclaimed(journal, plan)?;
        let in_the_way = |(id, _): &(MigrationId, String)| {
            plan.migration(id).is_some_and(|(_, one)| {
                domains.contains(&one.domain) && !self.is_despite(&one.domain, one.name().as_str())
            })
        };
        match unclaimed.into_iter().find(in_the_way) {
            Some((id, said)) => Err(Failure::new(Exit::Blocked, format!("{id}: {said}"))),
            None => Ok(()),
        }
    }

    /// Whoever the plan left out has no copied home, and would be led away from the old one all the same.
    fn refuse_left_out(
        &self,
        plan: &Plan,
        snapshot: &Snapshot,
        domains: &[DomainId],
    ) -> Result<(), Failure> {
        let is_person = |domain: &DomainId, who: &str| {
            snapshot
                .domains
                .iter()
                .filter(|seen| seen.id == *domain)
                .flat_map(|seen| &seen.profiles)
                .filter(|profile| profile.name.as_str() == who)
                // Whoever was made for a team leads to the new Studio from the beginning.
                .any(|profile| !profile.tags.contains_key(TAG_TEAM))
        };
        let left: Vec<_> = plan
            .left_out
            .iter()
            .filter(|left| domains.contains(&left.domain) && is_person(&left.domain, &left.who))
            .filter(|left| !self.is_despite(&left.domain, &left.who))
            .map(|left| format!("{}/{} ({})", left.domain, left.who, left.because))
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Blocked,
            format!(
                "{} not in the plan: {}",
                counted(left.len() as u64, "person of the domain is", "people of the domain are"),
                left.join("; ")
            ),
        )
        .hinted(
            "they would be led to the new Studio without their files; move them first, or name each with --despite",
        ))
    }
}

/// Tells whether somebody is meant by a name, with their domain or without.
fn is_called(named: &str, domain: &DomainId, who: &str) -> bool {
    match named.split_once('/') {
        Some((of, name)) => of == domain.as_str() && name == who,
        None => named == who,
    }
}
