//! The report as Markdown, for the change request.

use std::fmt::Write as _;

use super::facts::PersonFacts;
use super::summary::Report;
use crate::readiness::text::{bytes, counted, grouped, markdown_cell};

/// People that a list names; the CSV and the JSON have all.
const LISTED: usize = 200;

/// Renders the report as Markdown.
pub fn markdown(report: &Report) -> String {
    let mut page = String::new();
    head(&mut page, report);
    needing(&mut page, report);
    people(&mut page, report);
    remarks(&mut page, report);
    left_out(&mut page, report);
    orphans(&mut page, report);
    proof(&mut page, report);
    page
}

fn head(page: &mut String, report: &Report) {
    let totals = &report.totals;
    let _ = writeln!(
        page,
        "# Migration: {} of {} people are moved\n",
        grouped(totals.moved as u64),
        grouped(totals.people as u64)
    );
    if report.is_simulated {
        page.push_str("**A simulated account: nothing here happened in AWS.**\n\n");
    }
    let standings: Vec<_> = totals
        .by_standing()
        .into_iter()
        .map(|(word, count)| format!("{} {word}", grouped(count as u64)))
        .collect();
    let _ = writeln!(
        page,
        "{}. {} of {} are proven to have arrived; {} not copied, each with its reason.\n",
        if standings.is_empty() {
            "Nobody is in the plan".to_owned()
        } else {
            standings.join(", ")
        },
        bytes(totals.bytes),
        counted(totals.files, "file", "files"),
        counted(totals.not_copied, "entry was", "entries were")
    );
    if totals.longest_held_minutes > 0.0 {
        let _ = writeln!(
            page,
            "People were held up, between Classic and the new Studio, for {} minutes in all, and nobody longer than {}.\n",
            totals.held_minutes, totals.longest_held_minutes
        );
    }
    let _ = writeln!(page, "- Account {}, Region {}", report.account, report.region);
    let _ = writeln!(page, "- Plan {}, playbook {}", report.plan, markdown_cell(&report.playbook));
    let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "not yet".to_owned());
    let _ = writeln!(
        page,
        "- Began {}, last step ended {}, report made {}",
        time(&report.began_at),
        time(&report.ended_at),
        report.made_at
    );
    for approval in &report.approvals {
        let what = approval.batch.as_ref().map_or("the plan", |batch| batch.as_str());
        let note = approval.note.as_deref().map(|note| format!(": {}", markdown_cell(note)));
        let _ = writeln!(
            page,
            "- Approved {} by {} at {}{}",
            markdown_cell(what),
            markdown_cell(&approval.by),
            approval.at,
            note.unwrap_or_default()
        );
    }
}

/// Whoever needs someone to do something.
fn needing(page: &mut String, report: &Report) {
    let failed: Vec<_> = report
        .people
        .iter()
        .filter_map(|person| Some((person, person.failure.as_ref()?)))
        .filter(|(person, _)| !person.is_moved())
        .collect();
    if failed.is_empty() {
        return;
    }
    page.push_str("\n## Who needs someone to look\n\n| person | standing | step | what failed | what to do |\n| --- | --- | --- | --- | --- |\n");
    for (person, failure) in failed.iter().take(LISTED) {
        let mut message = failure.message.clone();
        if !failure.left_behind.is_empty() {
            let _ = write!(message, " (left behind: {})", failure.left_behind.join(", "));
        }
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            markdown_cell(person.migration.as_str()),
            person.standing,
            failure.step,
            markdown_cell(&message),
            markdown_cell(failure.hint.as_deref().unwrap_or(""))
        );
    }
    more(page, failed.len());
}

fn people(page: &mut String, report: &Report) {
    page.push_str("\n## People\n\n| person | batch | space | standing | files | bytes | digest | home is on | not copied | held up |\n| --- | --- | --- | --- | ---: | ---: | --- | --- | ---: | ---: |\n");
    for person in report.people.iter().take(LISTED) {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            markdown_cell(person.migration.as_str()),
            person.batch,
            markdown_cell(person.space.as_str()),
            person.standing,
            proof_cells(person),
            held_up(person)
        );
    }
    more(page, report.people.len());
}

/// For how long, in words.
fn held_up(person: &PersonFacts) -> String {
    match person.held.as_ref().map(|held| held.minutes) {
        Some(Some(minutes)) => format!("{minutes} min"),
        Some(None) => "still".to_owned(),
        None => String::new(),
    }
}

fn proof_cells(person: &PersonFacts) -> String {
    let Some(proof) = &person.proof else { return " | | | | ".to_owned() };
    format!(
        "{} | {} | {} | {} {} | {}",
        grouped(proof.totals.files),
        bytes(proof.totals.bytes),
        proof.totals.digest.get(..12).unwrap_or(&proof.totals.digest),
        markdown_cell(&proof.evidence.device),
        markdown_cell(&proof.evidence.fstype),
        grouped(proof.left_behind())
    )
}

fn remarks(page: &mut String, report: &Report) {
    if report.people.iter().all(|person| person.remarks.is_empty()) {
        return;
    }
    page.push_str("\n## What cannot be undone, or was kept\n\n");
    for person in &report.people {
        for remark in &person.remarks {
            let _ = writeln!(
                page,
                "- {}: {}",
                markdown_cell(person.migration.as_str()),
                markdown_cell(remark)
            );
        }
    }
}

fn left_out(page: &mut String, report: &Report) {
    page.push_str("\n## Who was left out\n\n");
    if report.left_out.is_empty() {
        page.push_str("Nobody.\n");
        return;
    }
    page.push_str("| domain | who | why |\n| --- | --- | --- |\n");
    for one in report.left_out.iter().take(LISTED) {
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            markdown_cell(one.domain.as_str()),
            markdown_cell(&one.who),
            markdown_cell(&one.because)
        );
    }
    more(page, report.left_out.len());
}

/// Homes that nobody owns, and where each is.
fn orphans(page: &mut String, report: &Report) {
    let Some(words) = report.orphan_totals.words() else { return };
    let _ = writeln!(page, "\n## Homes that nobody owns\n\n{words}.\n");
    page.push_str("| home | domain | files | where it is |\n| --- | --- | ---: | --- |\n");
    for one in report.orphans.iter().take(LISTED) {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            markdown_cell(&one.name),
            markdown_cell(one.domain.as_deref().unwrap_or("none")),
            one.files.map_or_else(|| "not measured".to_owned(), grouped),
            markdown_cell(&one.is)
        );
    }
    more(page, report.orphans.len());
}

fn proof(page: &mut String, report: &Report) {
    let _ = writeln!(page, "\n## What the proof means\n");
    for sentence in super::html::PROOF {
        let _ = writeln!(page, "{sentence}\n");
    }
    let audit = &report.audit;
    let events = counted(audit.events, "event", "events");
    match audit.broken_at {
        None => {
            let _ = writeln!(
                page,
                "The audit trail holds {events} and is unbroken; its head is `{}`.",
                audit.head
            );
        }
        Some(at) => {
            let _ = writeln!(
                page,
                "**The audit trail is broken at event {at}** of {events}: it was changed."
            );
        }
    }
    let _ = writeln!(page, "\nMade by studio-migrate {}.", report.tool_version);
}

fn more(page: &mut String, count: usize) {
    if count > LISTED {
        let _ = writeln!(page, "\nand {} more", grouped((count - LISTED) as u64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cases;

    #[test]
    fn the_change_request_text() {
        insta::assert_snapshot!(markdown(&Report::from(cases::inputs())));
    }

    #[test]
    fn a_broken_trail_is_said_aloud() {
        let mut inputs = cases::inputs();
        inputs.audit.broken_at = Some(17);
        assert!(markdown(&Report::from(inputs)).contains("broken at event 17"));
    }
}
