//! The table: a row for each thing of Classic's, by whom it is set.

use std::fmt;

use serde::Serialize;

use crate::inventory::{CSV_BOM, csv_line};
use crate::names::{DomainId, ProfileName};

/// Who sets something: a domain for everybody, or a profile for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) domain: DomainId,
    pub(super) profile: Option<ProfileName>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.profile {
            Some(profile) => write!(f, "{}/{profile}", self.domain),
            None => write!(f, "{}", self.domain),
        }
    }
}

impl Place {
    /// Reads what [`Display`](fmt::Display) wrote.
    pub(super) fn parse(text: &str) -> Self {
        let (domain, profile) = match text.split_once('/') {
            Some((domain, profile)) => (domain, Some(ProfileName::from(profile))),
            None => (text, None),
        };
        Self { domain: DomainId::from(domain), profile }
    }
}

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    Script,
    PreselectedScript,
    Image,
    Repository,
    HiddenAppTypes,
    HiddenTools,
    IdleShutdown,
    Tag,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::PreselectedScript => "preselected-script",
            Self::Image => "image",
            Self::Repository => "repository",
            Self::HiddenAppTypes => "hidden-app-types",
            Self::HiddenTools => "hidden-tools",
            Self::IdleShutdown => "idle-shutdown",
            Self::Tag => "tag",
        }
    }
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stands {
    /// It is there.
    Carried,
    /// `--apply` would carry it.
    ToCarry,
    /// Nothing has to be done: the new Studio reads the same setting, or something else does it.
    Stays,
    /// It cannot be carried.
    NotCarried,
    /// The playbook leaves it.
    Left,
}

impl Stands {
    /// Every way to stand, those that somebody has to look at first.
    pub(super) const ALL: [Self; 5] =
        [Self::NotCarried, Self::ToCarry, Self::Carried, Self::Left, Self::Stays];

    /// The same in words, for a count.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::ToCarry => "that `--apply` carries",
            Self::Stays => "about which nothing has to be done",
            Self::NotCarried => "that cannot be carried",
            Self::Left => "that the playbook leaves",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::ToCarry => "to-carry",
            Self::Stays => "stays",
            Self::NotCarried => "not-carried",
            Self::Left => "left",
        }
    }
}

/// One thing of Classic's, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub(super) domain: String,
    /// None: the domain sets it for everybody.
    pub(super) profile: Option<String>,
    pub(super) what: What,
    pub(super) name: String,
    /// Empty where nothing becomes of it.
    pub(super) becomes: String,
    pub(super) stands: Stands,
    pub(super) why: String,
    pub(super) by_hand: String,
}

impl Row {
    /// Tells whether there is something to do about it, to check or to know; what goes on as it is need not be read.
    pub(super) fn needs_somebody(&self) -> bool {
        self.stands != Stands::Stays
    }

    /// Begins a row of something that is not carried.
    pub(super) fn of(place: &Place, what: What, name: impl Into<String>) -> Self {
        Self {
            domain: place.domain.to_string(),
            profile: place.profile.as_ref().map(ToString::to_string),
            what,
            name: name.into(),
            becomes: String::new(),
            stands: Stands::NotCarried,
            why: String::new(),
            by_hand: String::new(),
        }
    }

    /// Says where it stands, and why.
    pub(super) fn stands(mut self, stands: Stands, why: impl Into<String>) -> Self {
        self.stands = stands;
        self.why = why.into();
        self
    }

    /// Says what becomes of it.
    pub(super) fn becomes(mut self, becomes: impl Into<String>) -> Self {
        self.becomes = becomes.into();
        self
    }

    /// Says what a person has to do.
    pub(super) fn by_hand(mut self, by_hand: impl Into<String>) -> Self {
        self.by_hand = by_hand.into();
        self
    }

    /// The cells for a terminal.
    pub(super) fn cells(&self) -> [String; 6] {
        let place = match &self.profile {
            Some(profile) => format!("{}/{profile}", self.domain),
            None => self.domain.clone(),
        };
        let parts = [self.why.as_str(), self.by_hand.as_str()];
        let said: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        [
            place,
            self.what.word().to_owned(),
            self.name.clone(),
            self.becomes.clone(),
            self.stands.word().to_owned(),
            said.join("; "),
        ]
    }
}

/// Writes the rows for a spreadsheet.
pub(super) fn csv(rows: &[Row]) -> String {
    const COLUMNS: [&str; 8] =
        ["domain", "profile", "what", "name", "becomes", "stands", "why", "by_hand"];
    let mut table = String::from(CSV_BOM);
    table.push_str(&csv_line(COLUMNS));
    for row in rows {
        table.push_str(&csv_line([
            row.domain.as_str(),
            row.profile.as_deref().unwrap_or_default(),
            row.what.word(),
            &row.name,
            &row.becomes,
            row.stands.word(),
            &row.why,
            &row.by_hand,
        ]));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_it_was_written() {
        for text in ["d-1", "d-1/alice"] {
            assert_eq!(Place::parse(text).to_string(), text);
        }
    }

    #[test]
    fn a_name_that_looks_like_a_formula_stays_text_in_a_spreadsheet() {
        let row = Row::of(&Place::parse("d-1/alice"), What::Tag, "=HYPERLINK(1)");
        assert!(csv(&[row]).contains(",'=HYPERLINK(1),"));
    }
}
