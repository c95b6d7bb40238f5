//! `UpdateDomain`, and what it refuses.

use serde_json::{Value, json};

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, text_at};
use super::records::{Domain, Members};
use super::refuse::{in_use, invalid, unless_settled};
use super::settings;
use super::standing::Status;

/// AWS's words for a setting that only RStudio domains have.
pub(super) const RSTUDIO_ONLY: &str =
    "AppSecurityGroupManagement can only be set for Rstudio enabled domains.";

/// `UpdateDomain`.
pub(super) fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.change(|state| {
        state.studio.tidy(call.now);
        let id = call.text("DomainId");
        let domain = state.studio.domain(id, call.now)?;
        if let Some(status) = domain.standing.status(call.now) {
            unless_settled("Domain", id, status)?;
        }
        check_rstudio(call, domain)?;
        check_apps(state, call, domain)?;
        let mut members = domain.members.clone();
        settings::merge(&mut members, &changes(call));
        if let Some(given) = call.structure("DefaultUserSettings") {
            if given.contains_key("CustomPosixUserConfig")
                && state.studio.profiles_of(id).next().is_some()
            {
                return Err(invalid(
                    "CustomPosixUserConfig cannot be updated on a domain that has user profiles.",
                ));
            }
            let holds = members.get("DefaultUserSettings").and_then(Value::as_object);
            settings::check(state, given, holds.unwrap_or(given), false)?;
        }
        if let Some(given) = call.structure("DefaultSpaceSettings") {
            settings::check_scripts(state, given)?;
        }
        let arn = super::domain::arn_of(state, domain);
        let mut file_system = domain.file_system.clone();
        match call.given("HomeEfsFileSystemCreation") {
            Some("Disabled") if file_system.is_some() => {
                return Err(invalid("HomeEfsFileSystemCreation cannot be changed to Disabled."));
            }
            Some("Enabled") if file_system.is_none() => {
                let domain = domain.clone();
                file_system = Some(super::domain::add_file_system(state, call.now, &domain, &arn));
            }
            _ => {}
        }
        let settles_at = call.settles_in(state.timing.update);
        if let Some(domain) = state.studio.domains.get_mut(id) {
            domain.members = members;
            domain.file_system = file_system;
            domain.standing.move_to(Status::Updating, call.now, settles_at);
        }
        Ok(json!({ "DomainArn": arn }))
    })
}

/// The members that the call changes, by the names under which they are kept.
fn changes(call: &Call<'_>) -> Members {
    let mut changes = Members::new();
    for member in super::domain::KEPT {
        if let Some(value) = call.member(member) {
            changes.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(given) = call.structure("DomainSettingsForUpdate") {
        let mut given = given.clone();
        if let Some(rstudio) = given.shift_remove("RStudioServerProDomainSettingsForUpdate") {
            given.insert("RStudioServerProDomainSettings".to_owned(), rstudio);
        }
        changes.insert("DomainSettings".to_owned(), Value::Object(given));
    }
    changes
}

fn check_rstudio(call: &Call<'_>, domain: &Domain) -> Result<(), Refusal> {
    let is_rstudio = domain
        .members
        .get("DomainSettings")
        .is_some_and(|settings| settings.get("RStudioServerProDomainSettings").is_some());
    let given = call.structure("DomainSettingsForUpdate");
    let wants_rstudio =
        given.is_some_and(|given| given.contains_key("RStudioServerProDomainSettingsForUpdate"));
    if is_rstudio {
        let current = text_at(&domain.members, &["AppNetworkAccessType"]);
        let wanted = call.given("AppNetworkAccessType");
        if wanted.is_some() && wanted != current {
            return Err(invalid(
                "AppNetworkAccessType cannot be changed for Rstudio enabled domains.",
            ));
        }
        return Ok(());
    }
    if call.member("AppSecurityGroupManagement").is_some() {
        return Err(invalid(RSTUDIO_ONLY));
    }
    if wants_rstudio {
        return Err(invalid("RStudioServerPro is not enabled for this domain."));
    }
    Ok(())
}

/// Some settings are fixed while anything runs.
fn check_apps(state: &State, call: &Call<'_>, domain: &Domain) -> Result<(), Refusal> {
    let identity = call
        .structure("DomainSettingsForUpdate")
        .is_some_and(|given| given.contains_key("ExecutionRoleIdentityConfig"));
    let drops_subnet = call.member("SubnetIds").and_then(Value::as_array).is_some_and(|wanted| {
        let current = domain.members.get("SubnetIds").and_then(Value::as_array);
        current.into_iter().flatten().any(|subnet| !wanted.contains(subnet))
    });
    let fixed = if call.member("AppNetworkAccessType").is_some() {
        "AppNetworkAccessType"
    } else if identity {
        "ExecutionRoleIdentityConfig"
    } else if drops_subnet {
        "SubnetIds"
    } else {
        return Ok(());
    };
    let mut apps = state.studio.apps.values().filter(|app| app.domain == domain.id);
    if apps.any(|app| app.is_running(call.now)) {
        return Err(in_use(format!(
            "{fixed} cannot be updated while apps of domain [{}] are InService, Pending or Deleting.",
            domain.id
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::studio::testing::{Account, ID, ROLE, app};

    fn defaults(settings: Value) -> Value {
        json!({"DomainId": ID, "DefaultUserSettings": settings})
    }

    #[tokio::test(start_paused = true)]
    async fn a_domain_that_is_updating_is_in_use() {
        let account = Account::with_ada().await;
        let input = defaults(json!({"AutoMountHomeEFS": "Disabled"}));
        account.ok("UpdateDomain", input.clone());
        assert_eq!(account.status("DescribeDomain", json!({"DomainId": ID})), "Updating");
        let refusal = account.refusal("UpdateDomain", input.clone());
        assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
        account.pass(3).await;
        account.ok("UpdateDomain", input);
    }

    #[tokio::test(start_paused = true)]
    async fn settings_that_an_update_does_not_name_stay() {
        let account = Account::with_ada().await;
        let flip = json!({"StudioWebPortal": "ENABLED", "DefaultLandingUri": "studio::"});
        account.ok("UpdateDomain", defaults(flip));
        let described = account.ok("DescribeDomain", json!({"DomainId": ID}));
        assert_eq!(described["DefaultUserSettings"]["ExecutionRole"], ROLE);
        assert_eq!(described["DefaultUserSettings"]["DefaultLandingUri"], "studio::");
        assert_eq!(described["AppNetworkAccessType"], "PublicInternetOnly");
    }

    #[tokio::test(start_paused = true)]
    async fn security_group_management_is_for_rstudio_domains() {
        let account = Account::with_ada().await;
        let input = json!({"DomainId": ID, "AppSecurityGroupManagement": "Service"});
        let refusal = account.refusal("UpdateDomain", input);
        assert_eq!(refusal, format!("ValidationException: {RSTUDIO_ONLY}"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_network_and_the_identity_are_fixed_while_an_app_runs() {
        let account = Account::with_space().await;
        account.ok("CreateApp", app("lab"));
        let identity = json!({"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"});
        let network = json!({"DomainId": ID, "AppNetworkAccessType": "VpcOnly"});
        for input in [network.clone(), json!({"DomainId": ID, "DomainSettingsForUpdate": identity})]
        {
            let refusal = account.refusal("UpdateDomain", input);
            assert!(refusal.starts_with("ResourceInUse"), "{refusal}");
        }
        account.pass(60).await;
        account.ok("DeleteApp", app("lab"));
        account.pass(60).await;
        account.ok("UpdateDomain", network);
    }

    #[tokio::test(start_paused = true)]
    async fn default_as_domain_is_not_for_domains() {
        let account = Account::with_ada().await;
        let refusal = account
            .refusal("UpdateDomain", defaults(json!({"AutoMountHomeEFS": "DefaultAsDomain"})));
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
        account.set_ada(json!({"AutoMountHomeEFS": "DefaultAsDomain"})).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_posix_user_of_a_domain_with_people_is_for_life() {
        let account = Account::with_ada().await;
        let user = json!({"CustomPosixUserConfig": {"Uid": 10_000, "Gid": 1001}});
        let refusal = account.refusal("UpdateDomain", defaults(user));
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_system_can_be_added_and_never_taken_away() {
        let account = Account::with_ada().await;
        let input = json!({"DomainId": ID, "HomeEfsFileSystemCreation": "Disabled"});
        let refusal = account.refusal("UpdateDomain", input);
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
    }
}
