//! A profile that a team shared: people get profiles of their own, and each file goes to one place.

mod astray;
mod back;
pub mod lab;
mod orphan;
mod people;
mod split;
mod tags;
