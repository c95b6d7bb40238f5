//! Tasks: from where to where, and how.

use serde_json::{Value, json};

use crate::sim::state::State;
use crate::sim::studio::{Members, NEVER};
use crate::sim::wire::Refusal;

use super::access;
use super::ask::{Call, bucket_in, execution_arn, id_in, location_arn, new_id, task_arn};
use super::filter::Filter;
use super::location;
use super::options;
use super::records::{Execution, Mode, Place, Task};
use super::refuse::{invalid, not_found};
use super::tags;

/// The quota of tasks. The number is documented ("Quotas for AWS DataSync": 100 tasks an account and Region), how Service
/// Quotas calls it is inferred.
pub(in crate::sim) const QUOTA: (&str, f64) = ("Tasks", 100.0);

/// What an execution takes from its task unless it is given its own.
pub(super) const INHERITED: [&str; 4] =
    ["Includes", "Excludes", "ManifestConfig", "TaskReportConfig"];

/// `CreateTask`.
pub(super) fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let source = location::find(state, call.text("SourceLocationArn"))?;
        let destination = location::find(state, call.text("DestinationLocationArn"))?;
        if !matches!((&source.place, &destination.place), (Place::Efs { .. }, Place::S3 { .. })) {
            return Err(invalid("The simulator transfers from Amazon EFS to Amazon S3 alone."));
        }
        let (source, destination) = (source.id.clone(), destination.id.clone());
        let mode = match call.given("TaskMode") {
            Some("ENHANCED") => Mode::Enhanced,
            _ => Mode::Basic,
        };
        if mode == Mode::Enhanced && state.datasync.behaviour.refuses_enhanced {
            return Err(invalid(
                "Enhanced mode is not supported for a transfer between Amazon EFS and Amazon S3. Use Basic mode.",
            ));
        }
        let (name, usual) = QUOTA;
        let limit = state.quotas.get(name).copied().unwrap_or(usual);
        // A quota is a whole number that is kept as Service Quotas answers it.
        if state.datasync.tasks.len() as f64 >= limit {
            return Err(invalid(format!(
                "The account has {limit} tasks in this Region, which is its quota."
            )));
        }
        let options = options::complete(mode, call.structure("Options"))?;
        let mut members = Members::new();
        settle(state, call, mode, &mut members)?;
        let given = tags::read(call)?;
        let id = new_id(state, "task");
        let arn = task_arn(state, &id);
        tags::put(state, &arn, given);
        let ready_at = if call.is_stuck { NEVER } else { call.now + state.timing.datasync_create };
        let created_at = call.now;
        let task =
            Task { id: id.clone(), created_at, ready_at, source, destination, mode, options, members };
        state.datasync.tasks.insert(id, task);
        Ok(json!({ "TaskArn": arn }))
    })
}

/// `UpdateTask`.
pub(super) fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let mut task = find(state, call.text("TaskArn"))?.clone();
        task.options = options::override_with(task.mode, &task.options, call.structure("Options"))?;
        settle(state, call, task.mode, &mut task.members)?;
        state.datasync.tasks.insert(task.id.clone(), task);
        Ok(json!({}))
    })
}

/// Takes what a call says of a task beside its options.
fn settle(
    state: &State,
    call: &Call<'_>,
    mode: Mode,
    members: &mut Members,
) -> Result<(), Refusal> {
    if call.member("Schedule").is_some() {
        return Err(invalid("The simulator runs no task by a schedule."));
    }
    let group = call.given("CloudWatchLogGroupArn");
    let is_own = |arn: &str| arn.trim_end_matches(":*").ends_with(":log-group:/aws/datasync");
    if mode == Mode::Enhanced && group.is_some_and(|arn| !is_own(arn)) {
        return Err(invalid("A task in Enhanced mode logs to the log group /aws/datasync."));
    }
    members.extend(call.kept(&["Name", "CloudWatchLogGroupArn"]));
    inherit(state, call, members)
}

/// Takes the filters, the manifest and the report that a call gives in place of those before; an empty one takes them away.
///
/// # Errors
///
/// Refuses filters that cannot be read, and a manifest or report in a bucket that DataSync cannot reach.
pub(super) fn inherit(
    state: &State,
    call: &Call<'_>,
    members: &mut Members,
) -> Result<(), Refusal> {
    for name in INHERITED {
        let Some(value) = call.member(name) else { continue };
        let is_empty = match value {
            Value::Array(rules) => rules.is_empty(),
            Value::Object(config) => config.is_empty(),
            _ => false,
        };
        if is_empty {
            members.shift_remove(name);
        } else {
            members.insert(name.to_owned(), value.clone());
        }
    }
    let includes = Filter::of_includes(members.get("Includes"))?;
    let excludes = Filter::of(members.get("Excludes"))?;
    if let Some(manifest) = members.get("ManifestConfig") {
        // A manifest says already what to take; that filters are refused beside it is inferred.
        if includes.is_some() || excludes.is_some() {
            return Err(invalid("A manifest and filters cannot be used together."));
        }
        let source = &manifest["Source"]["S3"];
        if source.is_null() {
            return Err(invalid("ManifestConfig must name the manifest's bucket and role."));
        }
        reachable(state, source)?;
    }
    if let Some(report) = members.get("TaskReportConfig") {
        let destination = &report["Destination"]["S3"];
        if destination.is_null() || report["OutputType"].is_null() {
            return Err(invalid("TaskReportConfig must have a destination and an output type."));
        }
        reachable(state, destination)?;
    }
    Ok(())
}

fn reachable(state: &State, place: &Value) -> Result<(), Refusal> {
    bucket_in(place["S3BucketArn"].as_str().unwrap_or_default())?;
    access::assume(state, place["BucketAccessRoleArn"].as_str().unwrap_or_default())
}

/// `DescribeTask`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let task = find(state, call.text("TaskArn"))?;
        let mut answer = json!({
            "TaskArn": task_arn(state, &task.id),
            "Status": status(state, task, call.now),
            "SourceLocationArn": location_arn(state, &task.source),
            "DestinationLocationArn": location_arn(state, &task.destination),
            "Options": task.options,
            "CreationTime": task.created_at,
            "TaskMode": task.mode,
        });
        for (name, value) in &task.members {
            answer[name] = value.clone();
        }
        if let Some(last) = executions(state, &task.id).last() {
            answer["CurrentTaskExecutionArn"] = json!(execution_arn(state, &task.id, &last.id));
        }
        Ok(answer)
    })
}

/// `DeleteTask`. What executions it had is gone with it.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let id = find(state, call.text("TaskArn"))?.id.clone();
        // AWS's pages do not say what becomes of an execution that runs; it must be cancelled first.
        if let Some(one) = executions(state, &id).find(|one| !one.stage.is_over()) {
            return Err(invalid(format!(
                "Task {id} has an execution that has not ended: {}.",
                one.id
            )));
        }
        let arns: Vec<String> =
            executions(state, &id).map(|one| execution_arn(state, &id, &one.id)).collect();
        for arn in arns {
            tags::forget(state, &arn);
        }
        tags::forget(state, &task_arn(state, &id));
        state.datasync.executions.retain(|_, one| one.task != id);
        state.datasync.tasks.remove(&id);
        Ok(json!({}))
    })
}

/// Finds the task of an ARN.
///
/// # Errors
///
/// There is none.
pub(super) fn find<'a>(state: &'a State, arn: &str) -> Result<&'a Task, Refusal> {
    let id = id_in(state, "task", arn)?;
    state.datasync.tasks.get(id).ok_or_else(|| not_found("task", arn))
}

/// The executions of a task, the oldest first.
pub(super) fn executions<'a>(
    state: &'a State,
    task: &'a str,
) -> impl Iterator<Item = &'a Execution> {
    state.datasync.executions.values().filter(move |one| one.task == task)
}

/// The status of a task: that of its executions, as soon as it is there at all.
pub(super) fn status(state: &State, task: &Task, now: f64) -> &'static str {
    if now < task.ready_at {
        return "CREATING";
    }
    let mut all = executions(state, &task.id).map(|one| one.stage);
    if all.any(|stage| stage.is_running()) {
        return "RUNNING";
    }
    let mut all = executions(state, &task.id).map(|one| one.stage);
    if all.any(|stage| !stage.is_over()) { "QUEUED" } else { "AVAILABLE" }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sim::datasync::testing::Account;

    #[tokio::test(start_paused = true)]
    async fn a_task_is_made_described_changed_and_deleted() {
        let account = Account::new();
        let task = account.task_now(json!({"Name": "alice", "Options": {"LogLevel": "BASIC"}}));
        let on = json!({"TaskArn": task});
        let describe = || account.ok("DescribeTask", on.clone());
        assert_eq!(describe()["Status"], "CREATING");
        account.pass(10.0).await;
        let described = describe();
        assert_eq!(described["Status"], "AVAILABLE");
        assert_eq!(
            (&described["Name"], &described["TaskMode"]),
            (&json!("alice"), &json!("BASIC"))
        );
        assert_eq!(described["Options"]["LogLevel"], "BASIC");
        let rules = json!([{"FilterType": "SIMPLE_PATTERN", "Value": "*/.cache"}]);
        let mut update = on.clone();
        update["Excludes"] = rules.clone();
        update["Options"] = json!({"TransferMode": "ALL"});
        account.ok("UpdateTask", update);
        assert_eq!(describe()["Excludes"], rules);
        assert_eq!(describe()["Options"]["LogLevel"], "BASIC");
        account.ok("UpdateTask", json!({"TaskArn": task, "Excludes": []}));
        assert_eq!(describe().get("Excludes"), None);
        let source = json!({"LocationArn": describe()["SourceLocationArn"]});
        let refusal = account.refusal("DeleteLocation", source.clone());
        assert!(refusal.contains("is in use by task"), "{refusal}");
        account.ok("DeleteTask", on.clone());
        account.ok("DeleteLocation", source);
        assert!(account.refusal("DescribeTask", on).contains("is not found"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_go_together_is_refused() {
        let account = Account::new();
        let refused = |more: Value, words: &str| {
            let refusal = account.refusal("CreateTask", account.task_input(more));
            assert!(refusal.starts_with("InvalidRequestException"), "{refusal}");
            assert!(refusal.contains(words), "{refusal}");
        };
        refused(json!({"Options": {"Mtime": "NONE"}}), "Atime");
        refused(
            json!({"TaskMode": "ENHANCED", "Options": {"Mtime": "NONE", "Atime": "NONE"}}),
            "Mtime",
        );
        refused(json!({"Options": {"Speed": 1}}), "Member is not known");
        refused(json!({"Options": {"LogLevel": "ALL"}}), "enum value set");
        refused(
            json!({"Excludes": [{"FilterType": "SIMPLE_PATTERN", "Value": "temp"}]}),
            "must begin",
        );
        refused(
            json!({"Includes": [{"FilterType": "SIMPLE_PATTERN", "Value": "*.py"}]}),
            "wildcard",
        );
        refused(json!({"Schedule": {"ScheduleExpression": "rate(12 hours)"}}), "schedule");
        refused(json!({"TaskReportConfig": {"OutputType": "STANDARD"}}), "destination");
        let other = json!({"TaskMode": "ENHANCED", "CloudWatchLogGroupArn":
            "arn:aws:logs:eu-west-1:000000000000:log-group:mine:*"});
        refused(other, "/aws/datasync");
        let mut turned = account.task_input(json!({}));
        let source = turned["SourceLocationArn"].take();
        turned["SourceLocationArn"] = turned["DestinationLocationArn"].take();
        turned["DestinationLocationArn"] = source;
        assert!(account.refusal("CreateTask", turned).contains("from Amazon EFS to Amazon S3"));
    }

    #[tokio::test(start_paused = true)]
    async fn enhanced_mode_is_refused_where_the_world_says_so() {
        let account = Account::new();
        let input = || account.task_input(json!({"TaskMode": "ENHANCED"}));
        account.ok("CreateTask", input());
        account.change(|state| state.datasync.behaviour.refuses_enhanced = true);
        let refusal = account.refusal("CreateTask", input());
        assert!(refusal.contains("Enhanced mode is not supported"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_region_has_a_hundred_tasks_unless_its_quota_says_otherwise() {
        let account = Account::new();
        let input = account.task_input(json!({}));
        for _ in 0..100 {
            account.ok("CreateTask", input.clone());
        }
        let refusal = account.refusal("CreateTask", input.clone());
        assert!(refusal.contains("quota"), "{refusal}");
        account.change(|state| {
            state.quotas.insert("Tasks".to_owned(), 101.0);
        });
        account.ok("CreateTask", input.clone());
        account.refusal("CreateTask", input);
    }
}
