//! Lifecycle configurations: scripts that run when an app starts. There is no update: a script is for life.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, arn, text_at};
use super::listing::{Listing, SortBy};
use super::records::{Members, Script};
use super::refuse::{exists, in_use, invalid, missing};
use super::tags;

const KIND: &str = "StudioLifecycleConfig";

/// The most characters of base64 that a script may have.
const MOST: usize = 16_384;

/// The ARN of a script; AWS writes the name in lower case there.
pub(super) fn arn_of(state: &State, script: &Script) -> String {
    arn(state, &format!("studio-lifecycle-config/{}", script.name.to_ascii_lowercase()))
}

/// Finds the script that settings or an app name.
pub(super) fn find<'a>(state: &'a State, script_arn: &str) -> Result<&'a Script, Refusal> {
    let name = script_arn.rsplit('/').next().unwrap_or_default();
    state
        .studio
        .scripts
        .get(&name.to_ascii_lowercase())
        .filter(|script| arn_of(state, script) == script_arn)
        .ok_or_else(|| invalid(format!("Lifecycle config [{script_arn}] does not exist.")))
}

fn named<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a Script, Refusal> {
    let name = call.text("StudioLifecycleConfigName");
    let script = state.studio.scripts.get(&name.to_ascii_lowercase());
    script.ok_or_else(|| missing(KIND, name))
}

/// `CreateStudioLifecycleConfig`.
pub(super) fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let name = call.text("StudioLifecycleConfigName");
        let key = name.to_ascii_lowercase();
        if state.studio.scripts.contains_key(&key) {
            return Err(exists(KIND, name));
        }
        let content = call.text("StudioLifecycleConfigContent");
        if content.len() > MOST {
            return Err(invalid(format!("StudioLifecycleConfigContent is longer than {MOST}.")));
        }
        if STANDARD.decode(content).is_err() {
            return Err(invalid("StudioLifecycleConfigContent is not base64 encoded."));
        }
        let script = Script {
            name: name.to_owned(),
            app_type: call.text("StudioLifecycleConfigAppType").to_owned(),
            content: content.to_owned(),
            created_at: call.now,
        };
        let arn = arn_of(state, &script);
        tags::put(state, &arn, tags::read(call)?);
        state.studio.scripts.insert(key, script);
        Ok(json!({ "StudioLifecycleConfigArn": arn }))
    })
}

/// `DescribeStudioLifecycleConfig`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let script = named(state, call)?;
        let mut output = details(state, script);
        output["StudioLifecycleConfigContent"] = json!(script.content);
        Ok(output)
    })
}

/// `ListStudioLifecycleConfigs`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let sort = SortBy::of(call);
        let rows = state
            .studio
            .scripts
            .iter()
            .filter(|(_, script)| {
                call.contains("NameContains", &script.name)
                    && call.equals("AppTypeEquals", Some(&script.app_type))
                    && call.is_within("CreationTime", script.created_at)
                    && call.is_within("ModifiedTime", script.created_at)
            })
            .map(|(key, script)| (sort.key(script.created_at, script.created_at, key), script))
            .collect();
        let listing = Listing {
            operation: "ListStudioLifecycleConfigs",
            member: "StudioLifecycleConfigs",
            size: 10,
            is_descending: true,
        };
        listing.page(call, rows, |script| details(state, script))
    })
}

fn details(state: &State, script: &Script) -> Value {
    json!({
        "StudioLifecycleConfigArn": arn_of(state, script),
        "StudioLifecycleConfigName": script.name,
        "CreationTime": script.created_at,
        "LastModifiedTime": script.created_at,
        "StudioLifecycleConfigAppType": script.app_type,
    })
}

/// `DeleteStudioLifecycleConfig`: only when no setting names it and no app runs with it.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let script = named(state, call)?;
        let (key, arn) = (script.name.to_ascii_lowercase(), arn_of(state, script));
        let studio = &state.studio;
        if let Some(domain) = studio.domains.values().find(|domain| names(&domain.members, &arn)) {
            return Err(in_use(format!("{KIND} [{arn}] is attached to Domain [{}].", domain.id)));
        }
        let mut profiles = studio.profiles.values();
        if let Some(profile) = profiles.find(|profile| names(&profile.settings, &arn)) {
            return Err(in_use(format!(
                "{KIND} [{arn}] is attached to UserProfile [{}].",
                profile.name
            )));
        }
        let mut apps = studio.apps.values().filter(|app| app.is_running(call.now));
        let is_run_by = |chosen: Option<&str>| chosen == Some(arn.as_str());
        if let Some(app) = apps.find(|app| {
            is_run_by(app.built_in.as_deref())
                || is_run_by(text_at(&app.resource, &["LifecycleConfigArn"]))
        }) {
            return Err(in_use(format!("{KIND} [{arn}] is used by App [{}].", app.key())));
        }
        state.studio.scripts.remove(&key);
        state.studio.tags.remove(&arn);
        Ok(json!({}))
    })
}

/// Tells whether any setting is a text.
fn names(members: &Members, text: &str) -> bool {
    fn is_in(value: &Value, text: &str) -> bool {
        match value {
            Value::String(value) => value == text,
            Value::Array(values) => values.iter().any(|value| is_in(value, text)),
            Value::Object(members) => members.values().any(|value| is_in(value, text)),
            _ => false,
        }
    }
    members.values().any(|value| is_in(value, text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sim::studio::testing::{Account, ID, app, space};

    fn name(name: &str) -> serde_json::Value {
        json!({"StudioLifecycleConfigName": name})
    }

    #[tokio::test(start_paused = true)]
    async fn the_name_is_in_lower_case_in_the_arn_and_taken_once() {
        let account = Account::empty();
        let arn = account.script("My-Hook", "JupyterLab");
        assert_eq!(arn, "arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/my-hook");
        let described = account.ok("DescribeStudioLifecycleConfig", name("My-Hook"));
        assert_eq!(described["StudioLifecycleConfigName"], "My-Hook");
        let mut again = name("MY-HOOK");
        again["StudioLifecycleConfigContent"] = json!("ZWNobw==");
        again["StudioLifecycleConfigAppType"] = json!("JupyterLab");
        let refusal = account.refusal("CreateStudioLifecycleConfig", again);
        assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn content_is_base64() {
        let account = Account::empty();
        let mut input = name("bad");
        input["StudioLifecycleConfigContent"] = json!("echo hello!");
        input["StudioLifecycleConfigAppType"] = json!("JupyterLab");
        let refusal = account.refusal("CreateStudioLifecycleConfig", input);
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_attached_script_is_not_deleted() {
        let account = Account::with_ada().await;
        let arn = account.script("hook", "JupyterLab");
        let set = |arn: &str| json!({"JupyterLabAppSettings": {"BuiltInLifecycleConfigArn": arn}});
        account.set_ada(set(&arn)).await;
        let refusal = account.refusal("DeleteStudioLifecycleConfig", name("hook"));
        assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
        account.ok("CreateSpace", space("lab", "ada"));
        account.pass(10).await;
        account.ok("CreateApp", app("lab"));
        account.set_ada(set("None")).await;
        let refusal = account.refusal("DeleteStudioLifecycleConfig", name("hook"));
        assert!(refusal.contains("is used by App"), "{refusal}");
        crate::sim::studio::scripts_ended(
            &account.world,
            &format!("{ID}/space/lab/JupyterLab/default"),
            Ok(()),
        );
        account.pass(60).await;
        account.ok("DeleteApp", app("lab"));
        account.pass(60).await;
        account.ok("DeleteStudioLifecycleConfig", name("hook"));
        let refusal = account.refusal("DescribeStudioLifecycleConfig", name("hook"));
        assert!(refusal.starts_with("ResourceNotFound"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn scripts_are_listed_newest_first_by_app_type_and_time() {
        let account = Account::empty();
        account.script("one", "JupyterLab");
        account.pass(10).await;
        let middle = account.world.now() - 5.0;
        account.script("two", "JupyterLab");
        account.script("three", "CodeEditor");
        let list = |input| {
            let output = account.ok("ListStudioLifecycleConfigs", input);
            let rows = output["StudioLifecycleConfigs"].as_array().unwrap().clone();
            rows.iter()
                .map(|row| row["StudioLifecycleConfigName"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(list(json!({"AppTypeEquals": "JupyterLab"})), ["two", "one"]);
        assert_eq!(list(json!({"CreationTimeBefore": middle})), ["one"]);
        assert_eq!(list(json!({"NameContains": "thr"})), ["three"]);
        let by_name = json!({"SortBy": "Name", "SortOrder": "Ascending"});
        assert_eq!(list(by_name), ["one", "three", "two"]);
    }
}
