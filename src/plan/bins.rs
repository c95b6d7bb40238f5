//! Packing people into as few batches as their bounds allow, and what no packing could do better.

use std::collections::BTreeMap;

use super::eligible::Person;
use crate::playbook::Batches;
use crate::readiness::{Range, minutes_at_most, minutes_together};

/// Bytes of a home that was not measured, where bytes are bounded.
const UNKNOWN_BYTES: u64 = 5 << 30;

/// Batches that are kept open for what may still fit in: with more, the time to pack would grow faster than the people.
const OPEN: usize = 64;

/// The bounds of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) users: usize,
    /// Bytes; `u64::MAX` means no bound.
    pub(super) bytes: u64,
    /// Minutes by the upper end of the estimate; infinite means no bound.
    pub(super) minutes: f64,
    /// People who are moved at once.
    pub(super) lanes: usize,
}

impl Bounds {
    /// Reads a playbook's bounds; a batch has to end in the longest window, too.
    pub(super) fn of(policy: &Batches, lanes: usize, longest_window: Option<f64>) -> Self {
        let hours = if policy.hours > 0.0 { policy.hours * 60.0 } else { f64::INFINITY };
        Self {
            users: policy.users.max(1),
            bytes: match policy.gb {
                0 => u64::MAX,
                gb => u64::try_from(gb).unwrap_or(u64::MAX).saturating_mul(1 << 30),
            },
            minutes: hours.min(longest_window.unwrap_or(f64::INFINITY)),
            lanes: lanes.max(1),
        }
    }
}

/// People who go in one batch whatever happens: one person, or a group that the playbook keeps together.
pub(super) type Unit<'a> = Vec<Person<'a>>;

/// What is in a batch so far.
#[derive(Clone, Copy, Debug, Default)]
struct Filled {
    users: usize,
    bytes: u64,
    sum: f64,
    longest: f64,
}

impl Filled {
    fn with(self, unit: &Unit<'_>) -> Self {
        unit.iter().fold(self, |filled, person| Self {
            users: filled.users + 1,
            bytes: filled.bytes.saturating_add(bytes(person)),
            sum: filled.sum + person.minutes.high,
            longest: filled.longest.max(person.minutes.high),
        })
    }

    /// As [`minutes_together`] has it, without going through everyone again.
    fn minutes(self, lanes: usize) -> f64 {
        minutes_at_most(self.sum, self.longest, self.users, lanes)
    }

    fn is_within(self, bounds: &Bounds) -> bool {
        self.users <= bounds.users
            && self.bytes <= bounds.bytes
            && self.minutes(bounds.lanes) <= bounds.minutes
    }
}

fn bytes(person: &Person<'_>) -> u64 {
    person.load.map_or(UNKNOWN_BYTES, |load| load.bytes)
}

/// Packs units, which come in the order in which people are to go, into batches.
///
/// One after the other as long as that needs no more batches than the largest ones first would; what fits in no batch has one
/// of its own.
pub(super) fn pack<'a>(units: Vec<Unit<'a>>, bounds: &Bounds) -> Vec<Vec<Unit<'a>>> {
    let places = in_order(&units, bounds);
    let count = |places: &[usize]| places.iter().max().map_or(0, |last| last + 1);
    let places = if count(&places) > at_least(&units, bounds) {
        let fitted = largest_first(&units, bounds);
        if count(&fitted) < count(&places) { fitted } else { places }
    } else {
        places
    };
    let mut batches: Vec<Vec<Unit<'a>>> = (0..count(&places)).map(|_| Vec::new()).collect();
    for (unit, place) in units.into_iter().zip(places) {
        if let Some(batch) = batches.get_mut(place) {
            batch.push(unit);
        }
    }
    batches
}

/// Each unit goes where the one before it went, or into the next batch.
fn in_order(units: &[Unit<'_>], bounds: &Bounds) -> Vec<usize> {
    let (mut place, mut filled) = (0, Filled::default());
    units
        .iter()
        .map(|unit| {
            let more = filled.with(unit);
            if filled.users > 0 && !more.is_within(bounds) {
                place += 1;
                filled = Filled::default().with(unit);
            } else {
                filled = more;
            }
            place
        })
        .collect()
}

/// The heaviest unit first, each into the first batch that has room; batches are then put in the order of their first units.
fn largest_first(units: &[Unit<'_>], bounds: &Bounds) -> Vec<usize> {
    let share = |unit: &Unit<'_>| {
        let alone = Filled::default().with(unit);
        let of = |part: f64, whole: f64| if whole.is_finite() { part / whole } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "shares are compared, not added")]
        let bytes = of(
            alone.bytes as f64,
            if bounds.bytes == u64::MAX { f64::INFINITY } else { bounds.bytes as f64 },
        );
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let users = of(alone.users as f64, bounds.users as f64);
        bytes.max(users).max(of(alone.minutes(bounds.lanes), bounds.minutes))
    };
    let mut order: Vec<(usize, f64)> = units.iter().map(share).enumerate().collect();
    order.sort_by(|(i, a), (j, b)| b.total_cmp(a).then(i.cmp(j)));
    let mut batches: Vec<(Filled, usize)> = Vec::new();
    let mut places = vec![0; units.len()];
    // Batches before this one are full of people: nobody looks at them again.
    let mut first_open = 0;
    for (i, _) in order {
        let Some(unit) = units.get(i) else { continue };
        while batches.get(first_open).is_some_and(|(filled, _)| filled.users >= bounds.users) {
            first_open += 1;
        }
        let fitting = batches
            .iter()
            .enumerate()
            .skip(first_open.max(batches.len().saturating_sub(OPEN)))
            .find(|(_, (filled, _))| filled.with(unit).is_within(bounds))
            .map(|(place, _)| place);
        let place = fitting.unwrap_or_else(|| {
            batches.push((Filled::default(), usize::MAX));
            batches.len() - 1
        });
        if let Some((filled, first)) = batches.get_mut(place) {
            *filled = filled.with(unit);
            *first = (*first).min(i);
        }
        places[i] = place;
    }
    let mut by_first: Vec<(usize, usize)> =
        batches.iter().enumerate().map(|(place, (_, first))| (*first, place)).collect();
    by_first.sort_unstable();
    let renamed: BTreeMap<usize, usize> =
        by_first.into_iter().enumerate().map(|(new, (_, old))| (old, new)).collect();
    places.into_iter().map(|place| renamed.get(&place).copied().unwrap_or(place)).collect()
}

/// The number of batches that no packing can do without: by people, by bytes, by time, and by what needs a batch of its own.
pub(super) fn at_least(units: &[Unit<'_>], bounds: &Bounds) -> usize {
    let (mut alone, mut all) = (0, Filled::default());
    for unit in units {
        let one = Filled::default().with(unit);
        if one.is_within(bounds) {
            all = all.with(unit);
        } else {
            alone += 1;
        }
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small counts"
    )]
    let by_time = if bounds.minutes.is_finite() && all.users > 0 {
        (all.sum / (bounds.minutes * bounds.lanes as f64)).ceil() as usize
    } else {
        0
    };
    let by_bytes =
        if bounds.bytes == u64::MAX { 0 } else { all.bytes.div_ceil(bounds.bytes.max(1)) };
    let by_bytes = usize::try_from(by_bytes).unwrap_or(usize::MAX);
    alone + all.users.div_ceil(bounds.users).max(by_bytes).max(by_time)
}

/// The minutes that a batch takes, to a tenth: more would be false precision, and not read back from JSON as it was.
pub(super) fn minutes<'a>(people: impl Iterator<Item = &'a Range>, lanes: usize) -> Range {
    let range = minutes_together(&people.copied().collect::<Vec<_>>(), lanes);
    let rounded = |minutes: f64| (minutes * 10.0).round() / 10.0;
    Range { low: rounded(range.low), high: rounded(range.high) }
}
