//! Who is told of what happens in a run: programs on this machine, and webhooks.
//!
//! A secret never stands in a playbook, which plans repeat and people pass on: it names the environment variable that holds one.

use std::net::IpAddr;

use http::Uri;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::check::Problems;

/// The longest that one delivery may be waited for, in seconds.
const LONGEST: f64 = 60.0;
/// The most often that one notice is sent.
const MOST: u32 = 10;

/// Parts of an address that hold a secret wherever they are met.
const SECRETS: [&str; 12] = [
    "access_key",
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "key",
    "passwd",
    "password",
    "secret",
    "sig",
    "signature",
    "token",
];

/// One that is told.
///
/// What is wrong with one is refused when the playbook is read, with its line and column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// The moments that are told.
    #[serde(deserialize_with = "moments")]
    pub on: Vec<Moment>,
    /// A program and its arguments, run without a shell: the notice on stdin, its main fields in the environment. Either
    /// this or `url`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "command")]
    pub command: Vec<String>,
    /// Where the notice is posted: `https://…`, or `http://` on loopback. Either this or `command`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "url")]
    pub url: Option<String>,
    /// The environment variable that holds the secret with which posts are signed; none means that they are not.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "variable")]
    pub secret_env: Option<String>,
    /// Seconds after which a post is given up and a program killed, 0.1 to 60.
    #[serde(default = "ten", deserialize_with = "seconds")]
    pub timeout_seconds: f64,
    /// How often a notice is sent before it is given up, 1 to 10; 3 to a `url` and once to a `command` when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "attempts")]
    pub attempts: Option<u32>,
}

/// A moment of a run that can be told. The same words stand in what is sent, whatever the way it goes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// A run or a rollback begins.
    RunBegan,
    /// A batch begins.
    BatchBegan,
    /// A batch is not begun, since a gate is shut.
    GateWaits,
    /// Somebody's migration failed, or taking them back did.
    MigrationFailed,
    /// Somebody was not begun with, since the plan no longer holds for them.
    MigrationRefused,
    /// A batch was done, whoever failed in it.
    BatchEnded,
    /// A batch stopped before its end, or its time has not come.
    BatchStopped,
    /// A run or a rollback is over, however it went.
    RunEnded,
}

impl Moment {
    /// Every moment, in the order in which they are met.
    pub const ALL: [Self; 8] = [
        Self::RunBegan,
        Self::BatchBegan,
        Self::GateWaits,
        Self::MigrationFailed,
        Self::MigrationRefused,
        Self::BatchEnded,
        Self::BatchStopped,
        Self::RunEnded,
    ];

    /// The moment's word in playbooks and notices.
    pub fn name(self) -> &'static str {
        match self {
            Self::RunBegan => "run-began",
            Self::BatchBegan => "batch-began",
            Self::GateWaits => "gate-waits",
            Self::MigrationFailed => "migration-failed",
            Self::MigrationRefused => "migration-refused",
            Self::BatchEnded => "batch-ended",
            Self::BatchStopped => "batch-stopped",
            Self::RunEnded => "run-ended",
        }
    }
}

impl Notification {
    /// How often a notice is sent before it is given up.
    ///
    /// A program is run once unless the playbook says otherwise: whether it may be run twice, only its owner knows.
    pub fn attempts(&self) -> u32 {
        self.attempts.unwrap_or(if self.url.is_some() { 3 } else { 1 })
    }

    /// What this is called where people read it: the program, or the address without its path, which may be a secret.
    pub fn name(&self) -> String {
        let address = self.url.as_deref().and_then(|url| url.parse::<Uri>().ok());
        match address {
            Some(address) => format!(
                "{}://{}",
                address.scheme_str().unwrap_or_default(),
                address.authority().map_or("", |authority| authority.as_str())
            ),
            None => self.command.first().cloned().unwrap_or_default(),
        }
    }
}

/// Finds what only more than one key of an entry shows; the rest is judged when it is read.
pub(super) fn check(notifications: &[Notification], problems: &mut Problems) {
    for (i, notification) in notifications.iter().enumerate() {
        let key = format!("notifications[{i}]");
        match (&notification.url, notification.command.is_empty()) {
            (None, true) => problems.add(
                &key,
                "it says neither how nor where",
                "write `command: [program, argument]` or `url: https://…`",
            ),
            (Some(_), false) => problems.add(
                &key,
                "it has both a `command` and a `url`",
                "keep one, and make a second entry for the other",
            ),
            _ => {}
        }
        if notification.secret_env.is_some() && notification.url.is_none() {
            problems.add(
                &format!("{key}.secret_env"),
                "only what is posted to a `url` is signed",
                "remove it; a program finds the environment of this tool as it is",
            );
        }
    }
}

fn ten() -> f64 {
    10.0
}

fn moments<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Moment>, D::Error> {
    let moments = Vec::<Moment>::deserialize(from)?;
    let twice = moments.iter().enumerate().find(|(i, moment)| moments[..*i].contains(moment));
    if let Some((_, moment)) = twice {
        return Err(D::Error::custom(format!("`{}` stands twice; remove one", moment.name())));
    }
    if moments.is_empty() {
        let names = Moment::ALL.map(Moment::name).join(", ");
        return Err(D::Error::custom(format!(
            "it is empty, so nothing is told; choose of {names}"
        )));
    }
    Ok(moments)
}

fn command<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let words = Vec::<String>::deserialize(from)?;
    let program = words.first().map_or("", |program| program.trim());
    if program.is_empty() || words.iter().any(|word| word.contains('\0')) {
        return Err(D::Error::custom(
            "it names no program; write the program and each argument by itself, `[/opt/bin/page, --team, ml]`",
        ));
    }
    Ok(words)
}

/// What is wrong with an address is said without repeating it: it may hold a secret.
fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    let address: Uri = text.parse().map_err(|_| {
        D::Error::custom("it is no address; write one such as `https://hooks.example.com/studio`")
    })?;
    let host = address.host().unwrap_or_default();
    if address.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(D::Error::custom(
            "there is a name or a password before the host; a secret never stands in a playbook: let `secret_env` name the variable that holds it",
        ));
    }
    if let Some(part) = secret_of(address.query().unwrap_or_default()) {
        return Err(D::Error::custom(format!(
            "`{part}=` in it looks like a secret, which never stands in a playbook: sign with `secret_env`, or let a `command` post to an address that it knows"
        )));
    }
    let is_sound = match address.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback(host),
        _ => false,
    };
    if !is_sound {
        return Err(D::Error::custom(
            "it is no `https://` address; `http://` is for loopback only (localhost, 127.0.0.1, [::1])",
        ));
    }
    if text.contains('#') {
        return Err(D::Error::custom("a fragment is never sent; remove `#` and what follows"));
    }
    Ok(Some(text))
}

/// Returns the parameter of a query that seems to hold a secret.
fn secret_of(query: &str) -> Option<&str> {
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    names.into_iter().find(|name| {
        let plain = name.to_ascii_lowercase().replace('-', "_");
        SECRETS.contains(&plain.as_str())
    })
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What stands there may be the secret itself, and is not repeated.
fn variable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(from)?;
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.len() <= 100
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if is_name {
        return Ok(Some(name));
    }
    Err(D::Error::custom(
        "it is no name of an environment variable; write the name, in capitals, digits and `_`, never the secret itself",
    ))
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let seconds = f64::deserialize(from)?;
    if (0.1..=LONGEST).contains(&seconds) {
        return Ok(seconds);
    }
    Err(D::Error::custom(format!("{seconds} is out of range; choose 0.1 to {LONGEST}")))
}

fn attempts<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let number = u32::deserialize(from)?;
    if (1..=MOST).contains(&number) {
        return Ok(Some(number));
    }
    Err(D::Error::custom(format!("{number} is out of range; choose 1 to {MOST}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Playbook;

    fn read(lines: &str) -> Result<Vec<Notification>, String> {
        let text = format!("schema: 1\nname: mine\nnotifications:\n{lines}");
        let read = Playbook::parse_checked(&text, "mine.yaml");
        read.map(|playbook| playbook.notifications).map_err(|error| error.to_string())
    }

    const POSTED: &str = "  - on: [run-ended]\n    url: https://hooks.example.com/a/b?team=ml\n    secret_env: HOOK_SECRET\n    timeout_seconds: 5\n    attempts: 2\n";

    #[test]
    fn what_is_not_said_has_its_value() {
        let read = read(
            "  - on: [run-began, batch-stopped]\n    url: https://example.com\n  - on: [run-ended]\n    command: [page, \"it is over\"]\n",
        )
        .unwrap();
        assert_eq!(read[0].on, [Moment::RunBegan, Moment::BatchStopped]);
        assert_eq!((read[0].timeout_seconds, read[0].attempts(), read[1].attempts()), (10.0, 3, 1));
        assert_eq!((read[0].name(), read[1].name()), ("https://example.com".into(), "page".into()));
    }

    #[test]
    fn every_moment_is_written_as_it_is_called() {
        for moment in Moment::ALL {
            assert_eq!(serde_json::to_value(moment).unwrap(), moment.name());
        }
    }

    #[test]
    fn a_name_for_people_has_neither_path_nor_query() {
        assert_eq!(read(POSTED).unwrap()[0].name(), "https://hooks.example.com");
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_place() {
        for (from, to, place, says) in [
            ("[run-ended]", "[run-end]", "4:10", "did you mean `run-ended`?"),
            ("[run-ended]", "[]", "4:9", "it is empty"),
            ("[run-ended]", "[run-ended, run-ended]", "4:9", "`run-ended` stands twice"),
            ("https://hooks", "ftp://hooks", "5:10", "it is no `https://` address"),
            ("https://hooks", "http://hooks", "5:10", "for loopback only"),
            ("https://hooks", "https://me:hunter2@hooks", "5:10", "before the host"),
            ("team=ml", "team=ml&API-Key=hunter2", "5:10", "`API-Key=` in it looks like a secret"),
            ("team=ml", "team=ml#hunter2", "5:10", "a fragment"),
            ("https://hooks.example.com/a/b?team=ml", "not an address", "5:10", "it is no address"),
            ("HOOK_SECRET", "hunter2", "6:17", "never the secret itself"),
            (
                "timeout_seconds: 5",
                "timeout_seconds: 0",
                "7:22",
                "0 is out of range; choose 0.1 to 60",
            ),
            ("timeout_seconds: 5", "timeout_seconds: .nan", "7:22", "out of range"),
            ("attempts: 2", "attempts: 11", "8:15", "11 is out of range; choose 1 to 10"),
            ("attempts", "tries", "8:5", "no key is called `tries`"),
            (
                "url: https://hooks.example.com/a/b?team=ml",
                "command: []",
                "5:14",
                "names no program",
            ),
        ] {
            assert!(POSTED.contains(from), "{from}");
            let said = read(&POSTED.replace(from, to)).unwrap_err();
            assert!(said.starts_with(&format!("mine.yaml:{place}: ")), "{said}");
            assert!(said.contains(says), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn one_entry_has_one_way() {
        let said = read("  - on: [run-ended]\n").unwrap_err();
        assert!(said.contains("notifications[0]: it says neither how nor where"), "{said}");
        let both = POSTED.replace("    secret_env: HOOK_SECRET\n", "    command: [page]\n");
        assert!(read(&both).unwrap_err().contains("both a `command` and a `url`"));
        let said =
            read("  - on: [run-ended]\n    command: [page]\n    secret_env: X\n").unwrap_err();
        assert!(said.contains("notifications[0].secret_env"), "{said}");
    }

    #[test]
    fn loopback_is_told_from_everywhere_else() {
        for host in ["localhost:8080", "127.0.0.1:1", "127.3.2.1", "[::1]:9"] {
            assert!(
                read(&POSTED.replace("https://hooks.example.com", &format!("http://{host}")))
                    .is_ok(),
                "{host}"
            );
        }
        for host in ["localhost.example.com", "10.0.0.1", "127.0.0.1.example.com", "[fe80::1]"] {
            assert!(
                read(&POSTED.replace("https://hooks.example.com", &format!("http://{host}")))
                    .is_err(),
                "{host}"
            );
        }
    }
}
