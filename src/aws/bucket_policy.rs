//! What a bucket's policy refuses and whom it lets in, as far as that can be told from its text.

use serde_json::Value;

use super::account::Reader;
use super::error::{Error, ErrorKind};

/// What a bucket's policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketPolicy {
    /// Whether it has one.
    pub is_there: bool,
    /// Whether it refuses everyone who does not come over TLS, whatever they ask of the bucket and of what is in it.
    pub is_tls_only: bool,
    /// The statements that let somebody in, by their `Sid`, or by their number from 1.
    pub admits: Vec<String>,
}

impl BucketPolicy {
    /// Reads a policy. One that is no JSON refuses nobody.
    pub fn read(bucket: &str, text: &str) -> Self {
        let policy: Value = serde_json::from_str(text).unwrap_or_default();
        let statements = listed(&policy["Statement"]);
        let admits = (1..).zip(&statements).filter(|(_, one)| one["Effect"] == "Allow");
        let admits = admits.map(|(number, one)| match one["Sid"].as_str() {
            Some(sid) => sid.to_owned(),
            None => number.to_string(),
        });
        Self {
            is_there: true,
            is_tls_only: statements.iter().any(|one| is_for_tls(one, bucket)),
            admits: admits.collect(),
        }
    }
}

/// A value that may stand alone or in a list.
fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    listed(value).into_iter().filter_map(Value::as_str).collect()
}

/// Tells whether a statement denies everyone everything that comes without TLS. One with a further condition denies less.
fn is_for_tls(statement: &Value, bucket: &str) -> bool {
    let principal = &statement["Principal"];
    let is_everyone = texts(principal).contains(&"*") || texts(&principal["AWS"]).contains(&"*");
    let is_everything =
        texts(&statement["Action"]).iter().any(|action| ["*", "s3:*"].contains(action));
    let resources = texts(&statement["Resource"]);
    let holds = |wanted: &[String]| {
        resources.iter().any(|resource| {
            let name = resource.rsplit_once(":::").map_or(*resource, |(_, name)| name);
            wanted.iter().any(|wanted| wanted == name)
        })
    };
    let everywhere = ["*".to_owned(), format!("{bucket}*")];
    let is_everywhere =
        holds(&everywhere) || holds(&[bucket.to_owned()]) && holds(&[format!("{bucket}/*")]);
    statement["Effect"] == "Deny"
        && is_everyone
        && is_everything
        && is_everywhere
        && is_without_tls(&statement["Condition"])
}

/// Tells whether a condition is that a request comes without TLS, and nothing else.
fn is_without_tls(condition: &Value) -> bool {
    let Some(operators) = condition.as_object().filter(|operators| operators.len() == 1) else {
        return false;
    };
    let is_bool =
        |name: &str| ["bool", "boolifexists"].contains(&name.to_ascii_lowercase().as_str());
    operators.iter().filter(|(name, _)| is_bool(name)).any(|(_, keys)| {
        let keys = keys.as_object().filter(|keys| keys.len() == 1);
        keys.into_iter().flatten().any(|(key, value)| {
            let is_false = |value: &&Value| **value == false || **value == "false";
            let values = listed(value);
            key.eq_ignore_ascii_case("aws:SecureTransport")
                && !values.is_empty()
                && values.iter().all(is_false)
        })
    })
}

impl Reader {
    /// Asks what a bucket's policy says.
    pub async fn bucket_policy(&self, bucket: &str) -> Result<BucketPolicy, Error> {
        let owner = self.identity().account.as_str();
        let request =
            self.clients.s3.get_bucket_policy().bucket(bucket).expected_bucket_owner(owner);
        match self.ask("s3", "GetBucketPolicy", request.send()).await {
            Ok(answer) => {
                let text = answer.policy.unwrap_or_default();
                Ok(BucketPolicy::read(bucket, &text))
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(BucketPolicy::default()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tls() -> Value {
        json!({
            "Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        })
    }

    fn read(statement: &Value) -> BucketPolicy {
        BucketPolicy::read(
            "b",
            &json!({"Version": "2012-10-17", "Statement": statement}).to_string(),
        )
    }

    #[test]
    fn a_policy_that_refuses_all_that_comes_without_tls_is_known_however_it_is_written() {
        assert!(read(&tls()).is_tls_only);
        assert!(read(&json!([tls()])).is_tls_only);
        let mut other = tls();
        other["Principal"] = json!({"AWS": ["*"]});
        other["Action"] = json!(["s3:*"]);
        other["Resource"] = json!("arn:aws-cn:s3:::b*");
        other["Condition"] = json!({"BoolIfExists": {"AWS:securetransport": [false]}});
        assert!(read(&other).is_tls_only);
    }

    #[test]
    fn a_statement_that_leaves_a_way_open_does_not_count() {
        for (member, value) in [
            ("Effect", json!("Allow")),
            ("Principal", json!({"AWS": "arn:aws:iam::111122223333:root"})),
            ("Action", json!("s3:GetObject")),
            ("Resource", json!("arn:aws:s3:::b/*")),
            ("Resource", json!(["arn:aws:s3:::b", "arn:aws:s3:::b/logs/*"])),
            ("Resource", json!(["arn:aws:s3:::other", "arn:aws:s3:::other/*"])),
            ("Condition", json!({"Bool": {"aws:SecureTransport": "true"}})),
            ("Condition", json!({"Bool": {"aws:SecureTransport": []}})),
            (
                "Condition",
                json!({"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            ),
            ("Condition", Value::Null),
        ] {
            let mut weaker = tls();
            weaker[member] = value;
            assert!(!read(&weaker).is_tls_only, "{weaker}");
        }
        assert!(!BucketPolicy::read("b", "no policy").is_tls_only);
    }

    #[test]
    fn whoever_is_let_in_is_named() {
        let said = read(&json!([tls(), {"Effect": "Allow"}, {"Sid": "Team", "Effect": "Allow"}]));
        assert_eq!(said.admits, ["2", "Team"]);
    }
}
