//! The mover by its command line alone, under everything that can happen to a directory while it is copied.
//!
//! Trees lie in memory, so that hundreds of them cost little.

mod changing;
mod full;
mod killed;
mod limits;
mod pair;
mod passes;
mod swapped;
