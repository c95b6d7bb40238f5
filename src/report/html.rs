//! The report as one page, with the proof of each person.

use std::cmp::Reverse;

use serde::Serialize;

use super::facts::{PersonFacts, standing};
use super::summary::Report;
use crate::readiness::{RenderError, page};

/// What the proof means, in the words that every rendering uses.
pub(super) const PROOF: [&str; 4] = [
    "Each regular file was hashed (BLAKE3) as it was read from the Classic home, and read back and hashed again from the new volume once everything was written. \
     The digest of a person sums up kind, path, mode, modification time, size and content of every selected entry; both sides had the same one before anything was flipped.",
    "The device is what the space itself says its home is on: a block device such as /dev/nvme1n1 is an EBS volume, a network mount would be the old home.",
    "The manifest lists every entry with its hash, and every entry that was not copied with its reason; its own hash stands here, so a manifest that was changed later is found out.",
    "The proof is about the moment of the copy. What people did in Classic afterwards, or in the new Studio, it does not cover. Nothing was deleted from the Classic homes.",
];

#[derive(Serialize)]
struct Page<'a> {
    report: &'a Report,
    standings: Vec<Share>,
    rows: Vec<Row<'a>>,
    proof: [&'static str; 4],
}

/// A part of the bar.
#[derive(Serialize)]
struct Share {
    word: &'static str,
    count: usize,
    /// Of a thousand, so that no style holds a fraction.
    width: usize,
}

#[derive(Serialize)]
struct Row<'a> {
    person: &'a PersonFacts,
    /// A name for links within the page: a number, since people's names may hold anything.
    anchor: usize,
    began_at: Option<&'a str>,
    ended_at: Option<&'a str>,
    not_copied: u64,
    not_copied_unnamed: u64,
    by_standing: usize,
    by_name: usize,
    by_size: usize,
}

/// Renders the report as one self-contained HTML page; nothing is loaded from elsewhere.
///
/// The table of people is sorted by links within the page, without a script; the one script of the page filters it.
pub fn html(report: &Report) -> Result<String, RenderError> {
    let page = Page { report, standings: shares(report), rows: rows(report), proof: PROOF };
    page::render(include_str!("report.html"), &page)
}

fn shares(report: &Report) -> Vec<Share> {
    let people = report.totals.people.max(1);
    report
        .totals
        .by_standing()
        .into_iter()
        .rev()
        .map(|(word, count)| Share { word, count, width: count * 1000 / people })
        .collect()
}

fn rows(report: &Report) -> Vec<Row<'_>> {
    let people = &report.people;
    let urgency = |person: &PersonFacts| {
        standing::ALL.iter().position(|word| *word == person.standing).unwrap_or(0)
    };
    let size = |person: &PersonFacts| person.proof.as_ref().map(|proof| proof.totals.bytes);
    let by_standing = places(people, |person| (urgency(person), person.migration.clone()));
    let by_name = places(people, |person| person.migration.clone());
    let by_size = places(people, |person| (Reverse(size(person)), person.migration.clone()));
    let place = |places: &[usize], index: usize| places.get(index).copied().unwrap_or(index);
    people
        .iter()
        .enumerate()
        .map(|(index, person)| {
            let (began_at, ended_at) = person.span();
            let not_copied = person.proof.as_ref().map_or(0, super::Proof::left_behind);
            let named = person.proof.as_ref().map_or(0, |proof| proof.not_copied_named.len());
            Row {
                person,
                anchor: index + 1,
                began_at,
                ended_at,
                not_copied,
                not_copied_unnamed: not_copied
                    .saturating_sub(u64::try_from(named).unwrap_or(u64::MAX)),
                by_standing: place(&by_standing, index),
                by_name: place(&by_name, index),
                by_size: place(&by_size, index),
            }
        })
        .collect()
}

/// Says for each person at which place they stand in an order.
fn places<K: Ord>(people: &[PersonFacts], key: impl Fn(&PersonFacts) -> K) -> Vec<usize> {
    let mut order: Vec<_> = people.iter().enumerate().collect();
    order.sort_by_cached_key(|(_, person)| key(person));
    let mut places = vec![0; people.len()];
    for (place, (index, _)) in order.into_iter().enumerate() {
        if let Some(slot) = places.get_mut(index) {
            *slot = place;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cases;

    #[test]
    fn the_page_says_how_many_are_moved_and_shows_the_proof() {
        let page = html(&Report::from(cases::inputs())).unwrap();
        assert!(page.contains("1 of 5 people are moved"), "{page}");
        for told in [
            "6f1e0c5d2b7a",
            "c0ffee",
            "run&#x2f;agent.sock",
            "CHG-1042",
            "deadbeef",
            "12.5 minutes",
        ] {
            assert!(page.contains(told) || page.contains(&told.replace("&#x2f;", "/")), "{told}");
        }
    }

    #[test]
    fn the_page_loads_nothing_and_escapes_names() {
        let mut inputs = cases::inputs();
        inputs.people[0].profile = "<script>alert(1)</script>".into();
        inputs.people[0].migration = "d-abc/<script>alert(1)</script>".into();
        inputs.people[1].failure.as_mut().unwrap().message = "<img src=http://x>".to_owned();
        inputs.left_out[0].who = "\"><script>".to_owned();
        let page = html(&Report::from(inputs)).unwrap();
        // The filter is the one script of the page.
        assert_eq!(page.matches("<script").count(), 1);
        assert!(page.contains("&lt;script&gt;"));
        assert!(!page.contains("<img"));
        assert_eq!(page::loads(&page), Vec::<&str>::new());
    }

    #[test]
    fn orders_put_trouble_and_large_homes_first() {
        let report = Report::from(cases::inputs());
        let rows = rows(&report);
        let first = |key: fn(&Row<'_>) -> usize| {
            rows.iter().find(|row| key(row) == 0).map(|row| row.person.profile.as_str())
        };
        assert_eq!(first(|row| row.by_standing), Some("dave"));
        assert_eq!(first(|row| row.by_name), Some("alice"));
        assert_eq!(first(|row| row.by_size), Some("alice"));
    }

    #[test]
    fn an_empty_plan_renders() {
        let mut inputs = cases::inputs();
        inputs.people.clear();
        assert!(html(&Report::from(inputs)).unwrap().contains("0 of 0 people are moved"));
    }
}
