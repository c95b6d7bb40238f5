//! A plan as one page: what a change board says yes to, with a picture of when.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::journal::Approval;
use crate::plan::{Batch, Migration, Plan};
use crate::readiness::{Range, RenderError, page};

/// People who stand in the page; the JSON and the table of the pack have everyone.
const ROWS: usize = 2_000;

#[derive(Serialize)]
struct Page<'a> {
    plan: &'a Plan,
    people: usize,
    bytes: u64,
    unmeasured: usize,
    is_simulated: bool,
    approvals: Vec<Said<'a>>,
    wanted: usize,
    batches: Vec<Row<'a>>,
    /// From when to when the picture goes, where batches have times.
    ends: Option<(Timestamp, Timestamp)>,
    rows: Vec<Person<'a>>,
    more: usize,
    /// Why people are left out, with how many are and who.
    left_out: Vec<(String, usize, Vec<String>)>,
}

#[derive(Serialize)]
struct Said<'a> {
    approver: &'a str,
    at: &'a str,
    note: &'a str,
}

/// A batch, and where its bar stands in the picture, in tenths of a percent.
#[derive(Serialize)]
struct Row<'a> {
    batch: &'a Batch,
    people: usize,
    bytes: u64,
    minutes: Range,
    left: f64,
    width: f64,
}

#[derive(Serialize)]
struct Person<'a> {
    batch: &'a str,
    migration: &'a Migration,
}

/// Renders a plan as one self-contained HTML page.
pub fn plan_page(plan: &Plan, approvals: &[Approval]) -> Result<String, RenderError> {
    let people = plan.migrations().count();
    let ends = ends(plan);
    let page = Page {
        plan,
        people,
        bytes: plan.bytes(),
        unmeasured: plan.migrations().filter(|(_, one)| one.bytes.is_none()).count(),
        is_simulated: plan.account.is_simulated(),
        approvals: approvals
            .iter()
            .map(|one| Said { approver: &one.approver, at: &one.at, note: &one.note })
            .collect(),
        wanted: plan.playbook.approvals.callers,
        batches: bars(plan, ends),
        ends,
        rows: plan
            .migrations()
            .take(ROWS)
            .map(|(batch, migration)| Person { batch: batch.name.as_str(), migration })
            .collect(),
        more: people.saturating_sub(ROWS),
        left_out: left_out(plan),
    };
    page::render(include_str!("plan.html"), &page)
}

/// From the first batch's beginning to the last one's end, where every batch has a time.
fn ends(plan: &Plan) -> Option<(Timestamp, Timestamp)> {
    let slots: Option<Vec<_>> = plan.batches.iter().map(|batch| batch.slot.as_ref()).collect();
    let slots = slots?;
    let from = slots.iter().map(|slot| slot.from).min()?;
    let to = slots.iter().map(|slot| slot.to).max()?;
    Some((from, to))
}

/// Where every batch's bar stands: by the clock, or one after the other where nothing says when.
fn bars(plan: &Plan, ends: Option<(Timestamp, Timestamp)>) -> Vec<Row<'_>> {
    let minutes = |batch: &Batch| batch.minutes.unwrap_or_default();
    let total: f64 = plan.batches.iter().map(|batch| minutes(batch).high).sum();
    let mut before = 0.0;
    plan.batches
        .iter()
        .map(|batch| {
            let (left, width) = match (ends, &batch.slot) {
                (Some((first, last)), Some(slot)) => {
                    let all = last.duration_since(first).as_secs_f64();
                    let from = slot.from.duration_since(first).as_secs_f64();
                    let lasts = slot.to.duration_since(slot.from).as_secs_f64();
                    (share(from, all), share(lasts, all))
                }
                _ => (share(before, total), share(minutes(batch).high, total)),
            };
            before += minutes(batch).high;
            Row {
                batch,
                people: batch.migrations.len(),
                bytes: batch.migrations.iter().filter_map(|one| one.bytes).sum(),
                minutes: minutes(batch),
                left: left.min(99.5),
                // A bar of nothing cannot be seen.
                width: width.max(0.5).min(100.0 - left.min(99.5)),
            }
        })
        .collect()
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 1000.0).round() / 10.0 } else { 0.0 }
}

fn left_out(plan: &Plan) -> Vec<(String, usize, Vec<String>)> {
    const NAMED: usize = 200;
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for left in &plan.left_out {
        by_reason.entry(&left.because).or_default().push(format!("{}/{}", left.domain, left.who));
    }
    let mut reasons: Vec<_> = by_reason
        .into_iter()
        .map(|(reason, mut who)| {
            let count = who.len();
            who.truncate(NAMED);
            (reason.to_owned(), count, who)
        })
        .collect();
    reasons.sort_by(|(a, many, _), (b, other, _)| other.cmp(many).then_with(|| a.cmp(b)));
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Domain, Profile, Snapshot};
    use crate::plan::draw;
    use crate::playbook::Playbook;

    fn person(name: &str) -> Profile {
        Profile {
            name: name.into(),
            status: "InService".to_owned(),
            home_uid: Some("200005".into()),
            ..Profile::default()
        }
    }

    #[test]
    fn the_page_says_who_goes_when_and_loads_nothing() {
        let snapshot = Snapshot {
            account: Some("000000000000".into()),
            region: Some("eu-west-1".into()),
            domains: vec![Domain {
                id: "d-abc".into(),
                status: "InService".to_owned(),
                profiles: ["alice", "bob"].map(person).into(),
                ..Domain::default()
            }],
            ..Snapshot::default()
        };
        let mut plan = draw(&snapshot, &[], &Playbook::standard().unwrap(), None).unwrap();
        assert_eq!(plan.batches.len(), 1);
        plan.left_out.push(crate::plan::LeftOut {
            domain: "d-abc".into(),
            who: "<b>mallory</b>".to_owned(),
            because: "blocked by SM203".to_owned(),
        });
        let page = plan_page(&plan, &[]).unwrap();
        for batch in &plan.batches {
            assert!(page.contains(batch.name.as_str()));
        }
        assert!(page.contains("Nobody has approved it yet"));
        assert!(page.contains("blocked by SM203") && !page.contains("<b>mallory"));
        assert_eq!(page::loads(&page), Vec::<&str>::new());
    }
}
