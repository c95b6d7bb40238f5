//! The mover, modelled: an order is read from the hook, takes its time, and leaves the reports that the real mover leaves,
//! sealed with the same key. Nothing of a home is read, since nothing of it is there: a list of a few entries stands for it.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Load, Model, Volume};
use crate::mover::manifest::Writer;
use crate::mover::{Done, Entry, Evidence, Kind, Phase, Progress, Ticket, Time, key};
use crate::sim::World;
use crate::sim::query::iso;
use crate::sim::runtime::Launch;
use crate::sim::studio::{self, NEVER};

/// Seconds between two signs of life.
const BEAT: f64 = 15.0;

/// Seconds in which the mover is fetched, checked and started.
const FETCH: f64 = 5.0;

/// Entries of a manifest, at most: they stand for all of a home.
const ENTRIES: u64 = 16;

/// Parts of a hundred of a volume that its file system keeps for itself.
const KEPT: u64 = 4;

/// What a hook orders.
struct Order {
    ticket: Ticket,
    home: Option<Load>,
    /// Why the Classic home is not mounted, if it is not.
    trouble: Option<String>,
    volume_bytes: u64,
    /// Tells one hook from another.
    hook: String,
}

impl Model {
    /// Starts an app: its scripts end at once, and the copy that our hook orders goes on in the background.
    pub(in crate::sim) fn start(&self, world: &World, launch: Launch) {
        studio::scripts_ended(world, &launch.key, Ok(()));
        let Some(order) = self.order(&launch) else { return };
        let place = (launch.domain.clone(), launch.space.clone());
        if self.is_carried_out(&place, &order.hook) {
            return;
        }
        let copying = tokio::spawn(carry_out(world.clone(), launch, order));
        let before = self.lock().running.insert(place, copying.abort_handle());
        if let Some(before) = before {
            before.abort();
        }
    }

    /// Stops the app of a space, and with it a copy that is under way.
    pub(in crate::sim) fn stop(&self, domain: &str, space: &str) {
        let running = self.lock().running.remove(&(domain.to_owned(), space.to_owned()));
        if let Some(running) = running {
            running.abort();
        }
    }

    /// Forgets the volume of a space that is made anew or gone.
    pub(in crate::sim) fn forget_volume(&self, domain: &str, space: &str) {
        self.lock().volumes.remove(&(domain.to_owned(), space.to_owned()));
    }

    fn order(&self, launch: &Launch) -> Option<Order> {
        let (hook, ticket) = launch.scripts.iter().find_map(|(_, text)| {
            let ticket: Ticket = within(text)?;
            let is_here = ticket.domain == launch.domain && ticket.space == launch.space;
            is_here.then(|| (blake3::hash(text.as_bytes()).to_hex().to_string(), ticket))
        })?;
        let trouble = match (&launch.mount_error, &launch.efs_home) {
            (Some(error), _) => Some(error.clone()),
            (None, None) => Some("it is missing".to_owned()),
            (None, Some(_)) => None,
        };
        let home = launch.efs_home.as_ref().and_then(|home| self.homes.get(home).copied());
        let volume_bytes = u64::from(launch.volume_gb.unsigned_abs()) << 30;
        Some(Order { ticket, home, trouble, volume_bytes, hook })
    }

    fn is_carried_out(&self, place: &(String, String), hook: &str) -> bool {
        let inner = self.lock();
        inner.volumes.get(place).is_some_and(|volume| volume.carried_out.contains(hook))
    }

    /// Changes what is known of a volume.
    fn on_volume<R>(&self, order: &Order, change: impl FnOnce(&mut Volume) -> R) -> R {
        let place = (order.ticket.domain.clone(), order.ticket.space.clone());
        change(self.lock().volumes.entry(place).or_default())
    }

    /// Leaves a report where the real mover leaves it.
    fn leave(&self, ticket: &Ticket, name: &str, report: &[u8]) {
        self.put(
            &ticket.bucket,
            &format!("{}/{name}", ticket.reports),
            ticket.key.seal(name, report),
        );
    }
}

/// Finds the JSON that a script hands over in a here-document.
fn within<T: DeserializeOwned>(text: &str) -> Option<T> {
    let (_, rest) = text.split_once("<<'TICKET'\n")?;
    let (json, _) = rest.split_once("\nTICKET\n")?;
    serde_json::from_str(json).ok()
}

/// Carries an order out in the background of an app, from when the app is in service.
async fn carry_out(world: World, launch: Launch, order: Order) {
    let Some(model) = world.model() else { return };
    let settles_at = world.read(|state| {
        state.studio.apps.get(&launch.key).map_or(NEVER, |app| app.standing.settles_at)
    });
    if settles_at >= NEVER {
        return;
    }
    pass(settles_at - world.now() + FETCH).await;
    let began = world.now();
    let mut done = Done {
        schema: 1,
        migration: order.ticket.migration.clone(),
        space: order.ticket.space.clone(),
        started_at: iso(began),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Done::default()
    };
    if let Err(error) = copy(&world, model, &order, &mut done).await {
        done.error = Some(error);
    }
    done.ended_at = iso(world.now());
    if done.error.is_none() {
        model.on_volume(&order, |volume| volume.carried_out.insert(order.hook.clone()));
    }
    // A last word always has a JSON form.
    let marker = serde_json::to_vec(&done).unwrap_or_default();
    model.leave(&order.ticket, key::DONE, &marker);
}

async fn copy(world: &World, model: &Model, order: &Order, done: &mut Done) -> Result<(), String> {
    if let Some(why) = &order.trouble {
        return Err(format!("the Classic home is not mounted: {why}"));
    }
    let home = order.home.unwrap_or_default();
    let room = order.volume_bytes / 100 * (100 - KEPT);
    if home.bytes > room {
        done.needs_bytes = Some(home.bytes);
        return Err(format!(
            "the home has {} bytes to copy, and its volume has room for {room}",
            home.bytes
        ));
    }
    wait(world, model, order, home).await;
    let (manifest, totals) = manifest(order, home).map_err(|error| error.to_string())?;
    done.source = totals.clone();
    done.destination = totals;
    done.manifest_blake3 = blake3::hash(&manifest).to_hex().to_string();
    done.manifest_bytes = manifest.len() as u64;
    done.evidence = Evidence {
        device: "/dev/nvme1n1".to_owned(),
        fstype: "ext4".to_owned(),
        df: "modelled".to_owned(),
        source_device: "127.0.0.1:/".to_owned(),
    };
    model.leave(&order.ticket, key::MANIFEST, &manifest);
    Ok(())
}

/// Lets the time pass that the copy takes, with a sign of life now and then.
async fn wait(world: &World, model: &Model, order: &Order, home: Load) {
    let (least, most) = home.seconds;
    let chance = model.lock().chance.next();
    let all = seconds(least) + (seconds(most) - seconds(least)) * chance;
    let mut beat = 0;
    loop {
        let gone = model.on_volume(order, |volume| volume.done);
        beat += 1;
        let share = if all > 0.0 { (gone / all).min(1.0) } else { 1.0 };
        let progress = Progress {
            schema: 1,
            at: iso(world.now()),
            beat,
            phase: Phase::Copying,
            bytes: part(home.bytes, share),
            total_bytes: home.bytes,
            files: part(home.files, share),
            total_files: home.files,
            // What is still to be read back counts as well: the model tells no phases apart.
            eta_seconds: Duration::try_from_secs_f64(all - gone).ok().map(|left| left.as_secs()),
            ..Progress::default()
        };
        // A sign of life always has a JSON form.
        let report = serde_json::to_vec(&progress).unwrap_or_default();
        model.leave(&order.ticket, key::PROGRESS, &report);
        let next = (all - gone).min(BEAT);
        if next <= 0.0 {
            return;
        }
        pass(next).await;
        model.on_volume(order, |volume| volume.done += next);
    }
}

/// A list of a few files that together hold as much as the home.
fn manifest(
    order: &Order,
    home: Load,
) -> Result<(Vec<u8>, crate::mover::Totals), crate::mover::Error> {
    let mut writer = Writer::new(Vec::new())?;
    let entries = home.files.min(ENTRIES);
    for number in 0..entries {
        let path = format!("modelled-{number:02}");
        let mut entry = Entry::new(path.as_bytes(), Kind::File);
        entry.mode = 0o644;
        entry.mtime = Time(1_700_000_000, 0);
        entry.size = home.bytes / entries + u64::from(number < home.bytes % entries);
        let content = format!("{}/{path}", order.ticket.migration);
        entry.hash = Some(*blake3::hash(content.as_bytes()).as_bytes());
        writer.add(&entry)?;
    }
    let (stored, totals, _) = writer.finish()?;
    Ok((stored, totals))
}

async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()).await;
}

/// Seconds of a copy are far below what a float holds exactly.
#[expect(clippy::cast_precision_loss, reason = "a model needs three digits")]
fn seconds(number: u64) -> f64 {
    number as f64
}

/// A share of a number.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sign of life needs three digits"
)]
fn part(number: u64, share: f64) -> u64 {
    (number as f64 * share) as u64
}
