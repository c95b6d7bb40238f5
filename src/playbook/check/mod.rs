//! Whether what a playbook says can be done. Every problem is found at once, each with the key and what to do.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use super::glob::{name_glob, path_glob};
use super::policy::{AccountTarget, LeaveOut, Limits, Playbook, Scope, Staging};
use super::suppression::Suppression;
use super::{
    check_batches, check_target, datasync, experience, flows, notebooks, notification, orphans,
    retirement, routes,
};

/// The largest `leave_out` list, in bytes of JSON. It travels inside a lifecycle script, which holds 12,288 bytes
/// (`CreateStudioLifecycleConfig`: 16,384 characters of base64), together with the script itself.
pub const LARGEST_RULES: usize = 6_144;

/// What has a price beside instance types, by the names of the shipped table.
const PRICED: [&str; 11] = [
    "datasync",
    "efs-archive",
    "efs-elastic-read",
    "efs-infrequent",
    "efs-infrequent-read",
    "efs-provisioned",
    "efs-standard",
    "s3-get-1000",
    "s3-put-1000",
    "s3-standard",
    "studio-volume",
];

/// One thing that is wrong with a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the key: `target.volume.minimum_gb`, `leave_out[3].pattern`.
    pub key: String,
    /// What is wrong, with the value.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.what, self.remedy)
    }
}

/// Collects problems.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Problem { key: key.to_owned(), what: what.into(), remedy: remedy.into() });
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &[Problem] {
        &self.0
    }

    /// Adds a problem unless the number is in the range.
    pub(super) fn within<T: PartialOrd + fmt::Display>(
        &mut self,
        key: &str,
        value: T,
        range: RangeInclusive<T>,
    ) {
        if !range.contains(&value) {
            let remedy = format!("choose {} to {}", range.start(), range.end());
            self.add(key, format!("{value} is out of range"), remedy);
        }
    }
}

impl Playbook {
    /// Returns everything that is wrong with what the playbook says; nothing means that it can be planned with.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        if self.schema != 1 {
            problems.add(
                "schema",
                format!("{} is not known here", self.schema),
                "write `schema: 1`",
            );
        }
        if self.name.trim().is_empty() {
            problems.add(
                "name",
                "it is empty",
                "give a name that people recognise in plans and reports",
            );
        }
        targets(&self.targets, &mut problems);
        scope(&self.scope, &mut problems);
        routes::check(&self.routes, &mut problems);
        datasync::check(&self.datasync, &self.routes, &mut problems);
        check_target::all(&self.target, &self.placement, &mut problems);
        leave_out(&self.leave_out, &mut problems);
        check_batches::all(self, &mut problems);
        limits(&self.limits, &mut problems);
        experience::check(&self.experience, self.target.app_type, &mut problems);
        staging(&self.staging, &mut problems);
        notebooks::check(&self.shared_notebooks, &self.staging, &mut problems);
        flows::check(&self.flows, &self.staging, &mut problems);
        orphans::check(&self.orphans, &self.staging, &mut problems);
        retirement::check(&self.retire, &mut problems);
        notification::check(&self.notifications, &mut problems);
        for (name, price) in &self.prices {
            if !PRICED.contains(&name.as_str()) && !name.starts_with("ml.") {
                problems.add(
                    &format!("prices.{name}"),
                    "no price is called so",
                    format!("write one of {}, or an instance type", PRICED.join(", ")),
                );
            }
            problems.within(&format!("prices.{name}"), *price, 0.0..=100_000.0);
        }
        suppressions(&self.suppressions, &mut problems);
        problems.0
    }
}

fn targets(targets: &[AccountTarget], problems: &mut Problems) {
    for (i, target) in targets.iter().enumerate() {
        let key = |name: &str| format!("targets[{i}].{name}");
        if target.region.trim().is_empty() {
            problems.add(&key("region"), "it is empty", "write a Region code such as `eu-west-1`");
        }
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit());
        if let Some(account) = target.account.as_deref().filter(|account| !is_account(account)) {
            problems.add(
                &key("account"),
                format!("`{account}` is no account id"),
                "write its twelve digits, between quotation marks",
            );
        }
        if let Some(role) = &target.role
            && !(role.starts_with("arn:") && role.contains(":role/"))
        {
            problems.add(
                &key("role"),
                format!("`{role}` is no role"),
                "write the role's ARN, `arn:aws:iam::<account>:role/<name>`",
            );
        }
        domain_ids(&key("domains"), &target.domains, problems);
    }
}

fn scope(scope: &Scope, problems: &mut Problems) {
    domain_ids("scope.domains", &scope.domains, problems);
    if scope.include.is_empty() {
        problems.add(
            "scope.include",
            "it is empty, so nobody moves",
            "write `[\"*\"]` to take everyone",
        );
    }
    for (key, patterns) in [("include", &scope.include), ("exclude", &scope.exclude)] {
        for (i, pattern) in patterns.iter().enumerate() {
            if let Err(error) = name_glob(pattern) {
                problems.add(
                    &format!("scope.{key}[{i}]"),
                    format!("`{pattern}` is no glob ({})", error.kind()),
                    "use `*`, `?`, `[ab]` and `{a,b}`",
                );
            }
        }
    }
}

fn domain_ids(key: &str, domains: &[String], problems: &mut Problems) {
    for (i, domain) in domains.iter().enumerate() {
        let rest = domain.strip_prefix("d-").unwrap_or_default();
        let is_plausible = !rest.is_empty()
            && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !is_plausible {
            problems.add(
                &format!("{key}[{i}]"),
                format!("`{domain}` is no domain id"),
                "write the id, `d-…`, not the domain's name",
            );
        }
    }
}

fn leave_out(rules: &[LeaveOut], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (i, rule) in rules.iter().enumerate() {
        let key = format!("leave_out[{i}].pattern");
        let pattern = &rule.pattern;
        match path_glob(pattern) {
            Err(error) => problems.add(
                &key,
                format!("`{pattern}` is no glob ({})", error.kind()),
                "use `*`, `**`, `?`, `[ab]` and `{a,b}`",
            ),
            // Names that no rule has in mind; one that matches them all leaves the whole home behind.
            Ok(glob) if ["q", "q/w", "q/w/e.r"].iter().all(|path| glob.is_match(path)) => problems
                .add(
                    &key,
                    format!("`{pattern}` leaves out everything"),
                    "name what is to be left out; use scope.exclude for people who do not move",
                ),
            Ok(_) => {}
        }
        if pattern.is_empty()
            || pattern.starts_with('/')
            || pattern.starts_with("~")
            || pattern.starts_with("./")
        {
            problems.add(
                &key,
                format!("`{pattern}` matches nothing"),
                "write it relative to the home, without a leading `/`, `./` or `~/`",
            );
        }
        if !seen.insert(pattern) {
            problems.add(
                &key,
                format!("`{pattern}` stands twice"),
                "remove one, the first one wins",
            );
        }
        if rule.reason.trim().is_empty() {
            problems.add(
                &format!("leave_out[{i}].reason"),
                "it is empty",
                "say why, in words for the person whose files these are",
            );
        }
    }
    let size = rules_size(rules);
    if size > LARGEST_RULES {
        problems.add(
            "leave_out",
            format!(
                "the rules take {size} bytes, and a lifecycle script has room for {LARGEST_RULES}"
            ),
            "use fewer rules, or shorter reasons",
        );
    }
}

/// The bytes that the rules take in the mover's ticket: a JSON list of pairs.
fn rules_size(rules: &[LeaveOut]) -> usize {
    let pairs: Vec<(&str, &str)> =
        rules.iter().map(|rule| (rule.pattern.as_str(), rule.reason.as_str())).collect();
    serde_json::to_string(&pairs).map_or(usize::MAX, |json| json.len())
}

fn limits(limits: &Limits, problems: &mut Problems) {
    problems.within("limits.users", limits.users, Limits::USERS);
    problems.within("limits.poll_seconds", limits.poll_seconds, 0.05..=600.0);
    problems.within("limits.settle_minutes", limits.settle_minutes, 0.05..=1_440.0);
    problems.within("limits.stall_minutes", limits.stall_minutes, 0.05..=1_440.0);
    problems.within("limits.calls_per_second", limits.calls_per_second, 0.1..=100.0);
    problems.within("limits.credentials_minutes", limits.credentials_minutes, 0.0..=10_080.0);
    if let Some(gib) = limits.gib_in_flight {
        problems.within("limits.gib_in_flight", gib, Limits::GIB_IN_FLIGHT);
    }
    for (key, minutes) in
        [("settle_minutes", limits.settle_minutes), ("stall_minutes", limits.stall_minutes)]
    {
        if minutes * 60.0 < limits.poll_seconds * 2.0 {
            problems.add(
                &format!("limits.{key}"),
                format!(
                    "{minutes} minutes pass before the second look, at {} seconds each",
                    limits.poll_seconds
                ),
                "raise it, or lower limits.poll_seconds",
            );
        }
    }
}

/// Checks that a pattern gives names of buckets.
pub(super) fn bucket(key: &str, pattern: &str, problems: &mut Problems) {
    let filled = pattern.replace("{account}", "123456789012").replace("{region}", "eu-west-1");
    if !is_bucket(&filled) {
        problems.add(
            key,
            format!("`{pattern}` gives `{filled}`, which S3 does not take as a name"),
            "use 3 to 63 lower-case letters, digits, dots and hyphens; only {account} and {region} are filled in",
        );
    }
}

fn staging(staging: &Staging, problems: &mut Problems) {
    bucket("staging.bucket", &staging.bucket, problems);
    problems.within("staging.retention_days", staging.retention_days, 0..=3_650);
    if !is_plain_prefix(&staging.prefix) {
        problems.add(
            "staging.prefix",
            format!("`{}` is no plain prefix", staging.prefix),
            "use letters, digits, `-`, `_`, `.` and inner slashes, without one at either end",
        );
    }
}

/// The rest of a suppression is judged when it is read.
fn suppressions(suppressions: &[Suppression], problems: &mut Problems) {
    for (i, suppression) in suppressions.iter().enumerate() {
        // These two say what is wrong with suppressions.
        if ["SM109", "SM110"].contains(&suppression.code.as_str()) {
            problems.add(
                &format!("suppressions[{i}].code"),
                format!("{} is about suppressions, and nobody answers for that", suppression.code),
                "mend or remove the suppression that it is about",
            );
        }
        let pattern = &suppression.subject;
        if let Err(error) = name_glob(pattern) {
            problems.add(
                &format!("suppressions[{i}].subject"),
                format!("`{pattern}` is no glob ({})", error.kind()),
                "write what the finding is about, e.g. `d-abc/alice`, with `*`, `?`, `[ab]` and `{a,b}`",
            );
        }
    }
}

/// Tells whether AWS takes this as a space's or profile's name: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`, at most 63 characters.
pub(super) fn is_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.len() <= 63
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Tells whether this is a prefix that needs no quoting anywhere, without a slash at either end.
pub(super) fn is_plain_prefix(prefix: &str) -> bool {
    prefix.len() <= 200
        && prefix.split('/').all(|part| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        })
}

/// Tells whether S3 takes this as the name of a bucket.
pub(super) fn is_bucket(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.starts_with(plain)
        && name.ends_with(plain)
        && !name.contains("..")
        && name.chars().all(|c| plain(c) || c == '-' || c == '.')
}

#[cfg(test)]
mod tests;
