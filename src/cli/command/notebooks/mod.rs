//! `notebooks`: what people shared in Studio Classic, copied to a place that the playbook names, with an index.
//!
//! The originals are read and never changed, and nothing at the destination is overwritten but the index. Nothing of Classic's
//! sharing is switched off: AWS has no setting that does (`docs/fine-print.md`).

mod copying;
mod index;
mod owners;
mod places;
mod walk;

use clap::Args;

use self::owners::Owners;
use self::places::{Destination, Place, places};
use self::walk::{Findings, Walk};
use super::destination::{fit, refuse_other_account, said};
use crate::aws::{Account, Reader};
use crate::cli::context::approved_plan;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::Snapshot;
use crate::plan::Plan;

/// Requests a second of each kind. S3 promises 3,500 writes for one prefix (Amazon S3 User Guide, "Best practices design
/// patterns"); the journal, which writes down each of them first, is slower.
const REQUESTS_PER_SECOND: f64 = 1_000.0;

/// Arguments of `notebooks`.
#[derive(Args, Clone, Debug)]
pub struct Notebooks {
    /// Say what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
}

impl Notebooks {
    /// Copies every shared notebook of the plan's domains that is not at the destination, and writes the index.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let to = Destination::of(&plan)?;
        let snapshot = journal
            .snapshot(&plan.snapshot)
            .map_err(|error| Failure::journal("read the plan's snapshot", error))?;
        let places = places(&plan, &snapshot);
        to.refuse_overlap(&places)?;
        if places.is_empty() {
            context.ui.data("no domain of the plan shares notebooks through S3");
            return Ok(Exit::Done);
        }
        drop(journal);
        let ways = Ways { plan: &plan, snapshot: &snapshot, to: &to, places: &places };
        if self.dry_run {
            // Whoever only looks takes no lease, and holds a client without any changing verb.
            let reader = context.reader(REQUESTS_PER_SECOND).await?;
            context.journal_of(&reader)?;
            let findings = ways.walk(context, &reader, None).await?;
            context.ui.data("nothing was copied, and no index written: this was a dry run");
            return Ok(ended(&findings));
        }
        let operation = context.begin(REQUESTS_PER_SECOND).await?;
        let account = &operation.account;
        let findings = ways.walk(context, account, Some(account)).await?;
        let exit = ended(&findings);
        if findings.is_whole {
            index::Written::of(&plan, &to, findings)?.upload(account, &to).await?;
            context.ui.data(format_args!("index: {}/{}", to.location(), index::PAGE));
        } else {
            context.ui.warning(
                "not everything could be looked at, so that no index was written; run the command again",
            );
        }
        operation.end(exit)
    }
}

/// From where to where copies go.
struct Ways<'a> {
    plan: &'a Plan,
    snapshot: &'a Snapshot,
    to: &'a Destination,
    places: &'a [Place],
}

impl Ways<'_> {
    /// Goes through every place; without an account that can change something, it only says what would be copied.
    async fn walk(
        &self,
        context: &Context,
        reader: &Reader,
        account: Option<&Account>,
    ) -> Result<Findings, Failure> {
        refuse_other_account(self.plan, reader)?;
        let posture = fit(reader, &self.to.bucket, "shared_notebooks.copy_to").await?;
        refuse_strange_index(reader, self.to).await?;
        context.ui.status(format_args!("Copies go to {}: {}", self.to.location(), said(&posture)));
        let walk = Walk { reader, account, ui: context.ui, to: self.to, places: self.places };
        let mut findings = Findings::new();
        for place in self.places {
            walk.place(place, &Owners::of(self.snapshot, place), &mut findings).await?;
        }
        Ok(findings)
    }
}

fn ended(findings: &Findings) -> Exit {
    if findings.has_gaps() { Exit::SomeFailed } else { Exit::Done }
}

/// The index replaces the one of an earlier run, and nobody else's file.
async fn refuse_strange_index(reader: &Reader, to: &Destination) -> Result<(), Failure> {
    let (mark, value) = index::MARK;
    for name in [index::PAGE, index::DATA] {
        let key = to.index(name);
        let seen = reader
            .look_at(&to.bucket, &key)
            .await
            .map_err(|error| Failure::aws("look for an index at the destination", error))?;
        if seen.is_some_and(|seen| seen.metadata.get(mark).map(String::as_str) != Some(value)) {
            return Err(Failure::new(
                Exit::Blocked,
                format!(
                    "s3://{}/{key} is somebody else's, and the index would replace it",
                    to.bucket
                ),
            )
            .hinted("choose another prefix with `shared_notebooks.copy_to`, or move that object"));
        }
    }
    Ok(())
}
