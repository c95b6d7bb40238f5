//! The table of teams: who the people are that used one profile together, and whose is what of its home.

mod check;
mod table;

pub(crate) use table::COLUMNS;
pub use table::{Member, Team, TeamRow, TeamTable};
