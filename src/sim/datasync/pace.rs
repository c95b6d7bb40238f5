//! How fast an execution goes: what is done together, and how long it takes to send.

use super::options::limit;
use super::plan::{Deed, Planned};
use super::records::{Behaviour, Counts, Execution};

/// The most items of one batch.
const ITEMS: usize = 64;
/// The bytes that fill a batch.
const BYTES: u64 = 1 << 20;

/// What was let through without waiting for it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Bytes that were let through and not waited for.
    pub(super) owed: f64,
}

/// The bytes a second of an execution: its limit, and the world's.
pub(super) fn rate(behaviour: &Behaviour, execution: &Execution) -> f64 {
    let most = behaviour.bytes_per_second.max(1.0);
    limit(&execution.options).map_or(most, |limit| limit.min(most))
}

/// The next items that are done together: a few small ones, or one large.
pub(super) fn batch(rest: &[Planned]) -> &[Planned] {
    let mut bytes = 0;
    let fits = |planned: &&Planned| {
        let has_room = bytes < BYTES;
        bytes += content(planned);
        has_room
    };
    let count = rest.iter().take(ITEMS).take_while(fits).count();
    rest.get(..count).unwrap_or_default()
}

/// The bytes that some items send.
pub(super) fn bytes(some: &[Planned]) -> u64 {
    some.iter().map(content).sum()
}

fn content(planned: &Planned) -> u64 {
    match planned.deed {
        Deed::Copy { has_content: true, .. } => planned.item.size,
        _ => 0,
    }
}

/// Adds what one batch came to.
pub(super) fn gather(all: &mut Counts, some: &Counts) {
    let pairs = [(&mut all.transferred, some.transferred), (&mut all.deleted, some.deleted)];
    for (count, more) in pairs {
        count.files += more.files;
        count.folders += more.folders;
    }
    all.bytes_written += some.bytes_written;
    all.bytes_transferred += some.bytes_transferred;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::datasync::source::{Item, Kind};

    fn planned(size: u64) -> Planned {
        let (mtime, path) = ((0, 0), "/a".to_owned());
        let item =
            Item { path, kind: Kind::File, size, mtime, atime: mtime, mode: 0, uid: 0, gid: 0 };
        Planned { item, deed: Deed::Copy { overwrites: false, has_content: true } }
    }

    #[test]
    fn a_batch_is_a_few_small_items_or_one_large() {
        let small = vec![planned(1); 100];
        assert_eq!(batch(&small).len(), ITEMS);
        let large = vec![planned(BYTES + 1), planned(1)];
        assert_eq!((batch(&large).len(), bytes(batch(&large))), (1, BYTES + 1));
        assert_eq!(batch(&[]).len(), 0);
    }

    #[test]
    fn an_execution_is_as_fast_as_its_limit_and_no_faster_than_the_world() {
        let behaviour = Behaviour { bytes_per_second: 1000.0, ..Behaviour::default() };
        for (limit, expected) in [(-1, 1000.0), (10, 10.0), (5000, 1000.0)] {
            let options = json!({"BytesPerSecond": limit}).as_object().cloned().unwrap();
            let execution = Execution { options, ..Execution::default() };
            assert_eq!(rate(&behaviour, &execution), expected);
        }
    }
}
