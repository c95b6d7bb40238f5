//! The simulator's front, met by the real SDK clients.

use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use serde_json::json;
use studio_migrate::sim::state::{
    AccessPoint, Effect, Fault, FileSystem, MountTarget, Role, State, Statement, TrailEvent,
};
use studio_migrate::sim::{Simulator, World, door, server};
use tempfile::TempDir;

const ROLE: &str = "arn:aws:iam::000000000000:role/worker";
const FILE_SYSTEM: &str = "fs-0000000000000001a";

fn account() -> State {
    let mut state = State {
        region: "eu-west-1".into(),
        access_key_id: "AKIASIMOPERATOR00000".into(),
        secret_access_key: "secret".into(),
        ..State::default()
    };
    for number in 0..7 {
        state.quotas.insert(format!("Quota {number}"), f64::from(number));
    }
    let allow = |action: &str| Statement {
        allow: true,
        actions: vec![action.into()],
        resources: vec!["*".into()],
        ..Statement::default()
    };
    let statements = vec![allow("servicequotas:*"), allow("sts:*")];
    let role = Role { arn: ROLE.into(), statements, ..Role::default() };
    state.roles.insert(ROLE.into(), role);
    let system = FileSystem {
        id: FILE_SYSTEM.into(),
        created_at: 1_700_000_000.0,
        throughput_mode: "elastic".into(),
        tags: [("Name".to_owned(), "homes".to_owned())].into(),
        mount_targets: vec![MountTarget {
            id: "fsmt-00000001".into(),
            subnet: "subnet-00000001".into(),
            security_groups: vec!["sg-00000001".into()],
            ..MountTarget::default()
        }],
        access_points: (0..3)
            .map(|number| AccessPoint {
                id: format!("fsap-0000000{number}"),
                uid: format!("20000{number}"),
            })
            .collect(),
        ..FileSystem::default()
    };
    state.file_systems.insert(FILE_SYSTEM.into(), system);
    let other = FileSystem { id: "fs-00000002".into(), ..FileSystem::default() };
    state.file_systems.insert(other.id.clone(), other);
    state
}

fn fault(operation: &str, effect: Effect) -> Fault {
    Fault { operation: operation.into(), from: 1, times: 1, effect }
}

struct Account {
    simulator: Simulator,
    dir: TempDir,
}

impl Account {
    fn new(state: State) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::create(dir.path(), Path::new("/bin/true"), state).unwrap();
        Self { simulator: Simulator::new(world), dir }
    }

    fn config(&self, secret: &str, region: &str, attempts: u32) -> SdkConfig {
        let credentials = Credentials::from_keys("AKIASIMOPERATOR00000", secret, None);
        config(door(self.simulator.clone()), credentials, region, attempts)
    }

    fn as_operator(&self) -> SdkConfig {
        self.config("secret", "eu-west-1", 3)
    }
}

fn config(
    http: SharedHttpClient,
    credentials: Credentials,
    region: &str,
    attempts: u32,
) -> SdkConfig {
    SdkConfig::builder()
        .http_client(http)
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
            credentials,
        ))
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        .behavior_version(aws_config::BehaviorVersion::latest())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .build()
}

/// Credentials of a session of the role, named alice.
async fn assumed(sts: &aws_sdk_sts::Client) -> Credentials {
    let assume = sts.assume_role().role_arn(ROLE).role_session_name("alice");
    let assumed = assume.send().await.unwrap();
    let keys = assumed.credentials().unwrap();
    let token = Some(keys.session_token().to_owned());
    Credentials::from_keys(keys.access_key_id(), keys.secret_access_key(), token)
}

#[tokio::test]
async fn the_operator_is_told_who_they_are() {
    let account = Account::new(account());
    let identity = aws_sdk_sts::Client::new(&account.as_operator());
    let identity = identity.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("000000000000"));
    assert_eq!(identity.arn(), Some("arn:aws:iam::000000000000:user/operator"));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_by_every_protocol() {
    let account = Account::new(account());
    let config = account.config("guess", "eu-west-1", 1);
    let sts = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap_err();
    assert_eq!(sts.code(), Some("SignatureDoesNotMatch"));
    let efs = aws_sdk_efs::Client::new(&config).describe_file_systems().send().await.unwrap_err();
    assert_eq!(efs.code(), Some("InvalidSignatureException"));
    let studio = aws_sdk_sagemaker::Client::new(&config).list_domains().send().await.unwrap_err();
    assert_eq!(studio.code(), Some("InvalidSignatureException"));
}

#[tokio::test]
async fn another_region_is_refused() {
    let account = Account::new(account());
    let config = account.config("secret", "us-west-2", 1);
    let quotas = aws_sdk_servicequotas::Client::new(&config);
    let refusal = quotas.list_service_quotas().service_code("sagemaker").send().await.unwrap_err();
    assert!(refusal.message().unwrap().contains("valid region"), "{refusal:?}");
}

#[tokio::test]
async fn quotas_come_page_by_page_and_each_once() {
    let account = Account::new(account());
    let quotas = aws_sdk_servicequotas::Client::new(&account.as_operator());
    let list = quotas.list_service_quotas().service_code("sagemaker").max_results(3);
    let mut pages = list.into_paginator().send();
    let mut names = Vec::new();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        sizes.push(page.quotas().len());
        names.extend(page.quotas().iter().map(|quota| quota.quota_name().unwrap().to_owned()));
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(names, (0..7).map(|number| format!("Quota {number}")).collect::<Vec<_>>());
    let code = studio_migrate::sim::quotas::code_of("Quota 4");
    let one = quotas.get_service_quota().service_code("sagemaker").quota_code(code);
    let one = one.send().await.unwrap();
    assert_eq!(one.quota().unwrap().value(), Some(4.0));
    let none = quotas.get_service_quota().service_code("sagemaker").quota_code("L-0");
    assert_eq!(none.send().await.unwrap_err().code(), Some("NoSuchResourceException"));
    let beyond = quotas.list_service_quotas().service_code("sagemaker").max_results(101);
    assert_eq!(beyond.send().await.unwrap_err().code(), Some("ValidationException"));
}

#[tokio::test]
async fn a_lost_reply_is_a_dispatch_failure_and_the_deed_is_done() {
    let mut state = account();
    state.faults.push(fault("sts:AssumeRole", Effect::ReplyLost));
    let account = Account::new(state);
    let sts = aws_sdk_sts::Client::new(&account.config("secret", "eu-west-1", 1));
    let assume = || sts.assume_role().role_arn(ROLE).role_session_name("alice").send();
    let error = assume().await.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.is_io()), "{error:?}");
    assert_eq!(account.simulator.world().read(|state| state.sessions.len()), 1);
    assume().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_tried_again_by_the_sdk_and_succeeds() {
    let mut state = account();
    let operations = [
        "servicequotas:ListServiceQuotas",
        "elasticfilesystem:DescribeFileSystems",
        "sts:GetCallerIdentity",
        "cloudtrail:LookupEvents",
    ];
    state.faults = operations.iter().map(|name| fault(name, Effect::Throttled)).collect();
    let account = Account::new(state);
    let config = account.as_operator();
    let quotas = aws_sdk_servicequotas::Client::new(&config);
    quotas.list_service_quotas().service_code("sagemaker").send().await.unwrap();
    aws_sdk_efs::Client::new(&config).describe_file_systems().send().await.unwrap();
    aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap();
    aws_sdk_cloudtrail::Client::new(&config).lookup_events().send().await.unwrap();
    let calls = account.simulator.world().read(|state| state.calls.clone());
    assert!(operations.iter().all(|name| calls[*name] == 2), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_error_a_denial_and_a_slow_reply_are_what_they_say() {
    let mut state = account();
    state.faults = vec![
        fault("sts:GetCallerIdentity", Effect::ServerError),
        fault("servicequotas:ListServiceQuotas", Effect::Denied),
        fault("elasticfilesystem:DescribeFileSystems", Effect::Slow(30.0)),
    ];
    let account = Account::new(state);
    let config = account.config("secret", "eu-west-1", 1);
    let error = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    let quotas = aws_sdk_servicequotas::Client::new(&config);
    let error = quotas.list_service_quotas().service_code("sagemaker").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    let before = tokio::time::Instant::now();
    aws_sdk_efs::Client::new(&config).describe_file_systems().send().await.unwrap();
    assert!(before.elapsed() >= Duration::from_secs(30));
}

#[tokio::test]
async fn credentials_expire_and_a_look_that_comes_too_early_sees_what_was() {
    let mut state = account();
    state.faults = vec![
        fault("sts:GetCallerIdentity", Effect::Expired),
        fault("sagemaker:DescribeStudioLifecycleConfig", Effect::Unseen),
        fault("sagemaker:ListStudioLifecycleConfigs", Effect::Stale),
    ];
    let account = Account::new(state);
    let config = account.config("secret", "eu-west-1", 1);
    let error = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap_err();
    assert_eq!(error.code(), Some("ExpiredToken"));
    let studio = aws_sdk_sagemaker::Client::new(&config);
    for name in ["one", "two"] {
        let create = studio.create_studio_lifecycle_config().studio_lifecycle_config_name(name);
        let create = create.studio_lifecycle_config_app_type("JupyterLab".into());
        create.studio_lifecycle_config_content("ZWNobw==").send().await.unwrap();
    }
    let one = || studio.describe_studio_lifecycle_config().studio_lifecycle_config_name("one");
    assert_eq!(one().send().await.unwrap_err().code(), Some("ResourceNotFound"));
    one().send().await.unwrap();
    for seen in [1, 2] {
        let listed = studio.list_studio_lifecycle_configs().send().await.unwrap();
        assert_eq!(listed.studio_lifecycle_configs().len(), seen);
    }
    let kept = account.simulator.world().read(|state| state.studio.scripts.len());
    assert_eq!(kept, 2, "a stale look changes nothing");
}

#[tokio::test]
async fn a_session_may_do_what_its_role_may() {
    let account = Account::new(account());
    let sts = aws_sdk_sts::Client::new(&account.as_operator());
    let credentials = assumed(&sts).await;
    let config = config(door(account.simulator.clone()), credentials, "eu-west-1", 1);
    let sts = aws_sdk_sts::Client::new(&config);
    let identity = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn(), Some("arn:aws:sts::000000000000:assumed-role/worker/alice"));
    let quotas = aws_sdk_servicequotas::Client::new(&config);
    quotas.list_service_quotas().service_code("sagemaker").send().await.unwrap();
    let error = aws_sdk_efs::Client::new(&config).describe_file_systems().send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    assert!(
        error.message().unwrap().contains("elasticfilesystem:DescribeFileSystems"),
        "{error:?}"
    );
}

#[tokio::test]
async fn objects_are_denied_by_faults_and_by_roles() {
    let mut state = account();
    state.faults.push(fault("s3:PutObject", Effect::Denied));
    state.faults.push(fault("s3:DeleteObject", Effect::ReplyLost));
    let account = Account::new(state);
    let client = |config: SdkConfig| {
        let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    };
    let operator = client(account.config("secret", "eu-west-1", 1));
    let put = operator.put_object().bucket("b").key("a/b").body(vec![0; 1 << 20].into());
    assert_eq!(put.send().await.unwrap_err().code(), Some("AccessDenied"));
    let error = operator.delete_object().bucket("b").key("k").send().await.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(_)), "{error:?}");
    let sts = aws_sdk_sts::Client::new(&account.as_operator());
    let (http, credentials) = (door(account.simulator.clone()), assumed(&sts).await);
    let worker = client(config(http, credentials, "eu-west-1", 1));
    let error = worker.get_object().bucket("b").key("a b").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    let message = error.message().unwrap();
    assert!(message.contains("s3:GetObject on resource: arn:aws:s3:::b/a b "), "{message}");
    let error = worker.head_object().bucket("b").key("k").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
}

#[tokio::test]
async fn a_role_and_its_policies_are_shown() {
    let account = Account::new(account());
    let iam = aws_sdk_iam::Client::new(&account.as_operator());
    let role = iam.get_role().role_name("worker").send().await.unwrap();
    assert_eq!(role.role().unwrap().arn(), ROLE);
    assert_eq!(role.role().unwrap().path(), "/");
    let error = iam.get_role().role_name("nobody").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_no_such_entity_exception());
    let simulate = iam
        .simulate_principal_policy()
        .policy_source_arn(ROLE)
        .action_names("servicequotas:ListServiceQuotas")
        .action_names("sagemaker:CreateApp")
        .max_items(1);
    let mut pages = simulate.into_paginator().send();
    let mut decisions = Vec::new();
    while let Some(page) = pages.next().await {
        let results = page.unwrap().evaluation_results().to_vec();
        decisions.extend(results.into_iter().map(|result| result.eval_decision));
    }
    use PolicyEvaluationDecisionType::{Allowed, ImplicitDeny};
    assert_eq!(decisions, [Allowed, ImplicitDeny]);
}

#[tokio::test]
async fn events_are_looked_up_by_name_the_newest_first() {
    let mut state = account();
    let now = jiff::Timestamp::now().as_second() as f64;
    for (age, name) in [(300.0, "CreateApp"), (200.0, "DeleteApp"), (100.0, "CreateApp")] {
        state.trail.push(TrailEvent {
            at: now - age,
            name: name.into(),
            caller: "arn:aws:sts::000000000000:assumed-role/worker/alice".into(),
            request: json!({"domainId": "d-sim1", "age": age}),
        });
    }
    let account = Account::new(state);
    let trail = aws_sdk_cloudtrail::Client::new(&account.as_operator());
    let attribute = LookupAttribute::builder()
        .attribute_key(LookupAttributeKey::EventName)
        .attribute_value("CreateApp")
        .build()
        .unwrap();
    let look = trail.lookup_events().lookup_attributes(attribute).max_results(1);
    let mut pages = look.into_paginator().send();
    let mut ages = Vec::new();
    while let Some(page) = pages.next().await {
        for event in page.unwrap().events() {
            assert_eq!(event.username(), Some("alice"));
            let record: serde_json::Value =
                serde_json::from_str(event.cloud_trail_event().unwrap()).unwrap();
            assert_eq!(record["requestParameters"]["domainId"], "d-sim1");
            ages.push(record["requestParameters"]["age"].as_f64().unwrap());
        }
    }
    assert_eq!(ages, [100.0, 300.0]);
}

#[tokio::test]
async fn file_systems_are_measured_and_paged() {
    let account = Account::new(account());
    let home = account.dir.path().join("efs").join(FILE_SYSTEM).join("200001/deep");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("a.ipynb"), [0; 1234]).unwrap();
    std::os::unix::fs::symlink("/", home.join("root")).unwrap();
    let efs = aws_sdk_efs::Client::new(&account.as_operator());
    let one = efs.describe_file_systems().file_system_id(FILE_SYSTEM).send().await.unwrap();
    let one = &one.file_systems()[0];
    assert_eq!(one.name(), Some("homes"));
    assert_eq!(one.number_of_mount_targets(), 1);
    // The link counts as the length of what it says.
    assert_eq!(one.size_in_bytes().unwrap().value(), 1235);
    let mut pages = efs.describe_file_systems().max_items(1).into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        ids.extend(
            page.unwrap().file_systems().iter().map(|each| each.file_system_id().to_owned()),
        );
    }
    assert_eq!(ids, [FILE_SYSTEM, "fs-00000002"]);
    let error = efs.describe_file_systems().file_system_id("fs-00000009").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_file_system_not_found());
}

#[tokio::test]
async fn access_points_mount_targets_and_policies_are_shown() {
    let account = Account::new(account());
    let efs = aws_sdk_efs::Client::new(&account.as_operator());
    let list = efs.describe_access_points().file_system_id(FILE_SYSTEM).max_results(2);
    let mut pages = list.into_paginator().send();
    let mut paths = Vec::new();
    while let Some(page) = pages.next().await {
        for point in page.unwrap().access_points() {
            paths.push(point.root_directory().unwrap().path().unwrap().to_owned());
        }
    }
    assert_eq!(paths, ["/200000", "/200001", "/200002"]);
    let targets = efs.describe_mount_targets().file_system_id(FILE_SYSTEM).send().await.unwrap();
    let target = &targets.mount_targets()[0];
    assert_eq!(target.subnet_id(), "subnet-00000001");
    let id = target.mount_target_id();
    let groups = efs.describe_mount_target_security_groups().mount_target_id(id);
    assert_eq!(groups.send().await.unwrap().security_groups(), ["sg-00000001"]);
    let error = efs.describe_mount_targets().send().await.unwrap_err();
    assert_eq!(error.code(), Some("BadRequest"));
    let policy = efs.describe_file_system_policy().file_system_id(FILE_SYSTEM).send().await;
    assert!(policy.unwrap_err().as_service_error().unwrap().is_policy_not_found());
    let arn = format!("arn:aws:elasticfilesystem:eu-west-1:000000000000:file-system/{FILE_SYSTEM}");
    let tags = efs.list_tags_for_resource().resource_id(arn).send().await.unwrap();
    assert_eq!(tags.tags()[0].value(), "homes");
}

#[tokio::test]
async fn a_server_on_loopback_answers_loses_replies_and_stops() {
    let mut state = account();
    state.faults.push(fault("sts:GetCallerIdentity", Effect::ReplyLost));
    let account = Account::new(state);
    let world = account.simulator.world().clone();
    let outside = server::bind(&world, Some(([0, 0, 0, 0], 0).into())).await;
    assert_eq!(outside.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    let listener = server::bind(&world, None).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(world.read(|state| state.port), Some(port));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server::serve(account.simulator.clone(), listener, async {
        let _ = stopped.await;
    }));
    let credentials = Credentials::from_keys("AKIASIMOPERATOR00000", "secret", None);
    let shared = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .credentials_provider(credentials)
        .region(Region::new("eu-west-1"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .retry_config(RetryConfig::disabled())
        .load()
        .await;
    let sts = aws_sdk_sts::Client::new(&shared);
    let error = sts.get_caller_identity().send().await.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(_)), "{error:?}");
    let identity = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("000000000000"));
    let efs = aws_sdk_efs::Client::new(&shared);
    assert_eq!(efs.describe_file_systems().send().await.unwrap().file_systems().len(), 2);
    aws_sdk_iam::Client::new(&shared).get_role().role_name("worker").send().await.unwrap();
    assert_eq!(world.endpoint(), Some(format!("http://127.0.0.1:{port}")));
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    // The port is free again, and taken again.
    let listener = server::bind(&world, None).await.unwrap();
    assert_eq!(listener.local_addr().unwrap().port(), port);
}
