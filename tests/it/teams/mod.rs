//! A profile that a team shared: people get profiles of their own, and each file goes to one place.

mod astray;
mod lab;
mod people;
mod split;
