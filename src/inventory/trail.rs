//! Who opened which profile, as far back as CloudTrail's event history tells.
//!
//! An account of ten thousand people may have a million such events, and CloudTrail gives a hundred a second. So what was
//! counted is kept every now and then, and an inventory that is killed goes on from there.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::collect::Looking;
use super::snapshot::{Opened, Snapshot, Unseen};

/// Pages between two times that what was counted is kept.
const KEPT_EVERY: usize = 20;

/// Counted openings: by domain and profile in lower case, then by caller, how many times and when last.
type Counts = BTreeMap<String, BTreeMap<String, (u32, String)>>;

/// What was counted so far, from the newest event backwards.
#[derive(Default, Serialize, Deserialize)]
struct Counted {
    counts: Counts,
    /// Everything after this time is counted; `None` before the first page.
    until: Option<Timestamp>,
    /// Ids of the events of that very moment: the next page may begin with them again.
    at_until: Vec<String>,
    is_whole: bool,
    /// Where this inventory took over from one that was killed.
    #[serde(skip)]
    resumed_at: Option<Timestamp>,
}

/// Openings of an account, and what could not be seen of them.
#[derive(Default)]
pub(super) struct Openings {
    counts: Counts,
    since: Option<Timestamp>,
    unseen: Option<Unseen>,
}

/// Asks for the openings of so many days before a moment; none of 0 days.
pub(super) async fn openings(looking: &Looking<'_>, days: u32, now: Timestamp) -> Openings {
    const KEY: &str = "openings";
    if days == 0 {
        return Openings::default();
    }
    let since = now - SignedDuration::from_hours(24 * i64::from(days));
    let mut counted: Counted = looking.recall(KEY).unwrap_or_default();
    let mut token = None;
    let mut pages = 0_usize;
    counted.resumed_at = counted.until;
    let resumed_at = counted.until;
    let unseen = loop {
        if counted.is_whole {
            break None;
        }
        let page = looking.reader.openings(since, resumed_at.unwrap_or(now), token.take()).await;
        let (events, next) = match page {
            Ok(page) => page,
            Err(error) => {
                let seen_to = counted.until.map(|until| format!(" (seen back to {until})"));
                break Some(Unseen {
                    what: "cloudtrail:LookupEvents".to_owned(),
                    subject: "CreatePresignedDomainUrl".to_owned(),
                    why: format!("{error}{}", seen_to.unwrap_or_default()),
                });
            }
        };
        counted.add(events);
        token = next;
        pages += 1;
        counted.is_whole = token.is_none();
        if counted.is_whole || pages.is_multiple_of(KEPT_EVERY) {
            looking.keep(KEY.to_owned(), &counted);
            if let Some(until) = counted.until {
                (looking.tell)(format!(
                    "openings of profiles: the oldest that was seen is of {until}"
                ));
            }
        }
    };
    Openings { counts: counted.counts, since: Some(since), unseen }
}

impl Counted {
    fn add(&mut self, events: Vec<crate::aws::Opening>) {
        for event in events {
            if self.resumed_at.is_some_and(|resumed| event.at > resumed) {
                continue;
            }
            if self.until == Some(event.at) {
                if self.at_until.contains(&event.id) {
                    continue;
                }
            } else if self.until.is_none_or(|until| event.at < until) {
                self.until = Some(event.at);
                self.at_until.clear();
            }
            self.at_until.push(event.id);
            let profile = key(&event.domain, &event.profile);
            let callers = self.counts.entry(profile).or_default();
            let (times, last) = callers.entry(event.caller).or_default();
            *times = times.saturating_add(1);
            let at = event.at.to_string();
            if *last < at {
                *last = at;
            }
        }
    }
}

/// AWS does not tell upper from lower case in profile names.
fn key(domain: &str, profile: &str) -> String {
    format!("{domain}/{}", profile.to_ascii_lowercase())
}

/// Writes into every profile who opened it.
pub(super) fn give_out(openings: Openings, snapshot: &mut Snapshot) {
    snapshot.openings_since = openings.since.map(|since| since.to_string());
    snapshot.unseen.extend(openings.unseen);
    for domain in &mut snapshot.domains {
        for profile in &mut domain.profiles {
            let callers = openings.counts.get(&key(domain.id.as_str(), profile.name.as_str()));
            profile.opened_by = callers
                .into_iter()
                .flatten()
                .map(|(by, (times, last))| Opened {
                    by: by.clone(),
                    times: *times,
                    last: last.clone(),
                })
                .collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Opening;

    fn event(id: &str, second: i64, caller: &str) -> Opening {
        Opening {
            id: id.to_owned(),
            at: Timestamp::from_second(second).unwrap(),
            domain: "d-a".to_owned(),
            profile: "Alice".to_owned(),
            caller: caller.to_owned(),
        }
    }

    #[test]
    fn an_event_that_comes_again_after_a_kill_is_counted_once() {
        let mut counted = Counted::default();
        counted.add(vec![event("3", 30, "a"), event("2", 20, "b"), event("1", 20, "a")]);
        // Asked again up to the second after the moment that was reached.
        counted.resumed_at = counted.until;
        counted.add(vec![event("9", 21, "b"), event("2", 20, "b")]);
        counted.add(vec![event("1", 20, "a"), event("0", 10, "a")]);
        let callers = &counted.counts["d-a/alice"];
        assert_eq!(callers["a"], (3, "1970-01-01T00:00:30Z".to_owned()));
        assert_eq!(callers["b"].0, 1);
    }
}
