//! The options of a task: what each is when nobody says, and which go together.

use serde_json::{Value, json};

use crate::sim::studio::Members;
use crate::sim::wire::Refusal;

use super::records::Mode;
use super::refuse::{invalid, option};

/// What the options of a new task are that were not given (`Options` in the DataSync API reference).
fn usual(mode: Mode) -> Value {
    json!({
        "VerifyMode": match mode {
            Mode::Basic => "POINT_IN_TIME_CONSISTENT",
            Mode::Enhanced => "ONLY_FILES_TRANSFERRED",
        },
        "OverwriteMode": "ALWAYS",
        "Atime": "BEST_EFFORT",
        "Mtime": "PRESERVE",
        "Uid": "INT_VALUE",
        "Gid": "INT_VALUE",
        "PreserveDeletedFiles": "PRESERVE",
        "PreserveDevices": "NONE",
        "PosixPermissions": "PRESERVE",
        "BytesPerSecond": -1,
        "TaskQueueing": "ENABLED",
        "LogLevel": "OFF",
        "TransferMode": "CHANGED",
        "SecurityDescriptorCopyFlags": "NONE",
        "ObjectTags": "PRESERVE",
    })
}

/// The options of a new task: what was given, and what is usual.
///
/// # Errors
///
/// Refuses options that do not go together or that are for other locations.
pub(super) fn complete(mode: Mode, given: Option<&Members>) -> Result<Members, Refusal> {
    let usual = usual(mode).as_object().cloned().unwrap_or_default();
    override_with(mode, &usual, given)
}

/// Options with some of them replaced.
///
/// # Errors
///
/// Refuses what [`complete`] refuses, of the whole that comes of it.
pub(super) fn override_with(
    mode: Mode,
    before: &Members,
    given: Option<&Members>,
) -> Result<Members, Refusal> {
    let mut options = before.clone();
    for (name, value) in given.into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        options.insert(name.clone(), value.clone());
    }
    check(mode, &options)?;
    Ok(options)
}

/// An option that has words for its values.
pub(super) fn word<'a>(options: &'a Members, name: &str) -> &'a str {
    options.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The bytes a second that an execution may send; `None` without a limit.
pub(super) fn limit(options: &Members) -> Option<f64> {
    let limit = options.get("BytesPerSecond").and_then(Value::as_f64)?;
    (limit > 0.0).then_some(limit)
}

fn check(mode: Mode, options: &Members) -> Result<(), Refusal> {
    let word = |name: &str| word(options, name);
    let (atime, mtime) = (word("Atime"), word("Mtime"));
    match mode {
        Mode::Basic if (atime == "NONE") != (mtime == "NONE") => {
            let why = format!("invalid with Mtime {mtime}: set both, or both to NONE.");
            return Err(option("Atime", atime, &why));
        }
        Mode::Enhanced if mtime == "NONE" => {
            return Err(option("Mtime", mtime, "invalid for a task in Enhanced mode."));
        }
        Mode::Enhanced if word("VerifyMode") == "POINT_IN_TIME_CONSISTENT" => {
            let why = "invalid for a task in Enhanced mode.";
            return Err(option("VerifyMode", word("VerifyMode"), why));
        }
        _ => {}
    }
    if word("PreserveDeletedFiles") == "REMOVE" && word("TransferMode") == "ALL" {
        let why = "invalid with TransferMode ALL, which does not look at the destination.";
        return Err(option("PreserveDeletedFiles", "REMOVE", why));
    }
    for name in ["Uid", "Gid"] {
        // The API reference calls NAME and BOTH "not supported".
        if matches!(word(name), "NAME" | "BOTH") {
            return Err(option(name, word(name), "currently not supported."));
        }
    }
    if word("PreserveDevices") == "PRESERVE" {
        return Err(option("PreserveDevices", "PRESERVE", "not supported for Amazon EFS."));
    }
    let flags = word("SecurityDescriptorCopyFlags");
    if flags != "NONE" {
        let why = "invalid for non-SMB transfer. please use NONE.";
        return Err(option("SecurityDescriptorCopyFlags", flags, why));
    }
    // The model takes 0 and nothing says what it means: nothing would ever arrive.
    if options.get("BytesPerSecond").and_then(Value::as_i64) == Some(0) {
        return Err(invalid("BytesPerSecond must be -1, for no limit, or greater than 0."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(mode: Mode, given: Value) -> Result<Members, Refusal> {
        super::complete(mode, given.as_object())
    }

    #[test]
    fn what_is_not_given_is_usual_and_the_modes_verify_differently() {
        let basic = complete(Mode::Basic, json!({"LogLevel": "TRANSFER"})).unwrap();
        assert_eq!(word(&basic, "LogLevel"), "TRANSFER");
        assert_eq!(word(&basic, "VerifyMode"), "POINT_IN_TIME_CONSISTENT");
        assert_eq!(limit(&basic), None);
        let enhanced = complete(Mode::Enhanced, json!({"BytesPerSecond": 1000})).unwrap();
        assert_eq!(word(&enhanced, "VerifyMode"), "ONLY_FILES_TRANSFERRED");
        assert_eq!(limit(&enhanced), Some(1000.0));
    }

    #[test]
    fn times_are_kept_both_or_neither_in_basic_mode() {
        for (atime, mtime, is_good) in [
            ("NONE", "NONE", true),
            ("BEST_EFFORT", "PRESERVE", true),
            ("NONE", "PRESERVE", false),
            ("BEST_EFFORT", "NONE", false),
        ] {
            let given = json!({"Atime": atime, "Mtime": mtime});
            assert_eq!(complete(Mode::Basic, given.clone()).is_ok(), is_good, "{given}");
            // Enhanced mode minds nothing but a time of change that is not kept.
            assert_eq!(complete(Mode::Enhanced, given).is_ok(), mtime == "PRESERVE");
        }
    }

    #[test]
    fn what_is_for_others_or_contradicts_itself_is_refused() {
        for given in [
            json!({"PreserveDeletedFiles": "REMOVE", "TransferMode": "ALL"}),
            json!({"Uid": "NAME"}),
            json!({"Gid": "BOTH"}),
            json!({"PreserveDevices": "PRESERVE"}),
            json!({"SecurityDescriptorCopyFlags": "OWNER_DACL"}),
            json!({"BytesPerSecond": 0}),
        ] {
            let refusal = complete(Mode::Basic, given.clone()).unwrap_err();
            assert_eq!(refusal.code, "InvalidRequestException", "{given}");
        }
        let given = json!({"VerifyMode": "POINT_IN_TIME_CONSISTENT"});
        assert!(complete(Mode::Enhanced, given).is_err());
    }
}
