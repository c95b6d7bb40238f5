//! Nothing lost and nothing done twice, whatever happens. `docs/reliability.md` says what is proven here, and with how much of it.

mod budget;
mod clocks;
mod commands;
mod faults;
mod kills;
mod operators;
mod roads;
mod schemas;
mod storm;
pub mod truncated;
