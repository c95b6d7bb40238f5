//! How long a migration takes and what it costs, before and after: ranges, because nothing here is known to the minute.
//!
//! Time follows from the homes as measured, and from rates that a copy inside a space has on EFS: at a millisecond a call, our
//! mover takes some hundreds to some thousands of files a second (docs/performance.md), and a small instance some tens of
//! megabytes. A pilot tells more than any of it. Prices stand in one dated table.

mod cost;
mod prices;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::home::to_copy;
use super::quota::instances_allowed;
use super::view::View;
use crate::inventory::Snapshot;
use crate::playbook::Playbook;
use prices::Asked;

/// Minutes around every copy: space and app start, verification, app stop.
const AROUND: Range = Range { low: 4.0, high: 12.0 };
/// Files a second from EFS.
const FILES: Range = Range { low: 300.0, high: 2_000.0 };
/// Bytes a second from EFS to a volume: from a gigabyte a minute, which AWS's own recovery sample saw between two file
/// systems, to what a small instance's network gives.
const BYTES: Range = Range { low: 17e6, high: 150e6 };
/// What an unmeasured home may be of the average one.
const UNMEASURED: Range = Range { low: 0.3, high: 3.0 };
/// A home of which nothing at all is known, in bytes.
const UNKNOWN_HOME: f64 = 5e9;
/// Files in a byte of an unmeasured home: one in 100 kB.
const FILES_A_BYTE: f64 = 1e-5;
/// Bytes in a GiB, which AWS's "GB" of storage is.
const GIB: f64 = 1_073_741_824.0;

/// From one number to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The lower end.
    pub low: f64,
    /// The higher end.
    pub high: f64,
}

impl Range {
    pub(crate) fn of(value: f64) -> Self {
        Self { low: value, high: value }
    }

    /// Adds both ends.
    pub fn plus(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high }
    }

    /// Multiplies both ends.
    pub fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }

    /// Multiplies by something else that is not known to the digit.
    fn by(self, other: Self) -> Self {
        Self { low: self.low * other.low, high: self.high * other.high }
    }
}

/// What something costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Cost {
    /// `before` and `after`, a month; `once`; or `instead`, once, where another road would be taken.
    pub when: String,
    /// What is paid for.
    pub what: String,
    /// USD, a month or once.
    pub usd: Range,
    /// How that was reckoned.
    pub how: String,
}

/// How long a migration takes and what it costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Estimate {
    /// Minutes in which one person is moved, on average.
    pub minutes_a_person: Range,
    /// People moved at once: the playbook's limit, or the instance quota where that is lower.
    pub at_once: usize,
    /// Hours of copying for everyone, as many at once as may be.
    pub hours: Range,
    /// Homes that were measured.
    pub measured: usize,
    /// Homes that were not: they widen every range.
    pub unmeasured: usize,
    /// What is paid for.
    pub costs: Vec<Cost>,
    /// The sum of what is paid a month before.
    pub before: Range,
    /// The sum of what is paid a month after, while the file system stays.
    pub after: Range,
    /// The sum of what is paid once.
    pub once: Range,
    /// The day and Region of the prices, and where they stand.
    pub prices: String,
    /// Prices that are not known: what they are for costs more than is said here.
    pub without_price: Vec<String>,
}

impl Estimate {
    /// Adds up what several targets take, one after the other, each under its name.
    pub(super) fn sum(parts: Vec<(String, Self)>) -> Self {
        let mut all = Self::default();
        let mut minutes = Range::default();
        for (name, part) in parts {
            let people = part.measured + part.unmeasured;
            minutes = minutes.plus(part.minutes_a_person.times(as_f64(people as u64)));
            all.at_once = all.at_once.max(part.at_once);
            all.hours = all.hours.plus(part.hours);
            all.measured += part.measured;
            all.unmeasured += part.unmeasured;
            let named = |cost: Cost| Cost { how: format!("{name}: {}", cost.how), ..cost };
            all.costs.extend(part.costs.into_iter().map(named));
            all.before = all.before.plus(part.before);
            all.after = all.after.plus(part.after);
            all.once = all.once.plus(part.once);
            if !all.prices.contains(&part.prices) {
                all.prices = [all.prices.as_str(), &part.prices].join(if all.prices.is_empty() {
                    ""
                } else {
                    "; "
                });
            }
            all.without_price.extend(part.without_price);
        }
        let people = all.measured + all.unmeasured;
        if people > 0 {
            all.minutes_a_person = minutes.times(1.0 / as_f64(people as u64));
        }
        all.without_price.sort();
        all.without_price.dedup();
        all
    }
}

/// Reckons for the people in scope.
pub(super) fn estimate(view: &View<'_>) -> Estimate {
    let region = view.snapshot.region.as_ref();
    let prices = Asked::of(view.playbook, region);
    let mut estimate = Estimate { prices: prices.origin(region), ..Estimate::default() };
    let homes = homes(view);
    time(view, &homes, &mut estimate);
    cost::all(view, &homes, &prices, &mut estimate);
    for cost in &estimate.costs {
        let sum = match cost.when.as_str() {
            "before" => &mut estimate.before,
            "after" => &mut estimate.after,
            "once" => &mut estimate.once,
            // What is not done is not paid.
            _ => continue,
        };
        *sum = sum.plus(cost.usd);
    }
    estimate
}

/// Bytes to copy and files of every home in scope; of one that was not measured, a range around the average.
fn homes(view: &View<'_>) -> Vec<(Range, Range)> {
    let bytes_of = to_copy(view);
    let measured = || view.homes().map(|(_, _, home)| home);
    let count = measured().count();
    let average = |total: f64, unknown: f64| {
        if count == 0 { unknown } else { total / as_f64(count as u64) }
    };
    let bytes = average(measured().map(|home| as_f64(bytes_of(home))).sum(), UNKNOWN_HOME);
    let files =
        average(measured().map(|home| as_f64(home.files)).sum(), UNKNOWN_HOME * FILES_A_BYTE);
    view.people()
        .map(|(_, profile)| match &profile.home {
            Some(home) => (Range::of(as_f64(bytes_of(home))), Range::of(as_f64(home.files))),
            None => (UNMEASURED.times(bytes), UNMEASURED.times(files)),
        })
        .collect()
}

/// Counts and sizes are far below what a float holds exactly; a range does not mind the rest.
#[expect(clippy::cast_precision_loss, reason = "an estimate needs three digits")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

/// Minutes to move a home of so many bytes and files, with all that is around the copy.
fn minutes_of(load: &(Range, Range)) -> Range {
    AROUND.plus(copying_of(load))
}

/// Minutes of the copy alone.
fn copying_of((bytes, files): &(Range, Range)) -> Range {
    Range {
        low: (bytes.low / BYTES.high).max(files.low / FILES.high) / 60.0,
        high: (bytes.high / BYTES.low + files.high / FILES.low) / 60.0,
    }
}

/// Returns the minutes that moving one person takes, by the bytes and files to copy; `None` for a home that was not measured.
pub fn minutes(load: Option<(u64, u64)>) -> Range {
    minutes_of(&ranges(load))
}

/// Returns the minutes of these that are the copy itself, without what is around it.
pub fn minutes_of_copying(load: Option<(u64, u64)>) -> Range {
    copying_of(&ranges(load))
}

fn ranges(load: Option<(u64, u64)>) -> (Range, Range) {
    match load {
        Some((bytes, files)) => (Range::of(as_f64(bytes)), Range::of(as_f64(files))),
        None => (UNMEASURED.times(UNKNOWN_HOME), UNMEASURED.times(UNKNOWN_HOME * FILES_A_BYTE)),
    }
}

/// Returns the bytes and files that a home is taken to have that was not measured.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a constant")]
pub fn assumed_load() -> (u64, u64) {
    (UNKNOWN_HOME as u64, (UNKNOWN_HOME * FILES_A_BYTE) as u64)
}

/// Returns what so many people at once take at most, whatever order they are taken in, from what they take one after the other
/// and what the longest of them takes (Graham's bound for list scheduling).
pub(crate) fn minutes_at_most(sum: f64, longest: f64, people: usize, lanes: usize) -> f64 {
    let lanes = as_f64(lanes.clamp(1, people.max(1)) as u64);
    sum / lanes + longest * (1.0 - 1.0 / lanes)
}

/// Returns the minutes that moving several people takes, so many of them at once.
///
/// The upper end holds for whatever order they are taken in.
pub fn minutes_together(people: &[Range], lanes: usize) -> Range {
    let at_once = as_f64(lanes.clamp(1, people.len().max(1)) as u64);
    let sum = people.iter().copied().fold(Range::default(), Range::plus);
    let longest = people
        .iter()
        .fold(Range::default(), |a, b| Range { low: a.low.max(b.low), high: a.high.max(b.high) });
    Range {
        low: (sum.low / at_once).max(longest.low),
        high: minutes_at_most(sum.high, longest.high, people.len(), lanes),
    }
}

/// Returns how many people can be moved at once: as many as the playbook wants, or as the quota of its instance type allows
/// where that is lower.
pub fn lanes(snapshot: &Snapshot, playbook: &Playbook) -> usize {
    at_once(&View::of(snapshot, playbook))
}

fn at_once(view: &View<'_>) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let allowed =
        instances_allowed(view).map_or(usize::MAX, |(_, value)| value.clamp(0.0, 1e6) as usize);
    view.playbook.limits.users.min(allowed)
}

fn time(view: &View<'_>, homes: &[(Range, Range)], estimate: &mut Estimate) {
    let minutes = homes.iter().map(minutes_of).fold(Range::default(), Range::plus);
    let longest = homes
        .iter()
        .map(minutes_of)
        .fold(Range::default(), |a, b| Range { low: a.low.max(b.low), high: a.high.max(b.high) });
    estimate.at_once = at_once(view);
    estimate.measured = view.homes().count();
    estimate.unmeasured = homes.len() - estimate.measured;
    if !homes.is_empty() {
        estimate.minutes_a_person = minutes.times(1.0 / as_f64(homes.len() as u64));
        // With a quota of nothing nobody moves; what it would take one at a time is still worth knowing.
        let lanes = estimate.at_once.clamp(1, homes.len());
        let shared = minutes.times(1.0 / as_f64(lanes as u64));
        // However many lanes there are, nobody is done before the largest home is; at worst it is begun last.
        estimate.hours = Range {
            low: shared.low.max(longest.low),
            high: shared.high + if lanes > 1 { longest.high } else { 0.0 },
        }
        .times(1.0 / 60.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::readiness::{Readiness, cases};

    proptest! {
        #[test]
        fn ranges_are_ordered_and_finite_and_grow_with_homes(bytes in any::<u64>(), files in any::<u64>(), more in any::<u32>()) {
            let of = |bytes: u64, is_measured: bool| {
                let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
                for profile in &mut snapshot.domains[0].profiles {
                    let home = profile.home.as_mut().unwrap();
                    (home.bytes, home.files) = (bytes, files);
                }
                if !is_measured {
                    snapshot.domains[0].profiles[1].home = None;
                }
                Readiness::of(&snapshot, &playbook).estimate
            };
            let (one, larger) = (of(bytes, true), of(bytes.saturating_add(more.into()), true));
            let vague = of(bytes, false);
            for range in [one.minutes_a_person, one.hours, one.before, one.after, one.once, vague.after, vague.hours] {
                prop_assert!(range.low.is_finite() && range.high.is_finite());
                prop_assert!(0.0 <= range.low && range.low <= range.high, "{range:?}");
            }
            prop_assert!(one.hours.high <= larger.hours.high && one.after.low <= larger.after.low);
            prop_assert_eq!((vague.measured, vague.unmeasured), (1, 1));
        }
    }

    #[test]
    fn nobody_is_done_before_the_largest_home_is_and_what_is_left_out_needs_no_volume() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        playbook.target.volume.maximum_gb = 1000;
        let home = snapshot.domains[0].profiles[0].home.as_mut().unwrap();
        home.bytes = 90 << 30;
        home.candidates.insert("node_modules".to_owned(), (80 << 30, 9));
        let all = Readiness::of(&snapshot, &playbook).estimate;
        // 90 GiB at 150 MB a second are eleven minutes, with four around them.
        assert!(all.hours.low > 0.2, "{:?}", all.hours);
        playbook.leave_out = vec![crate::playbook::LeaveOut {
            pattern: "**/node_modules/**".to_owned(),
            reason: "made anew".to_owned(),
        }];
        let less = Readiness::of(&snapshot, &playbook).estimate;
        assert!(less.after.high < all.after.high / 2.0, "{:?} {:?}", less.after, all.after);
        assert!(less.prices.contains("in eu-west-1 each is taken for"), "{}", less.prices);
    }

    #[test]
    fn a_playbook_s_price_beats_the_table_and_an_unknown_one_is_named() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        let before = |snapshot: &_, playbook: &_| Readiness::of(snapshot, playbook).estimate.before;
        let list = before(&snapshot, &playbook).low;
        playbook.prices.insert("efs-standard".to_owned(), 0.60);
        assert!(before(&snapshot, &playbook).low > list * 1.5);
        let mut app = cases::classic_app("alice");
        app.instance_type = Some("ml.p9.huge".to_owned());
        snapshot.domains[0].apps.push(app);
        let estimate = Readiness::of(&snapshot, &playbook).estimate;
        assert_eq!(estimate.without_price, ["ml.p9.huge"]);
    }
}
