//! Who is told, and how: one program or one webhook.

use std::fmt;
use std::time::Duration;

use super::message::Message;
use super::program;
use super::webhook::Webhook;
use crate::playbook::{Moment, Notification, Playbook};

/// One that is told.
#[derive(Debug)]
pub struct Target {
    /// What people call it: its place in the playbook, and the program, or the address without its path.
    pub name: String,
    moments: Vec<Moment>,
    way: Way,
    timeout: Duration,
    /// How often a notice is sent before it is given up.
    pub attempts: u32,
}

/// How it is told.
#[derive(Debug)]
enum Way {
    Program {
        words: Vec<String>,
        /// Variables that are none of its business: secrets of webhooks.
        hidden: Vec<String>,
    },
    Webhook(Box<Webhook>),
    /// It cannot be told at all, and why.
    None(String),
}

/// Why one attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What happened, in words.
    pub why: String,
    /// Whether it would be so again.
    pub is_final: bool,
    /// How long the other side asks to wait before the next attempt.
    pub wait: Option<Duration>,
}

impl Refusal {
    /// What may go better the next time.
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_final: false, wait: None }
    }

    /// What will not.
    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self { is_final: true, ..Self::passing(why) }
    }
}

/// A signing secret, which nothing prints.
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(left out)")
    }
}

/// Returns everyone whom a playbook wants to be told; `variable` looks a variable of the environment up.
///
/// A secret that is not there makes no unsigned post: such a target refuses every notice, and says why.
pub fn targets(playbook: &Playbook, variable: impl Fn(&str) -> Option<String>) -> Vec<Target> {
    let notifications = &playbook.notifications;
    let hidden: Vec<String> =
        notifications.iter().filter_map(|one| one.secret_env.clone()).collect();
    let target = |(i, one): (usize, &Notification)| Target {
        name: format!("notifications[{i}] ({})", one.name()),
        moments: one.on.clone(),
        way: way(one, &hidden, &variable),
        timeout: Duration::from_secs_f64(one.timeout_seconds),
        attempts: one.attempts(),
    };
    notifications.iter().enumerate().map(target).collect()
}

fn way(one: &Notification, hidden: &[String], variable: impl Fn(&str) -> Option<String>) -> Way {
    let Some(url) = &one.url else {
        return Way::Program { words: one.command.clone(), hidden: hidden.to_vec() };
    };
    let secret = match &one.secret_env {
        None => None,
        Some(name) => match variable(name).filter(|secret| !secret.is_empty()) {
            Some(secret) => Some(Secret(secret)),
            None => {
                return Way::None(format!(
                    "the variable {name}, which is to hold its secret, is not set: export it before the run"
                ));
            }
        },
    };
    Way::Webhook(Box::new(Webhook::new(url.clone(), secret)))
}

impl Target {
    /// Tells whether this moment is to be told there.
    pub fn wants(&self, moment: Moment) -> bool {
        self.moments.contains(&moment)
    }

    /// Says why nothing can be told there, if so.
    pub fn unusable(&self) -> Option<&str> {
        match &self.way {
            Way::None(why) => Some(why),
            Way::Program { .. } | Way::Webhook(_) => None,
        }
    }

    /// Tries once, and returns what the other side answered.
    ///
    /// # Errors
    ///
    /// It could not be reached, did not answer in time, or did not take the notice.
    pub async fn attempt(&self, message: &Message) -> Result<String, Refusal> {
        match &self.way {
            Way::Program { words, hidden } => {
                program::run(words, hidden, message, self.timeout).await
            }
            Way::Webhook(webhook) => webhook.post(message, self.timeout).await,
            Way::None(why) => Err(Refusal::lasting(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playbook() -> Playbook {
        let text = "schema: 1\nname: mine\nnotifications:\n  - on: [run-ended]\n    url: https://example.com/path\n    secret_env: HOOK\n";
        Playbook::parse_checked(text, "mine.yaml").unwrap()
    }

    #[tokio::test]
    async fn without_its_secret_a_webhook_is_not_called() {
        for found in [None, Some(String::new())] {
            let [target] = &targets(&playbook(), |_| found.clone())[..] else { panic!("one") };
            let message = super::super::Teller::new(super::super::Source::default()).test();
            let refusal = target.attempt(&message).await.unwrap_err();
            assert!(refusal.is_final && refusal.why.contains("the variable HOOK"), "{refusal:?}");
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let [target] = &targets(&playbook(), |_| Some("hunter2".to_owned()))[..] else {
            panic!("one")
        };
        assert!(!format!("{target:?}").contains("hunter2"));
        assert_eq!(target.name, "notifications[0] (https://example.com)");
        assert!(target.wants(Moment::RunEnded) && !target.wants(Moment::RunBegan));
    }
}
