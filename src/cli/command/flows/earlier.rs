//! What earlier runs found, kept in the index: a run may see a part of the homes only, and the copies are there all the same.

use std::collections::HashSet;

use super::index::DATA;
use super::walk::Found;
use crate::aws::{ErrorKind, Reader};
use crate::cli::{Exit, Failure};
use crate::report::{Flow, FlowIndex};

/// The largest index that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// Reads the index that lies at the destination; an empty one where there is none.
pub(super) async fn read(
    reader: &Reader,
    (bucket, prefix): (&str, &str),
) -> Result<FlowIndex, Failure> {
    let key = format!("{prefix}/{DATA}");
    let body = match reader.object(bucket, &key, LARGEST).await {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(FlowIndex::default()),
        body => body.map_err(|error| Failure::aws("read the index at the destination", error))?,
    };
    let refused = |why: String| {
        let what = format!("what earlier runs found is in s3://{bucket}/{key}: {why}");
        Failure::new(Exit::Blocked, what).hinted(
            "the index would be written over: move it to another key, or use a newer studio-migrate",
        )
    };
    let index: FlowIndex = serde_json::from_slice(&body)
        .map_err(|error| refused(format!("it cannot be read: {error}")))?;
    if index.schema > FlowIndex::SCHEMA {
        return Err(refused(format!("it has schema {}", index.schema)));
    }
    Ok(index)
}

/// Adds what earlier runs found to what this one did, and returns how many copies it did not see the flows of. A flow that was not
/// copied is kept only while its home was not looked at again.
pub(super) fn keep(found: &mut Found, earlier: FlowIndex) -> usize {
    let seen: HashSet<String> =
        found.flows.iter().chain(&found.not_copied).map(|flow| flow.to.clone()).collect();
    let made_at = earlier.made_at;
    let unseen = |mut flow: Flow| {
        flow.last_seen.get_or_insert_with(|| made_at.clone());
        flow
    };
    let copies = earlier.flows.into_iter().filter(|flow| !seen.contains(&flow.to));
    let copies: Vec<Flow> = copies.map(unseen).collect();
    let kept = copies.len();
    let not_copied = earlier.not_copied.into_iter().filter(|flow| {
        let home = format!("{}/{}", flow.domain, flow.owner);
        !seen.contains(&flow.to) && !found.looked_at.contains(&home)
    });
    let not_copied: Vec<Flow> = not_copied.map(unseen).collect();
    found.flows.extend(copies);
    found.not_copied.extend(not_copied);
    for flows in [&mut found.flows, &mut found.not_copied] {
        let place = |flow: &Flow| (flow.domain.clone(), flow.owner.clone(), flow.path.clone());
        flows.sort_by_cached_key(place);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(owner: &str, path: &str) -> Flow {
        Flow {
            owner: owner.to_owned(),
            domain: "d-a".to_owned(),
            path: path.to_owned(),
            to: format!("s3://keep/d-a/{owner}/{path}"),
            ..Flow::default()
        }
    }

    #[test]
    fn what_was_found_stays_and_what_was_not_copied_stays_until_its_home_is_seen() {
        let mut found = Found {
            flows: vec![flow("bob", "b.flow")],
            looked_at: ["d-a/bob".to_owned()].into(),
            ..Found::default()
        };
        let earlier = FlowIndex {
            made_at: "then".to_owned(),
            flows: vec![
                flow("ada", "a.flow"),
                Flow { last_seen: Some("long ago".to_owned()), ..flow("ada", "b.flow") },
                flow("bob", "gone.flow"),
            ],
            not_copied: vec![flow("ada", "bad.flow"), flow("bob", "b.flow"), flow("bob", "c.flow")],
            ..FlowIndex::default()
        };
        assert_eq!(keep(&mut found, earlier), 3);
        let told = |flows: &[Flow]| -> Vec<_> {
            let one = |flow: &Flow| (flow.path.clone(), flow.last_seen.clone());
            flows.iter().map(one).collect()
        };
        let of = |path: &str, seen: &str| {
            (path.to_owned(), Some(seen.to_owned()).filter(|seen| !seen.is_empty()))
        };
        assert_eq!(
            told(&found.flows),
            [
                of("a.flow", "then"),
                of("b.flow", "long ago"),
                of("b.flow", ""),
                of("gone.flow", "then"),
            ]
        );
        assert_eq!(told(&found.not_copied), [of("bad.flow", "then")]);
    }
}
