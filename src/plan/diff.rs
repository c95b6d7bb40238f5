//! What is different between two plans.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::draft::{Migration, Plan};
use super::sizing::size;
use crate::names::{BatchName, MigrationId, SpaceName};

/// One difference between an old plan and a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// The policies differ.
    Policy {
        /// The sections of the playbook that do.
        sections: Vec<String>,
    },
    /// Someone is in the new plan and was not in the old.
    Joined {
        /// Who.
        migration: MigrationId,
        /// Into which batch.
        batch: BatchName,
    },
    /// Someone was in the old plan and is not in the new.
    Left {
        /// Who.
        migration: MigrationId,
        /// Why, as the new plan says it.
        because: String,
    },
    /// Someone is in another batch.
    MovedBatch {
        /// Who.
        migration: MigrationId,
        /// The old batch.
        from: BatchName,
        /// The new one.
        to: BatchName,
    },
    /// The home or its volume has another size.
    Resized {
        /// Who.
        migration: MigrationId,
        /// Bytes to copy and GiB of volume by the old plan.
        from: (Option<u64>, i32),
        /// Bytes to copy and GiB of volume by the new one.
        to: (Option<u64>, i32),
    },
    /// The space has another name.
    Renamed {
        /// Who.
        migration: MigrationId,
        /// The old name.
        from: SpaceName,
        /// The new one.
        to: SpaceName,
    },
    /// The home is another directory: the profile was made anew.
    OtherHome {
        /// Who.
        migration: MigrationId,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy { sections } => {
                write!(f, "the playbook differs in {}", sections.join(", "))
            }
            Self::Joined { migration, batch } => write!(f, "{migration} joins {batch}"),
            Self::Left { migration, because } => write!(f, "{migration} leaves: {because}"),
            Self::MovedBatch { migration, from, to } => {
                write!(f, "{migration} moves from {from} to {to}")
            }
            Self::Resized { migration, from, to } => {
                let shown = |(bytes, gb): &(Option<u64>, i32)| {
                    let bytes = bytes.map_or_else(|| "size unknown".to_owned(), size);
                    format!("{bytes} on {gb} GiB")
                };
                write!(f, "{migration} changes from {} to {}", shown(from), shown(to))
            }
            Self::Renamed { migration, from, to } => {
                write!(f, "{migration} gets space {to} instead of {from}")
            }
            Self::OtherHome { migration } => {
                write!(f, "{migration} has another home directory: the profile was made anew")
            }
        }
    }
}

/// Returns what is different in `new`: the policy first, then people by id.
pub fn diff(old: &Plan, new: &Plan) -> Vec<Change> {
    let index = |plan: &'_ Plan| -> BTreeMap<MigrationId, (BatchName, Migration)> {
        plan.migrations()
            .map(|(batch, migration)| {
                (migration.id.clone(), (batch.name.clone(), migration.clone()))
            })
            .collect()
    };
    let (before, after) = (index(old), index(new));
    let mut changes: Vec<Change> = policy(old, new).into_iter().collect();
    let mut ids: Vec<&MigrationId> = before.keys().chain(after.keys()).collect();
    ids.sort();
    ids.dedup();
    for id in ids {
        match (before.get(id), after.get(id)) {
            (None, Some((batch, _))) => {
                changes.push(Change::Joined { migration: id.clone(), batch: batch.clone() });
            }
            (Some((_, migration)), None) => changes
                .push(Change::Left { migration: id.clone(), because: why_left(new, migration) }),
            (Some(before), Some(after)) => changes.extend(moved(id, before, after)),
            (None, None) => {}
        }
    }
    changes
}

fn why_left(new: &Plan, migration: &Migration) -> String {
    new.left_out
        .iter()
        .find(|left| left.domain == migration.domain && left.who == migration.name().as_str())
        .map_or_else(
            || "the snapshot does not have it any more".to_owned(),
            |left| left.because.clone(),
        )
}

fn moved(
    id: &MigrationId,
    (old_batch, old): &(BatchName, Migration),
    (new_batch, new): &(BatchName, Migration),
) -> Vec<Change> {
    let migration = || id.clone();
    let mut changes = Vec::new();
    if old_batch != new_batch {
        changes.push(Change::MovedBatch {
            migration: migration(),
            from: old_batch.clone(),
            to: new_batch.clone(),
        });
    }
    let (from, to) = ((old.bytes, old.volume_gb), (new.bytes, new.volume_gb));
    if from != to {
        changes.push(Change::Resized { migration: migration(), from, to });
    }
    if old.space != new.space {
        changes.push(Change::Renamed {
            migration: migration(),
            from: old.space.clone(),
            to: new.space.clone(),
        });
    }
    if old.home_uid != new.home_uid {
        changes.push(Change::OtherHome { migration: migration() });
    }
    changes
}

/// Names the sections in which the two playbooks differ.
fn policy(old: &Plan, new: &Plan) -> Option<Change> {
    if old.playbook == new.playbook {
        return None;
    }
    let sections = |plan: &Plan| serde_json::to_value(&plan.playbook).unwrap_or_default();
    let (before, after) = (sections(old), sections(new));
    let differing = after
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| before.get(key) != Some(value))
        .map(|(key, _)| key.clone())
        .collect();
    Some(Change::Policy { sections: differing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::draw;
    use crate::plan::testing::{people, playbook};

    #[test]
    fn a_plan_does_not_differ_from_itself() {
        let plan = draw(&people(&[("alice", 1)]), &[], &playbook(), None).unwrap();
        assert_eq!(diff(&plan, &plan), []);
    }

    #[test]
    fn who_joined_left_moved_and_grew_is_told_in_words() {
        let old = draw(&people(&[("alice", 1), ("bob", 2), ("carl", 3)]), &[], &playbook(), None);
        let mut policy = playbook();
        policy.scope.exclude = vec!["bob".to_owned()];
        let homes = [("alice", 9), ("bob", 2), ("carl", 3), ("dora", 4)];
        let new = draw(&people(&homes), &[], &policy, None).unwrap();
        let said: Vec<String> = diff(&old.unwrap(), &new).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "the playbook differs in scope",
                "d-sim1/alice moves from batch-1 to batch-2",
                "d-sim1/alice changes from 1.0 GiB on 5 GiB to 9.0 GiB on 14 GiB",
                "d-sim1/bob leaves: out of scope: `bob` of scope.exclude matches",
                "d-sim1/carl moves from batch-2 to batch-1",
                "d-sim1/dora joins batch-1",
            ]
        );
    }
}
