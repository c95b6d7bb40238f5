//! What would make visibility a permission: for each group of a playbook, the policy that denies what the group does not see.

use serde_json::{Value, json};

use super::policy;
use crate::playbook::Playbook;

/// Actions that stand behind an ML tool, as far as it has some of its own (Service Authorization Reference, SageMaker and EMR).
const BEHIND: [(&str, &[&str]); 17] = [
    ("AutoMl", &["sagemaker:CreateAutoMLJob", "sagemaker:CreateAutoMLJobV2"]),
    ("Comet", &["sagemaker:CreatePartnerAppPresignedUrl"]),
    ("DeepchecksLLMEvaluation", &["sagemaker:CreatePartnerAppPresignedUrl"]),
    (
        "EmrClusters",
        &["elasticmapreduce:GetClusterSessionCredentials", "elasticmapreduce:RunJobFlow"],
    ),
    ("Endpoints", &["sagemaker:CreateEndpoint", "sagemaker:CreateEndpointConfig"]),
    ("Experiments", &["sagemaker:CreateExperiment", "sagemaker:CreateTrial"]),
    ("FeatureStore", &["sagemaker:CreateFeatureGroup"]),
    ("Fiddler", &["sagemaker:CreatePartnerAppPresignedUrl"]),
    ("HyperPodClusters", &["sagemaker:CreateCluster"]),
    ("InferenceOptimization", &["sagemaker:CreateOptimizationJob"]),
    ("InferenceRecommender", &["sagemaker:CreateInferenceRecommendationsJob"]),
    ("JumpStart", &["sagemaker:DescribeHubContent", "sagemaker:ListHubContents"]),
    ("LakeraGuard", &["sagemaker:CreatePartnerAppPresignedUrl"]),
    ("Models", &["sagemaker:CreateModel", "sagemaker:CreateModelPackage"]),
    ("Pipelines", &["sagemaker:CreatePipeline", "sagemaker:StartPipelineExecution"]),
    ("Projects", &["sagemaker:CreateProject"]),
    ("Training", &["sagemaker:CreateTrainingJob"]),
];

/// Writes a policy for each group, and names what no action of its own stands behind.
pub(super) fn policies(playbook: &Playbook, region: &str, account: &str) -> Value {
    let groups = playbook.experience.groups.iter().map(|group| {
        let mut statements = Vec::new();
        if !group.hide_app_types.is_empty() {
            // App types stand in lower case in the ARNs of apps.
            let apps = group.hide_app_types.iter().map(|kind| {
                let kind = kind.to_ascii_lowercase();
                format!("arn:aws:sagemaker:{region}:{account}:app/*/*/{kind}/*")
            });
            statements.push(json!({
                "Sid": "HiddenApps",
                "Effect": "Deny",
                "Action": "sagemaker:CreateApp",
                "Resource": apps.collect::<Vec<_>>(),
            }));
        }
        let (mut actions, mut bare) = (Vec::new(), Vec::new());
        for tool in &group.hide_tools {
            match BEHIND.iter().find(|(name, _)| name == tool) {
                Some((_, behind)) => actions.extend_from_slice(behind),
                None => bare.push(tool.as_str()),
            }
        }
        actions.sort_unstable();
        actions.dedup();
        if !actions.is_empty() {
            statements.push(json!({
                "Sid": "HiddenTools",
                "Effect": "Deny",
                "Action": actions,
                "Resource": "*",
            }));
        }
        let said = json!({ "policy": policy(&statements), "no_action_of_their_own": bare });
        (group.name.clone(), said)
    });
    Value::Object(groups.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::TOOLS;

    #[test]
    fn what_is_hidden_is_denied_and_what_cannot_be_is_named() {
        let text = "schema: 1\nname: test\nexperience: { groups: [{ name: x, profiles: ['*'], hide_app_types: [Canvas], hide_tools: [Fiddler, Comet, Datasets] }] }\n";
        let playbook = Playbook::parse(text, "test.yaml").unwrap();
        let said = policies(&playbook, "eu-west-1", "111122223333");
        let statements = &said["x"]["policy"]["Statement"];
        assert_eq!(
            statements[0]["Resource"][0],
            "arn:aws:sagemaker:eu-west-1:111122223333:app/*/*/canvas/*"
        );
        assert_eq!(statements[1]["Action"], json!(["sagemaker:CreatePartnerAppPresignedUrl"]));
        assert_eq!(said["x"]["no_action_of_their_own"], json!(["Datasets"]));
    }

    #[test]
    fn every_tool_of_the_table_is_one_that_can_be_hidden() {
        assert!(BEHIND.iter().all(|(name, _)| TOOLS.contains(name)));
    }
}
