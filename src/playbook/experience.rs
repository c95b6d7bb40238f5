//! What people see once they are moved, and who sees less.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Problems;
use super::glob::name_glob;
use super::policy::has_tags;
use super::target::SpaceApp;
use crate::names::ProfileName;

/// The app types that can be hidden: AWS's `AppType` (`StudioWebPortalSettings.HiddenAppTypes`).
pub const APP_TYPES: [&str; 9] = [
    "Canvas",
    "CodeEditor",
    "DetailedProfiler",
    "JupyterLab",
    "JupyterServer",
    "KernelGateway",
    "RSessionGateway",
    "RStudioServerPro",
    "TensorBoard",
];

/// The tools that can be hidden: AWS's `MlTools` (`StudioWebPortalSettings.HiddenMlTools`).
pub const TOOLS: [&str; 23] = [
    "AutoMl",
    "Comet",
    "DataWrangler",
    "Datasets",
    "DeepchecksLLMEvaluation",
    "EmrClusters",
    "Endpoints",
    "Evaluators",
    "Experiments",
    "FeatureStore",
    "Fiddler",
    "HyperPodClusters",
    "InferenceOptimization",
    "InferenceRecommender",
    "JumpStart",
    "LakeraGuard",
    "ModelEvaluation",
    "Models",
    "PerformanceEvaluation",
    "Pipelines",
    "Projects",
    "RunningInstances",
    "Training",
];

/// What people see afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Experience {
    /// Whether `cutover` hides the Classic app types from everyone. Visibility, not permission.
    pub hide_classic: bool,
    /// What `cutover` does with the auto-mount of the Classic EFS.
    pub auto_mount: AutoMount,
    /// Minutes without use after which `cutover` lets every space of the domain shut its app down, unless a space or a profile
    /// says otherwise; 60 to 525600. `null`: what the domain says stays.
    pub idle_shutdown_minutes: Option<i32>,
    /// Groups from whom more is hidden, from their flip on. The first that someone is in counts. Visibility, not permission.
    pub groups: Vec<Group>,
}

impl Default for Experience {
    fn default() -> Self {
        Self {
            hide_classic: true,
            auto_mount: AutoMount::Leave,
            idle_shutdown_minutes: None,
            groups: Vec::new(),
        }
    }
}

/// What `cutover` does with the auto-mount of the Classic EFS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AutoMount {
    /// It stays as it is: people keep a way back to their old files.
    #[default]
    Leave,
    /// It is turned off for the domain.
    Disable,
}

/// People from whom some of the new Studio is hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What plans and reports call it.
    pub name: String,
    /// Glob patterns of profile names; none means everyone who has the tags.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Tags that a profile must have, all of them; an empty value means any.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// App types to hide, as AWS spells them: `Canvas`.
    #[serde(default)]
    pub hide_app_types: Vec<String>,
    /// ML tools to hide, as AWS spells them: `JumpStart`.
    #[serde(default)]
    pub hide_tools: Vec<String>,
}

impl Group {
    /// Tells whether somebody is in the group. A pattern that is no glob matches nobody.
    pub fn has(&self, profile: &ProfileName, tags: &BTreeMap<String, String>) -> bool {
        let is_named =
            |pattern: &String| name_glob(pattern).is_ok_and(|glob| glob.is_match(profile.as_str()));
        (self.profiles.is_empty() || self.profiles.iter().any(is_named))
            && has_tags(&self.tags, tags)
    }
}

/// Checks the groups.
pub(super) fn check(experience: &Experience, app: SpaceApp, problems: &mut Problems) {
    if let Some(minutes) = experience.idle_shutdown_minutes {
        problems.within("experience.idle_shutdown_minutes", minutes, 60..=525_600);
    }
    for (i, group) in experience.groups.iter().enumerate() {
        let key = |name: &str| format!("experience.groups[{i}].{name}");
        let is_taken = experience.groups[..i].iter().any(|other| other.name == group.name);
        if group.name.trim().is_empty() || is_taken {
            let what = if is_taken { "two groups are called so" } else { "it is empty" };
            problems.add(&key("name"), what, "give each group a name of its own");
        }
        if group.profiles.is_empty() && group.tags.is_empty() {
            problems.add(
                &key("profiles"),
                "neither names nor tags say who is in it",
                "write `profiles: [\"*\"]` for everyone",
            );
        }
        for (n, pattern) in group.profiles.iter().enumerate() {
            if let Err(error) = name_glob(pattern) {
                problems.add(
                    &key(&format!("profiles[{n}]")),
                    format!("`{pattern}` is no glob ({})", error.kind()),
                    "use `*`, `?`, `[ab]` and `{a,b}`",
                );
            }
        }
        if group.hide_app_types.is_empty() && group.hide_tools.is_empty() {
            problems.add(&key("hide_tools"), "nothing is hidden", "name app types or tools");
        }
        if group.name.chars().any(char::is_control) {
            problems.add(&key("name"), "it holds control characters", "use letters and digits");
        }
        if group.hide_app_types.iter().any(|kind| kind == app.as_str()) {
            problems.add(
                &key("hide_app_types"),
                format!("{app} is what people move into (target.app_type)"),
                "hide other app types",
            );
        }
        known(&key("hide_app_types"), &group.hide_app_types, &APP_TYPES, problems);
        known(&key("hide_tools"), &group.hide_tools, &TOOLS, problems);
    }
}

fn known(key: &str, given: &[String], there: &[&str], problems: &mut Problems) {
    for (n, name) in given.iter().enumerate() {
        if !there.contains(&name.as_str()) {
            problems.add(
                &format!("{key}[{n}]"),
                format!("AWS has no `{name}` to hide"),
                format!("write one of {}", there.join(", ")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Playbook;

    fn problems(groups: &str) -> Vec<String> {
        let text = format!("schema: 1\nname: test\nexperience:\n  groups:\n{groups}");
        let playbook = Playbook::parse(&text, "test.yaml").unwrap();
        playbook.check().into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn a_group_says_who_is_in_it_and_hides_what_there_is() {
        let good = "  - { name: contractors, tags: { team: x }, hide_tools: [JumpStart], hide_app_types: [Canvas] }\n";
        assert_eq!(problems(good), [""; 0]);
        assert_eq!(
            problems("  - { name: '', hide_tools: [Jumpstart] }\n"),
            [
                "experience.groups[0].name",
                "experience.groups[0].profiles",
                "experience.groups[0].hide_tools[0]"
            ]
        );
        assert_eq!(
            problems("  - { name: a, profiles: ['*'] }\n"),
            ["experience.groups[0].hide_tools"]
        );
        assert_eq!(problems(&format!("{good}{good}")), ["experience.groups[1].name"]);
    }

    #[test]
    fn someone_is_in_a_group_by_name_and_by_tag() {
        let group = Group {
            profiles: vec!["ext-*".to_owned()],
            tags: BTreeMap::from([("team".to_owned(), String::new())]),
            ..Group::default()
        };
        let tags = BTreeMap::from([("team".to_owned(), "fraud".to_owned())]);
        assert!(group.has(&ProfileName::from("ext-anna"), &tags));
        assert!(!group.has(&ProfileName::from("ext-anna"), &BTreeMap::new()));
        assert!(!group.has(&ProfileName::from("boris"), &tags));
    }
}
