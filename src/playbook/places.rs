//! Places on S3 that a playbook names, `s3://bucket/prefix`, with account and Region to be filled in.

use super::check::{Problems, is_bucket, is_plain_prefix};
use super::policy::Staging;
use crate::names::{AccountId, Region};

/// Returns the bucket and the prefix of a place, filled in; `None` where it is none, which [`check`] tells.
pub(super) fn place(text: &str, account: &AccountId, region: &Region) -> Option<(String, String)> {
    let filled = filled(text, account, region);
    let (bucket, prefix) = filled.strip_prefix("s3://")?.split_once('/')?;
    Some((bucket.to_owned(), prefix.to_owned()))
}

fn filled(text: &str, account: &AccountId, region: &Region) -> String {
    text.replace("{account}", account.as_str()).replace("{region}", region.as_str())
}

/// Checks that what stands under a key is a place, and not one that `cleanup` empties.
pub(super) fn check(key: &str, text: Option<&str>, staging: &Staging, problems: &mut Problems) {
    let Some(text) = text else { return };
    let (account, region) = (AccountId::from("123456789012"), Region::from("eu-west-1"));
    let place = place(text, &account, &region);
    let Some((bucket, prefix)) =
        place.filter(|(bucket, prefix)| is_bucket(bucket) && is_plain_prefix(prefix))
    else {
        let what = match filled(text, &account, &region) {
            filled if filled == *text => format!("`{text}` is no place on S3"),
            filled => format!("`{text}` gives `{filled}`, which is no place on S3"),
        };
        problems.add(
            key,
            what,
            "write `s3://bucket/prefix`, the prefix of letters, digits, `-`, `_`, `.` and inner slashes; only {account} and {region} are filled in",
        );
        return;
    };
    let staged = filled(&staging.bucket, &account, &region);
    if bucket == staged && format!("{prefix}/").starts_with(&format!("{}/", staging.prefix)) {
        problems.add(
            key,
            format!("`{text}` lies where things are staged, and `cleanup` deletes those"),
            "choose a prefix that is not below staging.prefix",
        );
    }
}
