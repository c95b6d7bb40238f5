//! `plan export` and `plan import`: a pack for a change board, and what people changed in its table as constraints.

use std::collections::BTreeMap;
use std::path::Path;

use csv::ReaderBuilder;

use super::show;
use crate::cli::command::{checked, json, write_file, write_table};
use crate::cli::{Context, Exit, Failure};
use crate::inventory::{CSV_BOM, csv_line};
use crate::journal::Journal;
use crate::names::{BatchName, ProfileName};
use crate::plan::Plan;
use crate::playbook::{BatchList, Batches, Playbook};
use crate::readiness::{self, Readiness};

/// The columns of the table; `plan import` reads the first three.
const COLUMNS: [&str; 11] = [
    "domain",
    "profile",
    "batch",
    "not_before",
    "ends_by",
    "bytes",
    "files",
    "space",
    "volume_gb",
    "gates",
    "because",
];

/// What stands in the column `batch` of whoever is left out.
const NOWHERE: &str = "-";

/// Writes a pack: the plan as a page and as JSON, the readiness that it stands on, and the table of everyone.
pub(super) fn export(
    context: &Context,
    journal: &Journal,
    plan: &Plan,
    folder: &Path,
) -> Result<Exit, Failure> {
    let failed = |error| Failure::journal("read the plan's snapshot", error);
    let approvals = journal.approvals(&plan.id).map_err(failed)?;
    let snapshot = journal.snapshot(&plan.snapshot).map_err(failed)?;
    let mut report = Readiness::of(&snapshot, &plan.playbook);
    let batches = plan
        .migrations()
        .map(|(batch, one)| ((one.domain.clone(), one.name()), batch.name.to_string()));
    report.in_batches(&batches.collect());
    let rendered = readiness::html(std::slice::from_ref(&snapshot), &report)
        .map_err(|error| Failure::of(Exit::Unexpected, "render the page", error))?;
    write_table(&folder.join("people.csv"), &people(plan))?;
    show::page(plan, &approvals, &folder.join("plan.html"))?;
    write_file(&folder.join("plan.json"), &json(plan)?)?;
    write_file(&folder.join("readiness.html"), &rendered)?;
    write_file(&folder.join("findings.csv"), &readiness::csv(&report))?;
    let playbook = serde_saphyr::to_string(&plan.playbook)
        .map_err(|error| Failure::of(Exit::Unexpected, "write the playbook", error))?;
    write_file(&folder.join("playbook.yaml"), &playbook)?;
    context.ui.data(format_args!(
        "Plan {} in {}: plan.html, plan.json, readiness.html, findings.csv, people.csv, playbook.yaml",
        plan.id,
        folder.display()
    ));
    Ok(Exit::Done)
}

fn people(plan: &Plan) -> String {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(COLUMNS));
    for (batch, one) in plan.migrations() {
        let slot = batch.slot.as_ref();
        table.push_str(&csv_line([
            one.domain.to_string(),
            one.name().to_string(),
            batch.name.to_string(),
            slot.map(|slot| slot.from.to_string()).unwrap_or_default(),
            slot.map(|slot| slot.to.to_string()).unwrap_or_default(),
            number(one.bytes),
            number(one.files),
            one.space.to_string(),
            one.volume_gb.to_string(),
            batch.gates.join(" "),
            one.because.clone(),
        ]));
    }
    for left in &plan.left_out {
        let mut row = vec![String::new(); COLUMNS.len()];
        row[0] = left.domain.to_string();
        row[1].clone_from(&left.who);
        NOWHERE.clone_into(&mut row[2]);
        left.because.clone_into(&mut row[COLUMNS.len() - 1]);
        table.push_str(&csv_line(row));
    }
    table
}

/// Tells whether a row is of a Classic shared space, or of what a team shared.
fn is_shared(name: &str) -> bool {
    name.starts_with("space.") || name.starts_with("team.")
}

/// Reads the table back: whoever is in a batch there is to be in that batch, and who has no batch is left to the planner.
/// Whom the plan moved and the table marks with `-` is excluded.
pub(super) fn constrained(plan: &Plan, path: &Path) -> Result<Playbook, Failure> {
    let what = || format!("read {}", path.display());
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::of(Exit::Usage, what(), error))?;
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let failed = |error| Failure::of(Exit::Usage, what(), error);
    let header = reader.headers().map_err(failed)?.clone();
    let place = |name: &str| header.iter().position(|column| column.trim() == name);
    let (Some(domain), Some(profile), Some(batch)) =
        (place("domain"), place("profile"), place("batch"))
    else {
        return Err(Failure::usage(format!(
            "{} has no columns `domain`, `profile` and `batch`",
            path.display()
        ))
        .hinted("`studio-migrate plan export DIR` writes one to begin with"));
    };
    let movable: BTreeMap<String, &BatchName> = plan
        .migrations()
        .map(|(batch, one)| (one.id.as_str().to_ascii_lowercase(), &batch.name))
        .collect();
    let mut wanted: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_edited = false;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut playbook = plan.playbook.clone();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: usize| {
            record.get(at).unwrap_or_default().trim().trim_start_matches('\'').to_owned()
        };
        let (id, name) = (format!("{}/{}", cell(domain), cell(profile)), cell(batch));
        let now = movable.get(&id.to_ascii_lowercase());
        if now.is_none() {
            // What cannot move stays out, whatever the table says; that it is asked for is told.
            if name.is_empty() || name == NOWHERE {
                continue;
            }
            return Err(Failure::usage(format!(
                "line {line}: {id} is not moved by plan {}",
                plan.id
            ))
            .hinted(format!("`studio-migrate plan explain {id}` says why; mend that first")));
        }
        match name.as_str() {
            "" => {}
            _ if is_shared(&cell(profile)) && name != NOWHERE => {
                if now.is_some_and(|now| now.as_str() != name) {
                    return Err(Failure::usage(format!(
                        "line {line}: {id} goes with the shared spaces, after the people"
                    ))
                    .hinted("leave its batch as it is"));
                }
            }
            NOWHERE if is_shared(&cell(profile)) => {
                return Err(Failure::usage(format!(
                    "line {line}: a shared space cannot be left out by the table"
                ))
                .hinted("`routes.shared_spaces: leave` in the playbook leaves all of them out; a team stays where its table (`inventory --teams`) does not name it"));
            }
            NOWHERE => {
                let others = plan
                    .migrations()
                    .filter(|(_, one)| one.name().as_str().eq_ignore_ascii_case(&cell(profile)));
                if others.count() > 1 {
                    return Err(Failure::usage(format!(
                        "line {line}: {} is a profile of several domains, and would be left out of all",
                        cell(profile)
                    ))
                    .hinted("use `take` = `no` in the table of people (`inventory scope`)"));
                }
                playbook.scope.exclude.push(cell(profile));
            }
            _ => {
                is_edited |=
                    number_of(&name).is_some() && now.is_some_and(|now| now.as_str() != name);
                let at = *places.entry(name.clone()).or_insert_with(|| {
                    wanted.push((name.clone(), Vec::new()));
                    wanted.len() - 1
                });
                if let Some((_, people)) = wanted.get_mut(at) {
                    people.push(id);
                }
            }
        }
    }
    order(&mut wanted, plan);
    // Batches that were made up are the planner's to make up again, unless somebody moved people between them: then they
    // become lists, so that everyone is where the table says.
    if is_edited {
        for (name, _) in &mut wanted {
            if let Some(number) = number_of(name) {
                *name = format!("wave-{number}");
            }
        }
        for gate in &mut playbook.gates {
            if let Some(number) = number_of(gate.before.as_str()) {
                gate.before = BatchName::new(format!("wave-{number}"));
            }
        }
    } else {
        wanted.retain(|(name, _)| number_of(name).is_none());
    }
    playbook.batches.pilot.clear();
    playbook.batches.pilot_users = 0;
    playbook.batches.canary_users = 0;
    playbook.batches.lists.clear();
    for (name, people) in wanted {
        if name == Batches::pilot_name().as_str() {
            let names = people.iter().filter_map(|id| id.split_once('/'));
            playbook.batches.pilot = names.map(|(_, name)| ProfileName::from(name)).collect();
        } else {
            playbook.batches.lists.push(BatchList { name: BatchName::from(name), people });
        }
    }
    checked(playbook, "the table cannot be planned with")
}

/// The number of a batch that was made up: `batch-3`.
fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix("batch-")?.parse().ok()
}

/// Batches that the plan knows keep its order; new ones follow in that of the table.
fn order(wanted: &mut [(String, Vec<String>)], plan: &Plan) {
    let place = |name: &str| {
        plan.batches.iter().position(|batch| batch.name.as_str() == name).unwrap_or(usize::MAX)
    };
    wanted.sort_by_key(|(name, _)| place(name));
}
