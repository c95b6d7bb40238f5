//! A profile that a team shared: people get profiles of their own.

mod lab;
mod people;
