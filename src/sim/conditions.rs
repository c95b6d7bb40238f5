//! Conditions of policy statements: the operators that Studio's policies use, and the variables in their values.

use std::collections::BTreeMap;

use super::authorize::is_like;

/// Conditions by operator, then by key: `StringEquals: { "sagemaker:SpaceSharingType": [Private] }`.
pub type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// What is known of a call, by condition key. Keys are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, String>);

impl Context {
    /// Adds a key and its value.
    pub fn insert(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_ascii_lowercase(), value.into());
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(&key.to_ascii_lowercase()).map(String::as_str)
    }

    /// Puts values in place of a pattern's policy variables, `${sagemaker:DomainId}`. One that is not known fits nothing.
    pub fn filled(&self, pattern: &str) -> Option<String> {
        let mut filled = String::new();
        let mut rest = pattern;
        while let Some((head, tail)) = rest.split_once("${") {
            let (name, after) = tail.split_once('}')?;
            filled.push_str(head);
            filled.push_str(self.get(name)?);
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

/// Tells whether every condition holds.
pub fn hold(conditions: &Conditions, context: &Context) -> bool {
    conditions.iter().all(|(operator, keys)| {
        keys.iter().all(|(key, values)| holds(operator, context.get(key), values, context))
    })
}

/// Lists the keys that conditions name and nothing is known of.
pub fn missing<'a>(
    conditions: &'a Conditions,
    context: &'a Context,
) -> impl Iterator<Item = &'a str> {
    conditions
        .values()
        .flat_map(BTreeMap::keys)
        .map(String::as_str)
        .filter(|key| context.get(key).is_none())
}

/// Tells whether an operator is one that is understood here.
pub fn is_known(operator: &str) -> bool {
    let base = operator.strip_suffix("IfExists").unwrap_or(operator);
    base == "Null" || test(base).is_some()
}

/// Compares a value with a pattern.
type Test = fn(&str, &str) -> bool;

/// The comparison of an operator, and whether it asks for the contrary.
fn test(base: &str) -> Option<(Test, bool)> {
    let is_same: Test = |pattern, value| pattern == value;
    let is_same_in_any_case: Test = |pattern, value| pattern.eq_ignore_ascii_case(value);
    Some(match base {
        "StringEquals" => (is_same, false),
        "StringNotEquals" => (is_same, true),
        "StringEqualsIgnoreCase" | "Bool" => (is_same_in_any_case, false),
        "StringLike" | "ArnLike" | "ArnEquals" => (is_like, false),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (is_like, true),
        _ => return None,
    })
}

fn holds(operator: &str, value: Option<&str>, wanted: &[String], context: &Context) -> bool {
    if operator == "Null" {
        return wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case("true") == value.is_none());
    }
    let base = operator.strip_suffix("IfExists").unwrap_or(operator);
    let Some((test, is_contrary)) = test(base) else { return false };
    let Some(value) = value else {
        // What is not there is unlike everything.
        return is_contrary || base != operator;
    };
    let fits = wanted
        .iter()
        .filter_map(|pattern| context.filled(pattern))
        .any(|pattern| test(&pattern, value));
    fits != is_contrary
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(operator: &str, key: &str, wanted: &str) -> bool {
        let mut context = Context::default();
        context.insert("sagemaker:SpaceSharingType", "Private");
        context.insert("sagemaker:DomainId", "d-1");
        let keys = BTreeMap::from([(key.to_owned(), vec![wanted.to_owned()])]);
        hold(&Conditions::from([(operator.to_owned(), keys)]), &context)
    }

    #[test]
    fn operators_hold_as_iam_says_and_what_is_missing_is_unlike_everything() {
        let known = "SageMaker:spaceSharingType";
        assert!(held("StringEquals", known, "Private"));
        assert!(!held("StringEquals", known, "private"));
        assert!(held("StringLike", known, "Pri*"));
        assert!(held("StringNotEquals", known, "Shared"));
        assert!(!held("StringNotLike", known, "P*"));
        assert!(!held("StringEquals", "other", "x"));
        assert!(held("StringEqualsIfExists", "other", "x"));
        assert!(held("StringNotEquals", "other", "x"));
        assert!(held("Null", "other", "true") && held("Null", known, "false"));
        assert!(!held("Null", known, "true"));
        assert!(held("StringEquals", "sagemaker:DomainId", "${sagemaker:DomainId}"));
        assert!(!held("StringEquals", "sagemaker:DomainId", "${aws:username}"));
    }

    #[test]
    fn an_operator_that_is_not_understood_is_said_to_be_unknown() {
        assert!(is_known("ArnLikeIfExists") && is_known("Null"));
        assert!(!is_known("IpAddress") && !is_known("ForAllValues:StringLike"));
    }
}
