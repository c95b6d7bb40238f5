//! The space that a person gets, and where their files land in it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The space that each person gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Target {
    /// The pattern of the space's name; `{profile}` stands for the profile name. Shortened to 63 characters.
    pub space_name: String,
    /// Which app the space is for. AWS cannot change it afterwards.
    pub app_type: SpaceApp,
    /// The instance type on which homes are copied, e.g. `ml.t3.medium`.
    pub instance_type: String,
    /// The ARN of the SageMaker image, or of one of its versions, that the space starts with after the migration; none means
    /// what the domain starts with. Copying is done on AWS's own image.
    pub image: Option<String>,
    /// What happens where a person already owns a private space for this app.
    pub existing_spaces: ExistingSpaces,
    /// Idle shutdown of the space after the migration, in minutes, 60 to 525600.
    pub idle_shutdown_minutes: i32,
    /// How the EBS volume is sized. It can never shrink, and grows once in six hours.
    pub volume: Volume,
    /// Tags of the space, beside our own; `{profile}` and `{domain}` in a value are filled in.
    pub tags: BTreeMap<String, String>,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            space_name: "{profile}-studio".to_owned(),
            app_type: SpaceApp::JupyterLab,
            instance_type: "ml.t3.medium".to_owned(),
            image: None,
            existing_spaces: ExistingSpaces::Leave,
            idle_shutdown_minutes: 120,
            volume: Volume::default(),
            tags: BTreeMap::new(),
        }
    }
}

/// The app that a space of the new Studio is for, as AWS spells it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum SpaceApp {
    /// JupyterLab 4.
    #[default]
    JupyterLab,
    /// Code Editor, based on Code-OSS. Private spaces only.
    CodeEditor,
}

impl SpaceApp {
    /// Returns the app type as AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JupyterLab => "JupyterLab",
            Self::CodeEditor => "CodeEditor",
        }
    }
}

impl fmt::Display for SpaceApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What happens where a person already owns a private space of the new Studio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExistingSpaces {
    /// It stays as it is, and the person gets a new one beside it.
    #[default]
    Leave,
    /// The files go there, if there is exactly one for the app that the playbook names.
    Reuse,
}

/// How an EBS volume is sized from its home: bytes to copy, plus headroom, between the bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Volume {
    /// The smallest volume, in GiB; AWS's floor is 5.
    pub minimum_gb: i32,
    /// The largest volume that this playbook pays for, in GiB; AWS's ceiling is 16384.
    pub maximum_gb: i32,
    /// Room to work in, as a share of the bytes to copy.
    pub headroom_percent: u32,
    /// Room to work in on top of that, in GiB.
    pub headroom_gb: i32,
}

impl Default for Volume {
    fn default() -> Self {
        Self { minimum_gb: 5, maximum_gb: 100, headroom_percent: 30, headroom_gb: 2 }
    }
}

/// Where files land in the space, and what happens when something is there already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Placement {
    /// A folder under the space's home; empty means the home itself, where notebooks expect their files.
    pub folder: String,
    /// The same for a space that the person had before (`target.existing_spaces: reuse`), whose own files lie in its home.
    pub folder_if_reused: String,
    /// What happens to a file that is already there and differs.
    pub conflict: Conflict,
}

impl Default for Placement {
    fn default() -> Self {
        Self {
            folder: String::new(),
            folder_if_reused: "studio-classic".to_owned(),
            conflict: Conflict::Refuse,
        }
    }
}

/// What happens to a file that is already at the destination and differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// The copy of this file is refused, and the migration fails naming it.
    #[default]
    Refuse,
    /// The file that is there keeps its name; the Classic one arrives beside it.
    KeepBoth,
    /// The Classic file replaces it.
    SourceWins,
    /// The younger of the two stays.
    NewerWins,
}
