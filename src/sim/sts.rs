//! The simulated Security Token Service: who calls, and sessions of roles.

use serde_json::{Value, json};

use super::api::{ACCOUNT, Api};
use super::query::iso;
use super::state::Session;
use super::wire::{Caller, Refusal};
use super::world::World;

/// How long a session of the execution role is valid, in seconds.
const HOUR: f64 = 3600.0;

/// Temporary credentials of a role's session.
#[derive(Clone, Debug, PartialEq)]
pub struct Credentials {
    /// `ASIASIM…`.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token.
    pub session_token: String,
    /// When they are said to end, in seconds since the epoch; the simulator takes them for ever.
    pub expires_at: f64,
}

/// Answers one call.
///
/// # Errors
///
/// `ValidationError` for a missing or bad parameter, `AccessDenied` for a role that the world does not have.
pub fn call(
    world: &World,
    caller: &Caller,
    operation: &str,
    input: &Value,
) -> Result<Value, Refusal> {
    match operation {
        "GetCallerIdentity" => {
            Ok(json!({"Arn": caller.arn, "UserId": user_id(caller), "Account": ACCOUNT}))
        }
        "AssumeRole" => assume(world, caller, input),
        other => Err(Api::Sts.unknown(other)),
    }
}

fn assume(world: &World, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let missing = |name: &str| {
        Refusal::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
            ),
        )
    };
    let role = text("RoleArn").ok_or_else(|| missing("roleArn"))?;
    let name = text("RoleSessionName").ok_or_else(|| missing("roleSessionName"))?;
    let is_good = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    if !(2..=64).contains(&name.len()) || !name.chars().all(is_good) {
        return Err(Refusal::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            ),
        ));
    }
    let seconds = text("DurationSeconds").map_or(Some(3600), |text| text.parse::<u32>().ok());
    let seconds = seconds.filter(|seconds| (900..=43_200).contains(seconds)).ok_or_else(|| {
        Refusal::new("ValidationError", "DurationSeconds must be between 900 and 43200")
    })?;
    if !world.read(|state| state.roles.contains_key(role)) {
        return Err(Api::Sts.denied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {role}",
            caller.arn
        )));
    }
    let credentials = session_of(world, role, name)?;
    let short = role.rsplit('/').next().unwrap_or_default();
    let session = Caller {
        arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{short}/{name}"),
        role: Some(role.to_owned()),
    };
    Ok(json!({
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": iso(world.now() + f64::from(seconds)),
        },
        "AssumedRoleUser": {"AssumedRoleId": user_id(&session), "Arn": session.arn},
        "PackedPolicySize": 0,
    }))
}

/// Returns credentials of a role's session, the same for the same role and name.
///
/// # Errors
///
/// `AccessDenied` for a role that the world does not have.
pub fn session_of(world: &World, role_arn: &str, name: &str) -> Result<Credentials, Refusal> {
    let (access_key_id, session) = world.change(|state| {
        if !state.roles.contains_key(role_arn) {
            let message = format!("The role {role_arn} cannot be assumed: it does not exist.");
            return Err(Api::Sts.denied(message));
        }
        let derived = |what: &str| {
            let text = format!("{}\n{role_arn}\n{name}\n{what}", state.secret_access_key);
            blake3::hash(text.as_bytes()).to_hex().to_string()
        };
        let key = format!("ASIASIM{}", derived("key")[..13].to_ascii_uppercase());
        let session = Session {
            secret_access_key: derived("secret")[..40].to_owned(),
            session_token: format!("{}{}", derived("token"), derived("token, continued")),
            role: role_arn.to_owned(),
            name: name.to_owned(),
        };
        state.sessions.insert(key.clone(), session.clone());
        Ok((key, session))
    })?;
    Ok(Credentials {
        access_key_id,
        secret_access_key: session.secret_access_key,
        session_token: session.session_token,
        expires_at: world.now() + HOUR,
    })
}

fn user_id(caller: &Caller) -> String {
    let of = |prefix: &str, arn: &str| {
        let hash = blake3::hash(arn.as_bytes()).to_hex();
        format!("{prefix}SIM{}", hash[..14].to_ascii_uppercase())
    };
    match &caller.role {
        Some(role) => {
            let session = caller.arn.rsplit('/').next().unwrap_or_default();
            format!("{}:{session}", of("AROA", role))
        }
        None => of("AIDA", &caller.arn),
    }
}

/// Returns the unique id of a role, `AROASIM…`.
pub fn role_id(role_arn: &str) -> String {
    let caller = Caller { arn: String::new(), role: Some(role_arn.to_owned()) };
    user_id(&caller).trim_end_matches(':').to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sim::signature;
    use crate::sim::state::{Role, State};

    const ROLE: &str = "arn:aws:iam::000000000000:role/worker";

    fn world(dir: &Path) -> World {
        let mut state = State { secret_access_key: "s".into(), ..State::default() };
        state.roles.insert(ROLE.into(), Role { arn: ROLE.into(), ..Role::default() });
        World::create(dir, Path::new("/bin/true"), state).unwrap()
    }

    #[test]
    fn one_role_and_name_has_one_session() {
        let dir = tempfile::tempdir().unwrap();
        let world = world(dir.path());
        let first = session_of(&world, ROLE, "SageMaker").unwrap();
        let again = session_of(&world, ROLE, "SageMaker").unwrap();
        let other = session_of(&world, ROLE, "alice").unwrap();
        assert_eq!(first.access_key_id, again.access_key_id);
        assert_ne!(first.access_key_id, other.access_key_id);
        assert_eq!(first.access_key_id.len(), 20);
        assert_eq!(world.read(|state| state.sessions.len()), 2);
        let known = world.read(|state| signature::known(state, &other.access_key_id)).unwrap();
        assert_eq!(known.caller.arn, "arn:aws:sts::000000000000:assumed-role/worker/alice");
        assert_eq!(known.caller.role.as_deref(), Some(ROLE));
    }

    #[test]
    fn a_role_that_is_not_there_cannot_be_assumed() {
        let dir = tempfile::tempdir().unwrap();
        let refusal = session_of(&world(dir.path()), "arn:aws:iam::000000000000:role/x", "n");
        assert_eq!(refusal.unwrap_err().code, "AccessDenied");
    }
}
