//! Apps start, stop and are refused as AWS has it.

use serde_json::json;

use super::*;
use crate::sim::studio::testing::{Account, ID, app, space};

const KEY: &str = "d-sim000000001/space/lab/JupyterLab/default";

fn with_script(arn: &str) -> Value {
    let mut input = app("lab");
    input["ResourceSpec"] = json!({"LifecycleConfigArn": arn});
    input
}

/// Puts a Classic app that still runs into the account.
fn add_classic(account: &Account) {
    account
        .world
        .change(|state| {
            let app = App {
                domain: ID.into(),
                profile: Some("Ada".into()),
                app_type: "JupyterServer".into(),
                name: "default".into(),
                standing: Standing::in_service(1.0),
                ..App::default()
            };
            state.studio.apps.insert(app.key(), app);
            Ok(())
        })
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_app_is_pending_then_in_service_then_deleted_then_forgotten() {
    let account = Account::with_space().await;
    let arn = account.ok("CreateApp", app("lab"))["AppArn"].clone();
    assert_eq!(
        arn,
        format!("arn:aws:sagemaker:eu-west-1:000000000000:app/{ID}/lab/jupyterlab/default")
    );
    assert_eq!(account.status("DescribeApp", app("lab")), "Pending");
    account.pass(41).await;
    assert_eq!(account.status("DescribeApp", app("lab")), "InService");
    account.ok("DeleteApp", app("lab"));
    assert_eq!(account.status("DescribeApp", app("lab")), "Deleting");
    assert!(account.refusal("DeleteApp", app("lab")).starts_with("ResourceInUse"));
    account.pass(11).await;
    assert_eq!(account.status("DescribeApp", app("lab")), "Deleted");
    assert!(account.refusal("DeleteApp", app("lab")).starts_with("ResourceNotFound"));
    account.pass(86_400).await;
    assert!(account.refusal("DescribeApp", app("lab")).starts_with("ResourceNotFound"));
    assert_eq!(account.ok("ListApps", json!({})), json!({"Apps": []}));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_app_can_be_started_again() {
    let account = Account::with_space().await;
    account.ok("CreateApp", app("lab"));
    account.pass(60).await;
    assert!(account.refusal("CreateApp", app("lab")).starts_with("ResourceInUse"));
    account.ok("DeleteApp", app("lab"));
    assert!(account.refusal("CreateApp", app("lab")).starts_with("ResourceInUse"));
    account.pass(60).await;
    account.ok("CreateApp", app("lab"));
}

#[tokio::test(start_paused = true)]
async fn classic_apps_are_only_ever_stopped() {
    let account = Account::with_ada().await;
    add_classic(&account);
    let classic = |app_type: &str| json!({"DomainId": ID, "UserProfileName": "ada", "AppType": app_type, "AppName": "default"});
    let refusal = account.refusal("CreateApp", classic("KernelGateway"));
    assert_eq!(
        refusal,
        "ValidationException: Invalid AppType [KernelGateway]. This AppType has been deprecated."
    );
    account.ok("DeleteApp", classic("JupyterServer"));
    account.pass(60).await;
    assert!(account.refusal("CreateApp", classic("JupyterServer")).contains("deprecated"));
}

#[tokio::test(start_paused = true)]
async fn an_app_is_a_profiles_or_a_spaces_and_fits_its_space() {
    let account = Account::with_space().await;
    let mut both = app("lab");
    both["UserProfileName"] = json!("ada");
    let mut other_type = app("lab");
    other_type["AppType"] = json!("CodeEditor");
    let mut other_name = app("lab");
    other_name["AppName"] = json!("mine");
    let of_profile = json!({"DomainId": ID, "UserProfileName": "ada", "AppType": "JupyterLab",
        "AppName": "default"});
    for input in [both, other_type, other_name, of_profile] {
        let refusal = account.refusal("CreateApp", input);
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
    }
    assert!(account.refusal("CreateApp", app("none")).starts_with("ResourceNotFound"));
}

#[tokio::test(start_paused = true)]
async fn an_app_waits_for_its_scripts() {
    let account = Account::with_space().await;
    let hook = account.script("Hook", "JupyterLab");
    account.set_ada(json!({"JupyterLabAppSettings": {"BuiltInLifecycleConfigArn": hook}})).await;
    account.ok("CreateApp", app("lab"));
    account.pass(100).await;
    let described = account.ok("DescribeApp", app("lab"));
    assert_eq!(described["Status"], "Pending");
    assert_eq!(described["BuiltInLifecycleConfigArn"], hook);
    scripts_ended(&account.world, KEY, Ok(()));
    assert_eq!(account.status("DescribeApp", app("lab")), "InService");
}

#[tokio::test(start_paused = true)]
async fn an_app_whose_script_fails_has_failed_and_can_be_deleted() {
    let account = Account::with_space().await;
    let hook = account.script("Hook", "JupyterLab");
    account.set_ada(json!({"JupyterLabAppSettings": {"BuiltInLifecycleConfigArn": hook}})).await;
    account.ok("CreateApp", app("lab"));
    scripts_ended(&account.world, KEY, Err("exit code 3".into()));
    let described = account.ok("DescribeApp", app("lab"));
    assert_eq!(described["Status"], "Failed");
    assert_eq!(described["FailureReason"], "LifecycleConfigOnStart script failed: exit code 3");
    account.ok("DeleteApp", app("lab"));
    scripts_ended(&account.world, KEY, Ok(()));
    assert_eq!(account.status("DescribeApp", app("lab")), "Deleting");
}

#[tokio::test(start_paused = true)]
async fn a_script_is_attached_before_an_app_may_name_it() {
    let account = Account::with_space().await;
    let own = account.script("own", "JupyterLab");
    let editor = account.script("editor", "CodeEditor");
    for arn in [own.as_str(), &editor] {
        let refusal = account.refusal("CreateApp", with_script(arn));
        assert!(refusal.starts_with("ValidationException: Lifecycle config"), "{refusal}");
    }
    account.set_ada(json!({"JupyterLabAppSettings": {"LifecycleConfigArns": [own]}})).await;
    account.ok("CreateApp", with_script(&own));
    let described = account.ok("DescribeApp", app("lab"));
    assert_eq!(described["ResourceSpec"]["LifecycleConfigArn"], own);
}

#[tokio::test(start_paused = true)]
async fn the_built_in_script_runs_before_the_chosen_one_and_none_means_none() {
    let account = Account::with_space().await;
    let (hook, own) = (account.script("hook", "JupyterLab"), account.script("own", "JupyterLab"));
    let settings = json!({"BuiltInLifecycleConfigArn": hook, "LifecycleConfigArns": [own],
        "DefaultResourceSpec": {"LifecycleConfigArn": own}});
    account.set_ada(json!({"JupyterLabAppSettings": settings})).await;
    let names = |account: &Account| {
        account.world.read(|state| {
            let scripts = launch::scripts(state, &state.studio.apps[KEY]);
            scripts.into_iter().map(|script| script.0).collect::<Vec<_>>()
        })
    };
    account.ok("CreateApp", app("lab"));
    assert_eq!(names(&account), ["hook", "own"]);
    scripts_ended(&account.world, KEY, Ok(()));
    account.pass(60).await;
    account.ok("DeleteApp", app("lab"));
    account.pass(60).await;
    account.ok("CreateApp", with_script("None"));
    assert_eq!(names(&account), ["hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_launch_knows_the_home_the_role_and_the_volume() {
    let account = Account::with_space().await;
    account.ok("CreateApp", app("lab"));
    let look = |account: &Account| {
        account.world.read(|state| {
            let (domain, space) =
                (&state.studio.domains[ID], &state.studio.spaces[&format!("{ID}/lab")]);
            launch::of_app(state, domain, space, &state.studio.apps[KEY], account.world.now())
        })
    };
    let launch = look(&account);
    assert_eq!(launch.efs_home.unwrap().1, "200001");
    assert_eq!(launch.volume_gb, 5);
    assert_eq!(launch.role.as_deref(), Some(crate::sim::studio::testing::ROLE));
    account.set_ada(json!({"AutoMountHomeEFS": "Disabled"})).await;
    assert_eq!(look(&account).efs_home, None);
}

#[tokio::test(start_paused = true)]
async fn the_quota_of_an_instance_type_is_enforced_in_awss_words() {
    let account = Account::with_space().await;
    account.ok("CreateSpace", space("two", "ada"));
    account.pass(10).await;
    let quota = "Studio JupyterLab Apps running on ml.t3.medium instance";
    account
        .world
        .change(|state| {
            state.quotas.insert(quota.into(), 1.0);
            Ok(())
        })
        .unwrap();
    account.ok("CreateApp", app("lab"));
    let refusal = account.refusal("CreateApp", app("two"));
    let words = format!(
        "ResourceLimitExceeded: The account-level service limit '{quota}' is 1 Apps, with current utilization of 1 \
         Apps and a request delta of 1 Apps."
    );
    assert!(refusal.starts_with(&words), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn apps_are_listed_by_profile_or_by_space() {
    let account = Account::with_space().await;
    add_classic(&account);
    account.ok("CreateApp", app("lab"));
    let count = |input| account.ok("ListApps", input)["Apps"].as_array().unwrap().len();
    assert_eq!(count(json!({"DomainIdEquals": ID})), 2);
    assert_eq!(count(json!({"UserProfileNameEquals": "ada"})), 1);
    assert_eq!(count(json!({"SpaceNameEquals": "lab"})), 1);
    let both = json!({"UserProfileNameEquals": "ada", "SpaceNameEquals": "lab"});
    assert!(account.refusal("ListApps", both).starts_with("ValidationException"));
}
