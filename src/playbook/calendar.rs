//! When batches may run: windows, freezes, and the time that a trial is given to show what it did.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many days are looked at for the next window.
const HORIZON: i64 = 400;

/// When batches may run. Nothing said means at any time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// The time zone of all that is said here, by its IANA name: `Europe/Berlin`.
    pub time_zone: String,
    /// The first day; the snapshot's when it is not said.
    #[schemars(with = "Option<String>")]
    pub start: Option<Date>,
    /// When batches may run; none means at any time of any day.
    pub windows: Vec<Window>,
    /// Days on which nothing runs, whatever the windows say.
    pub freezes: Vec<Freeze>,
    /// Hours between the end of the pilot, or of the canary, and the next batch.
    pub soak_hours: f64,
}

impl Default for Calendar {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            start: None,
            windows: Vec::new(),
            freezes: Vec::new(),
            soak_hours: 0.0,
        }
    }
}

/// A time of the week in which batches may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days on which it begins; none means every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// When it begins: `20:00`.
    #[schemars(with = "String")]
    pub from: Time,
    /// When it ends; at or before `from` is the next day's.
    #[schemars(with = "String")]
    pub to: Time,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// Days on which nothing runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The first day.
    #[schemars(with = "String")]
    pub from: Date,
    /// The last day.
    #[schemars(with = "String")]
    pub to: Date,
    /// Why, in words.
    pub reason: String,
}

impl Calendar {
    /// Tells whether anything is said about when batches run.
    pub fn says_when(&self) -> bool {
        self.start.is_some() || !self.windows.is_empty() || !self.freezes.is_empty()
    }

    /// The time zone.
    ///
    /// # Errors
    ///
    /// None is called so.
    pub fn zone(&self) -> Result<TimeZone, jiff::Error> {
        TimeZone::get(&self.time_zone)
    }

    /// The first moment of the first day, or the one that is given where no day is said.
    pub fn begins(&self, zone: &TimeZone, otherwise: Timestamp) -> Timestamp {
        let first = self.start.and_then(|day| moment(zone, day, Time::midnight()));
        first.unwrap_or(otherwise)
    }

    /// Says a moment in the calendar's time zone.
    pub(crate) fn said(zone: &TimeZone, at: Timestamp) -> String {
        at.to_zoned_datetime(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
    }

    /// Lists when batches may run from a moment on, for a little more than a year: in order, none touching the next.
    pub fn spans(&self, zone: &TimeZone, after: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        self.spans_of(zone, after, HORIZON)
    }

    /// Tells whether batches may run at a moment. No window is longer than a day, so it is in one of yesterday's or today's.
    pub fn is_open(&self, zone: &TimeZone, now: Timestamp) -> bool {
        self.spans_of(zone, now, 2).first().is_some_and(|(from, _)| *from <= now)
    }

    fn spans_of(
        &self,
        zone: &TimeZone,
        after: Timestamp,
        days: i64,
    ) -> Vec<(Timestamp, Timestamp)> {
        let whole_day = Window { days: Vec::new(), from: Time::midnight(), to: Time::midnight() };
        let windows = if self.windows.is_empty() {
            std::slice::from_ref(&whole_day)
        } else {
            self.windows.as_slice()
        };
        let first = after.to_zoned_datetime(zone.clone()).date();
        let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
        for number in -1..days {
            let Ok(day) = first.checked_add(Span::new().days(number)) else { continue };
            let is_on = |window: &&Window| {
                window.days.is_empty() || window.days.contains(&Day::of(day.weekday()))
            };
            spans.extend(windows.iter().filter(is_on).flat_map(|one| self.on(zone, one, day)));
        }
        spans.retain(|(_, to)| *to > after);
        spans.sort();
        let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (from, to) in spans {
            let from = from.max(after);
            match merged.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => merged.push((from, to)),
            }
        }
        merged
    }

    /// What a window that begins on a day leaves open: on that day, and on the next one where it goes over midnight.
    fn on(&self, zone: &TimeZone, window: &Window, day: Date) -> Vec<(Timestamp, Timestamp)> {
        let Ok(next) = day.tomorrow() else { return Vec::new() };
        let midnight = Time::midnight();
        let is_over_midnight = window.to <= window.from;
        let parts = if is_over_midnight {
            vec![
                (day, (day, window.from), (next, midnight)),
                (next, (next, midnight), (next, window.to)),
            ]
        } else {
            vec![(day, (day, window.from), (day, window.to))]
        };
        parts
            .into_iter()
            .filter(|(on, _, _)| self.frozen(*on).is_none())
            .filter_map(|(_, from, to)| {
                Some((moment(zone, from.0, from.1)?, moment(zone, to.0, to.1)?))
            })
            .filter(|(from, to)| from < to)
            .collect()
    }

    /// The freeze that a day is in.
    pub fn frozen(&self, day: Date) -> Option<&Freeze> {
        self.freezes.iter().find(|freeze| freeze.from <= day && day <= freeze.to)
    }

    /// The longest time that a batch may run in one go; `None` where nothing bounds it.
    pub fn longest(&self, zone: &TimeZone, after: Timestamp) -> Option<SignedDuration> {
        if self.windows.is_empty() {
            return None;
        }
        self.spans(zone, after).iter().map(|(from, to)| to.duration_since(*from)).max()
    }
}

fn moment(zone: &TimeZone, day: Date, time: Time) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(yaml: &str) -> Calendar {
        serde_saphyr::from_str(yaml).unwrap()
    }

    fn opens(calendar: &Calendar, after: &str) -> Vec<String> {
        let zone = calendar.zone().unwrap();
        let spans = calendar.spans(&zone, after.parse().unwrap());
        spans.iter().take(2).map(|(from, to)| format!("{from} {to}")).collect()
    }

    #[test]
    fn a_window_may_go_over_midnight_and_a_freeze_cuts_it() {
        let weekend =
            "time_zone: Europe/Berlin\nwindows: [{ days: [sat], from: '20:00', to: '06:00' }]\n";
        let weekend = calendar(weekend);
        let saturday = "2026-12-05T19:00:00Z 2026-12-06T05:00:00Z";
        assert_eq!(opens(&weekend, "2026-12-03T10:00:00Z")[0], saturday);
        let is_open = |at: &str| weekend.is_open(&weekend.zone().unwrap(), at.parse().unwrap());
        assert!(!is_open("2026-12-03T10:00:00Z") && is_open("2026-12-06T01:00:00Z"));
        // In the midst of it, what is left of it.
        assert_eq!(
            opens(&weekend, "2026-12-06T01:00:00Z")[0],
            "2026-12-06T01:00:00Z 2026-12-06T05:00:00Z"
        );
        let frozen = Calendar {
            freezes: vec![Freeze {
                from: "2026-12-06".parse().unwrap(),
                to: "2026-12-12".parse().unwrap(),
                reason: "audit".to_owned(),
            }],
            ..weekend
        };
        let cut = [
            "2026-12-05T19:00:00Z 2026-12-05T23:00:00Z",
            "2026-12-12T23:00:00Z 2026-12-13T05:00:00Z",
        ];
        assert_eq!(opens(&frozen, "2026-12-03T10:00:00Z"), cut);
    }

    #[test]
    fn an_hour_that_the_clock_skips_makes_a_window_shorter_and_one_that_comes_twice_longer() {
        let nights =
            calendar("time_zone: Europe/Berlin\nwindows: [{ from: '01:00', to: '05:00' }]\n");
        assert_eq!(
            opens(&nights, "2026-03-28T12:00:00Z")[0],
            "2026-03-29T00:00:00Z 2026-03-29T03:00:00Z"
        );
        assert_eq!(
            opens(&nights, "2026-10-24T12:00:00Z")[0],
            "2026-10-24T23:00:00Z 2026-10-25T04:00:00Z"
        );
    }

    #[test]
    fn without_windows_every_day_is_open_but_the_frozen_ones() {
        let calendar =
            calendar("freezes: [{ from: 2026-12-20, to: 2027-01-06, reason: holidays }]\n");
        let open = opens(&calendar, "2026-12-01T00:00:00Z");
        assert_eq!(open[0], "2026-12-01T00:00:00Z 2026-12-20T00:00:00Z");
        assert!(open[1].starts_with("2027-01-07T00:00:00Z "));
        assert_eq!(
            calendar.longest(&calendar.zone().unwrap(), "2026-12-01T00:00:00Z".parse().unwrap()),
            None
        );
    }
}
