//! `team check`: what a table of teams means, before anything is done by it.

use std::path::Path;

use crate::cli::command::{self, bytes};
use crate::cli::{Context, Exit, Failure};
use crate::inventory::{Snapshot, TeamRow};
use crate::mover::{Claims, shares};
use crate::names::counted;

/// Says what is wrong with a table, and, where the homes can be looked at, who gets how much of them.
pub(super) fn check(context: &Context, path: &Path, mount: Option<&Path>) -> Result<Exit, Failure> {
    let table = super::table(context, path)?;
    let snapshot = command::latest_snapshot(&context.existing_journal()?)?;
    super::refuse(&table.problems(&snapshot))?;
    super::warn(context, &table, &snapshot);
    let mut teams: Vec<&TeamRow> = Vec::new();
    for row in &table.rows {
        if !teams.iter().any(|one| one.domain == row.domain && one.team == row.team) {
            teams.push(row);
        }
    }
    let (mut problems, mut is_blocked) = (Vec::new(), false);
    for team in teams {
        let rows: Vec<_> = table
            .rows
            .iter()
            .filter(|row| row.domain == team.domain && row.team == team.team)
            .collect();
        let names: Vec<_> = rows.iter().map(|row| row.profile.as_str()).collect();
        context.ui.data(format_args!(
            "{}/{}: {}; {} owns the shared space",
            team.domain,
            team.team,
            names.join(", "),
            names.first().copied().unwrap_or_default()
        ));
        if let Some(mount) = mount {
            let (conflicts, unmatched) = look(context, &snapshot, team, &rows, mount)?;
            problems.extend(conflicts);
            is_blocked |= unmatched > 0;
        }
    }
    super::refuse(&problems)?;
    // Nobody's part is packed while a claim of theirs matches nothing.
    Ok(if is_blocked { Exit::Blocked } else { Exit::Done })
}

/// Says who gets how much of a team's home, and returns what two people claim and how many claims match nothing.
fn look(
    context: &Context,
    snapshot: &Snapshot,
    team: &TeamRow,
    rows: &[&TeamRow],
    mount: &Path,
) -> Result<(Vec<String>, usize), Failure> {
    let domain = snapshot.domains.iter().find(|domain| domain.id == team.domain);
    let profile = domain.and_then(|domain| domain.profile(&team.team));
    let (Some(system), Some(uid)) = (
        domain.and_then(|domain| domain.file_system.as_ref()),
        profile.and_then(|profile| profile.home_uid.as_ref()),
    ) else {
        return Err(Failure::usage(format!("{}/{} has no home", team.domain, team.team)));
    };
    let home = mount.join(system.as_str()).join(uid.as_str());
    let claims: Vec<_> = rows
        .iter()
        .map(|row| Claims {
            who: format!("{} (line {})", row.profile, row.line),
            patterns: row.own.clone(),
        })
        .collect();
    let found = shares(&home, &claims, true).map_err(|error| {
        Failure::of(Exit::Usage, format!("look at {}", home.display()), error).hinted(format!(
            "mount {system} at a folder of that name, and give the folder above it with --mount"
        ))
    })?;
    let unmatched = found.each.iter().map(|share| share.unmatched.len()).sum();
    for (row, share) in rows.iter().zip(&found.each) {
        if !row.own.is_empty() {
            context.ui.data(format_args!(
                "  {}: {} ({}) of their own",
                row.profile,
                files(share.files),
                bytes(share.bytes)
            ));
        }
        for pattern in &share.unmatched {
            context.ui.warning(format_args!(
                "line {}: `{pattern}` of {} matches nothing; while that stands, what is theirs is not packed",
                row.line, row.profile
            ));
        }
    }
    context.ui.data(format_args!(
        "  the shared space: {} ({})",
        files(found.rest_files),
        bytes(found.rest_bytes)
    ));
    for folder in &found.unread {
        context.ui.warning(format_args!("{folder} cannot be looked into"));
    }
    Ok((found.conflicts, unmatched))
}

fn files(number: u64) -> String {
    counted(number, "file", "files")
}
