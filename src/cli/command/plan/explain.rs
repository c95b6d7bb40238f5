//! `plan explain`: all that a plan means for one person.

use super::show::headline;
use crate::cli::command::bytes;
use crate::cli::command::mounted::as_if_mounted;
use crate::cli::{Context, Failure};
use crate::journal::Journal;
use crate::plan::{self, Batch, Migration, Plan, Route};
use crate::playbook::{AutoMount, ClassicApps};
use crate::readiness::{Subject, assess};

/// Says what happens to a person, when, and why; or why nothing does.
pub(super) fn explain(
    context: &Context,
    journal: &Journal,
    plan: &Plan,
    who: &str,
) -> Result<(), Failure> {
    let ui = context.ui;
    let is_it = |domain: &str, name: &str| {
        name.eq_ignore_ascii_case(who) || format!("{domain}/{name}").eq_ignore_ascii_case(who)
    };
    let mut met = false;
    for (batch, migration) in plan.migrations() {
        if is_it(migration.domain.as_str(), migration.name().as_str()) {
            met = true;
            moved(context, plan, batch, migration);
            findings(context, journal, plan, migration)?;
        }
    }
    for left in plan.left_out.iter().filter(|left| is_it(left.domain.as_str(), &left.who)) {
        met = true;
        ui.data(format_args!(
            "{}/{} stays on Classic by plan {}: {}",
            left.domain, left.who, plan.id, left.because
        ));
    }
    if met {
        return Ok(());
    }
    Err(Failure::usage(format!("plan {} knows nobody called {who}", plan.id))
        .hinted("give `profile` or `domain/profile`; `plan show` names everyone"))
}

fn moved(context: &Context, plan: &Plan, batch: &Batch, migration: &Migration) {
    let ui = context.ui;
    let playbook = &plan.playbook;
    ui.data(format_args!("{} moves in {} of plan {}", migration.id, headline(batch), plan.id));
    ui.data(format_args!("  why there: {}", migration.because));
    let size = migration.bytes.map_or_else(|| "a home that was not measured".to_owned(), bytes);
    let into = match plan.folder(migration) {
        "" => "its home".to_owned(),
        folder => format!("the folder {folder}"),
    };
    ui.data(format_args!(
        "  what: {size} from directory /{} into {into} in the space {}, on {} GiB",
        migration.home_uid, migration.space, migration.volume_gb
    ));
    let apps = match playbook.classic_apps {
        ClassicApps::Stop => "Classic apps are stopped, for good",
        ClassicApps::RequireStopped => "nothing happens while a Classic app of theirs runs",
        ClassicApps::Leave => "Classic apps are left running, and may write meanwhile",
    };
    let hidden = migration.visibility.as_ref().map(|hidden| {
        let names: Vec<&str> =
            hidden.app_types.iter().chain(&hidden.tools).map(String::as_str).collect();
        format!("; {} are hidden from them, as from all of {}", names.join(", "), hidden.group)
    });
    let in_two = playbook.passes == 2 && migration.route == Route::InSpace;
    let apps = match in_two {
        true => format!("most is copied while they work on (`run --until hydrate`); then {apps}"),
        false => apps.to_owned(),
    };
    let steps = [
        apps,
        if let Some(shared) = &migration.shared {
            format!(
                "a shared {} space {} is made for {shared}, owned by {}",
                migration.app, migration.space, migration.profile
            )
        } else if migration.is_reused {
            format!("{}, a {} space of theirs, is got ready", migration.space, migration.app)
        } else {
            format!(
                "a private {} space {} is made, owned by {}",
                migration.app, migration.space, migration.profile
            )
        },
        format!(
            "its app starts on {} with the script {}, which {}",
            playbook.target.instance_type,
            migration.hook,
            match migration.route {
                Route::InSpace => "copies the home that is mounted there",
                Route::DataSync => {
                    "unpacks what DataSync fetches before, sealed into the staging bucket"
                }
                Route::Packed =>
                    "unpacks what this machine packs before, sealed, into the staging bucket",
            }
        ),
        "what was copied is proven, and listed what was not".to_owned(),
        if let Some(part) = migration.team.as_ref().filter(|part| part.whose.is_none()) {
            format!(
                "once what people claim is proven, too, profile {} is closed: StudioWebPortal DISABLED; it is not deleted",
                part.profile
            )
        } else if migration.shared.is_some() {
            "nobody's landing page changes".to_owned()
        } else {
            format!(
                "the landing page becomes the new Studio, by the profile's own settings{}",
                hidden.unwrap_or_default()
            )
        },
        "the app is stopped; settings and proof are looked at again".to_owned(),
    ];
    for (number, step) in (1..).zip(steps) {
        ui.data(format_args!("  {number}. {step}"));
    }
    let hidden = if playbook.experience.hide_classic { ", and Classic is hidden" } else { "" };
    let mount = match playbook.experience.auto_mount {
        AutoMount::Leave => "stays mounted in the new space",
        AutoMount::Disable => "is mounted no more",
    };
    if migration.route == Route::InSpace {
        ui.data(format_args!("  after the cut-over of the domain the old home {mount}{hidden}"));
    }
    let space = if migration.shared.is_some() {
        "deletes the space only with --delete-spaces, because anyone may have worked in it"
            .to_owned()
    } else if migration.is_reused {
        "puts the settings back and keeps the space, which is theirs".to_owned()
    } else {
        format!(
            "puts the settings back, and deletes the space unless {} may have worked in it",
            migration.profile
        )
    };
    ui.data(format_args!(
        "  back: `studio-migrate rollback --user {}` {space}; the home on EFS is never written",
        migration.name()
    ));
}

/// What readiness says of them, and what has changed since.
fn findings(
    context: &Context,
    journal: &Journal,
    plan: &Plan,
    migration: &Migration,
) -> Result<(), Failure> {
    let failed = |error| Failure::journal("read the snapshot", error);
    let mut snapshot = journal.snapshot(&plan.snapshot).map_err(failed)?;
    as_if_mounted(journal, &mut snapshot)?;
    let found = assess(&snapshot, &plan.playbook);
    for (subject, of) in subjects(migration) {
        for finding in found.iter().filter(|one| one.subject == subject) {
            context.ui.data(format_args!(
                "  {of}{} ({}): {}: {}",
                finding.code, finding.severity, finding.title, finding.evidence
            ));
        }
    }
    let Some(mut latest) = journal.latest_snapshot().map_err(failed)? else { return Ok(()) };
    let is_of_it = latest.account.as_ref() == Some(&plan.account)
        && latest.region.as_ref() == Some(&plan.region);
    if latest.id.as_ref() == Some(&plan.snapshot) || !is_of_it {
        return Ok(());
    }
    as_if_mounted(journal, &mut latest)?;
    for change in plan::drift_of(plan, migration, &latest) {
        context.ui.data(format_args!("  changed since the plan was drawn up: {change}"));
    }
    Ok(())
}

/// Whose findings concern a migration, and how they are introduced: what is found of a profile that a team shared is not found of
/// the person who has a part of its home.
fn subjects(migration: &Migration) -> Vec<(Subject, String)> {
    let domain = &migration.domain;
    let own = || Subject::profile(domain, &migration.profile);
    match (&migration.team, &migration.shared) {
        (Some(part), _) => {
            let team = Subject::profile(domain, &part.profile);
            let of = format!("of {}, which the team shared: ", part.profile);
            match part.whose {
                Some(_) => vec![(own(), String::new()), (team, of)],
                None => vec![(team, of)],
            }
        }
        (None, Some(space)) => vec![(Subject::space(domain, space), String::new())],
        (None, None) => vec![(own(), String::new())],
    }
}
