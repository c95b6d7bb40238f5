//! What becomes of the Classic file system once its people have moved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Problems;

/// The numbers of days that AWS knows (`TransitionToIARules`).
const DAYS: [u32; 9] = [1, 7, 14, 30, 60, 90, 180, 270, 365];

/// What `retire --apply` does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retirement {
    /// Days without access after which files move to Infrequent Access: 1, 7, 14, 30, 60, 90, 180, 270 or 365. `null`: what is
    /// set stays.
    pub infrequent_access_days: Option<u32>,
    /// What becomes of the throughput mode.
    pub throughput: Throughput,
    /// Whether the Classic home is no longer mounted into the spaces of people who were confirmed.
    pub turn_auto_mount_off: bool,
    /// Days after somebody was confirmed before their home is no longer mounted; 0 to 3650.
    pub after_days: u32,
}

/// What becomes of the throughput mode of the Classic file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Throughput {
    /// It stays.
    #[default]
    Leave,
    /// Elastic: paid by what is read and written, which is little once everyone has moved.
    Elastic,
}

impl Default for Retirement {
    fn default() -> Self {
        Self {
            infrequent_access_days: None,
            throughput: Throughput::Leave,
            turn_auto_mount_off: false,
            after_days: 14,
        }
    }
}

impl Retirement {
    /// AWS's name of the rule after which files move to Infrequent Access.
    pub fn rule(&self) -> Option<String> {
        self.infrequent_access_days.map(|days| match days {
            1 => "AFTER_1_DAY".to_owned(),
            days => format!("AFTER_{days}_DAYS"),
        })
    }
}

pub(super) fn check(retire: &Retirement, problems: &mut Problems) {
    problems.within("retire.after_days", retire.after_days, 0..=3_650);
    if let Some(days) = retire.infrequent_access_days.filter(|days| !DAYS.contains(days)) {
        let known: Vec<_> = DAYS.iter().map(ToString::to_string).collect();
        problems.add(
            "retire.infrequent_access_days",
            format!("AWS has no rule for {days} days"),
            format!("choose one of {}", known.join(", ")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_aws_has_a_rule_for_are_taken() {
        let found = |days| {
            let mut problems = Problems::default();
            let retire = Retirement { infrequent_access_days: Some(days), ..Retirement::default() };
            check(&retire, &mut problems);
            (problems.all().len(), retire.rule().unwrap())
        };
        assert_eq!(found(1), (0, "AFTER_1_DAY".to_owned()));
        assert_eq!(found(30), (0, "AFTER_30_DAYS".to_owned()));
        assert_eq!(found(45).0, 1);
    }
}
