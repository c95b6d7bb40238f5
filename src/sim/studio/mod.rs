//! The simulated SageMaker: domains, profiles, spaces, apps, scripts and images, with AWS's rules.

use serde::{Deserialize, Serialize};

/// SageMaker's part of the control plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Studio {}
