//! A local S3: servers of others and our own, and what is put there and looked at outside the time.

pub(crate) mod bucket;
pub(crate) mod server;
