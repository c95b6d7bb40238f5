//! From YAML text to a [`Playbook`]; what is not known is refused, with its place and the key that was probably meant.

use std::path::Path;

use serde::Deserialize;
use serde_saphyr::{MessageFormatter, UserMessageFormatter};

use super::error::Error;
use super::policy::Playbook;

impl Playbook {
    /// Reads a playbook; `name` is what errors call it, usually the file's name.
    ///
    /// Only the form is judged here; [`Playbook::check`] judges what it says.
    ///
    /// # Errors
    ///
    /// Another schema than 1, and anything that is no YAML or has unknown keys, with line and column.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        known_schema(text, name)?;
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| placed(&error, name))
    }

    /// Reads a playbook from a file, and checks what it says.
    ///
    /// # Errors
    ///
    /// The file cannot be read, [`Playbook::parse`] refuses it, or [`Playbook::check`] finds problems.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::parse_checked(&text, &path.display().to_string())
    }

    /// Reads a playbook and checks what it says.
    ///
    /// # Errors
    ///
    /// [`Playbook::parse`] refuses it, or [`Playbook::check`] finds problems.
    pub fn parse_checked(text: &str, name: &str) -> Result<Self, Error> {
        let playbook = Self::parse(text, name)?;
        let problems = playbook.check();
        if problems.is_empty() {
            Ok(playbook)
        } else {
            Err(Error::Wrong { name: name.to_owned(), problems })
        }
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! { with_snippet: false }
}

/// Looks at the version before anything else: a newer format has keys that are unknown here, and that is not the mistake.
fn known_schema(text: &str, name: &str) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Version {
        schema: Option<u64>,
    }
    match serde_saphyr::from_str_with_options::<Version>(text, options()) {
        Ok(Version { schema: Some(found) }) if found != 1 => {
            Err(Error::Schema { name: name.to_owned(), found })
        }
        // What is no YAML at all is told of by the second reading, which knows every key.
        _ => Ok(()),
    }
}

fn placed(error: &serde_saphyr::Error, name: &str) -> Error {
    let name = name.to_owned();
    let (line, column) =
        error.location().map_or((0, 0), |location| (location.line(), location.column()));
    match error.without_snippet() {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => Error::UnknownKey {
            name,
            line,
            column,
            key: field.clone(),
            nearest: nearest(field, expected).map(str::to_owned),
            expected: expected.iter().map(|&key| key.to_owned()).collect(),
        },
        serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } => Error::UnknownValue {
            name,
            line,
            column,
            value: variant.clone(),
            nearest: nearest(variant, expected).map(str::to_owned),
            expected: expected.iter().map(|&word| word.to_owned()).collect(),
        },
        other => Error::Yaml {
            name,
            line,
            column,
            message: UserMessageFormatter.format_message(other).into_owned(),
        },
    }
}

/// Returns the candidate that is fewest typing mistakes away, when that is few enough to have been meant.
pub(super) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(2);
    candidates
        .iter()
        .map(|&candidate| (strsim::levenshtein(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Playbook::parse(text, "mine.yaml").unwrap_err().to_string()
    }

    #[test]
    fn a_playbook_that_says_only_its_name_has_every_default() {
        let playbook = Playbook::parse("schema: 1\nname: mine\n", "mine.yaml").unwrap();
        assert_eq!(playbook.batches.users, 25);
        assert_eq!(playbook.target.space_name, "{profile}-studio");
        assert_eq!(playbook.scope.include, ["*"]);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_the_key_that_was_meant() {
        let said = refused("schema: 1\nname: mine\nbatches:\n  pilots_users: 4\n");
        assert_eq!(
            said,
            "mine.yaml:4:3: no key is called `pilots_users`, did you mean `pilot_users`?"
        );
        let said = refused("schema: 1\nname: mine\nlimit:\n  users: 4\n");
        assert_eq!(said, "mine.yaml:3:1: no key is called `limit`, did you mean `limits`?");
    }

    #[test]
    fn a_key_that_resembles_none_is_answered_with_those_that_there_are() {
        let said = refused("schema: 1\nname: mine\nstop_rules:\n  elephants: 4\n");
        assert!(said.contains("no key is called `elephants`, it may be failures"), "{said}");
    }

    #[test]
    fn an_unknown_word_is_refused_with_the_word_that_was_meant() {
        let said = refused("schema: 1\nname: mine\nclassic_apps: required-stopped\n");
        assert!(said.starts_with("mine.yaml:3:"), "{said}");
        assert!(said.contains("did you mean `require-stopped`?"), "{said}");
    }

    #[test]
    fn a_newer_format_is_named_as_such_whatever_keys_it_has() {
        let said = refused("schema: 2\nname: mine\nwaves: 4\n");
        assert_eq!(said, "mine.yaml: schema 2 is not known here, this tool reads schema 1");
    }

    #[test]
    fn a_wrong_type_a_missing_key_and_a_doubled_key_have_a_place() {
        let said = refused("schema: 1\nname: mine\nbatches:\n  users: many\n");
        assert!(said.starts_with("mine.yaml:4:10: "), "{said}");
        let said = refused("schema: 1\n");
        assert!(said.contains("name"), "{said}");
        let said = refused("schema: 1\nname: mine\nname: yours\n");
        assert!(said.starts_with("mine.yaml:3:1: "), "{said}");
    }

    #[test]
    fn a_playbook_that_was_written_as_yaml_reads_back_the_same() {
        let playbook = Playbook::parse("schema: 1\nname: mine\n", "mine.yaml").unwrap();
        let text = serde_saphyr::to_string(&playbook).unwrap();
        assert_eq!(Playbook::parse(&text, "again.yaml").unwrap(), playbook);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Playbook::load(Path::new("/no/such/playbook.yaml")).unwrap_err();
        assert!(error.to_string().contains("/no/such/playbook.yaml"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(?s).{0,200}") {
            let _ = Playbook::parse(&text, "any.yaml");
        }
    }
}
