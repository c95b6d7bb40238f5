//! The races, by what is done in them.

pub(crate) mod copy;
pub(crate) mod growth;
pub(crate) mod object;
pub(crate) mod scan;
pub(crate) mod verify;
