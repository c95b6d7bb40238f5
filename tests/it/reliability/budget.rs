//! How much of a proof is run: a part that every change can wait for, or all of it.

/// Set to anything, everything is tried; `docs/reliability.md` says how long that takes.
const ALL: &str = "STUDIO_MIGRATE_FULL_SWEEP";

/// Tells whether everything is to be tried.
pub fn is_full() -> bool {
    std::env::var_os(ALL).is_some_and(|value| !value.is_empty())
}

/// One of the two numbers: of everything, or of the part that is always tried.
pub fn of<T>(all: T, part: T) -> T {
    if is_full() { all } else { part }
}
