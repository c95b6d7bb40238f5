//! What becomes of a lifecycle script of Classic's.

use super::draw::{Addition, Drawing, Drawn, NewScript};
use super::look::{Found, Seen, name_in};
use super::row::{Place, Row, Stands, What};
use super::target_name;
use crate::inventory::Script;
use crate::playbook::CarryScripts;
use crate::readiness::Proposal;

impl Drawing<'_> {
    /// Tells what becomes of a script where it is offered.
    pub(super) fn script(
        &self,
        one: &Seen,
        arn: &str,
        addition: &mut Addition,
        drawn: &mut Drawn,
    ) -> Row {
        let script = self.script_of(arn);
        let proposal = self.proposals.get(&(arn.to_owned(), one.is_offline));
        let row = Row::of(&one.place, What::Script, script.map_or(name_in(arn), |one| &one.name));
        match (script, proposal) {
            (Some(script), Some(proposal)) if is_sure(proposal) => {
                self.sure(one, row, (script, proposal), addition, drawn)
            }
            (Some(script), Some(proposal)) => self.unsure(row, script, proposal),
            (Some(_), None) => row
                .stands(Stands::NotCarried, "its text could not be read")
                .by_hand("look at it with `aws sagemaker describe-studio-lifecycle-config`"),
            (None, _) => row
                .stands(Stands::NotCarried, "the last inventory does not know it")
                .by_hand("`studio-migrate inventory`, and look again"),
        }
    }

    /// A script that is dropped, or that a person has to look at.
    fn unsure(&self, row: Row, script: &Script, proposal: &Proposal) -> Row {
        if proposal.is_auto_shutdown {
            let minutes = self.plan.playbook.target.idle_shutdown_minutes;
            return row
                .becomes(format!("idle shutdown after {minutes} minutes"))
                .stands(Stands::Stays, "the new Studio shuts down by itself, and every space that is made is set so (target.idle_shutdown_minutes)");
        }
        row.stands(Stands::NotCarried, proposal.doubts.join("; ")).by_hand(format!(
            "`studio-migrate readiness --script {} > script.sh` writes what is proposed: mend it, make a script of it and offer it",
            script.name
        ))
    }

    /// A script about which nothing is in doubt.
    fn sure(
        &self,
        one: &Seen,
        row: Row,
        (script, proposal): (&Script, &Proposal),
        addition: &mut Addition,
        drawn: &mut Drawn,
    ) -> Row {
        let wanted = self.plan.playbook.carry.scripts;
        let target = target_name(self.plan, &script.name);
        let row = row.becomes(target.clone());
        let found = self.found.get(&target);
        let row = match one.offers.classic.scripts.len() {
            1 => row,
            _ => row.by_hand(
                "a space starts with one script: merge them for whoever needs more than one",
            ),
        };
        if let Some(Found::Wanted(arn)) = found
            && one.offers.of(self.app()).scripts.contains(arn)
        {
            return row.stands(Stands::Carried, "offered where a space is started");
        }
        if wanted == CarryScripts::Leave {
            return row.stands(Stands::Left, "the playbook leaves scripts (carry.scripts)");
        }
        match found {
            Some(Found::Wanted(_)) if wanted == CarryScripts::Register => {
                return row
                    .stands(Stands::Carried, "made, and offered to nobody")
                    .by_hand("offer it");
            }
            Some(Found::Wanted(_)) => {}
            Some(Found::Outdated) => {
                return row
                    .stands(Stands::NotCarried, format!("{target} was made of an earlier text"))
                    .by_hand("`carry --undo` takes it away, and the next `--apply` makes it anew");
            }
            Some(Found::Anothers) => {
                return row
                    .stands(
                        Stands::NotCarried,
                        format!("there is a script {target} with another text, which is not ours"),
                    )
                    .by_hand("offer that one, if it is meant for this");
            }
            Some(Found::Nothing) | None => {
                let text = proposal.text.clone();
                let new = NewScript { from: script.name.clone(), text };
                drawn.scripts.insert(target.clone(), new);
            }
        }
        if wanted == CarryScripts::Attach && !addition.scripts.contains(&target) {
            addition.scripts.push(target);
        }
        row.stands(Stands::ToCarry, "nothing in it is in doubt")
    }
}

/// Tells whether a script may be made and offered without a person having looked at it.
pub(super) fn is_sure(proposal: &Proposal) -> bool {
    proposal.doubts.is_empty() && !proposal.is_auto_shutdown
}

/// A script that Classic starts with where nobody chooses.
pub(super) fn preselected(place: &Place, arn: &str) -> Row {
    Row::of(place, What::PreselectedScript, name_in(arn))
        .stands(
            Stands::NotCarried,
            "a script that runs where nobody chooses has to be looked at first",
        )
        .by_hand("set DefaultResourceSpec.LifecycleConfigArn of the new app's settings to one that it is offered")
}
