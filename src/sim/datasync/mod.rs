//! The simulated DataSync: from a file system of EFS into a bucket, file by file, with what POSIX knows of each.
//!
//! [`call`] answers one operation, whose input has been checked against AWS's model. A location is a place at either end, a
//! task says from where to where and how, and an execution of it really copies: `run` takes it from one status to the next by
//! the world's clock, `prepare` lists the source and compares it with what is there, `transfer` copies, `verify` reads both
//! ends again and `report` writes what became of each file.
//!
//! What an execution is about to do is in `datasync/<execution>.json` of the world's folder until it has ended, and how far it
//! is in `world.json`: a process that dies in the midst of it goes on where it was when it is opened again.
//!
//! Any error of a client's is `InvalidRequestException`, the only one that DataSync declares. Its words are AWS's where they
//! are known from AWS's own pages or from what others report, and ours elsewhere; something that is not there is always said
//! to be "not found".

mod access;
mod ask;
mod describe;
mod execution;
mod filter;
mod listing;
mod location;
mod manifest;
mod metadata;
mod options;
mod pace;
mod plan;
mod prepare;
mod records;
mod refuse;
mod report;
mod run;
mod source;
mod tags;
mod task;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod transfer;
mod verify;

use serde_json::Value;

use super::World;
use super::api::Api;
use super::wire::Refusal;

pub use records::{Behaviour, DataSync, Execution, Location, Symlinks, Task, Times};
pub use run::resume;
pub(in crate::sim) use task::QUOTA;

/// Answers one operation of DataSync, in wire form with timestamps in seconds since the epoch.
///
/// With `is_stuck` what is made or started never leaves its first status.
///
/// # Errors
///
/// `InvalidRequestException` for all that AWS refuses.
pub fn call(
    world: &World,
    operation: &str,
    input: &Value,
    is_stuck: bool,
) -> Result<Value, Refusal> {
    let call = &ask::Call { world, input, now: world.now(), is_stuck };
    match operation {
        "CreateLocationEfs" => location::create_efs(call),
        "CreateLocationS3" => location::create_s3(call),
        "DescribeLocationEfs" => location::describe(call, "efs"),
        "DescribeLocationS3" => location::describe(call, "s3"),
        "ListLocations" => listing::locations(call),
        "DeleteLocation" => location::delete(call),
        "CreateTask" => task::create(call),
        "DescribeTask" => task::describe(call),
        "UpdateTask" => task::update(call),
        "ListTasks" => listing::tasks(call),
        "DeleteTask" => task::delete(call),
        "StartTaskExecution" => execution::start(call),
        "DescribeTaskExecution" => describe::describe(call),
        "ListTaskExecutions" => listing::executions(call),
        "CancelTaskExecution" => execution::cancel(call),
        "UpdateTaskExecution" => execution::update(call),
        "TagResource" => tags::add(call),
        "UntagResource" => tags::remove(call),
        "ListTagsForResource" => tags::list(call),
        other => Err(Api::DataSync.unknown(other)),
    }
}
