//! A home that is in use while it is copied: what vanishes or never rests is listed by name, and what rests arrives.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::pair::{Copied, Pair, ended, is_part, listing};

/// Does something over and over while a home is copied; it has begun before the copy does.
fn while_busy(pair: &Pair, work: impl FnMut(u64) + Send) -> Copied {
    let (is_over, begun) = (AtomicBool::new(false), Barrier::new(2));
    let mut work = work;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            work(0);
            begun.wait();
            for round in 1.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                work(round);
            }
        });
        begun.wait();
        let copied = pair.copy();
        is_over.store(true, Ordering::Relaxed);
        copied
    })
}

/// The content of each file, so that it can be judged when it is gone.
fn content(number: usize) -> Vec<u8> {
    format!("content of {number}, ").repeat(200).into_bytes()
}

/// Removes every other folder and every other file of the rest, the last first.
fn remove_half(home: &Path, folders: usize, files: usize) {
    for folder in (0..folders).rev() {
        let path = home.join(folder.to_string());
        if folder % 2 == 0 {
            fs::remove_dir_all(&path).unwrap();
            continue;
        }
        for number in (0..files).rev().step_by(2) {
            fs::remove_file(path.join(number.to_string())).unwrap();
        }
    }
}

#[test]
fn what_vanishes_while_it_is_copied_is_listed_and_nothing_is_torn() {
    const FOLDERS: usize = 60;
    const FILES: usize = 50;
    let mut vanished = 0;
    for _ in 0..6 {
        let pair = Pair::new();
        for folder in 0..FOLDERS {
            for file in 0..FILES {
                pair.file(format!("{folder}/{file}"), &content(file));
            }
        }
        let before = listing(&pair.home());
        let mut child = pair.start();
        while fs::read_dir(pair.destination()).unwrap().next().is_none() {
            assert_eq!(child.try_wait().unwrap(), None, "it ended before anything arrived");
        }
        remove_half(&pair.home(), FOLDERS, FILES);
        let copied = ended(child).proven();
        let not_copied = copied.not_copied();
        for (path, why) in &not_copied {
            assert!(why.starts_with("changed: "), "{path}: {why}");
        }
        vanished += not_copied.values().filter(|why| why.contains("it vanished")).count();
        let there = listing(&pair.destination());
        for (path, line) in there.iter().filter(|(_, line)| line.starts_with("100")) {
            assert_eq!(Some(line), before.get(path), "{path:?}");
        }
        for (path, line) in listing(&pair.home()) {
            let arrived = there.get(&path);
            assert!(arrived.is_some(), "{path:?} is at the source still, and not copied");
            assert!(line.starts_with('4') || arrived == Some(&line), "{path:?}");
        }
    }
    assert!(vanished > 50, "only {vanished} files vanished in time");
}

#[test]
fn a_file_that_is_written_to_without_end_is_listed_and_the_rest_arrives() {
    let pair = Pair::new();
    let log = pair.file("log", b"line\n");
    // A hole costs no room, but it has to be hashed, which takes far longer than the writer's pauses.
    File::options().write(true).open(&log).unwrap().set_len(128 << 20).unwrap();
    for number in 0..50 {
        pair.file(format!("quiet/{number}"), &content(number));
    }
    let copied = while_busy(&pair, |_| {
        File::options().append(true).open(&log).unwrap().write_all(b"line\n").unwrap();
        std::thread::sleep(Duration::from_micros(100));
    });
    let copied = copied.proven();
    let not_copied = copied.not_copied();
    assert_eq!(not_copied.keys().collect::<Vec<_>>(), ["log"]);
    assert_eq!(not_copied["log"], "changed: it changed while it was read, 3 times over");
    assert_eq!(copied.said["not_copied"]["changed"], 1);
    let there = listing(&pair.destination());
    assert!(!there.keys().any(|path| path == Path::new("log") || is_part(path)), "{there:?}");
    assert_eq!(there.len(), 51);
    // Once it rests, it arrives, and nothing else is written.
    assert_eq!(pair.copy().proven().number("written"), 1);
    pair.assert_same("after the log came to rest");
}

/// Bytes of a file all of which are the same, so that a mixture of two versions shows.
const VERSION: usize = 3 << 20;

/// What is written of it at once.
const PART: usize = VERSION / 12;

fn assert_one_version(path: &Path) {
    let content = fs::read(path).unwrap();
    assert_eq!(content.len(), VERSION, "{path:?}");
    assert!(content.iter().all(|byte| *byte == content[0]), "{path:?} is of two versions");
}

#[test]
fn of_a_file_that_is_replaced_over_and_over_one_version_arrives_or_none() {
    let pair = Pair::new();
    let paths: Vec<PathBuf> =
        (0..4).map(|number| pair.file(format!("{number}"), &vec![0; VERSION])).collect();
    let beside = pair.root().join("next");
    let copied = while_busy(&pair, |round| {
        fs::write(&beside, vec![(round % 251) as u8; VERSION]).unwrap();
        fs::rename(&beside, &paths[round as usize % paths.len()]).unwrap();
    });
    let copied = copied.proven();
    let not_copied = copied.not_copied();
    for path in &paths {
        let name = path.file_name().unwrap();
        let there = pair.destination().join(name);
        match not_copied.get(name.to_str().unwrap()) {
            Some(why) => assert!(why.starts_with("changed: ") && !there.exists(), "{why}"),
            None => assert_one_version(&there),
        }
    }
}

/// Versions have a number each, and begin anew after this many.
const VERSIONS: u64 = 251;

/// Insists that a file was like that at some moment: a version, or the next one as far as it was written, and then the last.
fn assert_once_so(path: &Path) {
    let content = fs::read(path).unwrap();
    assert_eq!(content.len(), VERSION);
    let last = *content.last().unwrap();
    let next = u8::try_from((u64::from(last) + 1) % VERSIONS).unwrap();
    let written = content.iter().take_while(|byte| **byte == next).count();
    let mut runs: Vec<u8> = content[written..].to_vec();
    runs.dedup();
    assert_eq!(runs, [last], "after {written} bytes of {next}");
}

#[test]
fn of_a_file_that_is_written_over_in_place_nothing_arrives_that_it_never_was() {
    let mut arrived = 0;
    for _ in 0..20 {
        let pair = Pair::new();
        let path = pair.file("file", &vec![0; VERSION]);
        let file = File::options().write(true).open(&path).unwrap();
        let copied = while_busy(&pair, |round| {
            // A part at a time: one long write tells the time when it begins, and nobody can see that it goes on.
            for part in 0..VERSION / PART {
                let fill = vec![u8::try_from(round % VERSIONS).unwrap(); PART];
                file.write_all_at(&fill, (part * PART) as u64).unwrap();
            }
            // Between two versions it rests, now and then for long enough to be read.
            std::thread::sleep(Duration::from_micros(fastrand::u64(0..20_000)));
        });
        let copied = copied.proven();
        let there = pair.destination().join("file");
        match copied.not_copied().get("file") {
            Some(why) => assert!(why.starts_with("changed: ") && !there.exists(), "{why}"),
            None => {
                assert_once_so(&there);
                arrived += 1;
            }
        }
    }
    assert!(arrived > 0, "it never rested for long enough to arrive");
}
