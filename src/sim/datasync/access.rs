//! What DataSync may do with a bucket: the role that it takes on, and what the role's statements allow.
//!
//! Bucket policies are not looked at, as nowhere in the simulated S3.

use crate::sim::World;
use crate::sim::authorize::{Decision, decide};
use crate::sim::bucket::Direct;
use crate::sim::conditions::Context;
use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::refuse::invalid;

/// The service that a role must trust.
const SERVICE: &str = "datasync.amazonaws.com";

/// Tells whether a role may do something. A role that the world does not have may nothing.
pub(super) fn may(state: &State, role: &str, action: &str, resource: &str) -> bool {
    let role = state.roles.get(role);
    role.is_some_and(|role| {
        decide(role, action, resource, &Context::default()) == Decision::Allowed
    })
}

/// Refuses a role that DataSync cannot take on.
///
/// # Errors
///
/// The role is not there, or does not trust DataSync. That the two are refused alike, and in which words, others report.
pub(super) fn assume(state: &State, role: &str) -> Result<(), Refusal> {
    let trusts =
        state.roles.get(role).is_some_and(|role| role.trusts.iter().any(|one| one == SERVICE));
    if trusts {
        return Ok(());
    }
    Err(invalid(format!(
        "Unable to assume role. Reason: Access denied when calling sts:AssumeRole. Ensure that {role} exists and trusts {SERVICE}."
    )))
}

/// Tries a location of S3 out, as DataSync does when it is made.
///
/// # Errors
///
/// The bucket is not there, or the role may neither list nor read it.
pub(super) fn try_out(
    world: &World,
    role: &str,
    bucket: &str,
    prefix: &str,
) -> Result<(), Refusal> {
    world.read(|state| {
        assume(state, role)?;
        if !Direct::new(world).has_bucket(bucket) {
            return Err(invalid(format!(
                "DataSync location access test failed: bucket {bucket} is not found or belongs to another account."
            )));
        }
        let on_bucket = format!("arn:aws:s3:::{bucket}");
        let needs = [
            ("s3:ListBucket", "s3:ListObjectsV2", on_bucket.clone()),
            ("s3:GetObject", "s3:GetObject", format!("{on_bucket}/{prefix}*")),
        ];
        for (action, call, resource) in needs {
            if !may(state, role, action, &resource) {
                return Err(invalid(format!(
                    "DataSync location access test failed: could not perform {call} on bucket {bucket}. Access denied. Ensure \
                     bucket access role has {action} permission."
                )));
            }
        }
        Ok(())
    })
}
