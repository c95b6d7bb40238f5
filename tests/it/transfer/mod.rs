//! Homes pushed to S3 and pulled from it, by the tool itself, over the real protocol.

mod datasync;
mod packed;
mod stage;
