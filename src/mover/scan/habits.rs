//! What a planner wants to know of a file by its path and age alone.

use std::borrow::Cow;

use crate::mover::path::split;

const DAY: i64 = 86_400;

/// Age bands, in days since a file changed.
pub(super) const AGES: [&str; 4] = ["0-30", "31-90", "91-365", "366-"];

/// Returns the number of the age band of a file that changed so many seconds ago.
pub(super) fn age(seconds: i64) -> usize {
    match seconds.div_euclid(DAY) {
        ..=30 => 0,
        31..=90 => 1,
        91..=365 => 2,
        _ => 3,
    }
}

/// Returns a file's kind: what stands behind the last dot of its name, in lower case; nothing when that is no word.
pub(super) fn kind(path: &[u8]) -> Cow<'_, str> {
    let (_, name) = split(path);
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0) else {
        return Cow::Borrowed("");
    };
    let word = &name[dot + 1..];
    let is_word = (1..=10).contains(&word.len()) && word.iter().all(u8::is_ascii_alphanumeric);
    match String::from_utf8_lossy(if is_word { word } else { b"" }) {
        shouted if shouted.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            Cow::Owned(shouted.to_ascii_lowercase())
        }
        kind => kind,
    }
}

/// Tells whether a file is a git configuration, which names an author.
pub(super) fn names_authors(path: &[u8]) -> bool {
    path == b".gitconfig"
        || path == b".git/config"
        || path.ends_with(b"/.git/config")
        || path.ends_with(b"/.gitconfig")
}

/// Returns the name that a playbook would leave a file out under; the outermost folder counts.
pub(super) fn candidate(path: &[u8]) -> Option<&'static str> {
    let (folder, _) = split(path);
    let mut before: &[u8] = b"";
    for step in folder.split(|byte| *byte == b'/') {
        let name = match step {
            b".cache" => Some(".cache"),
            b".conda" | b"anaconda3" | b"miniconda3" | b"miniforge3" | b"mambaforge" => {
                Some("conda")
            }
            b"pkgs" | b"envs" if before == b"conda" => Some("conda"),
            b".Trash" | b"Trash" => Some("Trash"),
            _ if step.starts_with(b".Trash-") => Some("Trash"),
            b"node_modules" => Some("node_modules"),
            b"__pycache__" => Some("__pycache__"),
            b".ipynb_checkpoints" => Some(".ipynb_checkpoints"),
            _ => None,
        };
        if name.is_some() {
            return name;
        }
        before = step;
    }
    None
}

/// Returns the author that a git configuration names.
pub(super) fn author(configuration: &str) -> Option<String> {
    let (mut is_user, mut name, mut email) = (false, None, None);
    for line in configuration.lines().map(str::trim) {
        if line.starts_with('[') {
            is_user = line.to_ascii_lowercase().replace(' ', "") == "[user]";
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_user) else { continue };
        let value = value.trim().trim_matches('"');
        match key.trim().to_ascii_lowercase().as_str() {
            "name" if !value.is_empty() => name = Some(value),
            "email" if !value.is_empty() => email = Some(value),
            _ => {}
        }
    }
    match (name, email) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (Some(name), None) => Some(name.to_owned()),
        (None, Some(email)) => Some(format!("<{email}>")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_days() {
        assert_eq!(
            [-5, 0, 31 * DAY, 91 * DAY, 366 * DAY].map(|seconds| AGES[age(seconds)]),
            ["0-30", "0-30", "31-90", "91-365", "366-"]
        );
    }

    #[test]
    fn a_kind_is_the_word_behind_the_last_dot() {
        let kinds = ["a/b.IPYNB", "x.tar.gz", ".bashrc", "Makefile", "a.b/c", "x.not a word", "y."];
        let expected = ["ipynb", "gz", "", "", "", "", ""];
        assert_eq!(kinds.map(|path| kind(path.as_bytes())), expected.map(Cow::Borrowed));
    }
}
