//! The simulated Service Quotas: the applied quotas of SageMaker, and the one of DataSync that is enforced.

use serde_json::{Value, json};

use super::api::{ACCOUNT, Api};
use super::datasync;
use super::paging::page;
use super::state::State;
use super::wire::Refusal;
use super::world::World;

/// How many quotas a page holds when nobody says.
const PAGE: usize = 100;

/// Answers one call.
///
/// # Errors
///
/// `NoSuchResourceException` for another service than SageMaker and DataSync or a code that is not listed,
/// `InvalidPaginationTokenException` for a token that is not ours.
pub fn call(world: &World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let service = text("ServiceCode").unwrap_or_default();
    let Some(name) = name_of(service) else {
        let message =
            format!("The request failed because the specified service {service} does not exist.");
        return Err(Refusal::new("NoSuchResourceException", message));
    };
    let code = text("QuotaCode");
    let quotas = world.read(|state| listed(state, (service, name), code));
    match operation {
        "ListServiceQuotas" => {
            let limit = input.get("MaxResults").and_then(Value::as_u64);
            let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE);
            let (quotas, next) = page(quotas, limit, text("NextToken")).map_err(|_| {
                Refusal::new("InvalidPaginationTokenException", "Invalid token was used.")
            })?;
            let mut answer = json!({"Quotas": quotas});
            if let Some(next) = next {
                answer["NextToken"] = Value::from(next);
            }
            Ok(answer)
        }
        "GetServiceQuota" => match quotas.into_iter().next() {
            Some(quota) => Ok(json!({"Quota": quota})),
            None => {
                let message =
                    "The request failed because the specified service quota does not exist.";
                Err(Refusal::new("NoSuchResourceException", message))
            }
        },
        other => Err(Api::ServiceQuotas.unknown(other)),
    }
}

/// The name of a service whose quotas are known here.
fn name_of(service: &str) -> Option<&'static str> {
    match service {
        "sagemaker" => Some("Amazon SageMaker"),
        "datasync" => Some("AWS DataSync"),
        _ => None,
    }
}

fn listed(state: &State, (service, service_name): (&str, &str), code: Option<&str>) -> Vec<Value> {
    let (tasks, usual) = datasync::QUOTA;
    let all: Vec<(&str, f64)> = if service == "datasync" {
        vec![(tasks, state.quotas.get(tasks).copied().unwrap_or(usual))]
    } else {
        let others = state.quotas.iter().filter(|(name, _)| *name != tasks);
        others.map(|(name, value)| (name.as_str(), *value)).collect()
    };
    let quotas = all.into_iter().map(|(name, value)| (code_of(name), name, value));
    let wanted = quotas.filter(|(each, ..)| code.is_none_or(|code| code == each));
    wanted
        .map(|(code, name, value)| {
            json!({
                "ServiceCode": service,
                "ServiceName": service_name,
                "QuotaArn": format!("arn:aws:servicequotas:{}:{ACCOUNT}:{service}/{code}", state.region),
                "QuotaCode": code,
                "QuotaName": name,
                "Value": value,
                "Unit": "None",
                "Adjustable": true,
                "GlobalQuota": false,
                "QuotaAppliedAtLevel": "ACCOUNT",
            })
        })
        .collect()
}

/// Returns the code of a quota, `L-` and eight hexadecimal digits, from its name.
pub fn code_of(name: &str) -> String {
    format!("L-{}", blake3::hash(name.as_bytes()).to_hex()[..8].to_ascii_uppercase())
}
