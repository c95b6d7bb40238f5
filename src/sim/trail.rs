//! The simulated CloudTrail: a look at the management events of the last 90 days.

use serde_json::{Value, json};

use super::api::{ACCOUNT, Api};
use super::paging::page;
use super::query::iso;
use super::state::{State, TrailEvent};
use super::wire::Refusal;
use super::world::World;

/// How far back CloudTrail's event history goes, in seconds.
const HISTORY: f64 = 90.0 * 86_400.0;
/// The size of a page, at most and when nobody says.
const PAGE: u64 = 50;

/// Answers one call.
///
/// # Errors
///
/// `InvalidTimeRangeException`, `InvalidLookupAttributesException` and `InvalidNextTokenException`, as declared.
pub fn call(world: &World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    if operation != "LookupEvents" {
        return Err(Api::CloudTrail.unknown(operation));
    }
    let number = |name: &str| input.get(name).and_then(Value::as_f64);
    let now = world.now();
    let start = number("StartTime").unwrap_or(f64::MIN).max(now - HISTORY);
    let end = number("EndTime").unwrap_or(f64::MAX);
    if number("StartTime").is_some_and(|start| start > end) {
        let message = "The StartTime must be before the EndTime.";
        return Err(Refusal::new("InvalidTimeRangeException", message));
    }
    let wanted = input.get("LookupAttributes").and_then(Value::as_array);
    let wanted: &[Value] = wanted.map_or(&[], Vec::as_slice);
    if wanted.len() > 1 {
        let message = "You can only specify one LookupAttribute.";
        return Err(Refusal::new("InvalidLookupAttributesException", message));
    }
    let events = world.read(|state| {
        let within = |(_, event): &(usize, &TrailEvent)| start <= event.at && event.at <= end;
        let fits = |(at, event): &(usize, &TrailEvent)| {
            wanted.iter().all(|attribute| is_wanted(*at, event, attribute))
        };
        let mut events: Vec<_> =
            state.trail.iter().enumerate().filter(within).filter(fits).collect();
        // The newest first, and of the same moment the one that was recorded last.
        events.sort_by(|(at, one), (other_at, other)| {
            other.at.total_cmp(&one.at).then(other_at.cmp(at))
        });
        events.into_iter().map(|(at, event)| rendered(state, at, event)).collect::<Vec<_>>()
    });
    let limit = input.get("MaxResults").and_then(Value::as_u64).unwrap_or(PAGE);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let token = input.get("NextToken").and_then(Value::as_str);
    let (events, next) = page(events, limit, token)
        .map_err(|_| Refusal::new("InvalidNextTokenException", "Invalid NextToken."))?;
    let mut answer = json!({"Events": events});
    if let Some(next) = next {
        answer["NextToken"] = Value::from(next);
    }
    Ok(answer)
}

fn is_wanted(at: usize, event: &TrailEvent, attribute: &Value) -> bool {
    let text = |name: &str| attribute.get(name).and_then(Value::as_str).unwrap_or_default();
    let value = text("AttributeValue");
    match text("AttributeKey") {
        "EventName" => event.name == value,
        "EventSource" => value == "sagemaker.amazonaws.com",
        "EventId" => id_of(at, event) == value,
        "Username" => user_of(event) == value,
        "ReadOnly" => value == "false",
        _ => false,
    }
}

fn rendered(state: &State, at: usize, event: &TrailEvent) -> Value {
    let id = id_of(at, event);
    let kind = if event.caller.contains(":assumed-role/") { "AssumedRole" } else { "IAMUser" };
    let record = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": kind, "arn": event.caller, "accountId": ACCOUNT},
        "eventTime": iso(event.at),
        "eventSource": "sagemaker.amazonaws.com",
        "eventName": event.name,
        "awsRegion": state.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "simulated",
        "requestParameters": event.request,
        "responseElements": null,
        "requestID": id,
        "eventID": id,
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    });
    json!({
        "EventId": id,
        "EventName": event.name,
        "ReadOnly": "false",
        "EventTime": event.at,
        "EventSource": "sagemaker.amazonaws.com",
        "Username": user_of(event),
        "Resources": [],
        "CloudTrailEvent": record.to_string(),
    })
}

fn user_of(event: &TrailEvent) -> &str {
    event.caller.rsplit('/').next().unwrap_or_default()
}

/// An id from the event's place in the record and its content.
fn id_of(at: usize, event: &TrailEvent) -> String {
    let text = format!("{at}\n{}\n{}\n{}", event.at, event.name, event.caller);
    let hash = blake3::hash(text.as_bytes()).to_hex();
    format!("{}-{}-{}-{}-{}", &hash[..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..32])
}
