//! Whether the space that a playbook asks for can be had, and whether files can land where it says.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::check::{Problems, is_name};
use super::target::{Placement, Target, Volume};

/// What EBS gives a space, in GiB (`EbsVolumeSizeInGb`).
const VOLUME: RangeInclusive<i32> = 5..=16_384;
/// What AWS takes for `IdleTimeoutInMinutes`.
const IDLE: RangeInclusive<i32> = 60..=525_600;

/// Checks both.
pub(super) fn all(target: &Target, placement: &Placement, problems: &mut Problems) {
    space(target, problems);
    folder("placement.folder", &placement.folder, problems);
    folder("placement.folder_if_reused", &placement.folder_if_reused, problems);
}

fn space(target: &Target, problems: &mut Problems) {
    let key = "target.space_name";
    let name = &target.space_name;
    if !name.contains("{profile}") {
        problems.add(
            key,
            format!("`{name}` gives everyone the same name"),
            "put `{profile}` into it",
        );
    }
    if !is_name(&name.replace("{profile}", "a")) {
        problems.add(
            key,
            format!("`{name}` gives names that AWS refuses"),
            "use letters, digits and single hyphens around `{profile}`, no other braces, and end with none",
        );
    }
    let fixed = name.replace("{profile}", "").chars().count();
    if fixed > 32 {
        problems.add(
            key,
            format!("{fixed} of 63 characters are taken before the profile's name comes in"),
            "shorten the pattern to 32 characters",
        );
    }
    if !is_instance_type(&target.instance_type) {
        problems.add(
            "target.instance_type",
            format!("`{}` is no instance type", target.instance_type),
            "write one such as `ml.t3.medium`",
        );
    }
    if let Some(image) = target.image.as_deref().filter(|image| !is_image(image)) {
        problems.add(
            "target.image",
            format!("`{image}` is no image"),
            "write the ARN of an image or of one of its versions, `arn:aws:sagemaker:<region>:<account>:image/<name>` or `…:image-version/<name>/<number>`",
        );
    }
    problems.within("target.idle_shutdown_minutes", target.idle_shutdown_minutes, IDLE);
    volume(&target.volume, problems);
    tags(&target.tags, problems);
}

/// What AWS takes for tags: 128 characters of key, 256 of value, fifty in all, of which two are ours.
fn tags(tags: &BTreeMap<String, String>, problems: &mut Problems) {
    if tags.len() > 48 {
        problems.add("target.tags", format!("{} are too many", tags.len()), "keep 48 at most");
    }
    for (name, value) in tags {
        let key = format!("target.tags.{name}");
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("aws:") || lower.starts_with("studio-migrate:") {
            problems.add(&key, "the prefix is taken", "choose a key without it");
        }
        let is_plain =
            |text: &str| text.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@{}".contains(c));
        if name.is_empty() || name.chars().count() > 128 || !is_plain(name) {
            problems.add(
                &key,
                "AWS does not take such a key",
                "use 1 to 128 letters, digits, spaces and `_.:/=+-@`",
            );
        }
        if value.chars().count() > 150 || !is_plain(value) {
            problems.add(
                &key,
                format!("`{value}` cannot be a value"),
                "use up to 150 letters, digits, spaces and `_.:/=+-@`",
            );
        }
    }
}

fn volume(volume: &Volume, problems: &mut Problems) {
    problems.within("target.volume.minimum_gb", volume.minimum_gb, VOLUME);
    problems.within("target.volume.maximum_gb", volume.maximum_gb, VOLUME);
    if volume.minimum_gb > volume.maximum_gb {
        problems.add(
            "target.volume.minimum_gb",
            format!("{} is more than maximum_gb, {}", volume.minimum_gb, volume.maximum_gb),
            "lower the one or raise the other",
        );
    }
    problems.within("target.volume.headroom_percent", volume.headroom_percent, 0..=1_000);
    problems.within("target.volume.headroom_gb", volume.headroom_gb, 0..=*VOLUME.end());
}

fn folder(key: &str, folder: &str, problems: &mut Problems) {
    if folder.is_empty() {
        return;
    }
    let mut parts = folder.split('/');
    if parts.clone().any(|part| part.is_empty() || part == "." || part == "..")
        || folder.chars().any(char::is_control)
        || folder.split('/').any(|part| part.len() > 255)
    {
        problems.add(
            key,
            format!("`{folder}` does not stay under the space's home"),
            "write a relative path without `.` and `..`, and without a slash at either end",
        );
    }
    // These are mounts of file systems, or the mover's own.
    if matches!(parts.next(), Some("user-default-efs" | "custom-file-systems" | ".studio-migrate"))
    {
        problems.add(
            key,
            format!("`{folder}` is not on the space's own volume, or is taken"),
            "choose a folder that Studio does not mount anything in",
        );
    }
}

fn is_instance_type(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_word = |word: &str| {
        !word.is_empty()
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    matches!(parts.as_slice(), ["ml", family, size] if is_word(family) && is_word(size))
}

/// Tells whether this is the ARN of an image or of a version of one: `SageMakerImageArn` and `SageMakerImageVersionArn`.
fn is_image(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(
        parts.as_slice(),
        ["arn", _, "sagemaker", region, account, resource]
            if !region.is_empty()
                && account.len() == 12
                && (resource.starts_with("image/") || resource.starts_with("image-version/"))
    )
}
