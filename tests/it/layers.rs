//! The module order of `lib.rs` is kept: a module names only those before it.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in the order of `lib.rs`.
fn order() -> Vec<String> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn files_of(module: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let folder = root().join("src").join(module);
    if folder.is_dir() {
        rust_files(&folder, &mut files);
    } else {
        files.push(root().join(format!("src/{module}.rs")));
    }
    files
}

/// Lines of code, without comments.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_module_uses_only_the_modules_before_it() {
    let order = order();
    assert_eq!(order.last().map(String::as_str), Some("cli"));
    let mut wrong = Vec::new();
    for (position, module) in order.iter().enumerate() {
        for file in files_of(module) {
            let code = code(&file);
            for (other_position, other) in order.iter().enumerate() {
                let is_named = code.contains(&format!("crate::{other}::"));
                let is_allowed = match (module.as_str(), other.as_str()) {
                    ("sim", "mover" | "sim" | "names") => true,
                    ("sim", _) => false,
                    (_, "sim") => module == "cli",
                    _ => other_position <= position,
                };
                if is_named && !is_allowed {
                    wrong.push(format!("{} names {other}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_right_places_name_the_sdk_sql_and_the_terminal() {
    let mut wrong = Vec::new();
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    for file in files {
        let inside = |folder: &str| file.starts_with(root().join("src").join(folder));
        let code = code(&file);
        for (word, home) in [
            ("aws_sdk_", "aws"),
            ("rusqlite", "journal"),
            ("println!", "cli"),
            ("indicatif", "cli"),
        ] {
            if code.contains(word) && !inside(home) {
                wrong.push(format!("{} says {word}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_integration_test_file_is_listed() {
    let here = root().join("tests/it");
    let main = fs::read_to_string(here.join("main.rs")).unwrap();
    for entry in fs::read_dir(&here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name} is not listed in tests/it/main.rs, so its tests do not run"
        );
    }
}
