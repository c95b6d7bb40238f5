//! Whether a caller may do what they ask, by the statements of their role.

use serde_json::Value;

use super::api::{ACCOUNT, Api};
use super::conditions::{self, Context};
use super::state::{Role, State, Statement};
use super::wire::{Caller, Refusal};

/// What policies say about one action on one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement of the role allows it.
    ImplicitDeny,
    /// The role allows it, and its permissions boundary does not.
    BeyondBoundary,
}

/// Decides by a role's statements and its boundary.
pub fn decide(role: &Role, action: &str, resource: &str, context: &Context) -> Decision {
    let is_on =
        |pattern: &str| context.filled(pattern).is_some_and(|pattern| is_like(&pattern, resource));
    let matches = |statement: &&Statement| {
        let acts = statement.actions.iter().any(|like| is_action_like(like, action));
        acts && statement.resources.iter().any(|pattern| is_on(pattern))
            && conditions::hold(&statement.conditions, context)
    };
    let is_denied =
        |all: &[Statement]| all.iter().filter(matches).any(|statement| !statement.allow);
    let is_allowed =
        |all: &[Statement]| all.iter().filter(matches).any(|statement| statement.allow);
    if is_denied(&role.statements) || is_denied(&role.boundary) {
        Decision::ExplicitDeny
    } else if !is_allowed(&role.statements) {
        Decision::ImplicitDeny
    } else if !role.boundary.is_empty() && !is_allowed(&role.boundary) {
        Decision::BeyondBoundary
    } else {
        Decision::Allowed
    }
}

/// Lets a caller do something, or refuses in AWS's words. The administrator may do everything.
///
/// # Errors
///
/// The service's own code for a denial.
pub fn permit(
    state: &State,
    api: Api,
    caller: &Caller,
    action: &str,
    resource: &str,
    context: &Context,
) -> Result<(), Refusal> {
    let Some(arn) = &caller.role else { return Ok(()) };
    let decision = state
        .roles
        .get(arn)
        .map_or(Decision::ImplicitDeny, |role| decide(role, action, resource, context));
    let why = match decision {
        Decision::Allowed => return Ok(()),
        Decision::ExplicitDeny => "with an explicit deny in an identity-based policy".to_owned(),
        Decision::ImplicitDeny => {
            format!("because no identity-based policy allows the {action} action")
        }
        Decision::BeyondBoundary => {
            format!("because no permissions boundary allows the {action} action")
        }
    };
    Err(api.denied(format!(
        "User: {} is not authorized to perform: {action} on resource: {resource} {why}",
        caller.arn
    )))
}

/// Names the resource that an operation is about, as policies name it; `*` where an operation is about none.
pub fn resource(state: &State, api: Api, operation: &str, input: &Value) -> String {
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or("*");
    let arn = |service: &str, rest: String| {
        format!("arn:aws:{service}:{}:{ACCOUNT}:{rest}", state.region)
    };
    match api {
        Api::SageMaker => match studio_resource(operation, &text) {
            Some(rest) => arn("sagemaker", rest),
            None => text("ResourceArn").to_owned(),
        },
        Api::Efs => match text("FileSystemId") {
            "*" => "*".to_owned(),
            id if id.starts_with("arn:") => id.to_owned(),
            id => arn("elasticfilesystem", format!("file-system/{id}")),
        },
        Api::Sts => text("RoleArn").to_owned(),
        Api::Iam => match text("RoleName") {
            "*" => text("PolicySourceArn").to_owned(),
            name => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        },
        // What is listed or made is about nothing that there is yet; everything else names its resource by ARN.
        Api::DataSync => ["LocationArn", "TaskExecutionArn", "TaskArn", "ResourceArn"]
            .map(text)
            .into_iter()
            .find(|arn| *arn != "*")
            .unwrap_or("*")
            .to_owned(),
        Api::S3 | Api::ServiceQuotas | Api::CloudTrail => "*".to_owned(),
    }
}

/// What is known of a call of SageMaker by the condition keys of the new Studio's policies: the domain and profile that it
/// names, and how the space is shared and whose it is.
pub fn context(state: &State, api: Api, input: &Value) -> Context {
    let mut context = Context::default();
    if api != Api::SageMaker {
        return context;
    }
    let text = |pointer: &str| input.pointer(pointer).and_then(Value::as_str);
    let domain = text("/DomainId").unwrap_or_default();
    let profile = text("/UserProfileName");
    let kept =
        text("/SpaceName").and_then(|name| state.studio.spaces.get(&format!("{domain}/{name}")));
    let sharing = text("/SpaceSharingSettings/SharingType")
        .or_else(|| kept.and_then(|space| space.sharing.as_deref()));
    let owner = text("/OwnershipSettings/OwnerUserProfileName")
        .or_else(|| kept.and_then(|space| space.owner.as_deref()));
    let of = |name: &str| {
        format!(
            "arn:aws:sagemaker:{}:{ACCOUNT}:user-profile/{domain}/{}",
            state.region,
            name.to_ascii_lowercase()
        )
    };
    let known = [
        ("sagemaker:DomainId", Some(domain.to_owned()).filter(|domain| !domain.is_empty())),
        ("sagemaker:UserProfileName", profile.map(str::to_owned)),
        ("sagemaker:SpaceSharingType", sharing.map(str::to_owned)),
        ("sagemaker:OwnerUserProfileArn", owner.map(of)),
    ];
    for (key, value) in known {
        if let Some(value) = value {
            context.insert(key, value);
        }
    }
    context
}

fn studio_resource<'a>(operation: &str, text: &impl Fn(&str) -> &'a str) -> Option<String> {
    if operation.starts_with("List") {
        return None;
    }
    let noun = operation.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
    let noun = noun.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
    let domain = text("DomainId");
    Some(match noun {
        "Domain" => format!("domain/{domain}"),
        "UserProfile" | "PresignedDomainUrl" => {
            format!("user-profile/{domain}/{}", text("UserProfileName"))
        }
        "Space" => format!("space/{domain}/{}", text("SpaceName")),
        "App" => {
            let owner = match text("SpaceName") {
                "*" => text("UserProfileName"),
                space => space,
            };
            let kind = text("AppType").to_ascii_lowercase();
            format!("app/{domain}/{owner}/{kind}/{}", text("AppName"))
        }
        "StudioLifecycleConfig" => {
            format!("studio-lifecycle-config/{}", text("StudioLifecycleConfigName"))
        }
        "AppImageConfig" => format!("app-image-config/{}", text("AppImageConfigName")),
        "Image" => format!("image/{}", text("ImageName")),
        "ImageVersion" => format!("image-version/{}/*", text("ImageName")),
        _ => return None,
    })
}

/// Tells whether an action is like a pattern; case does not matter in actions.
pub fn is_action_like(pattern: &str, action: &str) -> bool {
    is_like(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Tells whether a text is like a pattern, `*` standing for any letters and `?` for one.
pub fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // The last star, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(&letter) if letter == '?' || letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((starred, taken)) = star else { return false };
                star = Some((starred, taken + 1));
                at = starred + 1;
                seen = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn statement(allow: bool, action: &str, resource: &str) -> Statement {
        let (actions, resources) = (vec![action.into()], vec![resource.into()]);
        Statement { allow, actions, resources, ..Statement::default() }
    }

    #[test]
    fn wild_cards_stand_for_any_letters() {
        assert!(is_like("*", ""));
        assert!(is_like("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b/c"));
        assert!(is_like("a*c*e", "abcdcde"));
        assert!(is_like("a?c", "abc"));
        assert!(!is_like("a?c", "ac"));
        assert!(!is_like("a*c", "abd"));
        assert!(!is_like("arn:aws:s3:::b", "arn:aws:s3:::b/a"));
        assert!(is_action_like("SageMaker:create*", "sagemaker:CreateApp"));
    }

    #[test]
    fn nothing_is_allowed_by_default_and_a_denial_wins() {
        let mut role = Role::default();
        assert_eq!(
            decide(&role, "sagemaker:CreateApp", "*", &Context::default()),
            Decision::ImplicitDeny
        );
        role.statements.push(statement(true, "sagemaker:*", "*"));
        assert_eq!(
            decide(&role, "sagemaker:CreateApp", "x", &Context::default()),
            Decision::Allowed
        );
        role.statements.push(statement(false, "sagemaker:CreateApp", "*"));
        assert_eq!(
            decide(&role, "sagemaker:CreateApp", "x", &Context::default()),
            Decision::ExplicitDeny
        );
        assert_eq!(
            decide(&role, "sagemaker:DeleteApp", "x", &Context::default()),
            Decision::Allowed
        );
    }

    #[test]
    fn a_boundary_takes_away_and_never_gives() {
        let mut role = Role { boundary: vec![statement(true, "s3:*", "*")], ..Role::default() };
        assert_eq!(decide(&role, "s3:GetObject", "x", &Context::default()), Decision::ImplicitDeny);
        role.statements.push(statement(true, "*", "*"));
        assert_eq!(decide(&role, "s3:GetObject", "x", &Context::default()), Decision::Allowed);
        assert_eq!(
            decide(&role, "sagemaker:ListApps", "*", &Context::default()),
            Decision::BeyondBoundary
        );
    }

    #[test]
    fn a_refusal_says_who_what_and_where() {
        let arn = "arn:aws:iam::000000000000:role/r".to_owned();
        let mut state = State { region: "eu-west-1".into(), ..State::default() };
        state.roles.insert(arn.clone(), Role { arn: arn.clone(), ..Role::default() });
        let caller =
            Caller { arn: "arn:aws:sts::000000000000:assumed-role/r/s".into(), role: Some(arn) };
        let input = json!({"DomainId": "d-sim1", "SpaceName": "lab", "AppType": "JupyterLab", "AppName": "default"});
        let resource = resource(&state, Api::SageMaker, "CreateApp", &input);
        let refusal = permit(
            &state,
            Api::SageMaker,
            &caller,
            "sagemaker:CreateApp",
            &resource,
            &Context::default(),
        )
        .unwrap_err();
        assert_eq!(refusal.code, "AccessDeniedException");
        assert_eq!(
            refusal.message,
            "User: arn:aws:sts::000000000000:assumed-role/r/s is not authorized to perform: sagemaker:CreateApp on resource: \
             arn:aws:sagemaker:eu-west-1:000000000000:app/d-sim1/lab/jupyterlab/default because no identity-based policy \
             allows the sagemaker:CreateApp action"
        );
    }

    #[test]
    fn resources_are_named_as_policies_name_them() {
        let state = State { region: "eu-west-1".into(), ..State::default() };
        let of =
            |operation: &str, input: Value| resource(&state, Api::SageMaker, operation, &input);
        let profile = json!({"DomainId": "d-1", "UserProfileName": "alice"});
        let expected = "arn:aws:sagemaker:eu-west-1:000000000000:user-profile/d-1/alice";
        assert_eq!(of("UpdateUserProfile", profile.clone()), expected);
        assert_eq!(of("CreatePresignedDomainUrl", profile), expected);
        assert_eq!(of("ListApps", json!({})), "*");
        assert_eq!(of("AddTags", json!({"ResourceArn": "arn:x"})), "arn:x");
        assert_eq!(
            of("CreateDomain", json!({"DomainName": "n"})),
            "arn:aws:sagemaker:eu-west-1:000000000000:domain/*"
        );
    }

    #[test]
    fn datasync_names_its_resources_by_their_arns() {
        let of = |operation: &str, input: Value| {
            resource(&State::default(), Api::DataSync, operation, &input)
        };
        assert_eq!(of("StartTaskExecution", json!({"TaskArn": "arn:t"})), "arn:t");
        assert_eq!(of("CancelTaskExecution", json!({"TaskExecutionArn": "arn:e"})), "arn:e");
        assert_eq!(of("TagResource", json!({"ResourceArn": "arn:l"})), "arn:l");
        assert_eq!(of("CreateTask", json!({"SourceLocationArn": "arn:l"})), "*");
    }

    #[test]
    fn a_condition_is_held_against_the_space_that_a_call_is_about() {
        let mut role = Role::default();
        let mut only_private =
            statement(true, "sagemaker:CreateSpace", "arn:x/${sagemaker:DomainId}/*");
        let key = "sagemaker:SpaceSharingType".to_owned();
        only_private.conditions =
            [("StringEquals".to_owned(), [(key, vec!["Private".to_owned()])].into())].into();
        role.statements.push(only_private);
        let decided = |sharing: &str| {
            let input = json!({"DomainId": "d-1", "SpaceName": "s", "SpaceSharingSettings": {"SharingType": sharing}});
            let context = context(&State::default(), Api::SageMaker, &input);
            decide(&role, "sagemaker:CreateSpace", "arn:x/d-1/s", &context)
        };
        assert_eq!(decided("Private"), Decision::Allowed);
        assert_eq!(decided("Shared"), Decision::ImplicitDeny);
    }
}
