//! Verifying: both ends are read again, content by SHA-256 and metadata exactly (DataSync User Guide, "Troubleshooting data
//! verification issues").

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::sim::World;
use crate::sim::bucket::Direct;

use super::metadata;
use super::plan::{Deed, Plan, Planned, Skip, key};
use super::prepare::Route;
use super::records::{Failure, Problem, Step};
use super::source::{Item, Kind};

/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// What was found of one item.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// The item, as it was planned.
    pub(super) item: Item,
    /// SHA-256 of the content at the source, in hexadecimal.
    pub(super) source: Option<String>,
    /// SHA-256 of the content at the destination, in hexadecimal.
    pub(super) there: Option<String>,
    /// What differs.
    pub(super) problem: Option<Problem>,
}

/// Looks at everything that `mode` asks for and that has not failed already.
///
/// `POINT_IN_TIME_CONSISTENT` looks at what was left as it was, too. That it minds nothing else at the destination is inferred:
/// what is kept there although the source has it no more is kept because it was asked for.
pub(super) fn verify(
    world: &World,
    route: &Route,
    plan: &Plan,
    failures: &[Failure],
    mode: &str,
) -> Vec<Verdict> {
    let direct = Direct::new(world);
    let is_meant = |planned: &&Planned| match planned.deed {
        Deed::Copy { .. } => mode != "NONE",
        Deed::Skip(Skip::Unchanged) => mode == "POINT_IN_TIME_CONSISTENT",
        Deed::Skip(_) | Deed::Delete => false,
    };
    let failed: std::collections::HashSet<&str> =
        failures.iter().map(|failure| failure.path.as_str()).collect();
    let all = plan.all.iter().filter(is_meant);
    let all = all.filter(|planned| !failed.contains(planned.item.path.as_str()));
    all.map(|planned| of(&direct, route, &planned.item)).collect()
}

impl Verdict {
    /// The failure that it counts as.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.problem.clone().map(|problem| self.item.failure(Step::Verify, problem))
    }
}

fn of(direct: &Direct, route: &Route, item: &Item) -> Verdict {
    let mut verdict = Verdict { item: item.clone(), source: None, there: None, problem: None };
    verdict.problem = compare(direct, route, &mut verdict).err();
    verdict
}

fn compare(direct: &Direct, route: &Route, verdict: &mut Verdict) -> Result<(), Problem> {
    let now = route.source.look(&verdict.item.path)?;
    verdict.source = Some(at_source(route, &now)?);
    let opened = direct.open(&route.bucket, &key(&route.prefix, &verdict.item));
    let unreadable = |error: io::Error| Problem::new("FailedToReadDestination", error.to_string());
    let Some((seen, file)) = opened.map_err(unreadable)? else {
        let detail = "Verification failed due to file being present at the source but not at the destination";
        return Err(Problem::new("FileNotAtDestination", detail));
    };
    verdict.there = Some(sum(file).map_err(unreadable)?);
    if verdict.source != verdict.there {
        let detail = "Verification failed due to a difference in content";
        return Err(Problem::new("ContentDiffers", detail));
    }
    if !metadata::is_same(&route.metadata(&now), &seen.metadata) {
        let detail = "Verification failed due to a difference in metadata";
        return Err(Problem::new("MetadataDiffers", detail));
    }
    Ok(())
}

fn at_source(route: &Route, item: &Item) -> Result<String, Problem> {
    let read = match item.kind {
        Kind::File => sum(route.source.open(&item.path)?),
        Kind::Link => sum(&route.source.target(&item.path)?[..]),
        Kind::Folder | Kind::Special => sum(io::empty()),
    };
    read.map_err(|error| Problem::new("FailedToReadSource", error.to_string()))
}

fn sum(mut content: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        let length = content.read(&mut piece)?;
        if length == 0 {
            break;
        }
        hash.update(piece.get(..length).unwrap_or_default());
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
