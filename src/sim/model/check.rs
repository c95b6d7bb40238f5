//! Checks of a request or a reply against the model, in the words of AWS's `ValidationException`.
//!
//! The checks are stricter than AWS where AWS is lenient: a member that the model does not know is refused, because it is
//! nearly always a misspelt one.

use std::fmt::Write;

use serde_json::Value;

use super::Service;
use super::shape::{Kind, Model, Shape};
use crate::sim::wire::Refusal;

/// Refuses an input that breaks the model, naming all that is wrong with it.
///
/// # Errors
///
/// `UnknownOperationException` for an operation that is not served, `SerializationException` for a value of the wrong type,
/// `ValidationException` for everything else.
pub fn input(service: Service, operation: &str, input: &Value) -> Result<(), Refusal> {
    let model = service.model();
    if !model.operations.contains_key(operation) {
        let message = format!("The requested operation {operation} is not recognized.");
        return Err(Refusal::new("UnknownOperationException", message));
    }
    let mut walk = Walk { model, wrong: Vec::new(), misfit: None };
    match model.input(operation) {
        Some(shape) => walk.value(shape, input, ""),
        None if input.as_object().is_some_and(serde_json::Map::is_empty) => {}
        None => walk.wrong.push(format!("{operation} takes no input")),
    }
    if let Some(misfit) = walk.misfit {
        return Err(Refusal::new("SerializationException", misfit));
    }
    match walk.wrong.len() {
        0 => Ok(()),
        1 => Err(invalid("1 validation error detected", &walk.wrong)),
        many => Err(invalid(&format!("{many} validation errors detected"), &walk.wrong)),
    }
}

/// Says what in an output breaks the model. The simulator must never answer such a thing.
///
/// # Errors
///
/// `InternalFailure` with HTTP status 500, which names what is wrong.
pub fn output(service: Service, operation: &str, output: &Value) -> Result<(), Refusal> {
    let model = service.model();
    let Some(shape) = model.output(operation) else { return Ok(()) };
    let mut walk = Walk { model, wrong: Vec::new(), misfit: None };
    walk.value(shape, output, "");
    walk.wrong.extend(walk.misfit);
    if walk.wrong.is_empty() {
        return Ok(());
    }
    let message = format!("the answer to {operation} breaks the model: {}", walk.wrong.join("; "));
    Err(Refusal::new("InternalFailure", message).status(500))
}

fn invalid(head: &str, wrong: &[String]) -> Refusal {
    Refusal::new("ValidationException", format!("{head}: {}", wrong.join("; ")))
}

struct Walk<'a> {
    model: &'a Model,
    /// Broken constraints.
    wrong: Vec<String>,
    /// The first value whose type is wrong.
    misfit: Option<String>,
}

impl Walk<'_> {
    fn value(&mut self, shape: &Shape, value: &Value, path: &str) {
        match (shape.kind, value) {
            (Kind::Structure, Value::Object(members)) => self.structure(shape, members, path),
            (Kind::List, Value::Array(members)) => self.list(shape, members, value, path),
            (Kind::Map, Value::Object(entries)) => self.map(shape, entries, value, path),
            (Kind::String, Value::String(text)) => self.string(shape, text, path),
            (Kind::Blob, Value::String(_)) | (Kind::Boolean, Value::Bool(_)) => {}
            (Kind::Integer | Kind::Long, Value::Number(number))
                if number.is_i64() || number.is_u64() =>
            {
                self.number(shape, number, path);
            }
            (Kind::Float | Kind::Double, Value::Number(number)) => self.number(shape, number, path),
            (Kind::Timestamp, Value::Number(_)) => {}
            (kind, value) => {
                let at = if path.is_empty() { "the top" } else { path };
                let name = format!("{kind:?}");
                let misfit = format!("{} can not be converted to a {name} at {at}", token(value));
                self.misfit.get_or_insert(misfit);
            }
        }
    }

    fn structure(&mut self, shape: &Shape, members: &serde_json::Map<String, Value>, path: &str) {
        let is_set = |name: &&String| members.get(*name).is_some_and(|value| !value.is_null());
        for name in shape.required.iter().filter(|name| !is_set(name)) {
            self.broken("null", &below(path, name), "Member must not be null");
        }
        if shape.union && shape.members.keys().filter(is_set).count() != 1 {
            let names: Vec<&str> = shape.members.keys().map(String::as_str).collect();
            let rule = format!("Exactly one member must be set of [{}]", names.join(", "));
            self.broken("", path, &rule);
        }
        for (name, value) in members {
            let path = below(path, name);
            match shape.members.get(name).and_then(|member| self.model.shapes.get(member)) {
                _ if value.is_null() && shape.members.contains_key(name) => {}
                Some(member) => self.value(member, value, &path),
                None => self.broken(&brief(value), &path, "Member is not known"),
            }
        }
    }

    fn list(&mut self, shape: &Shape, members: &[Value], value: &Value, path: &str) {
        self.length(shape, members.len(), &brief(value), path);
        let Some(member) = shape.member.as_ref().and_then(|name| self.model.shapes.get(name))
        else {
            return;
        };
        for (position, value) in members.iter().enumerate() {
            self.value(member, value, &format!("{path}.{}.member", position + 1));
        }
    }

    fn map(
        &mut self,
        shape: &Shape,
        entries: &serde_json::Map<String, Value>,
        value: &Value,
        path: &str,
    ) {
        self.length(shape, entries.len(), &brief(value), path);
        let model = self.model;
        let of = |name: &Option<String>| name.as_ref().and_then(|name| model.shapes.get(name));
        for (name, value) in entries {
            if let Some(key) = of(&shape.key) {
                self.string(key, name, &format!("{path}.{name}.key"));
            }
            if let Some(inner) = of(&shape.value) {
                self.value(inner, value, &format!("{path}.{name}.member"));
            }
        }
    }

    fn string(&mut self, shape: &Shape, text: &str, path: &str) {
        if !shape.values.is_empty() && !shape.values.iter().any(|value| value == text) {
            let rule = format!("Member must satisfy enum value set: [{}]", shape.values.join(", "));
            self.broken(text, path, &rule);
        }
        self.length(shape, text.chars().count(), text, path);
        if let Some(pattern) = shape.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            let pattern = pattern.as_str();
            let rule = format!("Member must satisfy regular expression pattern: {pattern}");
            self.broken(text, path, &rule);
        }
    }

    fn length(&mut self, shape: &Shape, length: usize, shown: &str, path: &str) {
        self.bounds(shape, length as f64, "length", shown, path);
    }

    fn number(&mut self, shape: &Shape, number: &serde_json::Number, path: &str) {
        let value = number.as_f64().unwrap_or(f64::NAN);
        self.bounds(shape, value, "value", &number.to_string(), path);
    }

    fn bounds(&mut self, shape: &Shape, value: f64, what: &str, shown: &str, path: &str) {
        if let Some(min) = shape.min.filter(|min| value < *min) {
            self.broken(
                shown,
                path,
                &format!("Member must have {what} greater than or equal to {min}"),
            );
        }
        if let Some(max) = shape.max.filter(|max| value > *max) {
            self.broken(
                shown,
                path,
                &format!("Member must have {what} less than or equal to {max}"),
            );
        }
    }

    fn broken(&mut self, shown: &str, path: &str, rule: &str) {
        let mut text = String::from("Value ");
        // AWS puts every value between quotation marks but null.
        let _ = match shown {
            "null" => write!(text, "null"),
            shown => write!(text, "'{shown}'"),
        };
        let _ = write!(text, " at '{path}' failed to satisfy constraint: {rule}");
        self.wrong.push(text);
    }
}

/// Adds a member to a path, in the lower camel case that AWS's messages have.
fn below(path: &str, name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

fn brief(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(200).collect()
}

fn token(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "BOOLEAN_VALUE",
        Value::Number(number) if number.is_f64() => "DECIMAL_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "ARRAY_VALUE",
        Value::Object(_) => "STRUCTURE_VALUE",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(operation: &str, value: Value) -> (String, String) {
        let refusal = input(Service::SageMaker, operation, &value).unwrap_err();
        (refusal.code, refusal.message)
    }

    #[test]
    fn a_good_input_is_taken() {
        let value = json!({
            "DomainId": "d-sim000000001", "SpaceName": "alice-lab",
            "SpaceSettings": {"AppType": "JupyterLab", "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 20}}},
            "OwnershipSettings": {"OwnerUserProfileName": "alice"},
            "SpaceSharingSettings": {"SharingType": "Private"},
        });
        assert_eq!(input(Service::SageMaker, "CreateSpace", &value), Ok(()));
    }

    #[test]
    fn a_broken_pattern_is_refused_in_awss_words() {
        let value = json!({"DomainId": "d-sim000000001", "SpaceName": "a_b"});
        let (code, message) = refusal("DescribeSpace", value);
        assert_eq!(code, "ValidationException");
        assert_eq!(
            message,
            "1 validation error detected: Value 'a_b' at 'spaceName' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
        );
    }

    #[test]
    fn an_unknown_member_is_refused() {
        let value = json!({"DomainId": "d-sim000000001", "SpaceName": "ab", "Nmae": 1});
        let (_, message) = refusal("DescribeSpace", value);
        assert!(message.contains("Value '1' at 'nmae'"), "{message}");
    }

    #[test]
    fn missing_members_are_counted() {
        let (_, message) = refusal("CreateApp", json!({"DomainId": "d-sim000000001"}));
        assert!(
            message.starts_with("2 validation errors detected: Value null at 'appType'"),
            "{message}"
        );
        let (_, message) = refusal("DescribeDomain", json!({"DomainId": null}));
        assert!(message.contains("Value null at 'domainId'"), "{message}");
    }

    #[test]
    fn an_enum_and_a_bound_are_kept() {
        let (_, message) = refusal("ListApps", json!({"SortOrder": "Up", "MaxResults": 101}));
        assert!(message.contains("Value 'Up' at 'sortOrder'"), "{message}");
        assert!(message.contains("enum value set: [Ascending, Descending]"), "{message}");
        assert!(message.contains("Value '101' at 'maxResults'"), "{message}");
        assert!(message.contains("Member must have value less than or equal to 100"), "{message}");
    }

    #[test]
    fn a_list_says_which_member_is_wrong() {
        let value = json!({"ResourceArn": "arn:aws:sagemaker:eu-west-1:000000000000:domain/d-1", "Tags": [
            {"Key": "a", "Value": "b"}, {"Key": "", "Value": "b"},
        ]});
        let (_, message) = refusal("AddTags", value);
        assert!(message.contains("Value '' at 'tags.2.member.key'"), "{message}");
        assert!(message.contains("length greater than or equal to 1"), "{message}");
    }

    #[test]
    fn a_wrong_type_is_another_error() {
        let (code, message) = refusal("ListApps", json!({"MaxResults": "10"}));
        assert_eq!(code, "SerializationException");
        assert!(message.contains("STRING_VALUE can not be converted to a Integer"), "{message}");
    }

    #[test]
    fn an_operation_that_is_not_served_is_named() {
        let (code, message) = refusal("CreateTrainingJob", json!({}));
        assert_eq!(code, "UnknownOperationException");
        assert!(message.contains("CreateTrainingJob"), "{message}");
    }

    #[test]
    fn a_bad_answer_is_found_out() {
        let good = json!({"Status": "InService", "CreationTime": 1.5});
        assert_eq!(output(Service::SageMaker, "DescribeApp", &good), Ok(()));
        let bad = json!({"Status": "Running", "CreationTime": "2026-01-01"});
        let refusal = output(Service::SageMaker, "DescribeApp", &bad).unwrap_err();
        assert_eq!(refusal.status, 500);
        assert!(refusal.message.contains("'Running' at 'status'"), "{}", refusal.message);
        assert!(refusal.message.contains("Timestamp"), "{}", refusal.message);
    }
}
