//! What is sent: one JSON object a notice, the same whatever the way it goes.
//!
//! It names people by their profile, as every report does. It holds no name of a file and no secret.

use jiff::Timestamp;
use serde::Serialize;

use crate::names::{AccountId, BatchName, MigrationId, PlanId, Region};
use crate::playbook::Moment;

/// The word of a notice that `notify test` sends.
const TEST: &str = "test";

/// What is the same in all notices of a command.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Source {
    /// The command: `run`, `rollback` or `notify test`.
    pub command: &'static str,
    /// The number of the operation in the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<i64>,
    /// The playbook's name.
    pub playbook: String,
    /// The plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

/// How many migrations stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Those that are where they were to be taken.
    pub done: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that are still to be done.
    pub left: usize,
}

/// Why something failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The step in which it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
    /// What failed, without the names of files.
    pub message: String,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What one notice is about.
#[derive(Clone, Debug, Default, Serialize)]
pub struct About {
    /// The domain of the migration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The migration, `domain/profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<MigrationId>,
    /// The batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchName>,
    /// The gate that is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// Of the whole run, so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Of the batch, so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_counts: Option<Counts>,
    /// Why a migration failed or was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Trouble>,
    /// Why a batch waits or stopped, or a run stopped before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A notice, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What no other notice is called, and this one however often it is sent.
    pub id: String,
    /// The moment; `None` for a test.
    pub moment: Option<Moment>,
    /// The JSON.
    pub body: String,
    /// The main fields, as a program finds them in its environment.
    pub fields: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Body<'a> {
    schema: u32,
    id: &'a str,
    moment: &'a str,
    at: String,
    text: &'a str,
    #[serde(flatten)]
    source: &'a Source,
    is_simulated: bool,
    #[serde(flatten)]
    about: &'a About,
    look: &'a str,
}

impl Message {
    /// The names of all variables that a program may find.
    pub const FIELDS: [&'static str; 14] = [
        "STUDIO_MIGRATE_NOTICE",
        "STUDIO_MIGRATE_NOTICE_ID",
        "STUDIO_MIGRATE_TEXT",
        "STUDIO_MIGRATE_COMMAND",
        "STUDIO_MIGRATE_PLAN",
        "STUDIO_MIGRATE_ACCOUNT",
        "STUDIO_MIGRATE_REGION",
        "STUDIO_MIGRATE_DOMAIN",
        "STUDIO_MIGRATE_MIGRATION",
        "STUDIO_MIGRATE_BATCH",
        "STUDIO_MIGRATE_GATE",
        "STUDIO_MIGRATE_DONE",
        "STUDIO_MIGRATE_FAILED",
        "STUDIO_MIGRATE_LEFT",
    ];

    /// Writes a notice; `text` says it in a line for people.
    pub fn new(source: &Source, moment: Option<Moment>, text: &str, about: &About) -> Self {
        let id = unique();
        let word = moment.map_or(TEST, Moment::name);
        let body = Body {
            schema: 1,
            id: &id,
            moment: word,
            at: Timestamp::now().to_string(),
            text,
            source,
            is_simulated: source.account.as_ref().is_some_and(AccountId::is_simulated),
            about,
            look: "studio-migrate status",
        };
        // Texts and numbers under names of our own: there is nothing in it that JSON does not take.
        let body = serde_json::to_string(&body).unwrap_or_default();
        let fields = fields(source, word, &id, text, about);
        Self { id, moment, body, fields }
    }

    /// The word of the moment.
    pub fn word(&self) -> &'static str {
        self.moment.map_or(TEST, Moment::name)
    }

    /// Tells whether this is kept when there is no room for all: what somebody may have to act upon.
    pub fn is_important(&self) -> bool {
        !matches!(
            self.moment,
            Some(Moment::RunBegan | Moment::BatchBegan | Moment::BatchEnded) | None
        )
    }
}

fn fields(
    source: &Source,
    word: &str,
    id: &str,
    text: &str,
    about: &About,
) -> Vec<(&'static str, String)> {
    let number = |of: fn(&Counts) -> usize| about.counts.as_ref().map(of).map(|n| n.to_string());
    let values = [
        Some(word.to_owned()),
        Some(id.to_owned()),
        Some(text.to_owned()),
        Some(source.command.to_owned()),
        source.plan.as_ref().map(ToString::to_string),
        source.account.as_ref().map(ToString::to_string),
        source.region.as_ref().map(ToString::to_string),
        about.domain.clone(),
        about.migration.as_ref().map(ToString::to_string),
        about.batch.as_ref().map(ToString::to_string),
        about.gate.clone(),
        number(|counts| counts.done),
        number(|counts| counts.failed),
        number(|counts| counts.left),
    ];
    let named = Message::FIELDS.into_iter().zip(values);
    // A variable with a null character cannot be set, and would keep the program from being started at all.
    named.filter_map(|(name, value)| Some((name, value?.replace('\0', "")))).collect()
}

/// Returns 32 hexadecimal digits that were never there before.
fn unique() -> String {
    let mut random = [0; 16];
    // Without the system's chance, that of this process will do: it is a name and no secret.
    if getrandom::fill(&mut random).is_err() {
        fastrand::fill(&mut random);
    }
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        let source = Source {
            command: "run",
            operation: Some(7),
            playbook: "mine".to_owned(),
            plan: Some("ab12".into()),
            account: Some(AccountId::SIMULATED.into()),
            region: Some("eu-west-1".into()),
        };
        let about = About {
            domain: Some("d-1".to_owned()),
            migration: Some("d-1/anna".into()),
            batch: Some("pilot".into()),
            counts: Some(Counts { done: 1, failed: 1, left: 3 }),
            failure: Some(Trouble {
                step: Some("verify"),
                message: "it \"broke\"\n\0".to_owned(),
                hint: None,
            }),
            ..About::default()
        };
        Message::new(&source, Some(Moment::MigrationFailed), "anna failed\0", &about)
    }

    #[test]
    fn a_body_says_what_happened_where_and_to_whom() {
        let message = message();
        let mut body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
        assert!(body["at"].as_str().unwrap().ends_with('Z'), "{body}");
        assert_eq!(body["id"].as_str().unwrap(), message.id);
        body["at"] = "then".into();
        body["id"] = "one".into();
        insta::assert_json_snapshot!(body);
    }

    #[test]
    fn a_program_finds_the_main_fields_and_nothing_for_those_that_there_are_not() {
        let message = message();
        let field = |name: &str| {
            message.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(field("STUDIO_MIGRATE_NOTICE"), Some("migration-failed"));
        assert_eq!(field("STUDIO_MIGRATE_TEXT"), Some("anna failed"));
        assert_eq!(field("STUDIO_MIGRATE_LEFT"), Some("3"));
        assert_eq!(field("STUDIO_MIGRATE_GATE"), None);
    }

    #[test]
    fn no_two_notices_are_called_the_same() {
        let names: std::collections::BTreeSet<_> = (0..1_000).map(|_| unique()).collect();
        assert_eq!(names.len(), 1_000);
    }
}
