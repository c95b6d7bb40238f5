//! Lists: pages, and the filters that they take.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::paging;
use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, execution_arn, id_in, location_arn, task_arn};
use super::location::uri;
use super::records::{Place, Task};
use super::refuse::{invalid, not_found};
use super::task::status;

/// How many rows a page holds, at most and when nobody says.
const PAGE: usize = 100;

/// `ListLocations`.
pub(super) fn locations(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let mut rows = Vec::new();
        for location in state.datasync.locations.values() {
            let uri = uri(state, location);
            let is_wanted = is_wanted(call, location.created_at, |name| match name {
                "LocationUri" => vec![uri.clone()],
                _ => vec![kind(&location.place).to_owned()],
            })?;
            if is_wanted {
                let arn = location_arn(state, &location.id);
                rows.push(json!({"LocationArn": arn, "LocationUri": uri}));
            }
        }
        page(call, "Locations", rows, PAGE)
    })
}

/// `ListTasks`.
pub(super) fn tasks(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let mut rows = Vec::new();
        for task in state.datasync.tasks.values() {
            // A location is named by its ARN, and the filter's name says that its id will do.
            let ids = [&task.source, &task.destination];
            let names = ids.iter().flat_map(|id| [(*id).clone(), location_arn(state, id)]);
            let names: Vec<String> = names.collect();
            if is_wanted(call, task.created_at, |_| names.clone())? {
                rows.push(row(state, task, call.now));
            }
        }
        page(call, "Tasks", rows, PAGE)
    })
}

fn row(state: &State, task: &Task, now: f64) -> Value {
    let mut row = json!({
        "TaskArn": task_arn(state, &task.id),
        "Status": status(state, task, now),
        "TaskMode": task.mode,
    });
    if let Some(name) = task.members.get("Name") {
        row["Name"] = name.clone();
    }
    row
}

/// `ListTaskExecutions`, of one task or of all.
pub(super) fn executions(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let wanted = call.given("TaskArn").map(|arn| {
            let id = id_in(state, "task", arn)?;
            let is_there = state.datasync.tasks.contains_key(id);
            if is_there { Ok(id) } else { Err(not_found("task", arn)) }
        });
        let wanted = wanted.transpose()?;
        let all = state.datasync.executions.values();
        let found = all.filter(|one| wanted.is_none_or(|id| one.task == id));
        let rows = found.map(|one| {
            json!({
                "TaskExecutionArn": execution_arn(state, &one.task, &one.id),
                "Status": one.stage.word(),
                "TaskMode": one.mode,
            })
        });
        page(call, "TaskExecutions", rows.collect(), PAGE)
    })
}

/// Takes the page that the call asks for.
pub(super) fn page(
    call: &Call<'_>,
    member: &str,
    rows: Vec<Value>,
    size: usize,
) -> Result<Value, Refusal> {
    let asked = call.member("MaxResults").and_then(Value::as_u64);
    // The model takes 0, and a page of none would never end.
    let asked = asked.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    let (rows, next) = paging::page(rows, asked.unwrap_or(size), call.given("NextToken"))
        .map_err(|_| invalid("Invalid NextToken."))?;
    let mut answer = json!({ member: rows });
    if let Some(next) = next {
        answer["NextToken"] = Value::from(next);
    }
    Ok(answer)
}

fn kind(place: &Place) -> &'static str {
    match place {
        Place::Efs { .. } => "EFS",
        Place::S3 { .. } => "S3",
    }
}

/// Tells whether every filter of the call lets something through.
fn is_wanted(
    call: &Call<'_>,
    created_at: f64,
    texts: impl Fn(&str) -> Vec<String>,
) -> Result<bool, Refusal> {
    for filter in call.member("Filters").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| filter[name].as_str().unwrap_or_default();
        let values = filter["Values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let values: Vec<&str> = values.collect();
        let (name, operator) = (text("Name"), text("Operator"));
        let lets_through = if name == "CreationTime" {
            compares(operator, created_at, &values)?
        } else {
            fits(operator, &texts(name), &values)?
        };
        if !lets_through {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Compares texts. Which operators go with which filter is inferred from what each could mean.
fn fits(operator: &str, texts: &[String], values: &[&str]) -> Result<bool, Refusal> {
    let any = |test: fn(&str, &str) -> bool| {
        texts.iter().any(|text| values.iter().any(|value| test(text, value)))
    };
    Ok(match operator {
        "Equals" | "In" => any(|text, value| text == value),
        "NotEquals" => !any(|text, value| text == value),
        "Contains" => any(|text, value| text.contains(value)),
        "NotContains" => !any(|text, value| text.contains(value)),
        "BeginsWith" => any(|text, value| text.starts_with(value)),
        other => return Err(invalid(format!("The operator {other} is for CreationTime."))),
    })
}

/// Compares an instant with one that is written as ISO 8601 or in seconds since the epoch.
fn compares(operator: &str, at: f64, values: &[&str]) -> Result<bool, Refusal> {
    let [value] = values else { return Err(invalid("CreationTime is compared with one value.")) };
    let bound = match (value.parse::<f64>(), value.parse::<Timestamp>()) {
        (Ok(seconds), _) => seconds,
        (_, Ok(time)) => time.as_duration().as_secs_f64(),
        _ => return Err(invalid(format!("{value} is no time."))),
    };
    Ok(match operator {
        "LessThan" => at < bound,
        "LessThanOrEqual" => at <= bound,
        "GreaterThan" => at > bound,
        "GreaterThanOrEqual" => at >= bound,
        other => return Err(invalid(format!("The operator {other} is not for CreationTime."))),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sim::datasync::testing::Account;

    #[tokio::test(start_paused = true)]
    async fn lists_are_paged_and_filtered() {
        let account = Account::new();
        for number in 0..3 {
            account.ok("CreateLocationS3", account.s3(&format!("homes/{number}")));
        }
        let efs = account.ok("CreateLocationEfs", account.efs("/200001"))["LocationArn"].clone();
        let count = |input: Value| {
            let answer = account.ok("ListLocations", input);
            (answer["Locations"].as_array().unwrap().len(), answer.get("NextToken").cloned())
        };
        let (first, token) = count(json!({"MaxResults": 3}));
        assert_eq!((first, count(json!({"NextToken": token})).0), (3, 1));
        let filtered = |name: &str, operator: &str, value: &str| {
            let filter = json!({"Name": name, "Operator": operator, "Values": [value]});
            count(json!({"Filters": [filter]})).0
        };
        assert_eq!(filtered("LocationType", "Equals", "S3"), 3);
        assert_eq!(filtered("LocationType", "NotEquals", "S3"), 1);
        assert_eq!(filtered("LocationUri", "Contains", "homes/1"), 1);
        assert_eq!(filtered("LocationUri", "BeginsWith", "efs:"), 1);
        assert_eq!(filtered("CreationTime", "GreaterThan", "2020-01-01T00:00:00Z"), 4);
        assert_eq!(filtered("CreationTime", "LessThan", "1000"), 0);
        let bad = json!({"Filters": [{"Name": "LocationType", "Operator": "LessThan", "Values": ["S3"]}]});
        assert!(account.refusal("ListLocations", bad).contains("operator"));
        let task = account.task(json!({})).await;
        let of = |location: &Value| {
            let filter = json!({"Name": "LocationId", "Operator": "Equals", "Values": [location]});
            account.ok("ListTasks", json!({"Filters": [filter]}))["Tasks"].clone()
        };
        assert_eq!(of(&efs), json!([]));
        let source =
            account.ok("DescribeTask", json!({"TaskArn": task}))["SourceLocationArn"].clone();
        assert_eq!(of(&source)[0]["TaskArn"], task);
        assert_eq!(of(&source)[0]["Status"], "AVAILABLE");
    }
}
