//! What is shown of a board on a terminal of some size: a pure function, so that it can be tested without one.
//!
//! Every line fits the width, and all lines fit the height with one to spare for the cursor. Where there are more people than
//! lines, those are shown in whom somebody is interested, and the last line says how many more there are.

use std::collections::BTreeSet;
use std::time::Duration;

use console::{measure_text_width, pad_str};
use indicatif::HumanBytes;

use super::board::{Board, Count, Doing, Person};
use crate::cli::drawn::{Size, bar, bar_width, fit, share, span};
use crate::mover::{Phase, Progress as Copying};
use crate::names::MigrationId;

/// Writes the lines that are shown so long after the run began.
pub(super) fn rows(board: &Board, now: Duration, size: Size) -> Vec<String> {
    let mut rows = vec![whole(board, now, size)];
    rows.extend(board.batch.as_ref().map(|(name, count)| {
        let copied = people_of(board).filter_map(|(_, person)| copying(person));
        let rate: u64 = copied.map(|copied| copied.bytes_per_second).sum();
        let rate = if rate > 0 { format!(", {}/s", HumanBytes(rate)) } else { String::new() };
        format!(
            "{} {}{rate}",
            bar(share(count.ended, count.all), bar_width(size)),
            counted(name.as_str(), *count)
        )
    }));
    rows.truncate(size.height.saturating_sub(1).max(1));
    let room = size.height.saturating_sub(1 + rows.len());
    let chosen = chosen(board, now, room);
    let longest = chosen.iter().map(|id| measure_text_width(id.as_str())).max().unwrap_or(0);
    let column = longest.min(size.width / 3).max(8);
    for (id, person) in people_of(board).filter(|(id, _)| chosen.contains(*id)) {
        rows.push(line(id, person, now, column, size));
    }
    let more = board.people.len() - chosen.len();
    if more > 0 && room > 0 {
        rows.push(format!("  and {more} more"));
    }
    rows.into_iter().map(|row| fit(&row, size.width)).collect()
}

fn people_of(board: &Board) -> impl Iterator<Item = (&MigrationId, &Person)> {
    board.people.iter()
}

/// Chooses who is shown on so many lines: whoever failed or was remarked upon lately, the last first; then in turn whoever takes longest and
/// whoever has waited longest. One line is left for how many more there are.
fn chosen(board: &Board, now: Duration, room: usize) -> BTreeSet<&MigrationId> {
    if board.people.len() <= room {
        return board.people.keys().collect();
    }
    let room = room.saturating_sub(1);
    let sorted = |key: &dyn Fn(&Person) -> (u64, u64)| {
        let mut all: Vec<_> = people_of(board).collect();
        all.sort_by_key(|(_, person)| std::cmp::Reverse(key(person)));
        all
    };
    let noted = sorted(&|person| (person.remark.as_ref().map_or(0, |(at, _)| millis(*at)), 0));
    let noted = noted.into_iter().filter(|(_, person)| person.is_noted(now));
    let slowest = sorted(&|person| copying(person).map_or((0, 0), still_takes));
    let waiting = sorted(&|person| match &person.doing {
        Doing::Copying(_) | Doing::Failed => (0, 0),
        Doing::Step | Doing::Waiting(_) => (millis(now.saturating_sub(person.since)), 1),
    });
    let in_turn = slowest.into_iter().zip(waiting).flat_map(|(one, other)| [one, other]);
    let mut chosen = BTreeSet::new();
    for (id, _) in noted.chain(in_turn) {
        if chosen.len() == room {
            break;
        }
        chosen.insert(id);
    }
    chosen
}

/// Seconds until a copy ends, and the bytes that it has to do. What is not known yet is small.
fn still_takes(copied: &Copying) -> (u64, u64) {
    let left = copied.total_bytes.saturating_sub(copied.bytes);
    (copied.eta_seconds.unwrap_or(0), left)
}

fn copying(person: &Person) -> Option<&Copying> {
    match &person.doing {
        Doing::Copying(copied) => Some(copied),
        _ => None,
    }
}

fn whole(board: &Board, now: Duration, size: Size) -> String {
    let at_work = people_of(board).filter(|(_, person)| person.is_at_work()).count();
    format!(
        "{} {}, {at_work} at work, {}",
        bar(share(board.whole.ended, board.whole.all), bar_width(size)),
        counted("all", board.whole),
        span(now)
    )
}

fn counted(what: &str, count: Count) -> String {
    // A rollback does not know beforehand how many there are.
    let all = count.all.max(count.ended + count.left);
    let also = [(count.failed, "failed"), (count.left, "left")];
    let also = also.into_iter().filter(|(number, _)| *number > 0);
    let also: String = also.map(|(number, how)| format!(", {number} {how}")).collect();
    let people = if all == 1 { "person" } else { "people" };
    format!("{what}: {} of {all} {people}{also}", count.ended)
}

/// One person's line: who, which step, and how far it is or why it waits.
fn line(id: &MigrationId, person: &Person, now: Duration, column: usize, size: Size) -> String {
    let name = pad_str(id.as_str(), column, console::Alignment::Left, Some("…"));
    let step = person.step.map_or("", crate::execute::Step::name);
    let since = now.saturating_sub(person.since);
    let text = match &person.doing {
        Doing::Step => span(since),
        Doing::Waiting(what) => format!("waiting for {what}, {}", span(since)),
        Doing::Copying(copied) => copied_so_far(copied, size),
        Doing::Failed => String::new(),
    };
    let remark = person.remark.as_ref().filter(|_| person.is_noted(now));
    let remark = match (remark, &person.doing) {
        (Some((_, said)), Doing::Failed) => format!("failed: {said}"),
        (Some((_, said)), _) => format!("  ! {said}"),
        (None, _) => String::new(),
    };
    format!("  {name} {step:9} {text}{remark}")
}

fn copied_so_far(copied: &Copying, size: Size) -> String {
    let word = match copied.phase {
        Phase::Scanning => return format!("counting, {} files", copied.files),
        Phase::Copying => "",
        Phase::Verifying => "reading back ",
        Phase::Finished => return "copied".to_owned(),
    };
    let share = copied.bytes as f64 / copied.total_bytes.max(1) as f64;
    let eta = copied.eta_seconds.map_or_else(String::new, |seconds| {
        format!(", ETA {}", span(Duration::from_secs(seconds)))
    });
    format!(
        "{} {word}{} of {}, {} of {} files, {}/s{eta}",
        bar(share, bar_width(size) / 2),
        HumanBytes(copied.bytes),
        HumanBytes(copied.total_bytes),
        copied.files,
        copied.total_files,
        HumanBytes(copied.bytes_per_second),
    )
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{board_of_200, copying_notice, who};
    use super::*;
    use crate::execute::{Failure, MigrationStanding, Notice, Step};

    const SIZE: Size = Size { width: 80, height: 24 };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn two_hundred_people_fit_twenty_four_lines_and_the_rest_is_counted() {
        let board = board_of_200();
        let rows = rows(&board, at(100), SIZE);
        assert_eq!(rows.len(), 23, "{rows:#?}");
        assert!(rows[0].contains("all: 0 of 200 people, 200 at work, 100 s"), "{}", rows[0]);
        assert!(rows[1].contains("batch-1: 0 of 200 people"), "{}", rows[1]);
        assert_eq!(rows[22], "  and 180 more");
    }

    #[test]
    fn nothing_is_wider_or_higher_than_the_terminal() {
        let mut board = board_of_200();
        let text = "a remark\nof two lines, with 漢字 that are wide and \t a tab".repeat(5);
        board.take(&Notice::Remark { migration: who(7), text }, at(99));
        for (width, height) in [(80, 24), (200, 50), (40, 10), (20, 5), (10, 3), (5, 2), (1, 1)] {
            let rows = rows(&board, at(100), Size { width, height });
            assert!(rows.len() <= height.saturating_sub(1).max(1), "{width}×{height}: {rows:#?}");
            for row in rows {
                assert!(measure_text_width(&row) <= width, "{width}×{height}: {row}");
                assert!(!row.contains(char::is_control), "{row:?}");
            }
        }
    }

    #[test]
    fn whoever_failed_takes_longest_or_waits_longest_is_shown() {
        let mut board = board_of_200();
        let failure = Failure::new("the volume is full");
        let step = Step::Hydrate;
        board.take(&Notice::StepFailed { migration: who(111), step, failure }, at(90));
        let standing = MigrationStanding::Failed;
        board.take(
            &Notice::MigrationEnded { migration: who(111), standing, is_done: false },
            at(90),
        );
        let what = "a GPU".to_owned();
        board.take(&Notice::Waiting { migration: who(50), what }, at(1));
        for other in (51..100).chain(112..200) {
            let what = "the app".to_owned();
            board.take(&Notice::Waiting { migration: who(other), what }, at(80));
        }
        board.take(&copying_notice(who(3), 1 << 40, 9000), at(95));
        let rows = rows(&board, at(100), SIZE);
        let row = |person: usize| {
            let name = who(person).to_string();
            let found = rows.iter().find(|row| row.contains(&format!("{name} ")));
            found.unwrap_or_else(|| panic!("{name} is not shown: {rows:#?}")).clone()
        };
        assert!(row(111).ends_with("failed: the volume is full"), "{}", row(111));
        assert!(row(50).ends_with("waiting for a GPU, 99 s"), "{}", row(50));
        assert!(row(3).contains("0 B of 1.00 TiB"), "{}", row(3));
        assert!(rows[0].contains("1 of 200 people, 1 failed, 199 at work"), "{}", rows[0]);
        // After a minute a failure is old, and its line is free for somebody else.
        let later = super::rows(&board, at(200), SIZE);
        assert!(!later.iter().any(|row| row.contains("the volume is full")), "{later:#?}");
    }

    #[test]
    fn whoever_is_left_on_the_way_is_not_through() {
        let mut board = board_of_200();
        for (person, is_done) in [(1, true), (2, false), (3, false)] {
            let standing = MigrationStanding::Underway;
            board
                .take(&Notice::MigrationEnded { migration: who(person), standing, is_done }, at(9));
        }
        let rows = rows(&board, at(10), SIZE);
        assert!(rows[0].contains("all: 1 of 200 people, 2 left, 197 at work"), "{}", rows[0]);
    }

    #[test]
    fn a_larger_terminal_shows_more_people_and_a_smaller_one_fewer() {
        let board = board_of_200();
        let shown = |height| rows(&board, at(100), Size { width: 100, height }).len();
        assert_eq!((shown(10), shown(24), shown(60)), (9, 23, 59));
        let rows = rows(&board, at(100), Size { width: 100, height: 300 });
        assert_eq!(rows.len(), 202);
        assert!(!rows.iter().any(|row| row.contains("more")), "everyone is shown");
    }

    #[test]
    fn a_copy_says_bytes_files_rate_and_when_it_ends() {
        let mut board = Board::new(1);
        board.take(&Notice::StepBegan { migration: who(1), step: Step::Hydrate }, at(0));
        board.take(&copying_notice(who(1), 3 << 30, 1920), at(1));
        let rows = rows(&board, at(2), Size { width: 120, height: 24 });
        assert_eq!(
            rows[1],
            "  d-sim1/p001 hydrate   ░░░░░░░░░░░░░░░ 0 B of 3.00 GiB, 0 of 12 files, 1.00 MiB/s, ETA 32 min"
        );
    }
}
