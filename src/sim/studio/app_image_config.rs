//! App image configurations: how an image is run by an app type.

use serde_json::{Value, json};

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, arn};
use super::listing::{Listing, SortBy};
use super::records::{AppImageConfig, Members};
use super::refuse::{exists, invalid, missing};
use super::{settings, tags};

const KIND: &str = "AppImageConfig";

/// One for each app type.
const KINDS: [&str; 3] =
    ["KernelGatewayImageConfig", "JupyterLabAppImageConfig", "CodeEditorAppImageConfig"];

/// Those that say nothing of the file system: "The `FileSystemConfig` object is not supported" (API reference), and AWS refuses it
/// (hashicorp/terraform-provider-aws#35826).
const WITHOUT_FILE_SYSTEM: [&str; 2] = ["JupyterLabAppImageConfig", "CodeEditorAppImageConfig"];

/// The ARN of an app image configuration.
pub(super) fn arn_of(state: &State, config: &AppImageConfig) -> String {
    arn(state, &format!("app-image-config/{}", config.name))
}

fn named<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a AppImageConfig, Refusal> {
    let name = call.text("AppImageConfigName");
    state.studio.app_image_configs.get(name).ok_or_else(|| missing(KIND, name))
}

fn given(call: &Call<'_>) -> Members {
    let kinds = KINDS.iter().filter_map(|kind| Some(((*kind).to_owned(), call.member(kind)?)));
    kinds.map(|(kind, value)| (kind, value.clone())).collect()
}

/// What the call gives, if AWS takes it.
fn checked(call: &Call<'_>) -> Result<Members, Refusal> {
    let members = given(call);
    for kind in WITHOUT_FILE_SYSTEM {
        if members.get(kind).is_some_and(|config| config.get("FileSystemConfig").is_some()) {
            return Err(invalid(format!("FileSystemConfig is not supported for {kind}.")));
        }
    }
    Ok(members)
}

/// `CreateAppImageConfig`.
pub(super) fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let name = call.text("AppImageConfigName");
        if state.studio.app_image_configs.contains_key(name) {
            return Err(exists(KIND, name));
        }
        let members = checked(call)?;
        if members.len() > 1 {
            return Err(invalid("Only one image config can be specified."));
        }
        let config = AppImageConfig {
            name: name.to_owned(),
            members,
            created_at: call.now,
            modified_at: call.now,
        };
        let arn = arn_of(state, &config);
        tags::put(state, &arn, tags::read(call)?);
        state.studio.app_image_configs.insert(name.to_owned(), config);
        Ok(json!({ "AppImageConfigArn": arn }))
    })
}

/// `DescribeAppImageConfig`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| Ok(details(state, named(state, call)?)))
}

/// `ListAppImageConfigs`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let sort = SortBy::of(call);
        let rows = state
            .studio
            .app_image_configs
            .iter()
            .filter(|(name, config)| {
                call.contains("NameContains", name)
                    && call.is_within("CreationTime", config.created_at)
                    && call.is_within("ModifiedTime", config.modified_at)
            })
            .map(|(key, config)| (sort.key(config.created_at, config.modified_at, key), config))
            .collect();
        let listing = Listing {
            operation: "ListAppImageConfigs",
            member: "AppImageConfigs",
            size: 10,
            is_descending: true,
        };
        listing.page(call, rows, |config| details(state, config))
    })
}

fn details(state: &State, config: &AppImageConfig) -> Value {
    let mut output = Members::new();
    output.insert("AppImageConfigArn".to_owned(), json!(arn_of(state, config)));
    output.insert("AppImageConfigName".to_owned(), json!(config.name));
    output.insert("CreationTime".to_owned(), json!(config.created_at));
    output.insert("LastModifiedTime".to_owned(), json!(config.modified_at));
    output.extend(config.members.clone());
    Value::Object(output)
}

/// `UpdateAppImageConfig`.
pub(super) fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let config = named(state, call)?;
        let (name, arn) = (config.name.clone(), arn_of(state, config));
        let members = checked(call)?;
        if let Some(config) = state.studio.app_image_configs.get_mut(&name) {
            settings::merge(&mut config.members, &members);
            config.modified_at = call.now;
        }
        Ok(json!({ "AppImageConfigArn": arn }))
    })
}

/// `DeleteAppImageConfig`.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        let config = named(state, call)?;
        let (name, arn) = (config.name.clone(), arn_of(state, config));
        state.studio.app_image_configs.remove(&name);
        state.studio.tags.remove(&arn);
        Ok(json!({}))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::studio::records::{Image, ImageVersion};
    use crate::sim::studio::testing::{Account, ID};

    #[tokio::test(start_paused = true)]
    async fn a_configuration_is_made_changed_listed_and_deleted() {
        let account = Account::empty();
        let name = json!({"AppImageConfigName": "r-kernel"});
        let mut input = name.clone();
        input["KernelGatewayImageConfig"] = json!({"KernelSpecs": [{"Name": "ir"}]});
        account.ok("CreateAppImageConfig", input.clone());
        let refusal = account.refusal("CreateAppImageConfig", input);
        assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
        let mut change = name.clone();
        change["JupyterLabAppImageConfig"] = json!({});
        account.ok("UpdateAppImageConfig", change);
        let listed = account.ok("ListAppImageConfigs", json!({"NameContains": "kernel"}));
        assert!(listed["AppImageConfigs"][0].get("JupyterLabAppImageConfig").is_some());
        account.ok("DeleteAppImageConfig", name.clone());
        assert!(account.refusal("DescribeAppImageConfig", name).starts_with("ResourceNotFound"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_of_the_new_studio_takes_no_file_system_and_only_a_configuration_for_itself() {
        let account = Account::with_ada().await;
        let files = json!({"FileSystemConfig": {"DefaultUid": 1000, "DefaultGid": 100}});
        let refused = json!({"AppImageConfigName": "r", "JupyterLabAppImageConfig": files});
        let refusal = account.refusal("CreateAppImageConfig", refused);
        assert!(refusal.contains("FileSystemConfig is not supported"), "{refusal}");
        let image = Image {
            name: "genomics".into(),
            versions: vec![ImageVersion { version: 1, ..ImageVersion::default() }],
            ..Image::default()
        };
        let keep = |state: &mut State| {
            state.studio.images.insert("genomics".into(), image);
            Ok(())
        };
        account.world.change(keep).unwrap();
        let kernel = json!({"KernelSpecs": [{"Name": "ir"}]});
        account.ok(
            "CreateAppImageConfig",
            json!({"AppImageConfigName": "r", "KernelGatewayImageConfig": kernel}),
        );
        account.ok(
            "CreateAppImageConfig",
            json!({"AppImageConfigName": "r-lab", "JupyterLabAppImageConfig": {}}),
        );
        let offered = |version: u32, config: &str| {
            let image = json!({"ImageName": "genomics", "ImageVersionNumber": version, "AppImageConfigName": config});
            json!({"DomainId": ID, "UserProfileName": "Ada", "UserSettings": {"JupyterLabAppSettings": {"CustomImages": [image]}}})
        };
        let refusal = account.refusal("UpdateUserProfile", offered(1, "r"));
        assert!(refusal.contains("has no JupyterLabAppImageConfig"), "{refusal}");
        let refusal = account.refusal("UpdateUserProfile", offered(2, "r-lab"));
        assert!(refusal.contains("ImageVersion [2]"), "{refusal}");
        account.ok("UpdateUserProfile", offered(1, "r-lab"));
    }
}
