//! The simulated IAM: roles, and the simulation of their policies.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::api::{ACCOUNT, Api};
use super::authorize::{Decision, decide};
use super::conditions::{self, Context};
use super::paging::page;
use super::query::iso;
use super::state::{Role, State};
use super::sts::role_id;
use super::wire::Refusal;
use super::world::World;

/// When every role was made: 2024-01-01.
const CREATED_AT: f64 = 1_704_067_200.0;

/// Answers one call.
///
/// # Errors
///
/// `NoSuchEntity` for a role that the world does not have, `ValidationError` and `InvalidInput` for bad parameters.
pub fn call(world: &World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    match operation {
        "GetRole" => world.read(|state| get_role(state, input)),
        "SimulatePrincipalPolicy" => world.read(|state| simulate(state, input)),
        other => Err(Api::Iam.unknown(other)),
    }
}

fn get_role(state: &State, input: &Value) -> Result<Value, Refusal> {
    let name = text(input, "RoleName")?;
    let role =
        state.roles.values().find(|role| short_name(&role.arn) == name).ok_or_else(|| {
            let message = format!("The role with name {name} cannot be found.");
            Refusal::new("NoSuchEntity", message).status(404)
        })?;
    let trusted = match role.trusts.as_slice() {
        [] => json!("sagemaker.amazonaws.com"),
        [one] => json!(one),
        several => json!(several),
    };
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": trusted},
            "Action": "sts:AssumeRole",
        }],
    });
    let trust = utf8_percent_encode(&trust.to_string(), NON_ALPHANUMERIC).to_string();
    let path = role
        .arn
        .split_once(":role")
        .map_or("/", |(_, rest)| &rest[..=rest.rfind('/').unwrap_or(0)]);
    let mut answer = json!({
        "Path": path,
        "RoleName": name,
        "RoleId": role_id(&role.arn),
        "Arn": role.arn,
        "CreateDate": iso(CREATED_AT),
        "AssumeRolePolicyDocument": trust,
        "MaxSessionDuration": 3600,
    });
    if !role.boundary.is_empty() {
        answer["PermissionsBoundary"] = json!({
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": format!("arn:aws:iam::{ACCOUNT}:policy/{name}-boundary"),
        });
    }
    Ok(json!({"Role": answer}))
}

fn simulate(state: &State, input: &Value) -> Result<Value, Refusal> {
    for unserved in ["PolicyInputList", "PermissionsBoundaryPolicyInputList", "ResourcePolicy"] {
        if input.get(unserved).is_some() {
            let message = format!("the simulator does not take {unserved}");
            return Err(Refusal::new("InvalidInput", message));
        }
    }
    let source = text(input, "PolicySourceArn")?;
    let actions = list(input, "ActionNames");
    if actions.is_empty() {
        return Err(missing("actionNames"));
    }
    let mut resources = list(input, "ResourceArns");
    if resources.is_empty() {
        resources.push("*");
    }
    let role = match state.roles.get(source) {
        Some(role) => Some(role),
        None if source == format!("arn:aws:iam::{ACCOUNT}:user/operator") => None,
        None if source.contains(":role/") || source.contains(":user/") => {
            let message = format!("Entity {source} cannot be found.");
            return Err(Refusal::new("NoSuchEntity", message).status(404));
        }
        None => return Err(Refusal::new("InvalidInput", format!("Invalid Entity Arn: {source}"))),
    };
    let pairs = actions.iter().flat_map(|action| resources.iter().map(move |on| (*action, *on)));
    let context = context(input);
    let results: Vec<Value> =
        pairs.map(|(action, on)| result(role, action, on, &context)).collect();
    let limit = match input.get("MaxItems").and_then(Value::as_str) {
        None => 100,
        Some(number) => {
            number.parse().ok().filter(|number| (1..=1000).contains(number)).ok_or_else(|| {
                Refusal::new("ValidationError", "MaxItems must be between 1 and 1000")
            })?
        }
    };
    let marker = input.get("Marker").and_then(Value::as_str);
    let (results, next) =
        page(results, limit, marker).map_err(|_| Refusal::new("InvalidInput", "Invalid Marker"))?;
    let mut answer = json!({"EvaluationResults": results, "IsTruncated": next.is_some()});
    if let Some(next) = next {
        answer["Marker"] = Value::from(next);
    }
    Ok(answer)
}

/// Evaluates one action on one resource; without a role it is the administrator, who may do everything.
fn result(role: Option<&Role>, action: &str, resource: &str, context: &Context) -> Value {
    let decision = role.map_or(Decision::Allowed, |role| decide(role, action, resource, context));
    let statements = role.into_iter().flat_map(|role| role.statements.iter().chain(&role.boundary));
    let missing: BTreeSet<&str> =
        statements.flat_map(|one| conditions::missing(&one.conditions, context)).collect();
    let word = match decision {
        Decision::Allowed => "allowed",
        Decision::ExplicitDeny => "explicitDeny",
        Decision::ImplicitDeny | Decision::BeyondBoundary => "implicitDeny",
    };
    let mut result = json!({
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": word,
        "MatchedStatements": [],
        "MissingContextValues": missing,
    });
    if role.is_some_and(|role| !role.boundary.is_empty()) {
        let is_within = decision != Decision::BeyondBoundary;
        result["PermissionsBoundaryDecisionDetail"] =
            json!({"AllowedByPermissionsBoundary": is_within});
    }
    result
}

/// The condition keys that a simulation is to count with. Of several values the first is taken.
fn context(input: &Value) -> Context {
    let mut context = Context::default();
    for entry in input.get("ContextEntries").and_then(Value::as_array).into_iter().flatten() {
        let key = entry.get("ContextKeyName").and_then(Value::as_str);
        let value = entry.pointer("/ContextKeyValues/0").and_then(Value::as_str);
        if let (Some(key), Some(value)) = (key, value) {
            context.insert(key, value);
        }
    }
    context
}

fn short_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    input.get(name).and_then(Value::as_str).ok_or_else(|| {
        let (first, rest) = name.split_at(1);
        missing(&format!("{}{rest}", first.to_ascii_lowercase()))
    })
}

fn list<'a>(input: &'a Value, name: &str) -> Vec<&'a str> {
    let members = input.get(name).and_then(Value::as_array);
    members.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn missing(name: &str) -> Refusal {
    let message = format!(
        "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
    );
    Refusal::new("ValidationError", message)
}
