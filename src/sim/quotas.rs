//! The simulated Service Quotas: the applied quotas of SageMaker.

use serde_json::{Value, json};

use super::api::{ACCOUNT, Api};
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
/// `NoSuchResourceException` for another service than SageMaker or a code that is not listed,
/// `InvalidPaginationTokenException` for a token that is not ours.
pub fn call(world: &World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let service = text("ServiceCode").unwrap_or_default();
    if service != "sagemaker" {
        let message =
            format!("The request failed because the specified service {service} does not exist.");
        return Err(Refusal::new("NoSuchResourceException", message));
    }
    let code = text("QuotaCode");
    let quotas = world.read(|state| listed(state, code));
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

fn listed(state: &State, code: Option<&str>) -> Vec<Value> {
    let quotas = state.quotas.iter().map(|(name, value)| (code_of(name), name, value));
    let wanted = quotas.filter(|(each, ..)| code.is_none_or(|code| code == each));
    wanted
        .map(|(code, name, value)| {
            json!({
                "ServiceCode": "sagemaker",
                "ServiceName": "Amazon SageMaker",
                "QuotaArn": format!("arn:aws:servicequotas:{}:{ACCOUNT}:sagemaker/{code}", state.region),
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
