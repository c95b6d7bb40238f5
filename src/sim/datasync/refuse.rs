//! DataSync's refusals: all of one code.

use crate::sim::wire::Refusal;

/// `InvalidRequestException`.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidRequestException", message)
}

/// The refusal of what is not there. Clients tell it by the words "not found", for want of a code.
pub(super) fn not_found(kind: &str, what: &str) -> Refusal {
    let (first, rest) = kind.split_at(1);
    invalid(format!("{}{rest} {what} is not found.", first.to_ascii_uppercase()))
}

/// The refusal of an option, in the form that AWS's own has.
pub(super) fn option(name: &str, value: &str, why: &str) -> Refusal {
    invalid(format!("Invalid SyncOption value. Option: {name}, Value: {value}, {why}"))
}
