//! Making the Classic file systems cheap, and no longer mounted; and putting that back.
//!
//! Every value is in the journal before it is overwritten the first time, and is put back from there.

use std::cell::Cell;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::notes::{NOTED, Noted, RESTORED, Subject, noted};
use super::preview::{said, transition};
use crate::aws::{ErrorKind, Lifecycle, wait};
use crate::cli::command::todo::standing;
use crate::cli::context::Operation;
use crate::cli::{Context, Failure};
use crate::execute::MigrationStanding;
use crate::execute::steps::confirm::confirmed_at;
use crate::journal::{Journal, NewEvent};
use crate::names::{DomainId, FileSystemId, ProfileName, counted};
use crate::plan::{Migration, Plan};
use crate::playbook::{Retirement, Throughput};

/// What stands for an `AutoMountHomeEFS` that was not set on a profile: AWS cannot unset it.
const UNSET_MOUNT: &str = "DefaultAsDomain";

/// Whoever changes something.
pub(super) struct Changes<'a> {
    pub(super) context: &'a Context,
    pub(super) operation: &'a Operation,
    pub(super) plan: &'a Plan,
    /// How many things could not be changed.
    pub(super) failures: Cell<usize>,
}

impl Changes<'_> {
    /// Does what the playbook says.
    pub(super) async fn apply(&self, domains: &[DomainId]) -> Result<(), Failure> {
        let retire = &self.plan.playbook.retire;
        let nothing = Retirement { after_days: retire.after_days, ..Retirement::default() };
        if *retire == nothing {
            self.say(format_args!(
                "the plan's playbook asks for nothing (retire): nothing was changed"
            ));
            return Ok(());
        }
        let noted = noted(&self.operation.journal)?;
        for id in domains {
            let domain = self.operation.account.domain(id).await.map_err(failed)?;
            let Some(system) = &domain.file_system else { continue };
            if let Some(rule) = retire.rule() {
                let set = self.set_lifecycle(system, rule, &noted).await;
                self.tried(system.as_str(), set);
            }
            if retire.throughput == Throughput::Elastic {
                let set = self.set_elastic(system, &noted).await;
                self.tried(system.as_str(), set);
            }
        }
        if !retire.turn_auto_mount_off {
            return Ok(());
        }
        let mut waiting = 0;
        for migration in unmounted_of(self.plan, domains) {
            if is_due(&self.operation.journal, self.plan, migration)? {
                let unmounted = self.unmount(migration, &noted).await;
                self.tried(migration.id.as_str(), unmounted);
            } else {
                waiting += 1;
            }
        }
        if waiting > 0 {
            let people = counted(waiting as u64, "person keeps", "people keep");
            self.say(format_args!(
                "{people} their Classic home mounted: not confirmed, or not for {} days (retire.after_days)",
                retire.after_days
            ));
        }
        Ok(())
    }

    async fn set_lifecycle(
        &self,
        system: &FileSystemId,
        rule: String,
        noted: &BTreeMap<Subject, Noted>,
    ) -> Result<(), Failure> {
        let account = &self.operation.account;
        let now = account.lifecycle(system).await.map_err(failed)?;
        let mut wanted = now.clone();
        wanted.insert("TransitionToIA".to_owned(), rule.clone());
        if now == wanted {
            return Ok(());
        }
        self.note(format!("lifecycle {system}"), json!(now), json!(wanted), noted)?;
        account.set_lifecycle(system, &wanted).await.map_err(failed)?;
        self.say(format_args!("{system}: files go {}", transition("TransitionToIA", &rule)));
        Ok(())
    }

    async fn set_elastic(
        &self,
        system: &FileSystemId,
        noted: &BTreeMap<Subject, Noted>,
    ) -> Result<(), Failure> {
        let account = &self.operation.account;
        let systems = account.file_systems().await.map_err(failed)?;
        let Some(now) = systems.iter().find(|seen| seen.id == *system) else { return Ok(()) };
        if now.throughput_mode.as_deref() == Some("elastic") {
            return Ok(());
        }
        let before = json!({ "mode": now.throughput_mode, "mibps": now.provisioned_mibps });
        self.note(format!("throughput {system}"), before, json!("elastic"), noted)?;
        account.set_throughput(system, "elastic", None).await.map_err(failed)?;
        self.say(format_args!("{system}: throughput is elastic"));
        Ok(())
    }

    async fn unmount(
        &self,
        migration: &Migration,
        noted: &BTreeMap<Subject, Noted>,
    ) -> Result<(), Failure> {
        let (domain, name) = (&migration.domain, &migration.profile);
        let profile = match self.operation.account.profile(domain, name).await {
            Ok(profile) => profile,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if profile.settings.auto_mount.as_deref() == Some("Disabled") {
            return Ok(());
        }
        self.note(
            format!("auto-mount {}", migration.id),
            json!(profile.settings.auto_mount),
            json!("Disabled"),
            noted,
        )?;
        self.mount(domain, name, "Disabled").await?;
        self.say(format_args!(
            "{}: the Classic home is mounted no more, from the next start of a space on",
            migration.id
        ));
        Ok(())
    }

    async fn mount(
        &self,
        domain: &DomainId,
        profile: &ProfileName,
        mount: &str,
    ) -> Result<(), Failure> {
        let account = &self.operation.account;
        let settle = async || {
            let look = async || {
                let now = account.profile(domain, profile).await?;
                Ok((now.status != "Updating").then_some(()))
            };
            let (poll, longest) =
                (std::time::Duration::from_millis(500), std::time::Duration::from_secs(600));
            wait::until(poll, longest, look).await.map_err(|_| {
                Failure::new(
                    crate::cli::Exit::Unexpected,
                    format!("profile {profile} does not come into service"),
                )
            })
        };
        wait::settled(settle, async || account.set_auto_mount(domain, profile, mount).await)
            .await?
            .map_err(failed)
    }

    /// Puts back everything that was noted and not put back since.
    pub(super) async fn undo(&self) -> Result<(), Failure> {
        let noted = noted(&self.operation.journal)?;
        if noted.is_empty() {
            self.say(format_args!("nothing was changed, nothing to put back"));
        }
        for (subject, noted) in noted {
            let done = self.put_back_if_ours(&subject, &noted).await;
            self.tried(&subject, done);
        }
        Ok(())
    }

    /// Puts a value back, but only where what was set still stands: what somebody set since is theirs.
    async fn put_back_if_ours(&self, subject: &str, noted: &Noted) -> Result<(), Failure> {
        let now = self.now(subject).await?;
        // A kill between the note and the call leaves what was before, and so does one in the middle of an undo. Nothing is called then: AWS
        // refuses to set a throughput mode twice a day, be it the same.
        if now.as_ref().is_some_and(|now| is_before(subject, now, &noted.before)) {
            return self.restored(subject);
        }
        if now.as_ref() == Some(&noted.set) {
            return self.put_back(subject, &noted.before).await;
        }
        let now =
            now.map_or_else(|| "it is gone".to_owned(), |now| format!("it is {} now", said(&now)));
        self.say(format_args!(
            "{subject}: left as it is, since somebody else changed it: {now}, this tool had set {}, and before that it was {}",
            said(&noted.set),
            said(&noted.before)
        ));
        Ok(())
    }

    /// What a thing is now; `None` where there is no such thing any more.
    async fn now(&self, subject: &str) -> Result<Option<Value>, Failure> {
        let account = &self.operation.account;
        match subject.split_once(' ') {
            Some(("lifecycle", system)) => match account.lifecycle(&system.into()).await {
                Ok(now) => Ok(Some(json!(now))),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(not_back(error)),
            },
            Some(("throughput", system)) => {
                let systems = account.file_systems().await.map_err(not_back)?;
                let system = systems.into_iter().find(|seen| seen.id.as_str() == system);
                Ok(system.map(|system| json!(system.throughput_mode)))
            }
            Some((_, who)) => {
                let Some((domain, profile)) = who.split_once('/') else { return Ok(None) };
                match account.profile(&domain.into(), &profile.into()).await {
                    Ok(profile) => Ok(Some(json!(profile.settings.auto_mount))),
                    Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(not_back(error)),
                }
            }
            None => Ok(None),
        }
    }

    async fn put_back(&self, subject: &str, before: &Value) -> Result<(), Failure> {
        let account = &self.operation.account;
        match subject.split_once(' ') {
            Some(("lifecycle", system)) => {
                let before: Lifecycle = serde_json::from_value(before.clone()).unwrap_or_default();
                account.set_lifecycle(&system.into(), &before).await.map_err(not_back)?;
            }
            Some(("throughput", system)) => {
                let mode = before.get("mode").and_then(Value::as_str).unwrap_or("bursting");
                let mibps = before.get("mibps").and_then(Value::as_f64);
                account.set_throughput(&system.into(), mode, mibps).await.map_err(not_back)?;
            }
            Some((_, who)) => {
                let Some((domain, profile)) = who.split_once('/') else { return Ok(()) };
                let mount = before.as_str().unwrap_or(UNSET_MOUNT);
                self.mount(&domain.into(), &profile.into(), mount).await?;
            }
            None => return Ok(()),
        }
        self.restored(subject)
    }

    fn restored(&self, subject: &str) -> Result<(), Failure> {
        self.record(RESTORED, json!({ "subject": subject }))?;
        self.say(format_args!("{subject}: as it was before"));
        Ok(())
    }

    /// Goes on after what failed, and counts it.
    fn tried(&self, subject: &str, done: Result<(), Failure>) {
        if let Err(failure) = done {
            self.failures.set(self.failures.get() + 1);
            self.context.ui.warning(format_args!("{subject}: {failure}"));
        }
    }

    /// Writes down what is set, before it is overwritten with something.
    fn note(
        &self,
        subject: Subject,
        before: Value,
        set: Value,
        noted: &BTreeMap<Subject, Noted>,
    ) -> Result<(), Failure> {
        if noted.get(&subject).is_some_and(|noted| noted.set == set) {
            return Ok(());
        }
        self.record(NOTED, json!({ "subject": subject, "before": before, "set": set }))
    }

    fn record(&self, kind: &str, detail: Value) -> Result<(), Failure> {
        let event =
            NewEvent { operation: Some(self.operation.id), kind, detail, ..NewEvent::default() };
        self.operation.journal.record(&event).map(drop).map_err(in_journal)
    }

    fn say(&self, line: std::fmt::Arguments<'_>) {
        self.context.ui.data(line);
    }
}

/// Tells whether a thing is as it was before it was changed, in the form in which it is asked for.
fn is_before(subject: &str, now: &Value, before: &Value) -> bool {
    let is_unset_mount = before.is_null() && subject.starts_with("auto-mount ");
    now == before.get("mode").unwrap_or(before) || (is_unset_mount && now == UNSET_MOUNT)
}

/// Everyone whose Classic home may be mounted no more.
pub(super) fn unmounted_of<'a>(
    plan: &'a Plan,
    domains: &'a [DomainId],
) -> impl Iterator<Item = &'a Migration> {
    let all = plan.migrations().map(|(_, migration)| migration);
    all.filter(|one| domains.contains(&one.domain) && one.shared.is_none())
}

/// Tells whether somebody was confirmed long enough ago.
pub(super) fn is_due(
    journal: &Journal,
    plan: &Plan,
    migration: &Migration,
) -> Result<bool, Failure> {
    if standing(journal, &migration.id)?.word() != MigrationStanding::Moved {
        return Ok(false);
    }
    let events = journal.events_of(&migration.id).map_err(in_journal)?;
    let wait = SignedDuration::from_hours(i64::from(plan.playbook.retire.after_days) * 24);
    Ok(confirmed_at(&events).is_some_and(|at| Timestamp::now().duration_since(at) >= wait))
}

/// What AWS refused, and what to do where it takes a change only once a day.
fn refused(what: &str, error: crate::aws::Error) -> Failure {
    let is_too_soon = error.code.as_deref() == Some("TooManyRequests");
    let failure = Failure::aws(what, error);
    if !is_too_soon {
        return failure;
    }
    failure.hinted(
        "AWS takes one change of the throughput mode in 24 hours: give the same command again once they have passed; what was set before stays in the journal until then",
    )
}

fn failed(error: crate::aws::Error) -> Failure {
    refused("make the file system cheap, or its homes unmounted", error)
}

fn not_back(error: crate::aws::Error) -> Failure {
    refused("put back what was set before", error)
}

fn in_journal(error: crate::journal::Error) -> Failure {
    Failure::journal("write down what was set before", error)
}
