//! Rehearsals: a plan that is run on a simulated copy of its snapshot, in virtual time.

mod chance;
mod command;
mod copy;
mod promises;
mod windows;
