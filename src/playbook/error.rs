//! What is wrong with a playbook, with the place and a way out.

use std::path::PathBuf;

use super::check::Problem;

/// What is wrong with a playbook.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("playbook {} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The format has another version than this tool knows.
    #[error("{name}: schema {found} is not known here, this tool reads schema 1")]
    Schema {
        /// The playbook's name.
        name: String,
        /// The version that the file says.
        found: u64,
    },
    /// A key that no playbook has.
    #[error("{name}:{line}:{column}: no key is called `{key}`{}", hint(.nearest.as_deref(), .expected))]
    UnknownKey {
        /// The playbook's name.
        name: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// The key as written.
        key: String,
        /// The key that was probably meant.
        nearest: Option<String>,
        /// The keys that may stand there.
        expected: Vec<String>,
    },
    /// A word where only certain words may stand.
    #[error("{name}:{line}:{column}: `{value}` is not a choice here{}", hint(.nearest.as_deref(), .expected))]
    UnknownValue {
        /// The playbook's name.
        name: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// The word as written.
        value: String,
        /// The word that was probably meant.
        nearest: Option<String>,
        /// The words that may stand there.
        expected: Vec<String>,
    },
    /// Anything else that is wrong with the YAML.
    #[error("{name}:{line}:{column}: {message}")]
    Yaml {
        /// The playbook's name.
        name: String,
        /// The line, from 1; 0 when the parser did not say.
        line: u64,
        /// The column, from 1; 0 when the parser did not say.
        column: u64,
        /// What the parser says.
        message: String,
    },
    /// The YAML is sound, and what it says is not.
    #[error("{name}: {}", listed(.problems))]
    Wrong {
        /// The playbook's name.
        name: String,
        /// Every problem.
        problems: Vec<Problem>,
    },
    /// No playbook of this name comes with the tool.
    #[error("no shipped playbook is called `{name}`{}", hint(.nearest.as_deref(), .expected))]
    NotShipped {
        /// The name as written.
        name: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// The names that there are.
        expected: Vec<String>,
    },
}

fn hint(nearest: Option<&str>, expected: &[String]) -> String {
    match nearest {
        Some(nearest) => format!(", did you mean `{nearest}`?"),
        None if expected.is_empty() => String::new(),
        None => format!(", it may be {}", expected.join(", ")),
    }
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    match lines.as_slice() {
        [only] => only.clone(),
        many => format!("{} problems\n  {}", many.len(), many.join("\n  ")),
    }
}
