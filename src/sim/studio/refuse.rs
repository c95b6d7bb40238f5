//! AWS's refusals, by their codes.

use crate::sim::wire::Refusal;

use super::standing::Status;

/// `ValidationException`.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

/// `ResourceNotFound`.
pub(super) fn missing(kind: &str, name: &str) -> Refusal {
    Refusal::new("ResourceNotFound", format!("{kind} [{name}] does not exist."))
}

/// `ResourceInUse`.
pub(super) fn in_use(message: impl Into<String>) -> Refusal {
    Refusal::new("ResourceInUse", message)
}

/// `ResourceInUse`, for a name that is taken.
pub(super) fn exists(kind: &str, name: &str) -> Refusal {
    in_use(format!("{kind} [{name}] already exists."))
}

/// Refuses to change what is on its way, or what has failed for good.
pub(super) fn unless_settled(kind: &str, name: &str, status: Status) -> Result<(), Refusal> {
    match status {
        Status::InService | Status::UpdateFailed => Ok(()),
        Status::Failed | Status::DeleteFailed | Status::Deleted => {
            Err(invalid(format!("{kind} [{name}] is in {status} status and cannot be used.")))
        }
        Status::Pending | Status::Updating | Status::Deleting => {
            Err(in_use(format!("{kind} [{name}] is in {status} status.")))
        }
    }
}

/// Refuses to delete what is on its way; what has failed may be deleted.
pub(super) fn unless_deletable(kind: &str, name: &str, status: Status) -> Result<(), Refusal> {
    if status.is_transient() {
        return Err(in_use(format!("{kind} [{name}] is in {status} status.")));
    }
    Ok(())
}
