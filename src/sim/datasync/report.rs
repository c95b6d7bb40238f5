//! Task reports: JSON objects that say what became of the whole, and of every file.
//!
//! Detailed reports have the keys that AWS's own sample reads, `Detailed-Reports/task-…/exec-…/exec-….files-verified-v1-00001-….json`,
//! and the members that readers of such reports know: `TaskExecutionId`, a list named `Transferred`, `Skipped`, `Verified` or
//! `Deleted`, and in it `RelativePath`, `SrcMetadata` (`SourceMetadata` in Enhanced mode), `TransferStatus`, `VerifyStatus`, ….
//! Inferred are the key and the members of the summary, the report of what was listed, how many entries one object holds, the
//! token in its name, and that a report without entries is not written.

use std::io;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::World;
use crate::sim::api::ACCOUNT;
use crate::sim::bucket::Direct;

use super::ask::{bucket_in, location_arn};
use super::plan::{Deed, Plan, Planned};
use super::records::{Execution, Mode, Problem, Step};
use super::source::{Item, Kind};
use super::verify::Verdict;
use super::{access, describe};

/// How many entries one object holds.
const ENTRIES: usize = 10_000;

/// Everything that a report tells of.
pub(super) struct Told<'a> {
    pub(super) execution: &'a Execution,
    pub(super) plan: &'a Plan,
    pub(super) verdicts: &'a [Verdict],
    /// When the execution ended, in seconds since the epoch.
    pub(super) now: f64,
}

/// Writes the report that was asked for.
///
/// # Errors
///
/// The bucket is not there, or DataSync may not write to it.
pub(super) fn write(world: &World, told: &Told<'_>) -> Result<(), Problem> {
    let Some(config) = told.execution.members.get("TaskReportConfig") else { return Ok(()) };
    let place = &config["Destination"]["S3"];
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let arn = text(place, "S3BucketArn");
    let failed = |detail: String| Problem::new("ReportFailed", detail);
    let bucket = bucket_in(&arn).map_err(|refusal| failed(refusal.message))?;
    let prefix = match text(place, "Subdirectory").trim_matches('/') {
        "" => String::new(),
        subdirectory => format!("{subdirectory}/"),
    };
    let role = text(place, "BucketAccessRoleArn");
    let direct = Direct::new(world);
    let put = |key: String, content: &Value| {
        let resource = format!("arn:aws:s3:::{bucket}/{key}");
        if !world.read(|state| access::may(state, &role, "s3:PutObject", &resource)) {
            return Err(failed(format!("{role} may not perform s3:PutObject on {resource}")));
        }
        let bytes = serde_json::to_vec(content).map_err(io::Error::from);
        let written =
            bytes.and_then(|bytes| direct.put(bucket, &key, &mut &bytes[..], Default::default()));
        written.map(drop).map_err(|error| failed(error.to_string()))
    };
    let (task, id) = (&told.execution.task, &told.execution.id);
    if config["OutputType"] == "STANDARD" {
        for (member, entries) in detailed(told, config) {
            for (number, some) in entries.chunks(ENTRIES).enumerate() {
                let name = format!("files-{}-v1-{:05}", member.to_ascii_lowercase(), number + 1);
                let token = token(id, &name);
                let key = format!("{prefix}Detailed-Reports/{task}/{id}/{id}.{name}-{token}.json");
                put(key, &json!({"TaskExecutionId": id, member: some}))?;
            }
        }
    }
    let key = format!("{prefix}Summary-Reports/{task}/{id}/{task}-{id}.json");
    put(key, &summary(world, told))
}

/// 17 hexadecimal digits that tell one report from another, always the same.
fn token(execution: &str, name: &str) -> String {
    blake3::hash(format!("{execution}\n{name}").as_bytes()).to_hex()[..17].to_owned()
}

/// The lists of a standard report, by member.
fn detailed(told: &Told<'_>, config: &Value) -> Vec<(&'static str, Vec<Value>)> {
    let level = config["ReportLevel"].as_str().unwrap_or("ERRORS_ONLY");
    let of = |member: &str| {
        let own = config["Overrides"][member]["ReportLevel"].as_str();
        own.unwrap_or(level) == "SUCCESSES_AND_ERRORS"
    };
    let writer = Writer { told };
    let deeds = |wanted: fn(&Deed) -> bool| {
        told.plan.all.iter().filter(move |planned| wanted(&planned.deed))
    };
    let (transferred, skipped, verified, deleted) =
        (of("Transferred"), of("Skipped"), of("Verified"), of("Deleted"));
    let moved = deeds(|deed| matches!(deed, Deed::Copy { .. }));
    let left = deeds(|deed| matches!(deed, Deed::Skip(_)));
    let removed = deeds(|deed| *deed == Deed::Delete);
    let listed = deeds(|deed| *deed != Deed::Delete);
    let mut unlisted: Vec<Value> = writer.unlisted().collect();
    let mut transfers: Vec<Value> =
        moved.filter_map(|planned| writer.transferred(planned, transferred)).collect();
    transfers.append(&mut unlisted);
    let listed: Vec<Value> = match level {
        "SUCCESSES_AND_ERRORS" => listed.map(|planned| writer.listed(planned)).collect(),
        _ => Vec::new(),
    };
    let skips = left.filter(|_| skipped).map(|planned| writer.skipped(planned)).collect();
    let verdicts = told.verdicts.iter().filter(|one| verified || one.problem.is_some());
    vec![
        ("Listed", listed),
        ("Transferred", transfers),
        ("Skipped", skips),
        ("Verified", verdicts.map(|one| writer.verified(one)).collect()),
        ("Deleted", removed.filter_map(|one| writer.deleted(one, deleted)).collect()),
    ]
}

struct Writer<'a> {
    told: &'a Told<'a>,
}

impl Writer<'_> {
    /// What every entry begins with.
    fn entry(&self, item: &Item) -> Value {
        let name = match self.told.execution.mode {
            Mode::Basic => "SrcMetadata",
            Mode::Enhanced => "SourceMetadata",
        };
        json!({"RelativePath": item.path, name: metadata(item)})
    }

    fn problem(&self, path: &str, step: Step) -> Option<&Problem> {
        let mut failures = self.told.execution.failures.iter();
        let found = failures.find(|failure| failure.path == path && failure.step == step);
        found.map(|failure| &failure.problem)
    }

    fn listed(&self, planned: &Planned) -> Value {
        self.entry(&planned.item)
    }

    fn transferred(&self, planned: &Planned, has_successes: bool) -> Option<Value> {
        let Deed::Copy { overwrites, has_content } = planned.deed else { return None };
        let problem = self.problem(&planned.item.path, Step::Transfer);
        if problem.is_none() && !has_successes {
            return None;
        }
        let mut entry = self.entry(&planned.item);
        entry["Overwrite"] = json!(if overwrites { "True" } else { "False" });
        entry["TransferTimestamp"] = json!(iso(self.told.now));
        let kind = if has_content { "CONTENT_AND_METADATA" } else { "METADATA" };
        entry["TransferType"] = json!(kind);
        close(&mut entry, "TransferStatus", problem);
        Some(entry)
    }

    /// What failed before there was anything to transfer.
    fn unlisted(&self) -> impl Iterator<Item = Value> {
        let failures = self.told.execution.failures.iter();
        let early = failures.filter(|one| matches!(one.step, Step::List | Step::Prepare));
        early.map(|failure| {
            let mut entry = json!({"RelativePath": failure.path});
            entry["TransferTimestamp"] = json!(iso(self.told.now));
            close(&mut entry, "TransferStatus", Some(&failure.problem));
            entry
        })
    }

    fn skipped(&self, planned: &Planned) -> Value {
        let mut entry = self.entry(&planned.item);
        entry["SkipTimestamp"] = json!(iso(self.told.now));
        if let Deed::Skip(skip) = planned.deed {
            entry["SkipReason"] = json!(skip.words());
        }
        entry
    }

    fn verified(&self, verdict: &Verdict) -> Value {
        let mut entry = self.entry(&verdict.item);
        entry["DstMetadata"] = metadata(&verdict.item);
        let sums = [("SrcChecksum", &verdict.source), ("DstChecksum", &verdict.there)];
        for (name, sum) in sums {
            if let Some(sum) = sum {
                entry[name] = json!(sum);
            }
        }
        entry["VerifyTimestamp"] = json!(iso(self.told.now));
        close(&mut entry, "VerifyStatus", verdict.problem.as_ref());
        entry
    }

    fn deleted(&self, planned: &Planned, has_successes: bool) -> Option<Value> {
        let problem = self.problem(&planned.item.path, Step::Delete);
        if problem.is_none() && !has_successes {
            return None;
        }
        let kind = type_of(planned.item.kind);
        let seen = json!({"Type": kind, "ContentSize": planned.item.size});
        let mut entry = json!({"RelativePath": planned.item.path, "DstMetadata": seen});
        entry["DeleteTimestamp"] = json!(iso(self.told.now));
        close(&mut entry, "DeleteStatus", problem);
        Some(entry)
    }
}

fn close(entry: &mut Value, status: &str, problem: Option<&Problem>) {
    entry[status] = json!(if problem.is_some() { "FAILED" } else { "SUCCESS" });
    if let Some(problem) = problem {
        entry["ErrorCode"] = json!(problem.code);
        entry["ErrorDetail"] = json!(problem.detail);
    }
}

fn metadata(item: &Item) -> Value {
    let time = |(seconds, nanos): (i64, u32)| {
        let nanos = i32::try_from(nanos).unwrap_or_default();
        Timestamp::new(seconds, nanos).unwrap_or_default().to_string()
    };
    json!({
        "Type": type_of(item.kind),
        "ContentSize": item.size,
        "Mtime": time(item.mtime),
        "Atime": time(item.atime),
        "Uid": item.uid,
        "Gid": item.gid,
        "Mode": format!("{:04o}", item.mode & 0o7777),
    })
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Folder => "Directory",
        Kind::File => "Regular",
        Kind::Link => "Symlink",
        Kind::Special => "Special",
    }
}

/// The summary: who, from where, to where, how it went, with every counter.
fn summary(world: &World, told: &Told<'_>) -> Value {
    let execution = told.execution;
    let locations = world.read(|state| {
        let task = state.datasync.tasks.get(&execution.task);
        task.map(|task| (location_arn(state, &task.source), location_arn(state, &task.destination)))
    });
    let (source, destination) = locations.unwrap_or_default();
    let mut summary = json!({
        "TaskExecutionId": execution.id,
        "TaskId": execution.task,
        "AccountId": ACCOUNT,
        "SourceLocation": source,
        "DestinationLocation": destination,
        "StartTime": iso(execution.started_at),
        "EndTime": iso(told.now),
        "Options": execution.options,
        "Result": if execution.failures.is_empty() { "SUCCESS" } else { "ERROR" },
    });
    for (name, value) in describe::counts(execution) {
        summary[name] = value;
    }
    summary
}

fn iso(seconds: f64) -> String {
    // Microseconds are as fine as a float of today's seconds is.
    let time = Timestamp::from_microsecond((seconds * 1e6) as i64);
    time.unwrap_or_default().to_string()
}
