//! User profiles.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::sim::state::{AccessPoint, State};
use crate::sim::wire::Refusal;

use super::ask::{Call, arn, number};
use super::listing::{Listing, SortBy};
use super::records::{Members, Profile, next_uid};
use super::refuse::{exists, in_use, invalid, unless_deletable, unless_settled};
use super::standing::{Standing, Status};
use super::{quota, settings, space, tags};

const QUOTA: &str = "Maximum number of Studio user profiles allowed per account";

/// The ARN of a profile; AWS writes the name in lower case there.
pub(super) fn arn_of(state: &State, profile: &Profile) -> String {
    let name = profile.name.to_ascii_lowercase();
    arn(state, &format!("user-profile/{}/{name}", profile.domain))
}

/// `CreateUserProfile`, which also makes an access point and an empty home.
pub(super) fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let (domain_id, name) = (call.text("DomainId"), call.text("UserProfileName"));
        let domain = state.studio.domain(domain_id, call.now)?.clone();
        if let Some(status) = domain.standing.status(call.now) {
            unless_settled("Domain", domain_id, status)?;
        }
        if state.studio.profile(domain_id, name, call.now).is_ok() {
            return Err(exists("UserProfile", name));
        }
        let is_sso = domain.members.get("AuthMode").is_some_and(|mode| mode == "SSO");
        check_sso(state, call, is_sso)?;
        let mut kept = Members::new();
        if let Some(given) = call.structure("UserSettings") {
            settings::merge(&mut kept, given);
            let defaults = settings::of_domain(&domain, "DefaultUserSettings");
            settings::check(state, given, &settings::effective(&defaults, &kept), true)?;
        }
        let used = state.studio.profiles.len();
        quota::admit(state, QUOTA, "User profiles", used)?;
        let uid = match &domain.file_system {
            Some(file_system) => Some(add_home(state, call, file_system)?),
            None => None,
        };
        let profile = Profile {
            domain: domain_id.to_owned(),
            name: name.to_owned(),
            uid,
            standing: Standing::pending(call.now, call.settles_in(state.timing.update)),
            sso: call.given("SingleSignOnUserValue").map(str::to_owned),
            settings: kept,
            mount_error: None,
        };
        let arn = arn_of(state, &profile);
        tags::put(state, &arn, tags::read(call)?);
        state.studio.profiles.insert(format!("{domain_id}/{name}"), profile);
        Ok(json!({ "UserProfileArn": arn }))
    })
}

fn check_sso(state: &State, call: &Call<'_>, is_sso: bool) -> Result<(), Refusal> {
    let value = call.given("SingleSignOnUserValue");
    let identifier = call.given("SingleSignOnUserIdentifier");
    if !is_sso {
        return match value.or(identifier) {
            Some(_) => Err(invalid(
                "SingleSignOnUserIdentifier and SingleSignOnUserValue are for domains with AuthMode SSO.",
            )),
            None => Ok(()),
        };
    }
    let (Some(value), Some(_)) = (value, identifier) else {
        return Err(invalid(
            "SingleSignOnUserIdentifier and SingleSignOnUserValue are required for domains with AuthMode SSO.",
        ));
    };
    let mut others = state.studio.profiles_of(call.text("DomainId"));
    match others.find(|other| other.sso.as_deref() == Some(value)) {
        Some(other) => Err(in_use(format!(
            "The SSO user [{value}] is already associated with UserProfile [{}].",
            other.name
        ))),
        None => Ok(()),
    }
}

/// Makes a home: a uid, its access point, and its folder, which only its owner may enter.
fn add_home(state: &mut State, call: &Call<'_>, file_system: &str) -> Result<String, Refusal> {
    let uid = next_uid(state);
    let id = format!("fsap-{:017x}", number(state));
    if let Some(file_system) = state.file_systems.get_mut(file_system) {
        file_system.access_points.push(AccessPoint { id, uid: uid.clone() });
    }
    let folder = call.world.dir().join("efs").join(file_system).join(&uid);
    fs::create_dir_all(&folder)
        .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)))
        .map_err(space::lost)?;
    Ok(uid)
}

/// `DescribeUserProfile`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let domain = state.studio.domain(call.text("DomainId"), call.now)?;
        let name = call.text("UserProfileName");
        let profile = state.studio.profile(&domain.id, name, call.now)?;
        let mut output = details(call, profile);
        output["UserProfileArn"] = json!(arn_of(state, profile));
        output["UserSettings"] = json!(profile.settings);
        if let Some(uid) = &profile.uid {
            output["HomeEfsFileSystemUid"] = json!(uid);
        }
        if let Some(failure) = &profile.standing.failure {
            output["FailureReason"] = json!(failure);
        }
        if let Some(sso) = &profile.sso {
            output["SingleSignOnUserIdentifier"] = json!("UserName");
            output["SingleSignOnUserValue"] = json!(sso);
        }
        Ok(output)
    })
}

/// `ListUserProfiles`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let sort = SortBy::of(call);
        let rows = state
            .studio
            .profiles
            .iter()
            .filter(|(_, profile)| {
                profile.standing.status(call.now).is_some()
                    && call.equals("DomainIdEquals", Some(&profile.domain))
                    && call.contains("UserProfileNameContains", &profile.name)
            })
            .map(|(key, profile)| {
                let standing = &profile.standing;
                (sort.key(standing.created_at, standing.modified_at, key), profile)
            })
            .collect();
        let listing = Listing {
            operation: "ListUserProfiles",
            member: "UserProfiles",
            size: 10,
            is_descending: false,
        };
        listing.page(call, rows, |profile| details(call, profile))
    })
}

fn details(call: &Call<'_>, profile: &Profile) -> Value {
    let standing = &profile.standing;
    json!({
        "DomainId": profile.domain,
        "UserProfileName": profile.name,
        "Status": standing.status(call.now).unwrap_or(Status::Deleting).as_str(),
        "CreationTime": standing.created_at,
        "LastModifiedTime": standing.modified_at,
    })
}

/// `UpdateUserProfile`.
pub(super) fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let domain = state.studio.domain(call.text("DomainId"), call.now)?;
        let profile = state.studio.profile(&domain.id, call.text("UserProfileName"), call.now)?;
        if let Some(status) = profile.standing.status(call.now) {
            unless_settled("UserProfile", &profile.name, status)?;
        }
        let mut kept = profile.settings.clone();
        if let Some(given) = call.structure("UserSettings") {
            if given.contains_key("CustomPosixUserConfig") {
                return Err(invalid("CustomPosixUserConfig cannot be updated on a user profile."));
            }
            settings::merge(&mut kept, given);
            let defaults = settings::of_domain(domain, "DefaultUserSettings");
            settings::check(state, given, &settings::effective(&defaults, &kept), true)?;
        }
        let arn = arn_of(state, profile);
        let key = format!("{}/{}", domain.id, profile.name);
        let settles_at = call.settles_in(state.timing.update);
        if let Some(profile) = state.studio.profiles.get_mut(&key) {
            profile.settings = kept;
            profile.standing.move_to(Status::Updating, call.now, settles_at);
        }
        Ok(json!({ "UserProfileArn": arn }))
    })
}

/// `DeleteUserProfile`. The home stays on the file system, with nobody to reach it.
pub(super) fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let domain = state.studio.domain(call.text("DomainId"), call.now)?;
        let profile = state.studio.profile(&domain.id, call.text("UserProfileName"), call.now)?;
        let name = profile.name.clone();
        if let Some(status) = profile.standing.status(call.now) {
            unless_deletable("UserProfile", &name, status)?;
        }
        let is_owner = |owner: &Option<String>| {
            owner.as_ref().is_some_and(|owner| owner.eq_ignore_ascii_case(&name))
        };
        let studio = &state.studio;
        let mut spaces = studio.spaces.values().filter(|space| space.domain == domain.id);
        if let Some(space) = spaces.find(|space| is_owner(&space.owner)) {
            return Err(in_use(format!("UserProfile [{name}] owns the space [{}].", space.name)));
        }
        let mut apps = studio.apps.values().filter(|app| app.domain == domain.id);
        if let Some(app) = apps.find(|app| is_owner(&app.profile) && app.is_running(call.now)) {
            return Err(in_use(format!("UserProfile [{name}] has the app [{}].", app.name)));
        }
        let key = format!("{}/{name}", domain.id);
        let settles_at = call.settles_in(state.timing.update);
        state.studio.leaves_at(settles_at);
        if let Some(profile) = state.studio.profiles.get_mut(&key) {
            profile.standing.move_to(Status::Deleting, call.now, settles_at);
        }
        Ok(json!({}))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::studio::testing::{Account, ID, ada, domain, space};

    fn name(name: &str) -> Value {
        json!({"DomainId": ID, "UserProfileName": name})
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_profile_has_a_uid_an_access_point_and_an_empty_home_of_its_own() {
        let account = Account::with_ada().await;
        let described = account.ok("DescribeUserProfile", name("Ada"));
        assert_eq!(described["HomeEfsFileSystemUid"], "200001");
        assert_eq!(described["Status"], "InService");
        let file_system = account.world.read(|state| {
            let file_system = state.file_systems.values().next().unwrap();
            assert_eq!(file_system.access_points[0].uid, "200001");
            file_system.id.clone()
        });
        let home = account.world.dir().join("efs").join(file_system).join("200001");
        assert_eq!(fs::metadata(home).unwrap().permissions().mode() & 0o7777, 0o700);
        account.ok("CreateUserProfile", name("bob"));
        assert_eq!(
            account.ok("DescribeUserProfile", name("bob"))["HomeEfsFileSystemUid"],
            "200002"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn upper_and_lower_case_are_one_profile() {
        let account = Account::with_ada().await;
        let refusal = account.refusal("CreateUserProfile", name("ADA"));
        assert_eq!(refusal, "ResourceInUse: UserProfile [ADA] already exists.");
        let described = account.ok("DescribeUserProfile", name("aDa"));
        assert_eq!(described["UserProfileName"], "Ada");
        let arn = described["UserProfileArn"].as_str().unwrap();
        assert!(arn.ends_with(&format!(":user-profile/{ID}/ada")), "{arn}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_profile_needs_its_domain() {
        let account = Account::with_ada().await;
        let input = json!({"DomainId": "d-sim9", "UserProfileName": "ada"});
        let refusal = account.refusal("CreateUserProfile", input.clone());
        assert_eq!(refusal, "ResourceNotFound: Domain [d-sim9] does not exist.");
        assert!(account.refusal("DescribeUserProfile", input).starts_with("ResourceNotFound"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_profile_that_is_updating_is_in_use() {
        let account = Account::with_ada().await;
        account.ok("UpdateUserProfile", ada(json!({})));
        let refusal = account.refusal("UpdateUserProfile", ada(json!({})));
        assert_eq!(refusal, "ResourceInUse: UserProfile [Ada] is in Updating status.");
        assert!(account.refusal("DeleteUserProfile", name("Ada")).starts_with("ResourceInUse"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stuck_never_settles() {
        let account = Account::with_ada().await;
        let caller = crate::sim::wire::Caller { arn: String::new(), role: None };
        crate::sim::studio::call(
            &account.world,
            &caller,
            "UpdateUserProfile",
            ada(json!({})),
            Some(&crate::sim::state::Effect::Stuck),
        )
        .unwrap();
        account.pass(1_000_000).await;
        assert_eq!(account.status("DescribeUserProfile", name("Ada")), "Updating");
    }

    #[tokio::test(start_paused = true)]
    async fn the_new_landing_page_needs_the_portal() {
        let account = Account::with_ada().await;
        let disabled = json!({"StudioWebPortal": "DISABLED"});
        for settings in [json!({"DefaultLandingUri": "studio::"}), disabled.clone()] {
            let refusal = account.refusal("UpdateUserProfile", ada(settings));
            assert_eq!(
                refusal,
                "ValidationException: StudioWebPortal is disabled for this domain/user."
            );
        }
        account
            .set_ada(json!({"StudioWebPortal": "ENABLED", "DefaultLandingUri": "studio::"}))
            .await;
        let refusal = account.refusal("UpdateUserProfile", ada(disabled));
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
        let classic = "app:JupyterServer:";
        account.set_ada(json!({"StudioWebPortal": "DISABLED", "DefaultLandingUri": classic})).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_portal_of_the_domain_holds_for_a_profile_that_says_nothing() {
        let account = Account::with_ada().await;
        let portal = json!({"StudioWebPortal": "ENABLED"});
        account.ok("UpdateDomain", json!({"DomainId": ID, "DefaultUserSettings": portal}));
        account.pass(10).await;
        account.set_ada(json!({"DefaultLandingUri": "studio::"})).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_script_in_settings_exists_and_is_for_their_app_type() {
        let account = Account::with_ada().await;
        let classic = account.script("Classic", "JupyterServer");
        let lab = |arn: &str| json!({"JupyterLabAppSettings": {"BuiltInLifecycleConfigArn": arn}});
        for arn in [classic.as_str(), &classic.replace("classic", "nothing")] {
            let refusal = account.refusal("UpdateUserProfile", ada(lab(arn)));
            assert!(refusal.starts_with("ValidationException: Lifecycle config"), "{refusal}");
        }
        let hook = account.script("Hook", "JupyterLab");
        account.set_ada(lab(&hook)).await;
        account.set_ada(lab("None")).await;
        let described = account.ok("DescribeUserProfile", name("Ada"));
        assert_eq!(described["UserSettings"], json!({"JupyterLabAppSettings": {}}));
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_of_a_space_is_not_deleted_and_the_home_stays() {
        let account = Account::with_ada().await;
        account.ok("CreateSpace", space("lab", "ada"));
        account.pass(10).await;
        let refusal = account.refusal("DeleteUserProfile", name("ada"));
        assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
        account.ok("DeleteSpace", json!({"DomainId": ID, "SpaceName": "lab"}));
        account.pass(10).await;
        account.ok("DeleteUserProfile", name("ada"));
        assert_eq!(account.status("DescribeUserProfile", name("ada")), "Deleting");
        account.pass(10).await;
        assert!(
            account.refusal("DescribeUserProfile", name("ada")).starts_with("ResourceNotFound")
        );
        account.ok("CreateUserProfile", name("ada"));
        assert_eq!(
            account.ok("DescribeUserProfile", name("ada"))["HomeEfsFileSystemUid"],
            "200002"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_person_of_the_identity_center_has_one_profile() {
        let account = Account::empty();
        let mut input = domain("sso");
        input["AuthMode"] = json!("SSO");
        account.ok("CreateDomain", input);
        account.pass(10).await;
        let refusal = account.refusal("CreateUserProfile", name("ada"));
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
        let person = |name: &str| {
            json!({"DomainId": ID, "UserProfileName": name, "SingleSignOnUserIdentifier": "UserName",
                "SingleSignOnUserValue": "ada@example.com"})
        };
        account.ok("CreateUserProfile", person("ada"));
        let refusal = account.refusal("CreateUserProfile", person("ada2"));
        assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_quota_of_profiles_is_enforced() {
        let account = Account::with_ada().await;
        account
            .world
            .change(|state| {
                state.quotas.insert(QUOTA.into(), 1.0);
                Ok(())
            })
            .unwrap();
        let refusal = account.refusal("CreateUserProfile", name("bob"));
        assert!(refusal.starts_with("ResourceLimitExceeded: The account-level"), "{refusal}");
    }
}
