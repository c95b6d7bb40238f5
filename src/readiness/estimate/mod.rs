//! How long a migration takes and what it costs, before and after: ranges, because nothing here is known to the minute.
//!
//! Time follows from the homes as measured, and from rates that a copy inside a space has on EFS: at a millisecond a call, our
//! mover takes some hundreds to some thousands of files a second (docs/performance.md), and a small instance some tens of
//! megabytes. A pilot tells more than any of it. Prices stand in one dated table.

mod prices;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::home::{to_copy, volume_needed_gb};
use super::quota::instances_allowed;
use super::view::View;
use prices::Prices;

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
/// Hours in a month, as AWS bills.
const MONTH: f64 = 730.0;

/// From one number to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The lower end.
    pub low: f64,
    /// The higher end.
    pub high: f64,
}

impl Range {
    fn of(value: f64) -> Self {
        Self { low: value, high: value }
    }

    fn plus(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high }
    }

    fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }
}

/// What something costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Cost {
    /// `before`, `after` or `once`.
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

/// Reckons for the people in scope.
pub(super) fn estimate(view: &View<'_>) -> Estimate {
    let prices = Prices::of(view.playbook);
    let mut estimate = Estimate {
        prices: format!("{} of {}: {}", prices.as_of, prices.region, prices.source),
        ..Estimate::default()
    };
    if let Some(region) = &view.snapshot.region
        && region.as_str() != prices.region
    {
        estimate.prices.push_str(&format!("; {region} has prices of its own, not known here"));
    }
    let homes = homes(view);
    time(view, &homes, &mut estimate);
    file_systems(view, &prices, &mut estimate);
    volumes(view, &homes, &prices, &mut estimate);
    instances(view, &prices, &mut estimate);
    for cost in &estimate.costs {
        let sum = match cost.when.as_str() {
            "before" => &mut estimate.before,
            "after" => &mut estimate.after,
            _ => &mut estimate.once,
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

fn time(view: &View<'_>, homes: &[(Range, Range)], estimate: &mut Estimate) {
    let of_one = |(bytes, files): &(Range, Range)| {
        AROUND.plus(Range {
            low: (bytes.low / BYTES.high).max(files.low / FILES.high) / 60.0,
            high: (bytes.high / BYTES.low + files.high / FILES.low) / 60.0,
        })
    };
    let minutes = homes.iter().map(of_one).fold(Range::default(), Range::plus);
    let longest = homes
        .iter()
        .map(of_one)
        .fold(Range::default(), |a, b| Range { low: a.low.max(b.low), high: a.high.max(b.high) });
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let allowed =
        instances_allowed(view).map_or(usize::MAX, |(_, value)| value.clamp(0.0, 1e6) as usize);
    estimate.at_once = view.playbook.limits.users.min(allowed);
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

fn file_systems(view: &View<'_>, prices: &Prices, estimate: &mut Estimate) {
    let ids: Vec<_> =
        view.domains.iter().filter_map(|scope| scope.domain.file_system.as_ref()).collect();
    let mut month = 0.0;
    let mut total = 0.0;
    for one in view.snapshot.file_systems.iter().filter(|one| ids.contains(&&one.id)) {
        let classes = [
            ("efs-standard", one.bytes.standard),
            ("efs-infrequent", one.bytes.infrequent),
            ("efs-archive", one.bytes.archive),
        ];
        // A file system that does not tell its classes is billed as Standard.
        let told: u64 = classes.iter().map(|(_, bytes)| bytes).sum();
        let rest = ("efs-standard", one.bytes.total.saturating_sub(told));
        for (class, bytes) in classes.into_iter().chain([rest]) {
            month += as_f64(bytes) / GIB * prices.get(class).unwrap_or_default();
            total += as_f64(bytes) / GIB;
        }
    }
    if month == 0.0 {
        return;
    }
    let how = format!("{total:.0} GiB by storage class");
    estimate.costs.push(Cost {
        when: "before".to_owned(),
        what: "Classic homes on EFS".to_owned(),
        usd: Range::of(month),
        how: how.clone(),
    });
    estimate.costs.push(Cost {
        when: "after".to_owned(),
        what: "Classic homes on EFS, until they are deleted".to_owned(),
        usd: Range { low: 0.0, high: month },
        how: format!("{how}; the file system itself stays while the domain lives"),
    });
}

fn volumes(view: &View<'_>, homes: &[(Range, Range)], prices: &Prices, estimate: &mut Estimate) {
    let volume = &view.playbook.target.volume;
    let gib = |bytes: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes")]
        let needed = volume_needed_gb(bytes.clamp(0.0, 1e18) as u64, volume);
        let least = u64::try_from(volume.minimum_gb).unwrap_or_default();
        let most = u64::try_from(volume.maximum_gb).unwrap_or_default().max(least);
        as_f64(needed.clamp(least, most))
    };
    let sum = homes.iter().fold(Range::default(), |sum, (bytes, _)| {
        sum.plus(Range { low: gib(bytes.low), high: gib(bytes.high) })
    });
    let Some(price) = prices.get("studio-volume") else { return };
    estimate.costs.push(Cost {
        when: "after".to_owned(),
        what: "Volumes of the new spaces".to_owned(),
        usd: sum.times(price),
        how: format!("{:.0} to {:.0} GiB as the playbook sizes them", sum.low, sum.high),
    });
}

fn instances(view: &View<'_>, prices: &Prices, estimate: &mut Estimate) {
    let mut month = 0.0;
    let mut running = 0_usize;
    for scope in &view.domains {
        for app in scope.domain.apps.iter().filter(|app| app.is_classic()) {
            // The server of Classic runs on an instance of AWS's that is not billed.
            let Some(on) = app.instance_type.as_deref().filter(|on| *on != "system") else {
                continue;
            };
            running += 1;
            match prices.get(on) {
                Some(price) => month += price * MONTH,
                None => estimate.without_price.push(on.to_owned()),
            }
        }
    }
    if running > 0 {
        estimate.costs.push(Cost {
            when: "before".to_owned(),
            what: "Classic apps that run".to_owned(),
            usd: Range::of(month),
            how: format!("{running} apps, if they run all month"),
        });
    }
    let on = &view.playbook.target.instance_type;
    let people = as_f64((estimate.measured + estimate.unmeasured) as u64);
    match prices.get(on) {
        Some(price) => estimate.costs.push(Cost {
            when: "once".to_owned(),
            what: "Instances that copy".to_owned(),
            usd: estimate.minutes_a_person.times(people / 60.0 * price),
            how: format!("{on}, one a person, while their home is copied"),
        }),
        None => estimate.without_price.push(on.clone()),
    }
    estimate.without_price.sort();
    estimate.without_price.dedup();
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
        assert!(less.prices.contains("eu-west-1 has prices of its own"), "{}", less.prices);
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
