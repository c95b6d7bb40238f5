//! Findings of readiness that someone answers for, so that they count no more until a day.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The last number of each hundred of rule codes: `SM101` to `SM113`, `SM201` to `SM220`, ….
///
/// The rules themselves stand in `readiness`, which knows playbooks; a test there keeps the two alike. Numbers have no gaps,
/// and one that a rule once had stays known.
const LAST: [u16; 8] = [113, 220, 323, 419, 509, 610, 710, 807];

/// A finding that someone answers for.
///
/// What is wrong with one is refused when the playbook is read, with its line and column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// The rule's code, e.g. `SM205`.
    #[serde(deserialize_with = "code")]
    pub code: String,
    /// A glob over what the finding is about, as reports write it: `d-abc/alice`, `d-abc`, `account`, a role's ARN. `*` also
    /// matches `/`, and upper and lower case are the same.
    #[serde(default = "everything")]
    pub subject: String,
    /// Why the finding is no obstacle.
    #[serde(deserialize_with = "said")]
    pub reason: String,
    /// Who answers for that.
    #[serde(deserialize_with = "said")]
    pub owner: String,
    /// The last day on which it holds, in UTC; the day that counts is the snapshot's.
    #[serde(deserialize_with = "day")]
    #[schemars(with = "String")]
    pub until: Date,
}

impl Suppression {
    /// Tells whether a rule has, or once had, this code.
    pub fn is_known(code: &str) -> bool {
        let number = code.strip_prefix("SM").filter(|digits| digits.len() == 3);
        let number = number.and_then(|digits| digits.parse::<u16>().ok());
        number.is_some_and(|number| {
            LAST.iter().any(|last| (last / 100 * 100 + 1..=*last).contains(&number))
        })
    }
}

fn everything() -> String {
    "*".to_owned()
}

fn code<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let code = String::deserialize(from)?;
    let known = code.trim().to_ascii_uppercase();
    if Suppression::is_known(&known) {
        return Ok(known);
    }
    Err(D::Error::custom(format!(
        "no rule has the code `{code}`; `studio-migrate explain --list` lists them all"
    )))
}

fn said<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom(
            "it is empty; a suppression needs a reason, and an owner who answers for it",
        ));
    }
    Ok(text)
}

fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    let text = String::deserialize(from)?;
    // Plainer than what RFC 9557 also allows: a day, and nothing behind it.
    let day = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
    day.ok_or_else(|| {
        D::Error::custom(format!(
            "`{text}` is no day; write it as in 2027-01-31, the last day on which it holds"
        ))
    })
}

#[cfg(test)]
mod tests {
    use crate::playbook::Playbook;

    fn read(lines: &str) -> Result<Playbook, String> {
        let text = format!("schema: 1\nname: mine\nsuppressions:\n{lines}");
        Playbook::parse_checked(&text, "mine.yaml").map_err(|error| error.to_string())
    }

    const SOUND: &str = "  - code: sm205\n    reason: a person called Team\n    owner: platform\n    until: 2027-01-31\n";

    #[test]
    fn a_suppression_is_about_everything_unless_it_says_what_it_is_about() {
        let suppression = read(SOUND).unwrap().suppressions.remove(0);
        assert_eq!((suppression.code.as_str(), suppression.subject.as_str()), ("SM205", "*"));
        assert_eq!(suppression.until.to_string(), "2027-01-31");
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_place() {
        for (from, to, line, says) in [
            ("sm205", "SM999", 4, "no rule has the code `SM999`"),
            ("sm205", "SM100", 4, "no rule has the code `SM100`"),
            ("a person called Team", "\" \"", 5, "it is empty"),
            ("platform", "\"\"", 6, "it is empty"),
            ("2027-01-31", "2027-02-31", 7, "`2027-02-31` is no day"),
            ("2027-01-31", "soon", 7, "`soon` is no day"),
        ] {
            let said = read(&SOUND.replace(from, to)).unwrap_err();
            assert!(said.starts_with(&format!("mine.yaml:{line}:")), "{said}");
            assert!(said.contains(says), "{said}");
        }
        let said = read("  - code: SM205\n    owner: me\n    until: 2027-01-31\n").unwrap_err();
        assert!(said.contains("reason"), "{said}");
    }

    #[test]
    fn a_subject_that_is_no_glob_is_a_problem() {
        let said = read(&format!("{SOUND}    subject: \"[\"\n")).unwrap_err();
        assert!(said.contains("suppressions[0].subject"), "{said}");
    }
}
