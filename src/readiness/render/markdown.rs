//! The pre-migration report as Markdown, for a ticket or a pull request.

use std::fmt::Write as _;

use super::text::{bytes, counted, grouped, markdown_cell, markdown_prose};
use crate::inventory::Snapshot;
use crate::readiness::assess::Readiness;
use crate::readiness::catalogue::explain;
use crate::readiness::finding::{Finding, Severity};

/// Findings of a group that are listed; the CSV and the JSON have all.
const LISTED: usize = 50;

/// Renders readiness as Markdown.
pub fn markdown(snapshot: &Snapshot, readiness: &Readiness) -> String {
    let mut page = String::new();
    head(&mut page, readiness);
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
    unseen(&mut page, snapshot);
    page
}

fn head(page: &mut String, readiness: &Readiness) {
    let Some(looked) = readiness.targets.first() else { return };
    let homes = &looked.homes;
    let or_unknown = |text: Option<&str>| markdown_cell(text.unwrap_or("unknown"));
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
    let _ = writeln!(
        page,
        "- Account {}, Region {}",
        or_unknown(looked.account.as_ref().map(AsRef::as_ref)),
        or_unknown(looked.region.as_ref().map(AsRef::as_ref))
    );
    let _ = writeln!(
        page,
        "- Seen {} by {}, snapshot {}",
        markdown_cell(&looked.taken_at),
        markdown_cell(&looked.caller),
        looked.id.as_ref().map_or("not kept", |id| id.as_str())
    );
    let domains: Vec<_> = looked
        .domains
        .iter()
        .map(|(domain, people)| {
            let people = counted(*people as u64, "person", "people");
            format!("{} ({people})", markdown_cell(domain.as_str()))
        })
        .collect();
    let domains = if domains.is_empty() { "none in scope".to_owned() } else { domains.join(", ") };
    let _ = writeln!(page, "- Playbook {}, domains {domains}", markdown_cell(&readiness.playbook));
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

fn unseen(page: &mut String, snapshot: &Snapshot) {
    page.push_str("\n## What could not be seen\n\n");
    if snapshot.unseen.is_empty() {
        page.push_str("Everything that was asked was answered.\n");
        return;
    }
    page.push_str("| asked | about | why not |\n| --- | --- | --- |\n");
    for one in &snapshot.unseen {
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
        insta::assert_snapshot!(markdown(&snapshot, &Readiness::of(&snapshot, &playbook)));
    }

    #[test]
    fn a_name_cannot_become_markup() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].profiles[0].name = "<script>|x".into();
        snapshot.domains[0].profiles[0].home_uid = None;
        let page = markdown(&snapshot, &Readiness::of(&snapshot, &playbook));
        assert!(page.contains("| &lt;script>\\|x |"), "{page}");
    }
}
