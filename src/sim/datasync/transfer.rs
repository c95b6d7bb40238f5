//! Transferring: one item after the other is copied or deleted.

use std::io::Read;

use crate::sim::World;
use crate::sim::bucket::Direct;

use super::access;
use super::plan::{Deed, Planned, key};
use super::prepare::{Route, add};
use super::records::{Counts, Failure, Problem, Step};
use super::source::Kind;

/// The most bytes of a key (DataSync User Guide, "Quotas for AWS DataSync").
const LONGEST: usize = 1024;

/// What copying some items came to.
#[derive(Debug, Default)]
pub(super) struct Gone {
    pub(super) counts: Counts,
    pub(super) failures: Vec<Failure>,
}

/// Does what is planned for some items. An item that fails stands in nobody's way, and one that was done before is done again.
pub(super) fn perform(world: &World, route: &Route, some: &[Planned]) -> Gone {
    let direct = Direct::new(world);
    let mut gone = Gone::default();
    for planned in some {
        let item = &planned.item;
        let key = key(&route.prefix, item);
        match planned.deed {
            Deed::Skip(_) => {}
            Deed::Copy { has_content, .. } => match copy(world, &direct, route, planned, &key) {
                Ok(bytes) => {
                    let bytes = if has_content { bytes } else { 0 };
                    add(&mut gone.counts.transferred, item, 1);
                    gone.counts.bytes_written += bytes;
                    gone.counts.bytes_transferred += bytes;
                }
                Err(problem) => gone.failures.push(item.failure(Step::Transfer, problem)),
            },
            Deed::Delete => match delete(world, &direct, route, &key) {
                Ok(()) => add(&mut gone.counts.deleted, item, 1),
                Err(problem) => gone.failures.push(item.failure(Step::Delete, problem)),
            },
        }
    }
    gone
}

fn copy(
    world: &World,
    direct: &Direct,
    route: &Route,
    planned: &Planned,
    key: &str,
) -> Result<u64, Problem> {
    if key.len() > LONGEST {
        let detail = format!("The key is {} bytes long, and S3 takes {LONGEST}", key.len());
        return Err(Problem::new("KeyTooLongError", detail));
    }
    allow(world, route, "s3:PutObject", key)?;
    let item = &planned.item;
    let mut content: Box<dyn Read> = match item.kind {
        Kind::Folder => Box::new(std::io::empty()),
        Kind::Link => Box::new(std::io::Cursor::new(route.source.target(&item.path)?)),
        Kind::File | Kind::Special => Box::new(route.source.open(&item.path)?),
    };
    let written = direct.put(&route.bucket, key, &mut content, route.metadata(item));
    written.map_err(|error| Problem::new("FailedToWrite", error.to_string()))
}

fn delete(world: &World, direct: &Direct, route: &Route, key: &str) -> Result<(), Problem> {
    allow(world, route, "s3:DeleteObject", key)?;
    let removed = direct.remove(&route.bucket, key);
    removed.map_err(|error| Problem::new("FailedToDelete", error.to_string()))
}

fn allow(world: &World, route: &Route, action: &str, key: &str) -> Result<(), Problem> {
    let resource = format!("arn:aws:s3:::{}/{key}", route.bucket);
    if world.read(|state| access::may(state, &route.role, action, &resource)) {
        return Ok(());
    }
    let detail = format!("{} may not perform {action} on {resource}", route.role);
    Err(Problem::new("AccessDenied", detail))
}
