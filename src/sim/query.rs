//! AWS's query protocol, which STS and IAM speak: a form goes in, XML comes out.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::api::Api;
use super::wire::Refusal;

/// Reads a form: the operation and its parameters, every value a string. `Names.member.1=a` becomes `{"Names": ["a"]}`.
///
/// # Errors
///
/// `MissingAction` when the form names no operation.
pub fn read(form: &[u8]) -> Result<(String, Value), Refusal> {
    let mut action = None;
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(form) {
        match name.as_ref() {
            "Action" => action = Some(value.into_owned()),
            "Version" => {}
            name => put(&mut parameters, name, &value),
        }
    }
    let action =
        action.ok_or_else(|| Refusal::new("MissingAction", "The request names no action."))?;
    Ok((action, lists(Value::Object(parameters))))
}

fn put(members: &mut Map<String, Value>, name: &str, value: &str) {
    match name.split_once('.') {
        None => {
            members.insert(name.to_owned(), Value::from(value));
        }
        Some((head, rest)) => {
            let inner = members.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// Turns `{"member": {"1": a, "2": b}}` into `[a, b]`, all the way down.
fn lists(value: Value) -> Value {
    let Value::Object(mut members) = value else { return value };
    if let (1, Some(Value::Object(numbered))) = (members.len(), members.get_mut("member")) {
        let mut numbered: Vec<(u64, Value)> = std::mem::take(numbered)
            .into_iter()
            .map(|(number, value)| (number.parse().unwrap_or(u64::MAX), lists(value)))
            .collect();
        numbered.sort_by_key(|(number, _)| *number);
        return Value::Array(numbered.into_iter().map(|(_, value)| value).collect());
    }
    Value::Object(members.into_iter().map(|(name, value)| (name, lists(value))).collect())
}

/// Renders an answer.
pub fn reply(api: Api, operation: &str, output: &Value, request_id: &str) -> String {
    let mut xml = format!("<{operation}Response xmlns=\"{}\">", namespace(api));
    element(&mut xml, &format!("{operation}Result"), output);
    let _ = write!(
        xml,
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    );
    xml
}

/// Renders a refusal.
pub fn refusal(api: Api, refusal: &Refusal, request_id: &str) -> String {
    let at_fault = if refusal.status >= 500 { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{at_fault}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        namespace(api),
        escaped(&refusal.code),
        escaped(&refusal.message)
    )
}

fn namespace(api: Api) -> &'static str {
    match api {
        Api::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
        _ => "https://sts.amazonaws.com/doc/2011-06-15/",
    }
}

fn element(xml: &mut String, name: &str, value: &Value) {
    let _ = write!(xml, "<{name}>");
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                element(xml, name, value);
            }
        }
        Value::Array(members) => {
            for value in members {
                element(xml, "member", value);
            }
        }
        Value::String(text) => xml.push_str(&escaped(text)),
        Value::Null => {}
        other => {
            let _ = write!(xml, "{other}");
        }
    }
    let _ = write!(xml, "</{name}>");
}

/// Escapes text for XML.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// Writes a time, in seconds since the epoch, as ISO 8601 to the second.
pub fn iso(seconds: f64) -> String {
    let time = Timestamp::from_second(seconds as i64).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_becomes_nested_parameters() {
        let form = b"Action=SimulatePrincipalPolicy&Version=2010-05-08&ActionNames.member.2=b&ActionNames.member.1=a%3A%2A&Tags.member.1.Key=k";
        let (action, parameters) = read(form).unwrap();
        assert_eq!(action, "SimulatePrincipalPolicy");
        assert_eq!(parameters, json!({"ActionNames": ["a:*", "b"], "Tags": [{"Key": "k"}]}));
    }

    #[test]
    fn an_answer_is_rendered_with_its_metadata() {
        let output = json!({"Arn": "a&b", "List": ["x"], "Is": true});
        assert_eq!(
            reply(Api::Sts, "GetIt", &output, "id-1"),
            "<GetItResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetItResult><Arn>a&amp;b</Arn><List>\
             <member>x</member></List><Is>true</Is></GetItResult><ResponseMetadata><RequestId>id-1</RequestId>\
             </ResponseMetadata></GetItResponse>"
        );
    }

    #[test]
    fn a_form_without_an_action_is_refused() {
        assert_eq!(read(b"Version=1").unwrap_err().code, "MissingAction");
    }
}
