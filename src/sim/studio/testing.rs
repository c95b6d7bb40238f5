//! A world of one domain and one person, for the tests of this folder.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sim::World;
use crate::sim::state::State;
use crate::sim::wire::{Caller, Refusal};

pub(super) const ROLE: &str =
    "arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole";

/// A world in a folder of its own, on a paused clock.
pub(super) struct Account {
    pub(super) world: World,
    _dir: TempDir,
}

impl Account {
    /// An account with nothing in it.
    pub(super) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = State { region: "eu-west-1".into(), ..State::default() };
        let world = World::create(dir.path(), Path::new("/bin/false"), state).unwrap();
        Self { world, _dir: dir }
    }

    /// An account with the domain `d-sim000000001` and ada, both in service.
    pub(super) async fn with_ada() -> Self {
        let account = Self::empty();
        account.ok("CreateDomain", domain("research"));
        account.pass(10).await;
        account.ok("CreateUserProfile", json!({"DomainId": ID, "UserProfileName": "Ada"}));
        account.pass(10).await;
        account
    }

    /// The same with the private JupyterLab space `lab`.
    pub(super) async fn with_space() -> Self {
        let account = Self::with_ada().await;
        account.ok("CreateSpace", space("lab", "Ada"));
        account.pass(10).await;
        account
    }

    pub(super) fn call(&self, operation: &str, input: Value) -> Result<Value, Refusal> {
        let caller = Caller { arn: "arn:aws:iam::000000000000:user/operator".into(), role: None };
        super::call(&self.world, &caller, operation, input, None)
    }

    pub(super) fn ok(&self, operation: &str, input: Value) -> Value {
        self.call(operation, input).unwrap()
    }

    /// The code and the words of a refusal.
    pub(super) fn refusal(&self, operation: &str, input: Value) -> String {
        let refusal = self.call(operation, input).unwrap_err();
        format!("{}: {}", refusal.code, refusal.message)
    }

    pub(super) fn status(&self, operation: &str, input: Value) -> String {
        self.ok(operation, input)["Status"].as_str().unwrap().to_owned()
    }

    pub(super) async fn pass(&self, seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    /// Makes a script and returns its ARN.
    pub(super) fn script(&self, name: &str, app_type: &str) -> String {
        let content = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("#!/bin/bash\n# {name}\nsleep 30\n"),
        );
        let output = self.ok(
            "CreateStudioLifecycleConfig",
            json!({
                "StudioLifecycleConfigName": name,
                "StudioLifecycleConfigAppType": app_type,
                "StudioLifecycleConfigContent": content,
            }),
        );
        output["StudioLifecycleConfigArn"].as_str().unwrap().to_owned()
    }

    /// Updates ada's settings and waits.
    pub(super) async fn set_ada(&self, settings: Value) {
        self.ok("UpdateUserProfile", ada(settings));
        self.pass(10).await;
    }
}

pub(super) const ID: &str = "d-sim000000001";

pub(super) fn domain(name: &str) -> Value {
    json!({
        "DomainName": name,
        "AuthMode": "IAM",
        "VpcId": "vpc-1",
        "SubnetIds": ["subnet-1", "subnet-2"],
        "DefaultUserSettings": {"ExecutionRole": ROLE},
    })
}

pub(super) fn ada(settings: Value) -> Value {
    json!({"DomainId": ID, "UserProfileName": "Ada", "UserSettings": settings})
}

pub(super) fn space(name: &str, owner: &str) -> Value {
    json!({
        "DomainId": ID,
        "SpaceName": name,
        "SpaceSettings": {"AppType": "JupyterLab"},
        "OwnershipSettings": {"OwnerUserProfileName": owner},
        "SpaceSharingSettings": {"SharingType": "Private"},
    })
}

pub(super) fn app(name: &str) -> Value {
    json!({"DomainId": ID, "SpaceName": name, "AppType": "JupyterLab", "AppName": "default"})
}
