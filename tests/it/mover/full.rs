//! A destination without room: refused before anything is written, or ended in the middle with nothing torn.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::common::small::Small;

use super::pair::{Pair, ended, is_part, listing};

/// Mounts a small file system at a pair's destination.
fn small(pair: &Pair, options: &str, test: &str) -> Option<Small> {
    Small::mount(pair.destination().as_ref(), options, &format!("mover::full::{test}"))
}

fn random(bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    fastrand::Rng::with_seed(7).fill(&mut content);
    content
}

/// The numbers that a message gives as bytes or names.
fn numbers(message: &str) -> Vec<u64> {
    message.split(|at: char| !at.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn a_home_that_does_not_fit_is_refused_with_both_numbers_before_anything_is_written() {
    let test = "a_home_that_does_not_fit_is_refused_with_both_numbers_before_anything_is_written";
    let pair = Pair::new();
    pair.file("folder/large", &random(9 << 20));
    let Some(_small) = small(&pair, "size=8m", test) else { return };
    let refused = pair.copy().ran.ended(5);
    assert!(refused.err.contains("the destination has"), "{}", refused.err);
    let said = numbers(&refused.err);
    assert!(said.contains(&(8 << 20)), "free: {}", refused.err);
    assert!(
        said.iter().any(|bytes| (9 << 20..11 << 20).contains(bytes)),
        "needed: {}",
        refused.err
    );
    assert_eq!(fs::read_dir(pair.destination()).unwrap().count(), 0);
    assert_eq!(refused.out, "");
}

#[test]
fn a_home_of_more_names_than_fit_is_refused_with_both_numbers() {
    let test = "a_home_of_more_names_than_fit_is_refused_with_both_numbers";
    let pair = Pair::new();
    (0..50).for_each(|number| drop(pair.file(format!("{number}"), b"")));
    let Some(_small) = small(&pair, "size=8m,nr_inodes=40", test) else { return };
    let refused = pair.copy().ran.ended(5);
    assert!(refused.err.contains("files and folders"), "{}", refused.err);
    assert!(numbers(&refused.err).contains(&50), "{}", refused.err);
    assert_eq!(fs::read_dir(pair.destination()).unwrap().count(), 0);
}

/// Writes into a file until the file system has no room left.
fn fill(path: &Path) {
    let (mut file, chunk) = (File::create(path).unwrap(), random(256 << 10));
    while file.write(&chunk).is_ok_and(|written| written > 0) {}
}

#[test]
fn a_destination_that_fills_up_ends_the_copy_with_nothing_torn_and_the_next_completes() {
    let test = "a_destination_that_fills_up_ends_the_copy_with_nothing_torn_and_the_next_completes";
    const FILES: usize = 192;
    let pair = Pair::new();
    for number in 0..FILES {
        pair.file(format!("{}/{number}", number % 8), &random(256 << 10));
    }
    let Some(_small) = small(&pair, "size=64m", test) else { return };
    let mut child = pair.start();
    while fs::read_dir(pair.destination()).unwrap().next().is_none() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before anything arrived");
    }
    let filler = pair.destination().join("filler");
    fill(&filler);
    let refused = ended(child).ran.ended(5);
    assert!(refused.err.contains("the destination has"), "{}", refused.err);
    let said = numbers(&refused.err);
    assert!(said.len() >= 2 && said.iter().any(|bytes| *bytes >= 48 << 20), "{}", refused.err);
    let (home, there) = (listing(&pair.home()), listing(&pair.destination()));
    let files = there.iter().filter(|(_, line)| line.starts_with("100"));
    let mut arrived = 0;
    for (path, line) in files.filter(|(path, _)| *path != Path::new("filler")) {
        assert!(!is_part(path), "{path:?} was left");
        assert_eq!(Some(line), home.get(path), "{path:?} is torn");
        arrived += 1;
    }
    assert!(arrived < FILES, "all arrived: the file system was not full in time");

    fs::remove_file(&filler).unwrap();
    let again = pair.copy().proven();
    assert_eq!(again.number("written") as usize, FILES - arrived);
    pair.assert_same("after making room");
}
