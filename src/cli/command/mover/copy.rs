//! `mover copy`: one directory, copied and proven.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::bar::Bar;
use super::manifest::{Draft, outside};
use super::telling::{Place, tell_while};
use crate::cli::{Context, Exit, Failure};
use crate::mover::{self, Copied, Entry, Error, Order, Progress, Rules};
use crate::playbook::{Conflict, LeaveOut};

/// Arguments of `mover copy`.
#[derive(Args, Clone, Debug)]
pub(super) struct Copy {
    /// What to copy; it is never written to
    source: PathBuf,
    /// Where to
    destination: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// Write the manifest here
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Copy only what changed since the pass that wrote this manifest, and list what was deleted
    #[arg(long, value_name = "MANIFEST")]
    since: Option<PathBuf>,
    /// Read every file all the same, whatever its times say
    #[arg(long, requires = "since")]
    paranoid: bool,
    /// Remove at the destination what was deleted at the source since, unless it changed there
    #[arg(long, requires = "since")]
    delete: bool,
    /// Do not read back what was written
    #[arg(long)]
    no_verify: bool,
    /// Threads, 1 to 128; as many as the latency of the file system asks for, if not given
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=128))]
    workers: Option<u8>,
    /// Also write the progress to this object every few seconds: `s3://bucket/key`
    #[arg(long, value_name = "S3_URI")]
    progress_to: Option<Place>,
}

/// What is copied, and what happens where something is already.
#[derive(Args, Clone, Debug)]
pub(super) struct Selection {
    #[command(flatten)]
    leaving_out: LeavingOut,
    /// What happens where something else is already; as the playbook says, or `refuse`
    #[arg(long, value_enum, value_name = "POLICY")]
    conflict: Option<Policy>,
}

/// What is not copied.
#[derive(Args, Clone, Debug)]
pub(super) struct LeavingOut {
    /// Leave out what the leave-out rules of this playbook match, and handle conflicts as it says
    #[arg(long, value_name = "PLAYBOOK")]
    playbook: Option<String>,
    /// Leave out what this glob matches, `**/node_modules/**`; may be given several times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

/// What happens where something else is already.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Policy {
    /// It stays, and the entry is listed
    Refuse,
    /// Both stay, the new one as `name.classic`
    KeepBoth,
    /// It is replaced
    SourceWins,
    /// The younger one stays
    NewerWins,
}

impl From<Policy> for Conflict {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Refuse => Self::Refuse,
            Policy::KeepBoth => Self::KeepBoth,
            Policy::SourceWins => Self::SourceWins,
            Policy::NewerWins => Self::NewerWins,
        }
    }
}

impl LeavingOut {
    /// Reads the rules, and what the playbook says about conflicts.
    pub(super) fn read(&self) -> Result<(Rules, Conflict), Failure> {
        let (mut rules, mut conflict) = (Vec::new(), Conflict::default());
        if let Some(name) = &self.playbook {
            let playbook = crate::cli::command::playbook(name)?;
            (rules, conflict) = (playbook.leave_out, playbook.placement.conflict);
        }
        let reason = "left out by --exclude";
        rules.extend(
            self.exclude
                .iter()
                .map(|pattern| LeaveOut { pattern: pattern.clone(), reason: reason.to_owned() }),
        );
        let rules = Rules::new(rules)
            .map_err(|error| Failure::of(Exit::Usage, "read the leave-out rules", error))?;
        Ok((rules, conflict))
    }
}

impl Selection {
    /// Reads the rules.
    pub(super) fn read(&self) -> Result<(Rules, Conflict), Failure> {
        let (rules, conflict) = self.leaving_out.read()?;
        Ok((rules, self.conflict.map_or(conflict, Conflict::from)))
    }
}

impl Copy {
    /// Copies, and says what was and what was not.
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let order = self.order()?;
        outside(self.manifest.as_deref(), &self.source)?;
        if !self.source.is_dir() {
            return Err(Failure::usage(format!("{} is no directory", self.source.display())));
        }
        if let Some(since) = self.since.as_deref().filter(|since| !since.is_file()) {
            return Err(Failure::usage(format!("{} is no manifest", since.display())));
        }
        let manifest = self.manifest.as_deref().map(Draft::begin).transpose()?;
        let ui = context.ui;
        let copied = tell_while(context, self.progress_to.as_ref(), move |report| {
            copy(&order, manifest, ui, report)
        })
        .await??;
        Ok(show(context, &copied))
    }

    fn order(&self) -> Result<Order, Failure> {
        let (rules, conflict) = self.selection.read()?;
        Ok(Order {
            source: self.source.clone(),
            destination: self.destination.clone(),
            rules,
            conflict,
            workers: self.workers.map(usize::from),
            keep_out: Vec::new(),
            proves: !self.no_verify,
            since: self.since.clone(),
            is_paranoid: self.paranoid,
            deletes: self.delete,
            ..Order::default()
        })
    }
}

fn copy(
    order: &Order,
    mut manifest: Option<Draft>,
    ui: crate::cli::Ui,
    report: &(dyn Fn(&Progress) + Sync),
) -> Result<Copied, Failure> {
    let bar = Bar::new(ui);
    let mut give = |entry: Entry| {
        if let Some((path, reason)) = entry.not_copied() {
            bar.say(format_args!("not copied: {path}: {reason}"));
        }
        manifest.as_mut().map_or(Ok(()), |manifest| manifest.add(&entry))
    };
    let tell = |progress: &Progress| {
        bar.show(progress);
        report(progress);
    };
    let copied = mover::copy(order, &mut give, &tell, &AtomicBool::new(false));
    bar.finish();
    let copied = copied.map_err(|error| refused(error, &order.source))?;
    manifest.map(Draft::end).transpose()?;
    Ok(copied)
}

/// Says why nothing was copied: what the caller can put right is wrong usage.
pub(super) fn refused(error: Error, source: &Path) -> Failure {
    let exit = match &error {
        Error::Nested { .. } | Error::Manifest(_) | Error::Escape(_) | Error::Pattern { .. } => {
            Exit::Usage
        }
        Error::NoRoom { .. } | Error::NoInodes { .. } | Error::Stopped => Exit::Stopped,
        _ => Exit::Unexpected,
    };
    let hint = match &error {
        Error::NoRoom { .. } | Error::NoInodes { .. } => Some(
            "make room and run the same command again: what is there already is not copied twice",
        ),
        _ => None,
    };
    let failure = Failure::of(exit, format!("copy {}", source.display()), error);
    match hint {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

/// Writes what was done to stdout, and says how it ended.
pub(super) fn show(context: &Context, copied: &Copied) -> Exit {
    let proof = copied.proof.as_ref();
    let is_proven = proof.map(|proof| proof.differing == 0 && proof.totals == copied.totals);
    context.ui.data(json!({
        "schema": 1,
        "proven": is_proven,
        "source": copied.totals,
        "destination": proof.map(|proof| &proof.totals),
        "written": copied.written,
        "written_bytes": copied.written_bytes,
        "kept": copied.kept,
        "not_copied": copied.not_copied,
        "differences": proof.map(|proof| &proof.differences),
    }));
    if is_proven == Some(false) { Exit::SomeFailed } else { Exit::Done }
}
