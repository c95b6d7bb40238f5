//! The size of a space's volume: bounds, and how often it may change.

use serde_json::{Value, json};

use crate::sim::wire::Refusal;

use super::ask::at;
use super::records::{Members, Space};
use super::refuse::{in_use, invalid};

/// The path to the size in `SpaceSettings`.
const SIZE: [&str; 3] = ["SpaceStorageSettings", "EbsStorageSettings", "EbsVolumeSizeInGb"];

/// The bounds when neither domain nor profile sets any, in GB.
const DEFAULT: i64 = 5;
const MOST: i64 = 100;

/// The size that settings ask for, in GB.
pub(super) fn size(settings: &Members) -> Option<i64> {
    at(settings, &SIZE)?.as_i64()
}

fn bound(effective: &Members, member: &str, otherwise: i64) -> i64 {
    at(effective, &["SpaceStorageSettings", "DefaultEbsStorageSettings", member])
        .and_then(Value::as_i64)
        .unwrap_or(otherwise)
}

/// Refuses a size that is more than the domain or profile allows.
fn check_most(size: i64, effective: &Members) -> Result<(), Refusal> {
    let most = bound(effective, "MaximumEbsVolumeSizeInGb", MOST);
    if size > most {
        return Err(invalid(format!(
            "EbsVolumeSizeInGb [{size}] must not be greater than MaximumEbsVolumeSizeInGb [{most}]."
        )));
    }
    Ok(())
}

/// Gives a new space its size, the default when none is asked for.
pub(super) fn settle(settings: &mut Members, effective: &Members) -> Result<(), Refusal> {
    if let Some(size) = size(settings) {
        return check_most(size, effective);
    }
    let size = bound(effective, "DefaultEbsVolumeSizeInGb", DEFAULT);
    settings.insert(
        "SpaceStorageSettings".to_owned(),
        json!({ "EbsStorageSettings": { "EbsVolumeSizeInGb": size } }),
    );
    Ok(())
}

/// Checks a change of size; `true` means that there is one.
pub(super) fn change(
    space: &Space,
    given: &Members,
    effective: &Members,
    is_running: bool,
    now: f64,
    pause: f64,
) -> Result<bool, Refusal> {
    let (Some(wanted), Some(current)) = (size(given), size(&space.settings)) else {
        return Ok(false);
    };
    if wanted == current {
        return Ok(false);
    }
    if wanted < current {
        return Err(invalid(format!(
            "EbsVolumeSizeInGb [{wanted}] must not be less than the current size [{current}]."
        )));
    }
    check_most(wanted, effective)?;
    if is_running {
        return Err(in_use(format!(
            "The volume of space [{}] cannot be changed while its app is running.",
            space.name
        )));
    }
    if space.resized_at.is_some_and(|at| now < at + pause) {
        return Err(invalid(
            "VolumeModificationRateExceeded: You've reached the maximum modification rate per volume limit. Wait at \
             least 6 hours between modifications per EBS volume.",
        ));
    }
    Ok(true)
}
