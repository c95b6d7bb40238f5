//! Every call that changed something for a person, with the answer.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::journal::Event;

/// Writes one JSON object a line for each call among a migration's events: when it was sent, what it was, and what AWS answered.
///
/// A call without an answer, because the tool was killed meanwhile, has `"ok": null`.
pub fn calls(events: &[Event]) -> String {
    let is = |kind: &'static str| events.iter().filter(move |event| event.kind == kind);
    let answers: HashMap<i64, &Event> = is("answer")
        .filter_map(|event| Some((event.detail.get("call")?.as_i64()?, event)))
        .collect();
    let mut lines = String::new();
    for call in is("call") {
        let answer = answers.get(&call.sequence);
        let said = |name: &str| answer.and_then(|answer| answer.detail.get(name)).cloned();
        let asked = |name: &str| call.detail.get(name).cloned().unwrap_or(Value::Null);
        let line = json!({
            "sequence": call.sequence,
            "at": call.at,
            "operation_number": call.operation.map(|operation| operation.0),
            "step": call.step,
            "service": asked("service"),
            "operation": asked("operation"),
            "target": asked("target"),
            "answered_at": answer.map(|answer| &answer.at),
            "ok": said("ok"),
            "code": said("code"),
            "message": said("message"),
            "request_id": said("request_id"),
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(sequence: i64, kind: &str, detail: Value) -> Event {
        Event {
            sequence,
            at: format!("2026-08-03T07:00:0{sequence}Z"),
            operation: None,
            plan: None,
            migration: None,
            step: Some("flip".to_owned()),
            kind: kind.to_owned(),
            detail,
            hash: String::new(),
        }
    }

    #[test]
    fn a_call_stands_beside_its_own_answer_and_one_without_any_is_told_as_such() {
        let call = |operation: &str| json!({ "service": "sagemaker", "operation": operation, "target": "d-a/ada" });
        let events = [
            event(1, "call", call("CreateSpace")),
            event(2, "call", call("CreateApp")),
            event(
                3,
                "answer",
                json!({ "call": 2, "ok": false, "code": "Throttling", "request_id": "r-2" }),
            ),
            event(4, "answer", json!({ "call": 1, "ok": true, "request_id": "r-1" })),
            event(5, "call", call("UpdateUserProfile")),
        ];
        let lines: Vec<Value> =
            calls(&events).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let seen = |number: usize, name: &str| lines[number][name].clone();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            (seen(0, "operation"), seen(0, "request_id")),
            (json!("CreateSpace"), json!("r-1"))
        );
        assert_eq!((seen(1, "ok"), seen(1, "code")), (json!(false), json!("Throttling")));
        assert_eq!((seen(2, "ok"), seen(2, "answered_at")), (Value::Null, Value::Null));
    }
}
