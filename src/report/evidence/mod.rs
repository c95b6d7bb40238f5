//! One person's folder of proof, as text: what the journal says of them, ready to be written down beside the manifest.
//!
//! It is for whoever has to show later what was done: nothing in it needs this tool to be read. Like the rest of the report it
//! asks nobody: the same events give the same text.

mod calls;
mod left_out;
mod proof;
mod settings;

pub use calls::calls;
pub use left_out::{LeftOutTable, Origin};
pub use proof::{KeptManifest, proof};
pub use settings::settings;
