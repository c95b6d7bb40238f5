//! What a step is given: whose migration it is, what it may use, and how it waits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::control::Control;
use super::failure::Failure;
use super::halt::Halt;
use super::inventories::Inventories;
use super::notice::{Notice, Watch};
use super::planned::{Inventoried, Planned};
use super::room::Place;
use super::saga::Outcome;
use super::standing::{Standing, kind};
use super::step::Step;
use super::tools::Tools;
use super::transfers::Transfers;
use crate::aws::{self, Account, Settings};
use crate::inventory::{Domain, Profile};
use crate::journal::{Journal, NewEvent, OperationId};
use crate::mover::ReportKey;
use crate::names::{MigrationId, TAG_MIGRATION, TAG_PLAN};
use crate::plan::{Migration, Plan};

/// How long something that is not found is left before it is looked for once more, at most.
const MOMENT: Duration = Duration::from_secs(2);

/// What the steps of one migration are given.
#[derive(Clone)]
pub struct Context {
    /// The account, whose every change is journalled first.
    pub account: Account,
    /// The journal.
    pub journal: Journal,
    /// The command that someone ran.
    pub operation: OperationId,
    /// The plan.
    pub plan: std::sync::Arc<Plan>,
    /// The migration.
    pub migration: Migration,
    /// The mover to hand to the space.
    pub tools: Tools,
    /// Who watches.
    pub watch: Watch,
    /// Whether someone asked the run, or this migration alone, to stop.
    pub halt: Halt,
    /// How the run is steered.
    pub control: Control,
    /// Where the domains' file systems are mounted on this machine, for homes that travel packed.
    pub mount: Option<PathBuf>,
    /// Held while the settings of a domain are changed: AWS replaces a list as a whole.
    pub domains: Arc<Mutex<()>>,
    /// Executions of DataSync, shared by those who wait for one.
    pub transfers: Transfers,
    /// What inventories know of the homes that travel packed, read for the first of them.
    pub inventories: Arc<OnceLock<Inventories>>,
    /// How things were when the plan was drawn up.
    pub planned: Planned,
    /// The number by which a copy into the space is told from every other, where it is none of hydrate's attempts.
    pub copy: Option<u32>,
    /// Whether a rollback may destroy a space that its owner may have worked in since.
    pub may_delete_used_spaces: bool,
    /// Whether a rollback also puts back what somebody else changed since.
    pub may_overwrite_changes: bool,
}

impl Context {
    /// Returns the migration's id.
    pub fn id(&self) -> &MigrationId {
        &self.migration.id
    }

    /// Returns the number of the copy into the space that is under way, which the mover's last word repeats.
    pub fn copy_attempt(&self) -> Result<u32, Failure> {
        match self.copy {
            Some(copy) => Ok(copy),
            None => Ok(self.standing()?.attempt(Step::Hydrate)),
        }
    }

    /// Returns the key under which the reports of this migration are sealed.
    pub fn key(&self) -> Result<ReportKey, Failure> {
        Ok(ReportKey::derive(self.journal.secret()?.as_bytes(), self.migration.id.as_str()))
    }

    /// Returns the tags of the space: the playbook's, filled in, and those that everything made for this migration carries.
    pub fn space_tags(&self) -> BTreeMap<String, String> {
        let filled = |value: &String| {
            value
                .replace("{profile}", self.migration.name().as_str())
                .replace("{domain}", self.migration.domain.as_str())
        };
        let of_playbook = self.plan.playbook.target.tags.iter();
        let mut tags: BTreeMap<_, _> =
            of_playbook.map(|(key, value)| (key.clone(), filled(value))).collect();
        tags.extend(self.tags());
        tags
    }

    /// Returns the tags that everything made for this migration carries.
    pub fn tags(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (TAG_PLAN.to_owned(), self.plan.id.to_string()),
            (TAG_MIGRATION.to_owned(), self.migration.id.to_string()),
        ])
    }

    /// Tells whether a thing with these tags was made for this migration, under this plan or one before it.
    pub fn is_ours(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.get(TAG_MIGRATION).is_some_and(|migration| migration == self.migration.id.as_str())
    }

    /// Returns where the migration stands according to the journal.
    pub fn standing(&self) -> Result<Standing, Failure> {
        let events = self.journal.events_of(&self.migration.id)?;
        Standing::of(&events).map_err(|error| Failure::new(error.to_string()))
    }

    /// Writes an event about a step of this migration.
    pub fn record(&self, step: Step, kind: &str, detail: Value) -> Result<(), Failure> {
        self.journal.record(&NewEvent {
            operation: Some(self.operation),
            plan: Some(&self.plan.id),
            migration: Some(&self.migration.id),
            step: Some(step.name()),
            kind,
            detail,
        })?;
        Ok(())
    }

    /// Returns the value that was noted before this step first overwrote it, noting `now` if none was.
    ///
    /// After a crash the value that stands may be the step's own, so the first note counts.
    pub fn before(&self, step: Step, name: &str, now: Value) -> Result<Value, Failure> {
        if let Some(noted) = self.standing()?.noted(step, name) {
            return Ok(noted.clone());
        }
        self.record(step, kind::NOTED, json!({ name: now }))?;
        Ok(now)
    }

    /// Returns what the profile itself set when the plan was drawn up, as long as that inventory can be read.
    ///
    /// This is for a journal that does not say what a step replaced, having been restored from before it did: the inventory is
    /// large, and what a step notes is nearer to the truth.
    pub(super) fn planned_settings(&self) -> Option<&Settings> {
        self.planned_profile().map(|profile| &profile.own)
    }

    /// The person's profile as it was then.
    pub(super) fn planned_profile(&self) -> Option<&Profile> {
        self.planned_domain()?.profile(&self.migration.profile)
    }

    /// The domain as it was then.
    pub(super) fn planned_domain(&self) -> Option<&Domain> {
        self.inventoried().ok()?.domain(&self.migration.domain)
    }

    /// What the domain set by default when this journal first saw it.
    pub(super) fn defaults_at_first(&self) -> Option<&Settings> {
        self.planned.at_first(&self.journal, &self.plan, &self.migration.domain).ok().flatten()
    }

    /// What inventories saw before anything was changed.
    pub(super) fn inventoried(&self) -> Result<&Inventoried, Failure> {
        Ok(self.planned.get(&self.journal, &self.plan)?)
    }

    /// Writes down that the plan no longer holds for this person, and does nothing.
    pub(super) fn refused(&self, changes: Vec<String>) -> Outcome {
        let written = self.journal.record(&NewEvent {
            operation: Some(self.operation),
            plan: Some(&self.plan.id),
            migration: Some(&self.migration.id),
            step: None,
            kind: "drifted",
            detail: json!({ "changes": changes }),
        });
        match written {
            Ok(_) => Outcome::Drifted(changes),
            Err(error) => Outcome::Fatal(error.into()),
        }
    }

    /// Tells whoever watches.
    pub fn tell(&self, notice: Notice) {
        (self.watch)(notice);
    }

    /// Tells whoever watches something about this migration that stops nothing.
    pub fn remark(&self, text: impl Into<String>) {
        self.tell(Notice::Remark { migration: self.id().clone(), text: text.into() });
    }

    /// Tells whoever watches, and whoever asks, what is waited for.
    pub(super) fn waits(&self, what: &str) {
        self.control.waits(self.id(), Some(what));
        self.tell(Notice::Waiting { migration: self.id().clone(), what: what.to_owned() });
    }

    /// Returns this migration as one of those at work, with a request to stop of its own.
    #[must_use]
    pub(super) fn begun(&self) -> Self {
        Self { halt: self.control.begin(self.id()), ..self.clone() }
    }

    /// Waits for room for one app more, and for the bytes of this home, until someone asks to stop.
    pub(super) async fn room_to_copy(&self) -> Result<(Place, Place), Failure> {
        self.waits(
            "room to copy (limits.users, limits.gib_in_flight, the quota of the instance type)",
        );
        let entering = self.control.room_to_copy(self.migration.bytes.unwrap_or(0));
        let places = tokio::select! {
            biased;
            () = self.halt.asked() => return Err(Failure::halted()),
            places = entering => places,
        };
        self.control.waits(self.id(), None);
        Ok(places)
    }

    /// Returns how long to wait between two looks.
    pub fn poll(&self) -> Duration {
        Duration::from_secs_f64(self.plan.playbook.limits.poll_seconds.max(0.01))
    }

    /// Returns how long a space or an app may take to settle.
    pub fn settle(&self) -> Duration {
        minutes(self.plan.playbook.limits.settle_minutes)
    }

    /// Returns how long a copy may show no sign of life.
    pub fn stall(&self) -> Duration {
        minutes(self.plan.playbook.limits.stall_minutes)
    }

    /// Looks until there is something to see, or the time to settle is over.
    pub async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFnMut() -> Result<Option<T>, aws::Error>,
    ) -> Result<T, Failure> {
        self.waits(what);
        let looking = aws::wait::until(self.poll(), self.settle(), look);
        let seen = tokio::select! {
            seen = looking => seen,
            () = self.halt.hurried() => return Err(Failure::halted()),
        };
        self.control.waits(self.id(), None);
        match seen {
            Ok(seen) => Ok(seen),
            Err(aws::wait::Waited::Error(error)) => Err(error.into()),
            Err(aws::wait::Waited::TimedOut) => Err(Failure::new(format!(
                "waited {} minutes for {what}",
                self.plan.playbook.limits.settle_minutes
            ))
            .hinted("look at it in the console; `limits.settle_minutes` in the playbook sets how long to wait")),
        }
    }

    /// Looks at a thing that an undo would take for gone, and once more a moment later where it is not found: AWS may be late to
    /// show what is there.
    pub async fn if_there<T>(
        &self,
        look: impl AsyncFn() -> Result<T, aws::Error>,
    ) -> Result<Option<T>, Failure> {
        for is_last in [false, true] {
            match look().await {
                Ok(seen) => return Ok(Some(seen)),
                Err(error) if error.kind != aws::ErrorKind::NotFound => return Err(error.into()),
                Err(_) if is_last => {}
                Err(_) => self.pause_for(self.poll().min(MOMENT)).await?,
            }
        }
        Ok(None)
    }

    /// Waits for the time between two looks, or until someone asks to stop at once.
    pub async fn pause(&self) -> Result<(), Failure> {
        self.pause_for(self.poll()).await
    }

    /// Makes a change, as [`aws::wait::settled`] does, and gives it a moment before the first look whether it has settled.
    pub(super) async fn settled(
        &self,
        settle: impl AsyncFn() -> Result<(), Failure>,
        change: impl AsyncFn() -> Result<(), aws::Error>,
    ) -> Result<(), Failure> {
        let settle = async || {
            self.short_pause().await?;
            settle().await
        };
        Ok(aws::wait::settled(settle, change).await??)
    }

    /// Waits for half of that: what was changed just now is never there at once, and often before the time is over.
    pub async fn short_pause(&self) -> Result<(), Failure> {
        self.pause_for(self.poll() / 2).await
    }

    /// Waits for some time, or until someone asks to stop at once.
    pub async fn pause_for(&self, time: Duration) -> Result<(), Failure> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.halt.hurried() => Err(Failure::halted()),
        }
    }
}

fn minutes(number: f64) -> Duration {
    Duration::from_secs_f64((number * 60.0).max(0.0))
}
