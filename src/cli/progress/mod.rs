//! Progress: notices turned into a picture on a terminal, into plain lines elsewhere, and into JSON where that was asked for.
//!
//! What is shown is worked out without a terminal: `board` folds the notices, `rows` chooses who is shown and writes the lines.
//! `drawing` is the only file that knows a terminal.

mod board;
mod drawing;
mod json;
mod lines;
mod rows;
mod watching;

#[cfg(test)]
mod testing;

pub use watching::Progress;

pub(super) use json::said;
