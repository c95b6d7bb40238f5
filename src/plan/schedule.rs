//! When batches run: one after the other, each whole in a window, with time to look at what a trial did.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::draft::{Batch, Slot};
use crate::playbook::{Batches, Calendar};

/// Gives every batch its time, where the playbook says anything about when.
pub(super) fn schedule(batches: &mut [Batch], calendar: &Calendar, taken_at: Timestamp) {
    // A zone that there is not was refused with the playbook.
    let Ok(zone) = calendar.zone() else { return };
    if !calendar.says_when() {
        return;
    }
    let mut free = calendar.begins(&zone, taken_at);
    let spans = calendar.spans(&zone, free);
    for batch in batches {
        let minutes = batch.minutes.map_or(0.0, |minutes| minutes.high);
        let needed = SignedDuration::try_from_secs_f64(minutes * 60.0).unwrap_or_default();
        let Some(slot) = slot(&spans, &zone, free, needed) else { continue };
        free = slot.to;
        if batch.name == Batches::pilot_name() || batch.name == Batches::canary_name() {
            let soak = SignedDuration::try_from_secs_f64(calendar.soak_hours * 3600.0);
            free = free.checked_add(soak.unwrap_or_default()).unwrap_or(free);
        }
        batch.slot = Some(slot);
    }
}

/// The first time that is long enough, or else the longest that there is.
fn slot(
    spans: &[(Timestamp, Timestamp)],
    zone: &TimeZone,
    free: Timestamp,
    needed: SignedDuration,
) -> Option<Slot> {
    let left = spans.iter().filter(|(_, to)| *to > free).map(|(from, to)| (*from.max(&free), *to));
    let said = |at| Calendar::said(zone, at);
    let length = |(from, to): &(Timestamp, Timestamp)| to.duration_since(*from);
    let minutes = needed.as_secs() / 60;
    let fitting = left.clone().find(|span| length(span) >= needed);
    let (from, end, fits) = match fitting {
        Some((from, end)) => (from, end, true),
        None => {
            let mut longest: Option<(Timestamp, Timestamp)> = None;
            for span in left {
                if longest.is_none_or(|known| length(&known) < length(&span)) {
                    longest = Some(span);
                }
            }
            let (from, end) = longest?;
            (from, end, false)
        }
    };
    let to = if fits { from.checked_add(needed).unwrap_or(end).min(end) } else { end };
    let because = if fits {
        format!("{}: the first time in which {minutes} minutes fit", said(from))
    } else {
        format!(
            "{}: it may take {minutes} minutes, longer than any window; this is the longest there is, until {}",
            said(from),
            said(end)
        )
    };
    Some(Slot { from, to, because })
}
