//! The world `small`: one domain of people with mixed settings, and real homes.

use serde_json::{Value, json};

use crate::sim::bucket::{BucketSpec, ObjectText};
use crate::sim::state::Timing;
use crate::sim::studio::Members;

use super::Built;
use super::build::build;
use super::description::{
    AppText, Description, DomainText, ProfileText, ScriptText, SpaceText, Visit,
};

/// The first people; those after them are numbered.
const PEOPLE: [&str; 12] = [
    "ada-lovelace",
    "Grace-Hopper",
    "alan-turing",
    "Katherine-Johnson",
    "dorothy-vaughan",
    "edsger",
    "Barbara-Liskov",
    "tim",
    "margaret-h",
    "Radia-P",
    "hedy",
    "Donald-K-2",
];

/// Builds a world of so many people; the seed grows the content of their homes.
pub fn small(users: usize, seed: u64) -> Built {
    // The description is our own and contradicts itself nowhere, which a test holds it to.
    build(&describe(users, seed)).unwrap_or_default()
}

fn describe(users: usize, seed: u64) -> Description {
    let profiles: Vec<ProfileText> = (0..users).map(person).collect();
    let objects = (1..=3).map(|number| {
        let key = format!("sharing/d-sim000000001/shared-notebooks/notebook-{number}.ipynb");
        ObjectText { key, bytes: 4096 * number, days_ago: 0 }
    });
    Description {
        real_volumes: true,
        name: "small".to_owned(),
        seed,
        timing: Timing {
            space: 0.3,
            update: 0.2,
            app_start: 0.4,
            app_stop: 0.2,
            script_limit: 300.0,
            datasync_create: 0.2,
            datasync_launch: 0.4,
            datasync_phase: 0.2,
            ..Timing::default()
        },
        quotas: quotas(users),
        scripts: scripts(),
        domains: vec![DomainText {
            name: "research".to_owned(),
            members: members(json!({ "DefaultUserSettings": defaults() })),
            profiles,
            spaces: vec![SpaceText {
                name: "genomics-shared".to_owned(),
                home: Some("shared".to_owned()),
                ..SpaceText::default()
            }],
            ..DomainText::default()
        }],
        buckets: vec![BucketSpec {
            name: "sagemaker-eu-west-1-000000000000".to_owned(),
            objects: objects.collect(),
            ..BucketSpec::default()
        }],
        ..Description::default()
    }
}

fn quotas(users: usize) -> std::collections::BTreeMap<String, f64> {
    let plenty = (users * 4 + 100) as f64;
    let mut quotas = std::collections::BTreeMap::new();
    for kind in ["spaces", "user profiles"] {
        quotas.insert(format!("Maximum number of Studio {kind} allowed per account"), plenty);
    }
    quotas.insert("Maximum number of running Studio apps allowed per account".to_owned(), plenty);
    for app_type in ["JupyterLab", "CodeEditor"] {
        for instance in ["ml.t3.medium", "ml.t3.large", "ml.m5.large"] {
            let name = format!("Studio {app_type} Apps running on {instance} instance");
            quotas.insert(name, plenty);
        }
    }
    quotas
}

fn scripts() -> Vec<ScriptText> {
    let script = |name: &str, app_type: &str, text: &str| ScriptText {
        name: name.to_owned(),
        app_type: app_type.to_owned(),
        text: format!("#!/bin/bash\nset -eu\n{text}\n"),
        ..ScriptText::default()
    };
    vec![
        script(
            "classic-auto-shutdown",
            "JupyterServer",
            "jupyter serverextension enable --py sagemaker_studio_autoshutdown",
        ),
        script("Classic-Conda", "KernelGateway", "conda config --set auto_activate_base false"),
        script("classic-git", "JupyterServer", "git config --global credential.helper store"),
        script("team-hook", "JupyterLab", "echo 'the hook of the team has run'"),
        script("own-tools", "JupyterLab", "echo 'own tools are there'"),
        script("editor-tools", "CodeEditor", "echo 'the tools of the editor are there'"),
    ]
}

fn script_arn(name: &str) -> String {
    format!("arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/{name}")
}

/// Everybody lands in Classic, unless their own settings say more.
fn defaults() -> Value {
    json!({
        "SecurityGroups": ["sg-00000000000000001"],
        "StudioWebPortal": "ENABLED",
        "DefaultLandingUri": "app:JupyterServer:",
        "SharingSettings": {
            "NotebookOutputOption": "Allowed",
            "S3OutputPath": "s3://sagemaker-eu-west-1-000000000000/sharing",
        },
        "JupyterServerAppSettings": {
            "DefaultResourceSpec": { "InstanceType": "system" },
            "LifecycleConfigArns": [script_arn("classic-auto-shutdown")],
        },
        "KernelGatewayAppSettings": { "LifecycleConfigArns": [script_arn("classic-conda")] },
        "JupyterLabAppSettings": {
            "DefaultResourceSpec": { "InstanceType": "ml.t3.medium" },
        },
    })
}

fn members(value: Value) -> Members {
    match value {
        Value::Object(members) => members,
        _ => Members::new(),
    }
}

fn person(number: usize) -> ProfileText {
    let name =
        PEOPLE.get(number).map_or_else(|| format!("person-{number:04}"), |name| (*name).into());
    let home = match number % 12 {
        1 | 4 | 7 => "engineer",
        3 => "big",
        5 | 11 => "awkward",
        9 => "empty",
        _ => "data-scientist",
    };
    let caller = format!("arn:aws:sts::000000000000:assumed-role/Research/{name}");
    let runs_classic = number == 2 || number == 7;
    let mut profile = ProfileText {
        settings: members(settings(number)),
        home: home.to_owned(),
        visits: vec![Visit { caller, days_ago: 2.0 }],
        name,
        ..ProfileText::default()
    };
    if number % 6 == 4 {
        profile.tags.insert("preferred-app".to_owned(), "CodeEditor".to_owned());
    }
    if runs_classic {
        profile.apps = vec![
            AppText {
                app_type: "JupyterServer".to_owned(),
                name: "default".to_owned(),
                instance: "system".to_owned(),
            },
            AppText {
                app_type: "KernelGateway".to_owned(),
                name: "datascience-1-0-ml-t3-medium".to_owned(),
                instance: "ml.t3.medium".to_owned(),
            },
        ];
    }
    profile
}

/// What a person has set beside the domain's defaults.
fn settings(number: usize) -> Value {
    match number % 6 {
        1 => json!({ "StudioWebPortal": "DISABLED", "DefaultLandingUri": "app:JupyterServer:" }),
        2 => json!({
            "JupyterServerAppSettings": {
                "DefaultResourceSpec": { "InstanceType": "system" },
                "LifecycleConfigArns": [script_arn("classic-auto-shutdown"), script_arn("classic-git")],
            },
        }),
        3 => json!({
            "JupyterLabAppSettings": {
                "BuiltInLifecycleConfigArn": script_arn("team-hook"),
                "LifecycleConfigArns": [script_arn("own-tools")],
            },
        }),
        4 => json!({
            "CodeEditorAppSettings": {
                "DefaultResourceSpec": { "InstanceType": "ml.t3.large" },
                "LifecycleConfigArns": [script_arn("editor-tools")],
            },
        }),
        5 => json!({
            "AutoMountHomeEFS": "DefaultAsDomain",
            "StudioWebPortal": "DISABLED",
            "DefaultLandingUri": "app:JupyterServer:",
            "SecurityGroups": ["sg-00000000000000002"],
        }),
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_of_the_description_is_a_world() {
        for users in [0, 1, 12, 13, 500] {
            assert!(build(&describe(users, 1)).is_ok(), "{users}");
        }
    }
}
