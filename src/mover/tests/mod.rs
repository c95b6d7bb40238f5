//! Real trees, copied and looked at with the standard library alone.

mod conflicts;
mod delivering;
mod faithful;
mod full;
mod later;
mod listed;
mod random;
mod resuming;
mod trees;
