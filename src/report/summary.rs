//! The report as data: the facts, and what they sum up to.

use serde::{Deserialize, Serialize};

use super::facts::{Approval, Audit, Inputs, OrphanFacts, OrphanTotals, PersonFacts, standing};
use crate::names::{AccountId, PlanId, Region};
use crate::plan::LeftOut;

/// What happened, with the proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// The version of the tool that made it.
    pub tool_version: String,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// The account.
    pub account: AccountId,
    /// Whether that account is a simulated one.
    pub is_simulated: bool,
    /// The Region.
    pub region: Region,
    /// The plan.
    pub plan: PlanId,
    /// The playbook's name.
    pub playbook: String,
    /// Who approved what, oldest first.
    pub approvals: Vec<Approval>,
    /// When the first step of anyone began, RFC 3339.
    pub began_at: Option<String>,
    /// When the last step of anyone ended, RFC 3339.
    pub ended_at: Option<String>,
    /// The numbers.
    pub totals: Totals,
    /// Everyone in the plan, in running order.
    pub people: Vec<PersonFacts>,
    /// Whom the plan left out, and why.
    pub left_out: Vec<LeftOut>,
    /// Homes that nobody owns, and where each is.
    #[serde(default)]
    pub orphans: Vec<OrphanFacts>,
    /// How many of them are where.
    #[serde(default)]
    pub orphan_totals: OrphanTotals,
    /// The state of the audit trail.
    pub audit: Audit,
}

/// People by standing, and what was proven to have arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Everyone in the plan.
    pub people: usize,
    /// Those whose work is proven to have arrived and who were led to it.
    pub moved: usize,
    /// Those with a step that failed.
    pub failed: usize,
    /// Those with whom nothing was begun.
    pub waiting: usize,
    /// Those with whom something was begun and nothing ended yet.
    pub underway: usize,
    /// Those with whom everything was undone.
    pub rolled_back: usize,
    /// Those whose undo failed: a person must look.
    pub stuck: usize,
    /// Those whom the plan left out.
    pub left_out: usize,
    /// Regular files of those who are moved.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries of theirs that were not copied, each with its reason in the manifest.
    pub not_copied: u64,
    /// The minutes for which people were held up, all together: from their last Classic app to the new Studio.
    #[serde(default)]
    pub held_minutes: f64,
    /// The minutes of whoever was held up longest.
    #[serde(default)]
    pub longest_held_minutes: f64,
}

impl From<Inputs> for Report {
    fn from(inputs: Inputs) -> Self {
        let spans = || inputs.people.iter().map(PersonFacts::span);
        Self {
            schema: 1,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            began_at: spans().filter_map(|(began, _)| began).min().map(str::to_owned),
            ended_at: spans().filter_map(|(_, ended)| ended).max().map(str::to_owned),
            totals: Totals::of(&inputs.people, inputs.left_out.len()),
            is_simulated: inputs.account.is_simulated(),
            made_at: inputs.made_at,
            account: inputs.account,
            region: inputs.region,
            plan: inputs.plan,
            playbook: inputs.playbook,
            approvals: inputs.approvals,
            people: inputs.people,
            left_out: inputs.left_out,
            orphan_totals: OrphanTotals::of(&inputs.orphans),
            orphans: inputs.orphans,
            audit: inputs.audit,
        }
    }
}

impl Report {
    /// Tells whether everyone in the plan is moved.
    pub fn is_complete(&self) -> bool {
        self.totals.moved == self.totals.people
    }
}

impl Totals {
    /// Adds up. Only what is proven of people who are moved counts as files and bytes: a home that was copied and rolled back
    /// did not arrive.
    fn of(people: &[PersonFacts], left_out: usize) -> Self {
        let mut totals = Self { people: people.len(), left_out, ..Self::default() };
        for person in people {
            let count = match person.standing.as_str() {
                standing::MOVED => &mut totals.moved,
                standing::FAILED => &mut totals.failed,
                standing::WAITING => &mut totals.waiting,
                standing::ROLLED_BACK => &mut totals.rolled_back,
                standing::STUCK => &mut totals.stuck,
                _ => &mut totals.underway,
            };
            *count += 1;
            if let Some(minutes) = person.held.as_ref().and_then(|held| held.minutes) {
                // Tenths add up to tenths.
                totals.held_minutes = ((totals.held_minutes + minutes) * 10.0).round() / 10.0;
                totals.longest_held_minutes = totals.longest_held_minutes.max(minutes);
            }
            if let Some(proof) = person.proof.as_ref().filter(|_| person.is_moved()) {
                totals.files = totals.files.saturating_add(proof.totals.files);
                totals.bytes = totals.bytes.saturating_add(proof.totals.bytes);
                totals.not_copied = totals.not_copied.saturating_add(proof.left_behind());
            }
        }
        totals
    }

    /// Returns the people of each standing, whoever needs a person first; standings that nobody has are left out.
    pub fn by_standing(&self) -> Vec<(&'static str, usize)> {
        let count = |word| match word {
            standing::MOVED => self.moved,
            standing::FAILED => self.failed,
            standing::WAITING => self.waiting,
            standing::ROLLED_BACK => self.rolled_back,
            standing::STUCK => self.stuck,
            _ => self.underway,
        };
        standing::ALL
            .into_iter()
            .map(|word| (word, count(word)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Held, cases};

    #[test]
    fn everyone_is_counted_once_and_only_the_moved_bring_bytes() {
        let totals = Report::from(cases::inputs()).totals;
        let sum: usize = totals.by_standing().iter().map(|(_, count)| count).sum();
        assert_eq!(sum, totals.people);
        assert_eq!((totals.moved, totals.failed, totals.rolled_back, totals.stuck), (1, 1, 1, 1));
        assert_eq!((totals.files, totals.bytes, totals.not_copied), (1204, 1_288_490_188, 903));
    }

    #[test]
    fn the_minutes_for_which_people_were_held_up_are_summed_and_the_longest_is_told() {
        let mut inputs = cases::inputs();
        let held = |to: Option<&str>| {
            Some(Held::new("2026-08-03T07:00:40Z".to_owned(), to.map(str::to_owned)))
        };
        inputs.people[1].held = held(Some("2026-08-03T07:31:00Z"));
        inputs.people[2].held = held(None);
        let totals = Report::from(inputs).totals;
        assert_eq!((totals.held_minutes, totals.longest_held_minutes), (42.8, 30.3));
    }

    #[test]
    fn the_span_of_the_run_is_from_the_first_step_to_the_last() {
        let report = Report::from(cases::inputs());
        assert_eq!(report.began_at.as_deref(), Some("2026-08-03T07:00:00.120Z"));
        assert_eq!(report.ended_at.as_deref(), Some("2026-08-03T07:31:00Z"));
        assert!(!report.is_complete());
    }

    #[test]
    fn the_json_can_be_read_back() {
        let report = Report::from(cases::inputs());
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["schema"], 1);
        assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    }
}
