//! Shapes and operations, as the extracted models keep them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use fancy_regex::Regex;
use serde::Deserialize;

/// A service whose model is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Amazon SageMaker.
    SageMaker,
    /// Amazon Elastic File System.
    Efs,
    /// Service Quotas.
    ServiceQuotas,
    /// AWS CloudTrail.
    CloudTrail,
    /// AWS DataSync.
    DataSync,
}

impl Service {
    /// Returns the service's model, read once.
    pub fn model(self) -> &'static Model {
        static MODELS: [OnceLock<Model>; 5] = [const { OnceLock::new() }; 5];
        let (slot, text) = match self {
            Self::SageMaker => (&MODELS[0], include_str!("sagemaker.json")),
            Self::Efs => (&MODELS[1], include_str!("efs.json")),
            Self::ServiceQuotas => (&MODELS[2], include_str!("service-quotas.json")),
            Self::CloudTrail => (&MODELS[3], include_str!("cloudtrail.json")),
            Self::DataSync => (&MODELS[4], include_str!("datasync.json")),
        };
        // A model that could not be read would serve nothing at all; a test below reads each.
        slot.get_or_init(|| serde_json::from_str(text).unwrap_or_default())
    }
}

/// The operations of a service that are served, and the shapes that they reach.
#[derive(Debug, Default, Deserialize)]
pub struct Model {
    /// Operations, by name.
    pub operations: BTreeMap<String, Operation>,
    /// Shapes, by name.
    pub shapes: BTreeMap<String, Shape>,
}

impl Model {
    /// Returns the shape of an operation's input; `None` when it takes nothing.
    pub fn input(&self, operation: &str) -> Option<&Shape> {
        self.shapes.get(self.operations.get(operation)?.input.as_ref()?)
    }

    /// Returns the shape of an operation's output; `None` when it answers nothing.
    pub fn output(&self, operation: &str) -> Option<&Shape> {
        self.shapes.get(self.operations.get(operation)?.output.as_ref()?)
    }
}

/// One operation.
#[derive(Debug, Default, Deserialize)]
pub struct Operation {
    /// The name of its input's shape.
    pub input: Option<String>,
    /// The name of its output's shape.
    pub output: Option<String>,
    /// The error codes that it declares.
    pub errors: Vec<String>,
}

/// One shape: what a value must look like.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shape {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Members of a structure: name, and the name of the member's shape.
    pub members: BTreeMap<String, String>,
    /// Members that may not be absent.
    pub required: Vec<String>,
    /// Whether exactly one member must be set.
    pub union: bool,
    /// The shape of a list's members.
    pub member: Option<String>,
    /// The shape of a map's keys.
    pub key: Option<String>,
    /// The shape of a map's values.
    pub value: Option<String>,
    /// The values that a string may take; empty means any.
    #[serde(rename = "enum")]
    pub values: Vec<String>,
    /// What the whole of a string must match.
    pub pattern: Option<Pattern>,
    /// The least length of a string, list or map, or the least number.
    pub min: Option<f64>,
    /// The greatest length or number.
    pub max: Option<f64>,
}

/// The type of a shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of the model")]
pub enum Kind {
    #[default]
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
}

/// A pattern, compiled when it is first asked for.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub struct Pattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl Pattern {
    /// Returns the pattern as the model has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the whole of a text matches. A pattern that cannot be compiled matches nothing.
    pub fn is_match(&self, text: &str) -> bool {
        let whole = || Regex::new(&format!(r"\A(?:{})\z", self.text)).ok();
        let compiled = self.compiled.get_or_init(whole).as_ref();
        compiled.is_some_and(|pattern| pattern.is_match(text).unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Service; 5] = [
        Service::SageMaker,
        Service::Efs,
        Service::ServiceQuotas,
        Service::CloudTrail,
        Service::DataSync,
    ];

    #[test]
    fn every_model_is_read_and_names_only_shapes_that_it_has() {
        for service in ALL {
            let model = service.model();
            assert!(!model.operations.is_empty(), "{service:?}");
            let operations = model.operations.values();
            let sides = operations.flat_map(|operation| [&operation.input, &operation.output]);
            let mut names: Vec<&String> = sides.flatten().collect();
            for shape in model.shapes.values() {
                names.extend(shape.members.values());
                names.extend([&shape.member, &shape.key, &shape.value].into_iter().flatten());
            }
            for name in names {
                assert!(model.shapes.contains_key(name), "{service:?} lacks {name}");
            }
        }
    }

    #[test]
    fn every_pattern_compiles() {
        for service in ALL {
            for (name, shape) in &service.model().shapes {
                let Some(pattern) = &shape.pattern else { continue };
                let whole = format!(r"\A(?:{})\z", pattern.as_str());
                let result = Regex::new(&whole);
                assert!(result.is_ok(), "{service:?} {name}: {:?}", result.err());
            }
        }
    }

    #[test]
    fn a_pattern_is_about_the_whole_text() {
        let pattern = Pattern::from("[a-z]+|none".to_owned());
        assert!(pattern.is_match("abc"));
        assert!(!pattern.is_match("abc1"));
        assert!(!pattern.is_match("abc\n"));
    }
}
