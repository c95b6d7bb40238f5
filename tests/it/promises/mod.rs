//! The eleven promises of `docs/semantics.md`, each asserted on real runs of the tool by what a user could notice.
//!
//! The third, that a run may be killed at any instant, is `crash.rs`.

mod homes;
mod record;
mod secrets;
mod settings;

use std::fs;
use std::path::Path;

#[test]
fn every_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/semantics.md")).unwrap();
    let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
    for number in 1..=11 {
        let heading = format!("{number}. ");
        let section = sections.iter().find(|section| section.starts_with(&heading));
        assert!(section.is_some(), "promise {number} has no section");
        let tests: Vec<_> = section.unwrap().lines().filter_map(named).collect();
        assert!(!tests.is_empty(), "promise {number} names no test");
        for (test, file) in tests {
            let source = fs::read_to_string(root.join(file)).unwrap_or_default();
            let lines: Vec<_> = source.lines().map(str::trim_start).collect();
            let begins = format!("fn {test}(");
            let is_there =
                lines.windows(2).any(|two| two[0] == "#[test]" && two[1].starts_with(&begins));
            assert!(is_there, "promise {number} names {test}, which is not in {file}");
        }
    }
}

/// Reads "- `test` in `file`".
fn named(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("- `")?.strip_suffix('`')?.split_once("` in `")
}
