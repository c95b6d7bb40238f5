//! Why no plan can be drawn up or read.

use crate::names::{AccountId, PlanId, Region};

/// Why no plan can be drawn up or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The snapshot lacks what every plan needs.
    #[error("the snapshot does not say which {0} it is of, take a new inventory")]
    Incomplete(&'static str),
    /// A pattern of the playbook is no glob; [`crate::playbook::Playbook::check`] says where.
    #[error("a pattern of the playbook is no glob, check the playbook")]
    Pattern(#[from] globset::Error),
    /// The plan to be replaced is for somewhere else.
    #[error("plan {plan} is for account {account} in {region}, and the snapshot is of another")]
    ForeignParent {
        /// The plan that was to be replaced.
        plan: PlanId,
        /// Its account.
        account: AccountId,
        /// Its Region.
        region: Region,
    },
    /// The text is no plan, or a plan cannot be written.
    #[error("this is no plan that can be read or written")]
    Json(#[from] serde_json::Error),
    /// The format has another version than this tool knows.
    #[error("the plan has schema {0}, and this tool reads schema 1")]
    Schema(u64),
    /// The content is not what the id was given for.
    #[error("plan {said} was changed since it was drawn up: its content is that of {found}")]
    Altered {
        /// The id that the plan bears.
        said: PlanId,
        /// The id that its content has.
        found: PlanId,
    },
}
