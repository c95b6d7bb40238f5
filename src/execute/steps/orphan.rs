//! Delivering an orphan home: into a folder of its own in the space of somebody who has moved already.
//!
//! - Changes: what hydrate changes, and puts all of it back; packs the home, sealed under the person's key, below their reports,
//!   and deletes it there in the end. The space's idle shutdown is held off meanwhile, noted first.
//! - Twice: whatever an earlier try left is ours by name and tag, and is taken away before anything begins. Each delivery has a
//!   number of its own: a last word that an earlier try of the same one did not wait for is taken, if it is about the same home. What is packed is not packed again.
//! - Refuses where an app of the owner's runs in the space: it is never stopped. And nothing that is there is ever overwritten.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::hydrate::{attach, copy_with_room, tidy};
use super::provision::{hold_idle_off, is_held_off, others_apps, set_idle};
use super::{copying, keeping, packing, stage, verify};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, FailureKind};
use crate::execute::hook::{Beside, Pass};
use crate::execute::orphans::{Begun, Delivered, Delivery, Orphan, kind, record, whereabouts};
use crate::execute::step::Step;
use crate::mover::{Class, Done, Totals};
use crate::names::counted;
use crate::plan::Route;

/// Delivers a home that is mounted here, and proves it.
pub(in crate::execute) async fn deliver(
    cx: &Context,
    delivery: &Delivery,
    home: &Path,
) -> Result<Delivered, Failure> {
    let orphan = &delivery.orphan;
    let copy = match going_on(cx, delivery)? {
        Some(copy) => copy,
        None => fresh()?,
    };
    let cx = &Context { copy: Some(copy), ..within(cx, orphan) };
    if let Some(app) = others_apps(cx).await?.first() {
        return Err(Failure::new(format!(
            "{}/{} runs in space {}, and belongs to its owner",
            app.app_type, app.name, cx.migration.space
        ))
        .hinted("let them stop it, then assign again"));
    }
    let idle = idle_to_give_back(cx).await?;
    record(
        cx,
        kind::ASSIGNING,
        json!({ "orphan": orphan.name(), "folder": delivery.folder, "copy": copy, "before": { "idle_minutes": idle } }),
    )?;
    let delivered = match Box::pin(tidy(cx)).await {
        Ok(_) => Box::pin(arrive(cx, delivery, home)).await,
        Err(failure) => Err(failure),
    };
    // Credentials or the journal are gone: the next one takes away what is left.
    if let Err(failure) = &delivered
        && !matches!(failure.kind, FailureKind::Step | FailureKind::Halted)
    {
        return delivered;
    }
    let tidied = Box::pin(give_back(cx, idle)).await;
    let delivered = delivered?;
    tidied?;
    // Written before what crossed the bucket goes: without either the next try would wait for a word that was spoken.
    record(cx, kind::ASSIGNED, json!(delivered))?;
    packing::delete_below(cx, &cx.plan.staging_bucket(), &cx.migration.reports).await?;
    record(cx, kind::ASSIGN_ENDED, json!({ "orphan": orphan.name() }))?;
    Ok(delivered)
}

/// The number of the delivery that goes on: one that was begun, is not recorded as done, and whose space was not given up since.
fn going_on(cx: &Context, delivery: &Delivery) -> Result<Option<u32>, Failure> {
    let begun = begun(cx, &delivery.orphan)?;
    Ok(begun.filter(|begun| !begun.is_delivered && !begun.is_unwound).and_then(|begun| begun.copy))
}

/// The delivery of an orphan to this person that was begun and has not ended.
fn begun(cx: &Context, orphan: &Orphan) -> Result<Option<Begun>, Failure> {
    let known = whereabouts(&cx.journal)?.remove(&orphan.name());
    Ok(known.and_then(|mut known| known.under_way.remove(cx.id())))
}

/// A number that no other delivery has, those included that a journal which was restored from a backup has forgotten: a space
/// keeps silent about a copy that it has behind it.
fn fresh() -> Result<u32, Failure> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("the system has no random numbers: {error}")))?;
    Ok(u32::from_le_bytes(bytes))
}

/// Ends a delivery that was begun and is not wanted any more, and says so: puts back what it changed of the space, and deletes
/// what crossed the bucket. What had arrived stays, for the space's owner to keep or delete.
pub(in crate::execute) async fn give_up(
    cx: &Context,
    delivery: &Delivery,
) -> Result<String, Failure> {
    let (orphan, to) = (delivery.orphan.name(), &delivery.to.id);
    let begun = begun(cx, &delivery.orphan)?;
    let cx = &within(cx, &delivery.orphan);
    let (domain, space) = (&cx.migration.domain, &cx.migration.space);
    let is_there = cx.if_there(async || cx.account.space(domain, space).await).await?.is_some();
    if is_there {
        let idle = idle_to_give_back(cx).await?;
        Box::pin(give_back(cx, idle)).await?;
    } else {
        // The profile outlives the space, and the hook stands on it.
        Box::pin(tidy(cx)).await?;
    }
    packing::delete_below(cx, &cx.plan.staging_bucket(), &cx.migration.reports).await?;
    if begun.is_some_and(|begun| begun.is_delivered) {
        record(cx, kind::ASSIGN_ENDED, json!({ "orphan": orphan }))?;
        return Ok(format!("what crossed the bucket on its way to {to} was deleted"));
    }
    let there = match is_there {
        true => format!(
            "; what had arrived of it is in ~/{} of space {space}, for them to keep or delete",
            delivery.folder
        ),
        false => format!("; space {space} is gone, with whatever had arrived of it"),
    };
    let why = format!("its delivery to {to} was ended before it was done{there}");
    record(cx, kind::ASSIGN_GIVEN_UP, json!({ "orphan": orphan, "why": why }))?;
    Ok(why)
}

/// The migration as a delivery into its space needs it.
fn within(cx: &Context, orphan: &Orphan) -> Context {
    let mut inner = cx.clone();
    inner.migration.reports =
        format!("{}/orphans/{}-{}", cx.migration.reports, orphan.file_system, orphan.uid);
    inner.migration.route = Route::Packed;
    // What somebody claims of a team's home says nothing about an orphan.
    inner.migration.team = None;
    // What its owner has there comes first: a volume is grown by what the orphan needs, on top of what it has.
    inner.migration.is_reused = true;
    inner
}

/// The idle shutdown that the space has while no orphan is delivered: an earlier try may have been killed while it held it off.
async fn idle_to_give_back(cx: &Context) -> Result<i32, Failure> {
    let (domain, space, name) = (&cx.migration.domain, &cx.migration.space, cx.migration.name());
    let Some(space) = cx.if_there(async || cx.account.space(domain, space).await).await? else {
        return Err(Failure::new(format!("space {space} is gone")).hinted(format!(
            "`studio-migrate rollback --user {name}` and `run --user {name}` make it anew; then assign again"
        )));
    };
    if let Some(minutes) = space.idle_minutes.filter(|_| !is_held_off(&space)) {
        return Ok(minutes);
    }
    idle_before(cx)
}

/// The idle shutdown that the space of somebody who has moved had before an orphan was delivered last, as far as the journal
/// knows; else that of the playbook.
pub(super) fn idle_before(cx: &Context) -> Result<i32, Failure> {
    let events = cx.journal.events_of(cx.id())?;
    let noted = events.iter().rev().find(|event| event.kind == kind::ASSIGNING);
    let noted = noted.and_then(|event| event.detail.pointer("/before/idle_minutes").cloned());
    let confirmed = || cx.standing().ok()?.receipt(Step::Confirm)?.get("idle_minutes").cloned();
    let minutes = noted.or_else(confirmed).and_then(|minutes| minutes.as_i64());
    let minutes = minutes.and_then(|minutes| i32::try_from(minutes).ok());
    Ok(minutes.unwrap_or(cx.plan.playbook.target.idle_shutdown_minutes))
}

async fn give_back(cx: &Context, idle: i32) -> Result<(), Failure> {
    let tidied = tidy(cx).await;
    // An app of the owner's that goes on is to stop by itself again, whatever else is in the way.
    let space = cx.account.space(&cx.migration.domain, &cx.migration.space).await?;
    if is_held_off(&space) {
        set_idle(cx, idle).await?;
    }
    tidied.map(drop)
}

/// Packs it, has it unpacked in the space, and checks the proof.
async fn arrive(cx: &Context, delivery: &Delivery, home: &Path) -> Result<Delivered, Failure> {
    stage::upload(cx).await?;
    let (packed, _) = Box::pin(packing::push(cx, home.to_owned())).await?;
    refuse_nothing(delivery, &packed)?;
    let done = match copying::done(cx).await? {
        Some(done) if done.error.is_none() && done.source == packed => done,
        _ => {
            copying::forget(cx).await?;
            hold_idle_off(cx).await?;
            let beside = beside(delivery, &packed);
            let pass = Pass { beside: Some(beside), ..Pass::first(cx.copy_attempt()?) };
            Box::pin(attach(cx, pass)).await?;
            Box::pin(copy_with_room(cx)).await?
        }
    };
    if let Some(error) = &done.error {
        return Err(not_whole(delivery, &done, error));
    }
    Box::pin(proven(cx, delivery, &done, &packed)).await
}

/// What failed, and what is there all the same: where something is in the way of some, the others have arrived.
fn not_whole(delivery: &Delivery, done: &Done, error: &str) -> Failure {
    let folder = &delivery.folder;
    let in_the_way = done.not_copied.get(Class::Conflict.word()).copied().unwrap_or_default();
    let what = "the orphan home could not be delivered";
    if in_the_way == 0 || done.source != done.destination {
        return Failure::of_files(format!("{what}: {error}"), what).hinted(format!(
            "nothing in ~/{folder} was overwritten; look there, mend that, and assign again: what has arrived does not travel twice"
        ));
    }
    let what = format!(
        "{what} whole: {} of it {} in ~/{folder} as they should be, and {in_the_way} not",
        counted(done.destination.files, "file", "files"),
        if done.destination.files == 1 { "is" } else { "are" }
    );
    Failure::of_files(format!("{what}: {error}"), what).hinted(format!(
        "nothing there was overwritten; look there: what is in the way is its owner's, or was changed by them since it was delivered. Let them rename or delete it in ~/{folder} and assign it again (`--again` where it had been delivered before); where what they have is what they want, nothing is to be done"
    ))
}

/// What a space tells this delivery from others by, together with its number.
fn beside(delivery: &Delivery, packed: &Totals) -> Beside {
    let digest = packed.digest.get(..12).unwrap_or_default().to_owned();
    Beside { folder: delivery.folder.clone(), digest }
}

/// A home of which every file is left out would be delivered as an empty folder, and look like a success.
fn refuse_nothing(delivery: &Delivery, packed: &Totals) -> Result<(), Failure> {
    let files = delivery.orphan.home.as_ref().map_or(0, |home| home.files);
    if packed.files > 0 || files == 0 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "none of its {files} files would be delivered: all are left out (`leave_out`), or cannot be read"
    ))
    .hinted("`studio-migrate orphans archive` packs a home whole, whatever `leave_out` says"))
}

async fn proven(
    cx: &Context,
    delivery: &Delivery,
    done: &Done,
    packed: &Totals,
) -> Result<Delivered, Failure> {
    let (manifest, mut not_copied_named) = verify::arrived(cx, done, packed)
        .await
        .map_err(|failure| failure.hinted("it is not taken for delivered; assign it again"))?;
    let mut not_copied = done.not_copied.clone();
    let beside = |what: &str| -> PathBuf {
        keeping::place_of_assigned(cx.journal.path(), &cx.migration, &delivery.orphan, what)
    };
    let manifest_file = verify::keep(beside(""), &manifest)?;
    verify::left_where_packed(cx, beside(".packed"), &mut not_copied, &mut not_copied_named)
        .await?;
    Ok(Delivered {
        orphan: delivery.orphan.name(),
        space: cx.migration.space.to_string(),
        folder: delivery.folder.clone(),
        totals: packed.clone(),
        not_copied,
        not_copied_named,
        manifest_file,
        manifest_blake3: done.manifest_blake3.clone(),
    })
}
