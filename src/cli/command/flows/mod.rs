//! `flows`: Data Wrangler flows of Classic homes, copied to where Canvas imports from, with an index. Homes are only read, and
//! nothing at the destination is overwritten but the index.

mod copying;
mod earlier;
mod index;
mod listed;
mod owners;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use self::owners::{Owner, owners};
use self::walk::{Found, Walk};
use super::destination::{fit, refuse_other_account, said};
use crate::aws::Reader;
use crate::cli::context::{Operation, approved_plan};
use crate::cli::{Context, Exit, Failure};
use crate::execute::Inventories;
use crate::journal::{Event, NewEvent};
use crate::names::counted;
use crate::plan::Plan;
use crate::report::FlowIndex;

/// Requests a second of each kind, as for shared notebooks.
const REQUESTS_PER_SECOND: f64 = 1_000.0;

/// The kind of event that says what became of one owner's flows. It is no part of anybody's standing.
const COPIED: &str = "flows-copied";

/// Flows not copied that an event lists by name; the index has them all.
const NAMED: usize = 200;

/// Homes not looked at that are named together; each has a warning of its own.
const HOMES_NAMED: usize = 10;

/// Arguments of `flows`.
#[derive(Args, Clone, Debug)]
pub struct Flows {
    /// A folder in which the EFS file systems are mounted, each under its id (`fs-…`); they are only read. Without it the flows of
    /// those who have moved are listed
    #[arg(long, value_name = "EFS_ROOT")]
    mount: Option<PathBuf>,
    /// Copy them; without it nothing is written
    #[arg(long, requires = "mount")]
    apply: bool,
}

impl Flows {
    /// Lists the flows, and copies those that are not where they should be.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let journal = context.existing_journal()?;
        let plan = approved_plan(&journal)?;
        let snapshot = journal
            .snapshot(&plan.snapshot)
            .map_err(|error| Failure::journal("read the plan's snapshot", error))?;
        let owners = owners(&plan, &snapshot);
        let Some(mount) = &self.mount else {
            return listed::list(context, &journal, &plan, &owners);
        };
        if !mount.is_dir() {
            return Err(Failure::usage(format!("{} is no folder", mount.display())).hinted(
                "--mount takes a folder in which each file system is mounted under its id, `fs-…`",
            ));
        }
        if owners.iter().all(|owner| owner.place.is_none()) {
            return Err(Failure::usage(format!("plan {} copies flows nowhere", plan.id)).hinted(
                "name a place with `flows.destination` in the playbook, and draw up and approve the plan anew; nothing that was done is done again",
            ));
        }
        let inventories = Inventories::of_plan(&journal, &plan)
            .map_err(|error| Failure::journal("read the snapshots", error))?;
        drop(journal);
        if !self.apply {
            // Whoever only looks takes no lease, and holds a client without any changing verb.
            let reader = context.reader(REQUESTS_PER_SECOND).await?;
            context.journal_of(&reader)?;
            return copy(context, (&reader, None), &plan, (mount, owners, &inventories)).await;
        }
        let operation = context.begin(REQUESTS_PER_SECOND).await?;
        let given = (&*operation.account, Some(&operation));
        let exit = copy(context, given, &plan, (mount, owners, &inventories)).await?;
        operation.end(exit)
    }
}

/// What is asked with and, where something is to be written, the operation that writes it.
type Given<'a> = (&'a Reader, Option<&'a Operation>);

/// Goes through the owners place by place: an index stands for one place.
async fn copy(
    context: &Context,
    given: Given<'_>,
    plan: &Plan,
    (mount, owners, inventories): (&Path, Vec<Owner>, &Inventories),
) -> Result<Exit, Failure> {
    refuse_other_account(plan, given.0)?;
    let mut places: BTreeMap<Option<(String, String)>, Vec<Owner>> = BTreeMap::new();
    for owner in owners {
        places.entry(owner.place.clone()).or_default().push(owner);
    }
    let mut exit = Exit::Done;
    for (place, owners) in places {
        let has_gaps = match place {
            Some((bucket, prefix)) => {
                let walk = Walk {
                    reader: given.0,
                    account: given.1.map(|operation| &operation.account),
                    ui: context.ui,
                    mount,
                    inventories,
                    to: (&bucket, &prefix),
                };
                copy_to(context, (given.1, plan), &walk, &owners).await?
            }
            None => nowhere(context, &owners),
        };
        if has_gaps {
            exit = Exit::SomeFailed;
        }
    }
    Ok(exit)
}

/// Copies the flows of those who share a place, and tells whether anything is not there.
async fn copy_to(
    context: &Context,
    (operation, plan): (Option<&Operation>, &Plan),
    walk: &Walk<'_>,
    owners: &[Owner],
) -> Result<bool, Failure> {
    let (bucket, prefix) = walk.to;
    let posture = fit(walk.reader, bucket, "flows.destination").await?;
    index::refuse_strange(walk.reader, walk.to).await?;
    context.ui.status(format_args!("Flows go to s3://{bucket}/{prefix}: {}", said(&posture)));
    let mut earlier = FlowIndex::default();
    if operation.is_some() {
        // Before anything is copied: an index that cannot be kept is not written over.
        earlier = earlier::read(walk.reader, walk.to).await?;
    }
    let mut found = Found::default();
    for owner in owners {
        let of = walk.owner(owner, &mut found).await?;
        if let Some(operation) = operation.filter(|_| of.has_any()) {
            record(operation, plan, owner, &of.event(bucket, prefix))?;
        }
    }
    let has_gaps = found.has_gaps();
    tell_not_looked_at(context, &found);
    let kept = earlier::keep(&mut found, earlier);
    if kept > 0 {
        context.ui.data(format_args!(
            "{} of earlier runs not seen in the homes this time, and kept in the index",
            counted(kept as u64, "flow", "flows")
        ));
    }
    let (copied, left) = (found.flows.len(), found.not_copied.len());
    if let Some(operation) = operation {
        index::write(&operation.account, plan, walk.to, found).await?;
        context.ui.data(format_args!(
            "{copied} at s3://{bucket}/{prefix}, {left} not copied; index: s3://{bucket}/{prefix}/{}",
            index::PAGE
        ));
    } else {
        context.ui.data(format_args!(
            "{copied} are or would be at s3://{bucket}/{prefix}, {left} not; nothing was written: give --apply to do it"
        ));
    }
    Ok(has_gaps)
}

/// Says of how many homes nothing is known now, and whose they are: the first of them.
fn tell_not_looked_at(context: &Context, found: &Found) {
    let all = &found.not_looked_at;
    if all.is_empty() {
        return;
    }
    let named: Vec<_> = all.iter().take(HOMES_NAMED).map(|(id, _)| id.as_str()).collect();
    let more = if all.len() > named.len() { " and more" } else { "" };
    context.ui.data(format_args!(
        "{} not looked at: {}{more}",
        counted(all.len() as u64, "home", "homes"),
        named.join(", ")
    ));
}

/// Names whose flows go nowhere.
fn nowhere(context: &Context, owners: &[Owner]) -> bool {
    for owner in owners {
        context.ui.warning(format_args!(
            "{}: flows are not looked for: neither flows.destination nor Canvas (S3ArtifactPath) says where they go",
            owner.id
        ));
    }
    true
}

fn record(
    operation: &Operation,
    plan: &Plan,
    owner: &Owner,
    detail: &Value,
) -> Result<(), Failure> {
    let event = NewEvent {
        operation: Some(operation.id),
        plan: Some(&plan.id),
        migration: Some(&owner.id),
        kind: COPIED,
        detail: detail.clone(),
        ..NewEvent::default()
    };
    operation
        .journal
        .record(&event)
        .map(drop)
        .map_err(|error| Failure::journal("write down what was copied", error))
}

/// Says what became of somebody's flows, by their events; `None` where none were looked for.
pub(super) fn remark(events: &[Event]) -> Option<String> {
    let last = events.iter().rev().find(|event| event.kind == COPIED)?;
    let number = |name: &str| last.detail.get(name).and_then(Value::as_u64).unwrap_or_default();
    let to = last.detail.get("to").and_then(Value::as_str).unwrap_or_default();
    let left = match number("not_copied") {
        0 => String::new(),
        left => format!("; {left} could not be copied, and the index beside the copies names them"),
    };
    Some(format!(
        "{} Data Wrangler flows are at {to}, for Canvas to import{left}",
        number("copied")
    ))
}

/// What became of one owner's flows.
#[derive(Debug, Default)]
struct OfOwner {
    to: String,
    now: usize,
    there: usize,
    left: Vec<(String, String)>,
}

impl OfOwner {
    fn has_any(&self) -> bool {
        self.now + self.there + self.left.len() > 0
    }

    fn event(&self, bucket: &str, prefix: &str) -> Value {
        json!({
            "to": format!("s3://{bucket}/{prefix}/{}", self.to),
            "copied": self.now + self.there,
            "now": self.now,
            "not_copied": self.left.len(),
            "not_copied_named": self.left.iter().take(NAMED).collect::<Vec<_>>(),
        })
    }
}
