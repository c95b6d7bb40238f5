//! `status --watch` on a terminal: a live picture from the journal alone, read by somebody who takes no lease and writes nothing.
//!
//! `picture` turns one moment of the journal into lines, without a terminal; `view` is what the keys change; `screen` is the
//! only file that knows a terminal.

mod picture;
mod screen;
mod view;

pub use screen::{Ended, OFTEN, stopped_by_signals, watch};
