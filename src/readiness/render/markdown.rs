//! The pre-migration report as Markdown, for a ticket or a pull request.

use std::fmt::Write as _;

use super::text;
use super::text::{bytes, counted, grouped, markdown_cell, markdown_prose};
use crate::readiness::assess::{Looked, Readiness};
use crate::readiness::catalogue::explain;
use crate::readiness::doors::is_one_way;
use crate::readiness::estimate::{Estimate, Range};
use crate::readiness::finding::{Finding, Severity};

/// Findings of a group that are listed; the CSV and the JSON have all.
const LISTED: usize = 50;

/// Renders readiness as Markdown.
pub fn markdown(readiness: &Readiness) -> String {
    let mut page = String::new();
    head(&mut page, readiness);
    doors(&mut page, readiness);
    verdicts(&mut page, readiness);
    costs(&mut page, &readiness.estimate);
    blocked(&mut page, readiness);
    let groups = readiness
        .findings
        .chunk_by(|a, b| a.code == b.code && a.severity == b.severity)
        .filter_map(|chunk| Some((chunk.first()?, chunk)));
    page.push_str("\n## Findings\n");
    if readiness.findings.is_empty() {
        page.push_str("\nNo rule found anything.\n");
    }
    for (first, chunk) in groups {
        group(&mut page, first, chunk);
    }
    suppressed(&mut page, readiness);
    out_of_scope(&mut page, readiness);
    unseen(&mut page, readiness);
    page
}

fn head(page: &mut String, readiness: &Readiness) {
    let homes = readiness.homes();
    let _ = writeln!(
        page,
        "# Readiness: {} of {} people are ready\n",
        grouped(readiness.ready as u64),
        grouped(readiness.people as u64)
    );
    let counts: Vec<_> = Severity::ALL
        .into_iter()
        .map(|severity| {
            let many =
                if severity == Severity::Advice { "advice" } else { &format!("{severity}s") };
            counted(readiness.count(severity) as u64, severity.name(), many)
        })
        .collect();
    let _ = writeln!(page, "{}.\n", counts.join(", "));
    for target in &readiness.missing_targets {
        let target = markdown_cell(target);
        let _ = writeln!(page, "**Not in this report:** {target}, a target without a snapshot.\n");
    }
    if homes.unmeasured > 0 {
        let homes = counted(homes.unmeasured as u64, "home was", "homes were");
        let _ =
            writeln!(page, "**{homes} not measured, so nobody knows whether they fit (SM301).**\n");
    }
    for one in readiness.of_accounts() {
        let (title, seen) = (markdown_cell(&one.title), markdown_cell(&one.evidence));
        let _ = writeln!(page, "For the whole account: {title}: {seen} ({})\n", one.code);
    }
    let _ = writeln!(page, "- Playbook {}", markdown_cell(&readiness.playbook));
    for looked in &readiness.targets {
        seen(page, looked);
    }
    let _ = writeln!(
        page,
        "- Homes: {} measured with {} in {}, largest {}; {} not measured",
        grouped(homes.measured as u64),
        bytes(homes.bytes),
        counted(homes.files, "file", "files"),
        bytes(homes.largest),
        grouped(homes.unmeasured as u64)
    );
}

fn seen(page: &mut String, looked: &Looked) {
    let or_unknown = |text: Option<&str>| markdown_cell(text.unwrap_or("unknown"));
    let domains: Vec<_> = looked
        .domains
        .iter()
        .map(|domain| {
            let people = counted(domain.people as u64, "person", "people");
            format!("{} ({}, {people})", markdown_cell(&domain.name), domain.id)
        })
        .collect();
    let _ = writeln!(
        page,
        "- Account {}, Region {}, seen {} by {}, snapshot {}; domains {}",
        or_unknown(looked.account.as_ref().map(AsRef::as_ref)),
        or_unknown(looked.region.as_ref().map(AsRef::as_ref)),
        markdown_cell(&looked.taken_at),
        markdown_cell(&looked.caller),
        looked.id.as_ref().map_or("not kept", |id| id.as_str()),
        if domains.is_empty() { "none in scope".to_owned() } else { domains.join(", ") }
    );
}

fn doors(page: &mut String, readiness: &Readiness) {
    let doors: Vec<_> = readiness.findings.iter().filter(|one| is_one_way(&one.code)).collect();
    page.push_str("\n## What cannot be undone\n\n");
    for said in [
        "A Classic app that is stopped can never be started again.",
        "A volume can grow once in six hours and never shrink; the owner of a space can never be changed.",
        "The Classic file system cannot be dropped while its domain lives. Homes are read, and never written or deleted.",
    ] {
        let _ = writeln!(page, "- {said}");
    }
    for one in doors.iter().take(LISTED) {
        let about = markdown_cell(&one.subject.to_string());
        let (title, seen) = (markdown_cell(&one.title), markdown_cell(&one.evidence));
        let _ = writeln!(page, "- {about}: {title}: {seen} ({})", one.code);
    }
    more(page, doors.len());
}

fn verdicts(page: &mut String, readiness: &Readiness) {
    if readiness.groups.is_empty() {
        return;
    }
    page.push_str("\n## Verdicts\n\n| group | verdict | people | ready | of them with warnings | blocked |\n| --- | --- | --- | --- | --- | --- |\n");
    for group in &readiness.groups {
        let _ = writeln!(
            page,
            "| {} {} | {} | {} | {} | {} | {} |",
            group.kind,
            markdown_cell(&group.name),
            group.verdict,
            group.people,
            group.ready,
            group.with_warnings,
            group.blocked
        );
    }
}

fn costs(page: &mut String, estimate: &Estimate) {
    let _ = writeln!(
        page,
        "\n## Time and cost\n\n{} minutes a person, {} hours for everyone, {} at once; {} not measured.\n",
        span(estimate.minutes_a_person),
        span(estimate.hours),
        estimate.at_once,
        counted(estimate.unmeasured as u64, "home was", "homes were")
    );
    page.push_str("| when | what | USD | reckoned from |\n| --- | --- | --- | --- |\n");
    for cost in &estimate.costs {
        let (what, how) = (markdown_cell(&cost.what), markdown_cell(&cost.how));
        let _ = writeln!(page, "| {} | {what} | {} | {how} |", cost.when, span(cost.usd));
    }
    let _ = writeln!(page, "\nPrices: {}.", markdown_cell(&estimate.prices));
}

fn span(range: Range) -> String {
    text::span(range.low, range.high)
}

fn blocked(page: &mut String, readiness: &Readiness) {
    if readiness.blocked.is_empty() {
        return;
    }
    page.push_str("\n## Who is blocked\n\n| domain | person | by |\n| --- | --- | --- |\n");
    for one in readiness.blocked.iter().take(LISTED) {
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            markdown_cell(one.domain.as_str()),
            markdown_cell(one.profile.as_str()),
            one.codes.join(", ")
        );
    }
    more(page, readiness.blocked.len());
}

fn group(page: &mut String, first: &Finding, chunk: &[Finding]) {
    let _ = writeln!(
        page,
        "\n### {} ({}): {}",
        first.code,
        first.severity,
        markdown_cell(&first.title)
    );
    if let Some(rule) = explain(&first.code) {
        let _ = writeln!(page, "\n{}", markdown_prose(rule.cause));
    }
    page.push_str("\n| about | what was seen |\n| --- | --- |\n");
    for finding in chunk.iter().take(LISTED) {
        let _ = writeln!(
            page,
            "| {} | {} |",
            markdown_cell(&finding.subject.to_string()),
            markdown_cell(&finding.evidence)
        );
    }
    more(page, chunk.len());
    let is_same = chunk.iter().all(|finding| finding.remedy == first.remedy);
    let remedy = match explain(&first.code) {
        Some(rule) if !is_same => rule.remedy,
        _ => first.remedy.as_str(),
    };
    let _ = writeln!(page, "\n**What to do.** {}", markdown_prose(remedy));
}

fn more(page: &mut String, count: usize) {
    if count > LISTED {
        let _ = writeln!(page, "\nand {} more", grouped((count - LISTED) as u64));
    }
}

fn suppressed(page: &mut String, readiness: &Readiness) {
    if readiness.suppressed.is_empty() {
        return;
    }
    page.push_str("\n## What someone answers for\n\n| finding | about | what was seen | why it does not count | who answers | until |\n| --- | --- | --- | --- | --- | --- |\n");
    for one in &readiness.suppressed {
        let _ = writeln!(
            page,
            "| {} ({}) {} | {} | {} | {} | {} | {} |",
            one.finding.code,
            one.finding.severity,
            markdown_cell(&one.finding.title),
            markdown_cell(&one.about),
            markdown_cell(&one.finding.evidence),
            markdown_cell(&one.reason),
            markdown_cell(&one.owner),
            one.until
        );
    }
}

fn out_of_scope(page: &mut String, readiness: &Readiness) {
    if readiness.out_of_scope.is_empty() {
        return;
    }
    page.push_str("\n## Who is not in scope\n\n| domain | person | why |\n| --- | --- | --- |\n");
    for one in readiness.out_of_scope.iter().take(LISTED) {
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            markdown_cell(one.domain.as_str()),
            markdown_cell(one.profile.as_str()),
            markdown_cell(&one.because)
        );
    }
    more(page, readiness.out_of_scope.len());
}

fn unseen(page: &mut String, readiness: &Readiness) {
    page.push_str("\n## What could not be seen\n\n");
    let unseen: Vec<_> = readiness.targets.iter().flat_map(|looked| &looked.unseen).collect();
    if unseen.is_empty() {
        page.push_str("Everything that was asked was answered.\n");
        return;
    }
    page.push_str("| asked | about | why not |\n| --- | --- | --- |\n");
    for one in unseen {
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            markdown_cell(&one.what),
            markdown_cell(&one.subject),
            markdown_cell(&one.why)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::cases;

    #[test]
    fn the_ticket_text() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].profiles[0].effective.auto_mount = Some("Disabled".to_owned());
        snapshot.domains[0].profiles[1].own.landing = Some("app:JupyterServer:".to_owned());
        insta::assert_snapshot!(markdown(&Readiness::of(&snapshot, &playbook)));
    }

    #[test]
    fn a_name_cannot_become_markup() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].profiles[0].name = "<script>|x".into();
        snapshot.domains[0].profiles[0].home_uid = None;
        let page = markdown(&Readiness::of(&snapshot, &playbook));
        assert!(page.contains("| &lt;script>\\|x |"), "{page}");
    }
}
