//! Where a migration stands, folded from its events by one total function.
//!
//! The same function guards recovery and live running: an event that may not follow what came before it is an error, never a
//! guess. Nothing here reads a clock.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use super::step::Step;
use crate::journal::Event;

/// The kinds of events that carry a migration's standing.
pub mod kind {
    /// A step is about to be taken. It may have happened once this is written.
    pub const STARTED: &str = "started";
    /// A step was taken; the detail is its receipt.
    pub const FINISHED: &str = "finished";
    /// A step failed; the detail says why and what it left behind.
    pub const FAILED: &str = "failed";
    /// A step is about to be undone.
    pub const UNDO_STARTED: &str = "undo-started";
    /// A step was undone; the detail holds remarks on what could not be.
    pub const UNDO_FINISHED: &str = "undo-finished";
    /// An undo failed: a person must look.
    pub const UNDO_FAILED: &str = "undo-failed";
    /// A step is to be done once more, although it may be done: what it did holds no longer, and its undo is still owed.
    pub const DUE_AGAIN: &str = "due-again";
    /// A value as it was before a step overwrote it.
    pub const NOTED: &str = "noted";
    /// The values noted for a step stand again: what is there from now on is somebody's own.
    pub const RESTORED: &str = "restored";
}

/// Where one step stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum StepStanding {
    /// Nothing was done, or everything was undone.
    #[default]
    Untouched,
    /// It was begun, and how it ended is not known: it is done again.
    Started,
    /// It is done.
    Finished {
        /// What it made and what it replaced.
        receipt: Value,
    },
    /// It failed, and may have left something behind.
    Failed {
        /// Why, and what it left behind.
        failure: Value,
    },
    /// Its undo was begun, and how that ended is not known: it is undone again.
    Undoing {
        /// The receipt of the step, when it had finished.
        receipt: Option<Value>,
    },
    /// It was undone.
    Undone {
        /// What could not be put back.
        remarks: Value,
    },
    /// Its undo failed: a person must look.
    Stuck {
        /// The receipt of the step, when it had finished.
        receipt: Option<Value>,
        /// Why, and what to look at.
        trouble: Value,
    },
}

impl StepStanding {
    /// Returns the word, as reports and evidence write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Started => "started",
            Self::Finished { .. } => "finished",
            Self::Failed { .. } => "failed",
            Self::Undoing { .. } => "undoing",
            Self::Undone { .. } => "undone",
            Self::Stuck { .. } => "stuck",
        }
    }
}

/// An event that may not follow what came before it.
#[derive(Debug, Error)]
#[error("event {sequence} says that {step} {kind}, which cannot follow {before}")]
pub struct BadEvent {
    sequence: i64,
    step: String,
    kind: String,
    before: String,
}

/// Where a migration stands: each step, and the values noted before they were overwritten.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    steps: BTreeMap<Step, StepStanding>,
    notes: BTreeMap<Step, Map<String, Value>>,
    further: BTreeMap<Step, u32>,
    is_going_back: bool,
}

/// Where a migration stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MigrationStanding {
    /// Nothing was done yet.
    Waiting,
    /// Some steps are done, or one was begun.
    Underway,
    /// Every step is done.
    Moved,
    /// A step failed.
    Failed,
    /// Everything that was done was undone.
    RolledBack,
    /// An undo failed: a person must look.
    Stuck,
}

impl MigrationStanding {
    /// Returns the word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Underway => "underway",
            Self::Moved => "moved",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Stuck => "stuck",
        }
    }
}

impl Standing {
    /// Folds a migration's events, oldest first.
    pub fn of(events: &[Event]) -> Result<Self, BadEvent> {
        let mut standing = Self::default();
        for event in events {
            standing.follow(event)?;
        }
        Ok(standing)
    }

    /// Takes one event more into account. Events about no step, such as calls, change nothing.
    pub fn follow(&mut self, event: &Event) -> Result<(), BadEvent> {
        let Some(step) = event.step.as_deref().and_then(|name| name.parse::<Step>().ok()) else {
            return Ok(());
        };
        if event.kind == kind::NOTED {
            self.note(step, &event.detail);
            return Ok(());
        }
        if event.kind == kind::RESTORED {
            self.notes.remove(&step);
            return Ok(());
        }
        let before = self.step(step);
        let Some(next) = next(before, &event.kind, &event.detail) else {
            return if is_of_a_step(&event.kind) {
                Err(BadEvent {
                    sequence: event.sequence,
                    step: step.to_string(),
                    kind: event.kind.clone(),
                    before: format!("{before:?}").split([' ', '{']).next().unwrap_or("").to_owned(),
                })
            } else {
                Ok(())
            };
        };
        let is_undone = matches!(next, StepStanding::Undone { .. });
        if is_undone {
            self.notes.remove(&step);
        }
        if is_undone || event.kind == kind::DUE_AGAIN {
            *self.further.entry(step).or_default() += 1;
        }
        self.is_going_back =
            matches!(next, StepStanding::Undoing { .. } | StepStanding::Undone { .. });
        self.steps.insert(step, next);
        Ok(())
    }

    /// Returns where a step stands.
    pub fn step(&self, step: Step) -> &StepStanding {
        static UNTOUCHED: StepStanding = StepStanding::Untouched;
        self.steps.get(&step).unwrap_or(&UNTOUCHED)
    }

    /// Returns which attempt at a step this is, counted from 1: each undo makes room for another, and so does a step that is
    /// due again.
    pub fn attempt(&self, step: Step) -> u32 {
        self.further.get(&step).copied().unwrap_or(0) + 1
    }

    /// Returns the receipt of a finished step.
    pub fn receipt(&self, step: Step) -> Option<&Value> {
        match self.step(step) {
            StepStanding::Finished { receipt } => Some(receipt),
            _ => None,
        }
    }

    /// Returns a value as it was before the step overwrote it.
    pub fn noted(&self, step: Step, name: &str) -> Option<&Value> {
        self.notes.get(&step)?.get(name)
    }

    /// Returns every value that was noted of a step, by name.
    pub fn notes(&self, step: Step) -> impl Iterator<Item = (&String, &Value)> {
        self.notes.get(&step).into_iter().flatten()
    }

    /// Tells whether nothing was ever done, or everything was undone.
    pub fn is_untouched(&self) -> bool {
        Step::ALL.into_iter().all(|step| {
            matches!(self.step(step), StepStanding::Untouched | StepStanding::Undone { .. })
        })
    }

    /// Tells whether the last that was done was to undo something, be it everything or only some steps: from there it goes on
    /// only for whoever is asked for by name.
    pub fn was_taken_back(&self) -> bool {
        self.is_going_back
    }

    /// Returns the first step that is not finished.
    pub fn next_step(&self) -> Option<Step> {
        Step::ALL
            .into_iter()
            .find(|step| !matches!(self.step(*step), StepStanding::Finished { .. }))
    }

    /// Returns the first step that a run up to `last` has to do. Where a first pass put quiesce off, whoever goes beyond hydrate
    /// begins with that.
    pub fn next_step_to(&self, last: Step) -> Option<Step> {
        if last > Step::Hydrate && self.is_put_off() {
            return Some(Step::Quiesce);
        }
        self.next_step().filter(|next| *next <= last)
    }

    /// Tells whether a first pass of two put quiesce off.
    pub fn is_put_off(&self) -> bool {
        let put_off = |receipt: &Value| receipt.get("put_off").and_then(Value::as_bool);
        self.receipt(Step::Quiesce).and_then(put_off).unwrap_or_default()
    }

    /// Returns the steps that may have done something, last first: what a rollback undoes.
    pub fn to_undo(&self) -> Vec<Step> {
        let touched = |step: &Step| {
            !matches!(self.step(*step), StepStanding::Untouched | StepStanding::Undone { .. })
        };
        Step::ALL.into_iter().rev().filter(touched).collect()
    }

    /// Returns the step that failed, or whose undo did.
    pub fn trouble(&self) -> Option<Step> {
        let is_trouble = |step: &Step| {
            matches!(self.step(*step), StepStanding::Failed { .. } | StepStanding::Stuck { .. })
        };
        Step::ALL.into_iter().find(is_trouble)
    }

    /// Sums the steps up in a word.
    pub fn word(&self) -> MigrationStanding {
        let any = |is: fn(&StepStanding) -> bool| self.steps.values().any(is);
        if any(|standing| matches!(standing, StepStanding::Stuck { .. })) {
            MigrationStanding::Stuck
        } else if any(|standing| matches!(standing, StepStanding::Failed { .. })) {
            MigrationStanding::Failed
        } else if self.next_step().is_none() {
            MigrationStanding::Moved
        } else if !self.to_undo().is_empty() {
            MigrationStanding::Underway
        } else if any(|standing| matches!(standing, StepStanding::Undone { .. })) {
            MigrationStanding::RolledBack
        } else {
            MigrationStanding::Waiting
        }
    }

    /// The first value noted under a name stands: a second look may see what the step itself has written.
    fn note(&mut self, step: Step, detail: &Value) {
        let notes = self.notes.entry(step).or_default();
        for (name, value) in detail.as_object().into_iter().flatten() {
            notes.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// The one table of what may follow what.
fn next(before: &StepStanding, event: &str, detail: &Value) -> Option<StepStanding> {
    use StepStanding::{Failed, Finished, Started, Stuck, Undoing, Undone, Untouched};
    Some(match (before, event) {
        // A step that was begun is begun again after a crash; a failed one once a person mended what was wrong.
        (Untouched | Started | Failed { .. } | Undone { .. }, kind::STARTED) => Started,
        (Started | Finished { .. } | Failed { .. }, kind::DUE_AGAIN) => Started,
        (Started, kind::FINISHED) => Finished { receipt: detail.clone() },
        (Started, kind::FAILED) => Failed { failure: detail.clone() },
        (Started | Failed { .. }, kind::UNDO_STARTED) => Undoing { receipt: None },
        (Finished { receipt }, kind::UNDO_STARTED) => Undoing { receipt: Some(receipt.clone()) },
        (Undoing { receipt } | Stuck { receipt, .. }, kind::UNDO_STARTED) => {
            Undoing { receipt: receipt.clone() }
        }
        (Undoing { .. }, kind::UNDO_FINISHED) => Undone { remarks: detail.clone() },
        (Undoing { receipt }, kind::UNDO_FAILED) => {
            Stuck { receipt: receipt.clone(), trouble: detail.clone() }
        }
        _ => return None,
    })
}

fn is_of_a_step(event: &str) -> bool {
    matches!(
        event,
        kind::STARTED
            | kind::FINISHED
            | kind::FAILED
            | kind::DUE_AGAIN
            | kind::UNDO_STARTED
            | kind::UNDO_FINISHED
            | kind::UNDO_FAILED
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(sequence: i64, step: Step, kind: &str, detail: Value) -> Event {
        Event {
            sequence,
            at: String::new(),
            operation: None,
            plan: None,
            migration: None,
            step: Some(step.name().to_owned()),
            kind: kind.to_owned(),
            detail,
            hash: String::new(),
        }
    }

    fn fold(events: &[(Step, &str)]) -> Result<Standing, BadEvent> {
        let events: Vec<_> = (1..)
            .zip(events)
            .map(|(sequence, (step, kind))| event(sequence, *step, kind, json!({})))
            .collect();
        Standing::of(&events)
    }

    #[test]
    fn a_step_that_was_begun_when_the_lights_went_out_is_next() {
        let standing = fold(&[
            (Step::Quiesce, kind::STARTED),
            (Step::Quiesce, kind::FINISHED),
            (Step::Stage, kind::STARTED),
        ])
        .unwrap();
        assert_eq!(standing.next_step(), Some(Step::Stage));
        assert_eq!(standing.word(), MigrationStanding::Underway);
        assert_eq!(standing.to_undo(), [Step::Stage, Step::Quiesce]);
    }

    #[test]
    fn an_event_that_cannot_follow_is_an_error_and_not_a_guess() {
        let error = fold(&[(Step::Flip, kind::FINISHED)]).unwrap_err().to_string();
        assert_eq!(error, "event 1 says that flip finished, which cannot follow Untouched");
        assert!(fold(&[(Step::Flip, kind::STARTED), (Step::Flip, kind::UNDO_FINISHED)]).is_err());
    }

    #[test]
    fn the_value_noted_first_stands_until_the_step_is_undone() {
        let mut standing = Standing::default();
        let flip = |kind, detail| event(1, Step::Flip, kind, detail);
        standing.follow(&flip(kind::STARTED, json!({}))).unwrap();
        standing.follow(&flip(kind::NOTED, json!({ "portal": "DISABLED" }))).unwrap();
        standing.follow(&flip(kind::NOTED, json!({ "portal": "ENABLED" }))).unwrap();
        assert_eq!(standing.noted(Step::Flip, "portal"), Some(&json!("DISABLED")));
        standing.follow(&flip(kind::UNDO_STARTED, json!({}))).unwrap();
        standing.follow(&flip(kind::UNDO_FINISHED, json!({}))).unwrap();
        assert_eq!(standing.noted(Step::Flip, "portal"), None);
    }

    #[test]
    fn whoever_was_taken_back_even_a_step_stays_so_until_something_is_begun() {
        let flipped = [(Step::Flip, kind::STARTED), (Step::Flip, kind::FINISHED)];
        let undone = [(Step::Flip, kind::UNDO_STARTED), (Step::Flip, kind::UNDO_FINISHED)];
        assert!(!fold(&flipped).unwrap().was_taken_back());
        let back = [flipped.as_slice(), &undone].concat();
        assert!(fold(&back).unwrap().was_taken_back());
        let again = [back.as_slice(), &[(Step::Flip, kind::STARTED)]].concat();
        assert!(!fold(&again).unwrap().was_taken_back());
    }

    #[test]
    fn a_step_that_is_due_again_is_another_attempt_and_is_undone_all_the_same() {
        let bulk = [
            (Step::Quiesce, kind::STARTED),
            (Step::Quiesce, kind::FINISHED),
            (Step::Stage, kind::STARTED),
            (Step::Stage, kind::FINISHED),
            (Step::Quiesce, kind::DUE_AGAIN),
        ];
        let standing = fold(&bulk).unwrap();
        assert_eq!(standing.next_step(), Some(Step::Quiesce));
        assert_eq!(standing.word(), MigrationStanding::Underway);
        assert_eq!(standing.to_undo(), [Step::Stage, Step::Quiesce]);
        assert_eq!((standing.attempt(Step::Quiesce), standing.attempt(Step::Stage)), (2, 1));
        assert!(fold(&[(Step::Hydrate, kind::DUE_AGAIN)]).is_err());
        let undoing = [(Step::Flip, kind::STARTED), (Step::Flip, kind::UNDO_STARTED)];
        assert!(fold(&[undoing.as_slice(), &[(Step::Flip, kind::DUE_AGAIN)]].concat()).is_err());
    }

    #[test]
    fn a_stuck_undo_can_be_tried_again_with_its_receipt() {
        let mut standing = Standing::default();
        let receipt = json!({ "space": "alice-studio" });
        for (kind, detail) in [
            (kind::STARTED, json!({})),
            (kind::FINISHED, receipt.clone()),
            (kind::UNDO_STARTED, json!({})),
            (kind::UNDO_FAILED, json!({})),
        ] {
            standing.follow(&event(1, Step::Provision, kind, detail)).unwrap();
        }
        assert_eq!(standing.word(), MigrationStanding::Stuck);
        standing.follow(&event(2, Step::Provision, kind::UNDO_STARTED, json!({}))).unwrap();
        assert_eq!(
            standing.step(Step::Provision),
            &StepStanding::Undoing { receipt: Some(receipt) }
        );
    }
}
