//! `mover copy`: one directory, copied and proven.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use crate::cli::{Context, Exit, Failure};
use crate::mover::{self, Order, Rules};
use crate::playbook::Conflict;

pub(super) fn order(
    source: &Path,
    destination: &Path,
    playbook: Option<&str>,
) -> Result<Order, Failure> {
    let (rules, conflict) = match playbook {
        None => (Vec::new(), Conflict::default()),
        Some(name) => {
            let playbook = crate::cli::command::playbook(name)?;
            (playbook.leave_out, playbook.placement.conflict)
        }
    };
    let rules = Rules::new(rules)
        .map_err(|error| Failure::of(Exit::Usage, "read the leave-out rules", error))?;
    Ok(Order {
        source: source.to_owned(),
        destination: destination.to_owned(),
        rules,
        conflict,
        ..Order::default()
    })
}

pub(super) fn copy(
    context: &Context,
    order: &Order,
    manifest: Option<&Path>,
) -> Result<Exit, Failure> {
    let never = AtomicBool::new(false);
    let failed = |error| Failure::of(Exit::Unexpected, "copy", error);
    let copied = mover::copy(order, &|_| (), &never).map_err(failed)?;
    let verified =
        mover::verify(&order.destination, &copied.entries, &|_| (), &never).map_err(failed)?;
    if let Some(path) = manifest {
        let file = std::fs::File::create(path).map_err(|error| {
            Failure::of(Exit::Usage, format!("write {}", path.display()), error)
        })?;
        mover::manifest::write(&copied.entries, file).map_err(failed)?;
    }
    for entry in &copied.entries {
        if let Some((path, reason)) = entry.not_copied() {
            context.ui.status(format_args!("not copied: {path}: {reason}"));
        }
    }
    let is_proven = verified.differing == 0 && verified.totals == copied.totals;
    context.ui.data(json!({
        "schema": 1,
        "proven": is_proven,
        "source": copied.totals,
        "destination": verified.totals,
        "written": copied.written,
        "written_bytes": copied.written_bytes,
        "kept": copied.kept,
        "not_copied": copied.not_copied,
        "differences": verified.differences,
    }));
    Ok(if is_proven { Exit::Done } else { Exit::SomeFailed })
}
