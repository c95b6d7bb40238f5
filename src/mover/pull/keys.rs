//! From what a bucket says to a path: nothing that would lead out of the destination passes.

use super::super::entry::{Class, Skip};

/// The longest name that Linux takes, in bytes.
const LONGEST_NAME: usize = 255;

/// Tells why a path cannot be one of the destination's, if so.
pub(super) fn unfit(path: &[u8]) -> Option<Skip> {
    let unstorable = |why: &str| Some(Skip::new(Class::Unstorable, why));
    if path.contains(&0) {
        return unstorable("a name cannot hold a NUL byte");
    }
    for step in path.split(|byte| *byte == b'/') {
        match step {
            b"" => return unstorable("its key has an empty step, which no path has"),
            b"." | b".." => {
                return unstorable("its key has a step `.` or `..`, and could lead elsewhere");
            }
            step if step.len() > LONGEST_NAME => {
                return unstorable("the destination takes no name that long");
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_or_is_no_path_does_not_pass() {
        let long = "x".repeat(256);
        for path in ["../a", "a/../b", "..", ".", "/a", "a//b", "", "a\0b", "a/./b", long.as_str()]
        {
            assert!(unfit(path.as_bytes()).is_some(), "{path}");
        }
        for path in ["a", "a/b", "...", "..a/b..", &long[1..]] {
            assert!(unfit(path.as_bytes()).is_none(), "{path}");
        }
    }
}
