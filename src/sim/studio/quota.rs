//! Service Quotas, as SageMaker enforces them.

use crate::sim::state::State;
use crate::sim::wire::Refusal;

/// Refuses one more of something when the quota of that name is used up. A quota that the world does not list is not
/// enforced.
pub(super) fn admit(state: &State, quota: &str, noun: &str, used: usize) -> Result<(), Refusal> {
    let Some(limit) = state.quotas.get(quota) else { return Ok(()) };
    // A quota is a whole number that is kept as Service Quotas answers it; precision is lost only past 2^52.
    if (used as f64) < *limit {
        return Ok(());
    }
    Err(Refusal::new(
        "ResourceLimitExceeded",
        format!(
            "The account-level service limit '{quota}' is {limit} {noun}, with current utilization of {used} {noun} and \
             a request delta of 1 {noun}. Please use AWS Service Quotas to request an increase for this quota. If AWS \
             Service Quotas is not available, contact AWS support to request an increase for this quota."
        ),
    ))
}
