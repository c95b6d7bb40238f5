//! Looking at snapshots: which there are, what changed between two, what holds for one person.

use serde_json::{Value, json};

use crate::cli::command::{self, latest_snapshot};
use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::{self, Change, Domain, Happened, Profile, Snapshot, Trust};
use crate::names::{SnapshotId, counted, to_the_second};

/// Lists the snapshots of the journal, the last one last.
pub(super) fn list(context: &Context) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let snapshots =
        journal.snapshots().map_err(|error| Failure::journal("list the snapshots", error))?;
    let mut table = command::table([
        "Snapshot",
        "Account",
        "Region",
        "Taken at",
        "Domains",
        "Profiles",
        "Homes measured",
    ]);
    for one in snapshots {
        table.add_row([
            one.id.to_string(),
            one.account,
            one.region,
            to_the_second(&one.taken_at),
            one.domains.to_string(),
            one.profiles.to_string(),
            one.homes.to_string(),
        ]);
    }
    context.ui.data(table);
    Ok(Exit::Done)
}

/// Says what changed between two snapshots.
pub(super) fn diff(
    context: &Context,
    earlier: &SnapshotId,
    later: Option<&SnapshotId>,
    format: Format,
) -> Result<Exit, Failure> {
    let journal = context.existing_journal()?;
    let read = |id: &SnapshotId| {
        journal.snapshot(id).map_err(|error| Failure::journal("read the snapshot", error))
    };
    let before = read(earlier)?;
    let after = match later {
        Some(id) => read(id)?,
        None => latest_snapshot(&journal)?,
    };
    let changes = inventory::diff(&before, &after)
        .map_err(|error| Failure::of(Exit::Unexpected, "compare the snapshots", error))?;
    if format == Format::Json {
        context.ui.data(command::json(&json!({
            "schema": 1,
            "earlier": before.id,
            "later": after.id,
            "changes": changes,
        }))?);
        return Ok(Exit::Done);
    }
    for change in &changes {
        context.ui.data(line(change));
    }
    context.ui.status(format_args!(
        "{} between {} of {} and {} of {}{}",
        command::count(changes.len(), "difference"),
        before.id.as_ref().map_or("?", SnapshotId::as_str),
        to_the_second(&before.taken_at),
        after.id.as_ref().map_or("?", SnapshotId::as_str),
        to_the_second(&after.taken_at),
        if before.taken_at == after.taken_at {
            ": one inventory, and another table of people"
        } else {
            ""
        }
    ));
    Ok(Exit::Done)
}

fn line(change: &Change) -> String {
    let Change { kind, subject, field, .. } = change;
    match change.happened {
        Happened::Came => format!("+ {kind} {subject}"),
        Happened::Went => format!("- {kind} {subject}"),
        Happened::Changed => format!(
            "~ {kind} {subject}: {field}: {} -> {}",
            plain(&change.before),
            plain(&change.after)
        ),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Shows what holds for one person.
pub(super) fn show(context: &Context, who: &str) -> Result<Exit, Failure> {
    let snapshot = latest_snapshot(&context.existing_journal()?)?;
    let (domain, profile) = find(&snapshot, who)?;
    let mut table = command::table(["Setting", "Value", "From"]);
    let origins = profile
        .own
        .origins(&domain.defaults)
        .map_err(|error| Failure::of(Exit::Unexpected, "tell the settings", error))?;
    for (name, value, origin) in origins {
        let from = match origin {
            crate::aws::Origin::Profile => "profile",
            crate::aws::Origin::Domain => "domain",
            crate::aws::Origin::Both => "profile and domain",
        };
        table.add_row([name, plain(&value), from.to_owned()]);
    }
    context.ui.data(format_args!("{}/{}: {}", domain.id, profile.name, profile.status));
    let note = &profile.note;
    let taken = match note.take {
        Some(true) => "yes",
        Some(false) => "no",
        None => "as the playbook says",
    };
    let said = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!(", {name} {value}")).unwrap_or_default()
    };
    context.ui.data(format_args!(
        "table of people: to move: {taken}{}{}{}{}",
        said("reason", &note.reason),
        said("owner", &note.owner),
        said("cost centre", &note.cost_centre),
        said("wave", &note.wave)
    ));
    context.ui.data(table);
    context.ui.data("What is not listed is set nowhere, and AWS's default holds.");
    let home = profile.home_uid.as_ref().map_or("none", |uid| uid.as_str());
    match &profile.home {
        Some(measured) => context.ui.data(format_args!(
            "Home {home}: {}, {}{}",
            counted(measured.files, "file", "files"),
            command::bytes(measured.bytes),
            as_of(&profile.trust)
        )),
        None => context.ui.data(format_args!("Home {home}: not measured")),
    }
    for app in domain.apps.iter().filter(|app| app.profile.as_ref() == Some(&profile.name)) {
        let since = app.created_at.as_deref().map_or("an unknown time".to_owned(), to_the_second);
        context
            .ui
            .data(format_args!("App {} {}: {} since {since}", app.app_type, app.name, app.status));
    }
    for opened in &profile.opened_by {
        context.ui.data(format_args!(
            "Opened by {}, {}, last {}",
            opened.by,
            command::count(opened.times as usize, "time"),
            opened.last
        ));
    }
    Ok(Exit::Done)
}

/// What is to be said of a measure that is not of the same inventory.
fn as_of(trust: &Trust) -> String {
    let seen = |at: &String| {
        format!(", as the inventory of {} saw it; another home was there since", to_the_second(at))
    };
    trust.as_of.as_ref().map(seen).unwrap_or_default()
}

fn find<'a>(snapshot: &'a Snapshot, who: &str) -> Result<(&'a Domain, &'a Profile), Failure> {
    let (domain, name) = match who.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, who),
    };
    let found: Vec<_> = snapshot
        .people()
        .filter(|(of, profile)| {
            domain.is_none_or(|domain| of.id.as_str() == domain)
                && profile.name.as_str().eq_ignore_ascii_case(name)
        })
        .collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::usage(format!("there is no profile {who} in the last snapshot"))),
        several => {
            let names: Vec<_> =
                several.iter().map(|(domain, p)| format!("{}/{}", domain.id, p.name)).collect();
            Err(Failure::usage(format!("{who} may be {}", names.join(" or ")))
                .hinted("name the domain too: <domain>/<profile>"))
        }
    }
}
