//! A ticket for a home that was packed, carried out inside a space: pulled from the staging bucket, proven, and said so.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use super::conflicts::Conflicts;
use super::deliver::{Carried, Failure, begun, concluded, evidence, order};
use super::entry::Entry;
use super::manifest;
use super::pack::{Headway, TransferError};
use super::pull::{Earlier, PullOrder, pull};
use super::ticket::{Done, Ticket};
use crate::aws::Reader;

/// Pulls the packed home that a ticket names into the space's `home`, and proves it. Never fails: what went wrong is in
/// [`Done::error`].
///
/// Returns the manifest too, compressed as it is to be stored, once there is one.
pub async fn deliver_packed(
    reader: &Reader,
    ticket: &Ticket,
    home: &Path,
    headway: &Arc<Headway>,
) -> (Done, Option<Vec<u8>>) {
    let mut done = begun(ticket);
    let mut stored = None;
    let carried = carry_out(reader, ticket, home, headway, (&mut done, &mut stored)).await;
    concluded(&mut done, carried);
    (done, stored)
}

async fn carry_out(
    reader: &Reader,
    ticket: &Ticket,
    home: &Path,
    headway: &Arc<Headway>,
    (done, stored): (&mut Done, &mut Option<Vec<u8>>),
) -> Result<(), Failure> {
    let order = order(ticket, home, home)?;
    let prefix = ticket.packed.clone().unwrap_or_default();
    let pulling = PullOrder {
        bucket: ticket.bucket.clone(),
        prefix,
        destination: order.destination.clone(),
        conflict: order.conflict,
        only: None,
        is_paranoid: false,
        seal: Some(ticket.key.clone()),
        earlier: Earlier {
            since: order.since.clone(),
            hints: order.hints.clone(),
            written: order.written.clone(),
            deletes: order.deletes,
        },
    };
    let conflicts = Conflicts::of(ticket, order.since.as_deref());
    let writing = Arc::new(Mutex::new((manifest::Writer::new(Vec::new())?, conflicts)));
    let into = Arc::clone(&writing);
    let give = move |entry: Entry| {
        let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
        into.1.note(&entry);
        into.0.add(&entry)
    };
    let stop = Arc::<AtomicBool>::default();
    let pulled = pull(reader, &pulling, Box::new(give), headway, &stop).await;
    let pulled = pulled.map_err(|error| match error {
        TransferError::Local(error) => Failure::Mover(error),
        error => Failure::words_of(&error),
    })?;
    let Some((writer, conflicts)) = Arc::into_inner(writing)
        .map(|writing| writing.into_inner().unwrap_or_else(PoisonError::into_inner))
    else {
        return Err(Failure::Words("the manifest is still being written".to_owned()));
    };
    if pulled.lost > 0 {
        return Err(Failure::Words(format!(
            "{} entries of the packed home could not be read",
            pulled.lost
        )));
    }
    // What was packed is held against what arrived: whatever stays out would fail the proof, and with fewer words.
    let carried = Carried { writer, conflicts, copied: pulled.copied, has_to_be_whole: true };
    carried.prove(evidence(&order.destination, home), (done, stored))
}
