//! Spaces, each with a volume of its own: a folder that is made and removed with it.

use std::{fs, io};

use serde_json::{Value, json};

use crate::sim::runtime;
use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, arn, at};
use super::listing::{Listing, SortBy};
use super::records::{Domain, Members, Space};
use super::refuse::{exists, in_use, invalid, unless_deletable, unless_settled};
use super::standing::{Standing, Status};
use super::{quota, settings, tags, volume};

const QUOTA: &str = "Maximum number of Studio spaces allowed per account";

/// The ARN of a space.
pub(super) fn arn_of(state: &State, space: &Space) -> String {
    arn(state, &format!("space/{}/{}", space.domain, space.name))
}

/// The simulator's own failure.
pub(super) fn lost(error: io::Error) -> Refusal {
    Refusal::new("InternalFailure", format!("the world's files cannot be changed: {error}"))
        .status(500)
}

/// `CreateSpace`.
pub(super) fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let (domain_id, name) = (call.text("DomainId"), call.text("SpaceName"));
        let domain = state.studio.domain(domain_id, call.now)?;
        if let Some(status) = domain.standing.status(call.now) {
            unless_settled("Domain", domain_id, status)?;
        }
        if state.studio.space(domain_id, name, call.now).is_ok() {
            return Err(exists("Space", name));
        }
        let mut space = asked_for(call);
        check_owner(state, call, domain, &mut space)?;
        let effective = settings::of_space(state, domain, &space, call.now);
        volume::settle(&mut space.settings, &effective)?;
        check_idle(&space.settings, &effective)?;
        quota::admit(state, QUOTA, "Spaces", state.studio.spaces.len())?;
        space.standing = Standing::pending(call.now, call.settles_in(state.timing.space));
        let arn = arn_of(state, &space);
        tags::put(state, &arn, tags::read(call)?);
        if call.world.model().is_none() {
            let folder = call.world.dir().join("ebs").join(domain_id).join(name);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(lost)?;
            }
            fs::create_dir_all(&folder).map_err(lost)?;
        }
        runtime::forget_volume(call.world, domain_id, name).map_err(lost)?;
        state.studio.spaces.insert(format!("{domain_id}/{name}"), space);
        Ok(json!({ "SpaceArn": arn }))
    })
}

fn asked_for(call: &Call<'_>) -> Space {
    let inner = |structure: &str, member: &str| {
        Some(call.structure(structure)?.get(member)?.as_str()?.to_owned())
    };
    let mut kept = Members::new();
    if let Some(given) = call.structure("SpaceSettings") {
        settings::merge(&mut kept, given);
    }
    Space {
        domain: call.text("DomainId").to_owned(),
        name: call.text("SpaceName").to_owned(),
        display_name: call.given("SpaceDisplayName").map(str::to_owned),
        settings: kept,
        owner: inner("OwnershipSettings", "OwnerUserProfileName"),
        sharing: inner("SpaceSharingSettings", "SharingType"),
        ..Space::default()
    }
}

/// Checks the app type, and that owner and sharing type come together. The owner's name is kept as its profile has it.
fn check_owner(
    state: &State,
    call: &Call<'_>,
    domain: &Domain,
    space: &mut Space,
) -> Result<(), Refusal> {
    match space.app_type() {
        Some("JupyterLab" | "CodeEditor") => {}
        Some(other) => {
            return Err(invalid(format!(
                "Invalid AppType [{other}]. This AppType has been deprecated."
            )));
        }
        None => return Err(invalid("SpaceSettings must have an AppType.")),
    }
    if space.owner.is_some() != space.sharing.is_some() {
        return Err(invalid(
            "OwnershipSettings and SpaceSharingSettings must be specified together.",
        ));
    }
    if space.app_type() == Some("CodeEditor") && !space.is_private() {
        return Err(invalid("AppType [CodeEditor] is supported for private spaces only."));
    }
    if let Some(owner) = space.owner.as_deref() {
        let profile = state.studio.profile(&domain.id, owner, call.now)?;
        if let Some(status) = profile.standing.status(call.now) {
            unless_settled("UserProfile", owner, status)?;
        }
        space.owner = Some(profile.name.clone());
    }
    Ok(())
}

/// Refuses an idle timeout outside of the bounds that the domain or profile sets.
fn check_idle(given: &Members, effective: &Members) -> Result<(), Refusal> {
    for settings in ["JupyterLabAppSettings", "CodeEditorAppSettings"] {
        let minutes = |members: &Members, member: &str| {
            at(members, &[settings, "AppLifecycleManagement", "IdleSettings", member])?.as_i64()
        };
        let Some(wanted) = minutes(given, "IdleTimeoutInMinutes") else { continue };
        let least = minutes(effective, "MinIdleTimeoutInMinutes");
        let most = minutes(effective, "MaxIdleTimeoutInMinutes");
        if least.is_some_and(|least| wanted < least) || most.is_some_and(|most| wanted > most) {
            return Err(invalid(format!(
                "IdleTimeoutInMinutes [{wanted}] must be between MinIdleTimeoutInMinutes and MaxIdleTimeoutInMinutes."
            )));
        }
    }
    Ok(())
}

/// `DescribeSpace`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let domain = state.studio.domain(call.text("DomainId"), call.now)?;
        let space = state.studio.space(&domain.id, call.text("SpaceName"), call.now)?;
        let mut output = base(call, space);
        output["SpaceArn"] = json!(arn_of(state, space));
        output["SpaceSettings"] = json!(space.settings);
        output["Url"] =
            json!(format!("https://{}.studio.{}.sagemaker.aws", space.domain, state.region));
        if let Some(owner) = &space.owner {
            output["OwnershipSettings"] = json!({ "OwnerUserProfileName": owner });
        }
        if let Some(sharing) = &space.sharing {
            output["SpaceSharingSettings"] = json!({ "SharingType": sharing });
        }
        if let Some(uid) = &space.uid {
            output["HomeEfsFileSystemUid"] = json!(uid);
        }
        if let Some(failure) = &space.standing.failure {
            output["FailureReason"] = json!(failure);
        }
        Ok(output)
    })
}

/// `ListSpaces`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let sort = SortBy::of(call);
        let rows = state
            .studio
            .spaces
            .iter()
            .filter(|(_, space)| {
                space.standing.status(call.now).is_some()
                    && call.equals("DomainIdEquals", Some(&space.domain))
                    && call.contains("SpaceNameContains", &space.name)
            })
            .map(|(key, space)| {
                let standing = &space.standing;
                (sort.key(standing.created_at, standing.modified_at, key), space)
            })
            .collect();
        let listing =
            Listing { operation: "ListSpaces", member: "Spaces", size: 10, is_descending: false };
        listing.page(call, rows, |space| summary(call, space))
    })
}

fn base(call: &Call<'_>, space: &Space) -> Value {
    let standing = &space.standing;
    let mut output = json!({
        "DomainId": space.domain,
        "SpaceName": space.name,
        "Status": standing.status(call.now).unwrap_or(Status::Deleting).as_str(),
        "CreationTime": standing.created_at,
        "LastModifiedTime": standing.modified_at,
    });
    if let Some(name) = &space.display_name {
        output["SpaceDisplayName"] = json!(name);
    }
    output
}

fn summary(call: &Call<'_>, space: &Space) -> Value {
    let mut output = base(call, space);
    let mut settings = Members::new();
    for member in ["AppType", "RemoteAccess", "SpaceStorageSettings"] {
        if let Some(value) = space.settings.get(member) {
            settings.insert(member.to_owned(), value.clone());
        }
    }
    output["SpaceSettingsSummary"] = Value::Object(settings);
    if let Some(sharing) = &space.sharing {
        output["SpaceSharingSettingsSummary"] = json!({ "SharingType": sharing });
    }
    if let Some(owner) = &space.owner {
        output["OwnershipSettingsSummary"] = json!({ "OwnerUserProfileName": owner });
    }
    output
}

/// `UpdateSpace`: settings and display name; owner, sharing and app type are for life.
pub(super) fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let domain = state.studio.domain(call.text("DomainId"), call.now)?;
        let space = state.studio.space(&domain.id, call.text("SpaceName"), call.now)?;
        if let Some(status) = space.standing.status(call.now) {
            unless_settled("Space", &space.name, status)?;
        }
        let mut next = space.clone();
        if let Some(given) = call.structure("SpaceSettings") {
            let app_type = given.get("AppType").and_then(Value::as_str);
            if app_type.is_some() && app_type != space.app_type() {
                return Err(invalid("AppType of a space cannot be updated."));
            }
            let effective = settings::of_space(state, domain, space, call.now);
            check_idle(given, &effective)?;
            let is_running = state.studio.is_space_running(&domain.id, &space.name, call.now);
            let pause = state.timing.volume_change;
            if volume::change(space, given, &effective, is_running, call.now, pause)? {
                next.resized_at = Some(call.now);
            }
            settings::merge(&mut next.settings, given);
        }
        if let Some(name) = call.given("SpaceDisplayName") {
            next.display_name = Some(name.to_owned());
        }
        let settles_at = call.settles_in(state.timing.update);
        next.standing.move_to(Status::Updating, call.now, settles_at);
        let arn = arn_of(state, space);
        state.studio.spaces.insert(format!("{}/{}", next.domain, next.name), next);
        Ok(json!({ "SpaceArn": arn }))
    })
}

/// `DeleteSpace`, which destroys the volume.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let domain = state.studio.domain(call.text("DomainId"), call.now)?;
        let space = state.studio.space(&domain.id, call.text("SpaceName"), call.now)?;
        let (id, name) = (space.domain.clone(), space.name.clone());
        if let Some(status) = space.standing.status(call.now) {
            unless_deletable("Space", &name, status)?;
        }
        if state.studio.is_space_running(&id, &name, call.now) {
            return Err(in_use(format!("Space [{name}] has an app that is running.")));
        }
        let settles_at = call.settles_in(state.timing.space);
        state.studio.leaves_at(settles_at);
        state.studio.apps.retain(|_, app| {
            app.domain != id
                || app.space.as_deref() != Some(name.as_str())
                || app.status(call.now) == Some(Status::Deleted)
        });
        if let Some(space) = state.studio.spaces.get_mut(&format!("{id}/{name}")) {
            space.standing.move_to(Status::Deleting, call.now, settles_at);
        }
        let folder = call.world.dir().join("ebs").join(&id).join(&name);
        if call.world.model().is_none() && folder.exists() {
            fs::remove_dir_all(folder).map_err(lost)?;
        }
        runtime::forget_volume(call.world, &id, &name).map_err(lost)?;
        Ok(json!({}))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::studio::testing::{Account, ID, app, space};

    fn name(name: &str) -> Value {
        json!({"DomainId": ID, "SpaceName": name})
    }

    fn size(name: &str, size: u32) -> Value {
        let storage = json!({"EbsStorageSettings": {"EbsVolumeSizeInGb": size}});
        json!({"DomainId": ID, "SpaceName": name, "SpaceSettings": {"SpaceStorageSettings": storage}})
    }

    #[tokio::test(start_paused = true)]
    async fn a_space_comes_with_its_volume_and_takes_it_along() {
        let account = Account::with_space().await;
        let folder = account.world.dir().join("ebs").join(ID).join("lab");
        assert!(folder.is_dir());
        fs::write(folder.join("old"), "x").unwrap();
        account.ok("DeleteSpace", name("lab"));
        assert_eq!(account.status("DescribeSpace", name("lab")), "Deleting");
        assert!(!folder.exists());
        account.pass(10).await;
        assert!(account.refusal("DescribeSpace", name("lab")).starts_with("ResourceNotFound"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_taken_once_a_domain() {
        let account = Account::with_space().await;
        let refusal = account.refusal("CreateSpace", space("lab", "ada"));
        assert_eq!(refusal, "ResourceInUse: Space [lab] already exists.");
    }

    #[tokio::test(start_paused = true)]
    async fn a_space_has_the_default_size_and_the_name_of_its_owners_profile() {
        let account = Account::with_ada().await;
        account.ok("CreateSpace", space("lab", "aDA"));
        let described = account.ok("DescribeSpace", name("lab"));
        assert_eq!(described["Status"], "Pending");
        assert_eq!(described["OwnershipSettings"]["OwnerUserProfileName"], "Ada");
        let storage = json!({"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}});
        assert_eq!(described["SpaceSettings"]["SpaceStorageSettings"], storage);
        let listed = account.ok("ListSpaces", json!({"SpaceNameContains": "la"}));
        assert_eq!(listed["Spaces"][0]["SpaceSettingsSummary"]["SpaceStorageSettings"], storage);
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_must_exist_and_come_with_a_sharing_type() {
        let account = Account::with_ada().await;
        assert!(account.refusal("CreateSpace", space("a", "bob")).starts_with("ResourceNotFound"));
        let mut input = space("a", "ada");
        input.as_object_mut().unwrap().shift_remove("SpaceSharingSettings");
        assert!(account.refusal("CreateSpace", input).starts_with("ValidationException"));
    }

    #[tokio::test(start_paused = true)]
    async fn classic_spaces_cannot_be_made() {
        let account = Account::with_ada().await;
        let mut input = space("a", "ada");
        input["SpaceSettings"]["AppType"] = json!("JupyterServer");
        assert!(account.refusal("CreateSpace", input).contains("has been deprecated"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_volume_is_no_larger_than_the_settings_allow() {
        let account = Account::with_ada().await;
        let mut input = space("a", "ada");
        input["SpaceSettings"]["SpaceStorageSettings"] =
            json!({"EbsStorageSettings": {"EbsVolumeSizeInGb": 101}});
        assert!(account.refusal("CreateSpace", input.clone()).starts_with("ValidationException"));
        let bounds = json!({"DefaultEbsVolumeSizeInGb": 10, "MaximumEbsVolumeSizeInGb": 200});
        account
            .set_ada(json!({"SpaceStorageSettings": {"DefaultEbsStorageSettings": bounds}}))
            .await;
        account.ok("CreateSpace", input);
    }

    #[tokio::test(start_paused = true)]
    async fn a_volume_grows_once_in_six_hours_and_never_shrinks() {
        let account = Account::with_space().await;
        account.ok("UpdateSpace", size("lab", 20));
        account.pass(10).await;
        let refusal = account.refusal("UpdateSpace", size("lab", 30));
        assert!(
            refusal.starts_with("ValidationException: VolumeModificationRateExceeded"),
            "{refusal}"
        );
        account.pass(6 * 3600).await;
        account.ok("UpdateSpace", size("lab", 30));
        account.pass(6 * 3600).await;
        let refusal = account.refusal("UpdateSpace", size("lab", 20));
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_its_app_runs_a_space_is_neither_resized_nor_deleted() {
        let account = Account::with_space().await;
        account.ok("CreateApp", app("lab"));
        for (operation, input) in [("UpdateSpace", size("lab", 20)), ("DeleteSpace", name("lab"))] {
            let refusal = account.refusal(operation, input);
            assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
        }
        account.ok(
            "UpdateSpace",
            json!({"DomainId": ID, "SpaceName": "lab", "SpaceDisplayName": "L"}),
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_space_that_is_pending_is_in_use() {
        let account = Account::with_ada().await;
        account.ok("CreateSpace", space("lab", "ada"));
        for (operation, input) in
            [("UpdateSpace", name("lab")), ("DeleteSpace", name("lab")), ("CreateApp", app("lab"))]
        {
            let refusal = account.refusal(operation, input);
            assert!(refusal.starts_with("ResourceInUse"), "{operation} {refusal}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_timeout_is_within_the_bounds_of_the_owner() {
        let account = Account::with_space().await;
        let idle = |settings: Value| json!({"JupyterLabAppSettings": {"AppLifecycleManagement": {"IdleSettings": settings}}});
        account.set_ada(idle(json!({"MaxIdleTimeoutInMinutes": 120}))).await;
        let wanted = idle(json!({"IdleTimeoutInMinutes": 180}));
        let input = json!({"DomainId": ID, "SpaceName": "lab", "SpaceSettings": wanted});
        assert!(account.refusal("UpdateSpace", input).starts_with("ValidationException"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_quota_of_spaces_is_enforced() {
        let account = Account::with_space().await;
        account
            .world
            .change(|state| {
                state.quotas.insert(QUOTA.into(), 1.0);
                Ok(())
            })
            .unwrap();
        let refusal = account.refusal("CreateSpace", space("two", "ada"));
        assert!(refusal.starts_with("ResourceLimitExceeded"), "{refusal}");
    }
}
