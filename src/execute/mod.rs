//! Phase 4: taking people from Classic to New, one saga each.
//!
//! A migration is a line of steps, each with an undo. What was begun is written to the journal before it is done, so that
//! going on after a crash is the same code as going on at all. This module asks nobody and prints nothing: it tells whoever
//! watches through [`Notice`].

mod admission;
#[cfg(test)]
mod agreement;
mod batch;
mod context;
mod control;
mod credentials;
mod failure;
mod foretold;
mod found;
mod halt;
mod held;
mod hidden;
mod hook;
mod inventories;
mod largest;
mod mounted;
mod notice;
mod orphans;
mod passes;
mod planned;
mod rereading;
mod room;
mod run;
mod saga;
mod same_home;
mod selection;
mod soak;
mod standing;
mod step;
pub mod steps;
mod stop_rules;
mod stranded;
mod tools;
mod transfers;
mod unread;

pub use admission::waits;
pub use context::Context;
pub use control::{AtWork, Control, Limit, Look, Steering};
pub(crate) use failure::chain;
pub use failure::{Failure, FailureKind, Stuck};
pub use foretold::foretold;
pub use halt::Halt;
pub use held::{Held, held};
pub use hidden::{hidden_words, hides, was_hidden};
pub use hook::{Hook, Pass};
pub use inventories::{Inventories, Known};
pub use mounted::{Mounted, mounted, other_mounted};
pub use notice::{Notice, Watch};
pub use orphans::{
    Archive, Archived, Begun, Delivered, Delivery, Filed, Orphan, Whereabouts, archive_all,
    assign_all, give_up_all, orphan_systems, orphans, whereabouts,
};
pub use passes::is_first_pass;
pub use planned::Planned;
pub use rereading::{Told, reread_all};
pub use run::{Execution, Summary, roll_back, run};
pub use saga::{Outcome, back, back_to, forward};
pub use selection::{Selection, is_called};
pub use standing::{BadEvent, MigrationStanding, Standing, StepStanding, kind};
pub use step::Step;
pub use steps::datasync::{
    destination_uri as transfer_destination_uri, homes_prefix as transfer_homes_prefix,
    reports_prefix as transfer_reports_prefix, source_uri as transfer_source_uri,
    task_name as transfer_task_name,
};
pub use steps::keeping;
pub use steps::quiesce::classic_apps_of;
pub use stranded::{closes_after, stranded, unclaimed};
pub use tools::Tools;
pub use transfers::Transfers;
pub use unread::unread_words;
