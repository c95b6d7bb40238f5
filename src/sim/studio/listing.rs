//! Paging and sorting, the same for every list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::sim::wire::Refusal;

use super::ask::Call;
use super::refuse::invalid;

/// How one operation lists.
pub(super) struct Listing<'a> {
    /// The operation, part of the token: a token of one list is no good for another.
    pub(super) operation: &'a str,
    /// The output member that holds the list.
    pub(super) member: &'a str,
    /// `MaxResults` when it is not given.
    pub(super) size: usize,
    /// `SortOrder` when it is not given.
    pub(super) is_descending: bool,
}

/// What a list is sorted by.
pub(super) enum SortBy {
    Created,
    Modified,
    Name,
}

impl SortBy {
    /// Reads `SortBy`, in either of AWS's spellings.
    pub(super) fn of(call: &Call<'_>) -> Self {
        match call.given("SortBy") {
            Some("LastModifiedTime" | "LAST_MODIFIED_TIME") => Self::Modified,
            Some("Name" | "IMAGE_NAME") => Self::Name,
            _ => Self::Created,
        }
    }

    /// Makes the key by which a row is sorted; the row's own key breaks ties.
    pub(super) fn key(&self, created: f64, modified: f64, key: &str) -> String {
        match self {
            Self::Created => format!("{created:020.6}|{key}"),
            Self::Modified => format!("{modified:020.6}|{key}"),
            Self::Name => key.to_owned(),
        }
    }
}

impl Listing<'_> {
    /// Sorts the rows, takes the page that the token asks for, and renders it.
    ///
    /// The token holds the last row's sort key, so a row that vanishes between two pages hides no other.
    pub(super) fn page<T>(
        &self,
        call: &Call<'_>,
        mut rows: Vec<(String, T)>,
        render: impl Fn(T) -> Value,
    ) -> Result<Value, Refusal> {
        rows.sort_by(|one, other| one.0.cmp(&other.0));
        let is_descending = match call.given("SortOrder") {
            Some(order) => order.eq_ignore_ascii_case("Descending"),
            None => self.is_descending,
        };
        if is_descending {
            rows.reverse();
        }
        if let Some(token) = call.given("NextToken") {
            let last = self.read_token(call, token)?;
            rows.retain(|(key, _)| if is_descending { *key < last } else { *key > last });
        }
        let size = call.member("MaxResults").and_then(Value::as_u64);
        let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(self.size).max(1);
        let mut output = Map::new();
        let next = (rows.len() > size).then(|| self.token(call, &rows[size - 1].0));
        let page: Vec<Value> = rows.into_iter().take(size).map(|(_, row)| render(row)).collect();
        output.insert(self.member.to_owned(), Value::Array(page));
        if let Some(next) = next {
            output.insert("NextToken".to_owned(), Value::String(next));
        }
        Ok(Value::Object(output))
    }

    fn token(&self, call: &Call<'_>, last: &str) -> String {
        URL_SAFE_NO_PAD.encode(json!([self.operation, self.filters(call), last]).to_string())
    }

    fn read_token(&self, call: &Call<'_>, token: &str) -> Result<String, Refusal> {
        let read = || {
            let text = URL_SAFE_NO_PAD.decode(token).ok()?;
            let (operation, filters, last): (String, String, String) =
                serde_json::from_slice(&text).ok()?;
            (operation == self.operation && filters == self.filters(call)).then_some(last)
        };
        read().ok_or_else(|| invalid("Invalid NextToken."))
    }

    /// A digest of everything but the page: a token is good only for the question that it answers.
    fn filters(&self, call: &Call<'_>) -> String {
        let mut filters = Vec::new();
        for (name, value) in call.input.as_object().into_iter().flatten() {
            if name != "NextToken" && name != "MaxResults" {
                filters.push(format!("{name}={value}"));
            }
        }
        filters.sort();
        blake3::hash(filters.join("\n").as_bytes()).to_hex()[..16].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sim::studio::testing::{Account, ID};

    async fn people(count: usize) -> Account {
        let account = Account::with_ada().await;
        for person in 1..count {
            account.ok(
                "CreateUserProfile",
                json!({"DomainId": ID, "UserProfileName": format!("p{person:02}")}),
            );
            account.pass(1).await;
        }
        account
    }

    fn names(output: &Value) -> Vec<String> {
        let rows = output["UserProfiles"].as_array().unwrap();
        rows.iter().map(|row| row["UserProfileName"].as_str().unwrap().to_owned()).collect()
    }

    use super::Value;

    #[tokio::test(start_paused = true)]
    async fn ten_are_listed_at_a_time_and_the_pages_together_are_all() {
        let account = people(25).await;
        let mut input = json!({});
        let mut seen = Vec::new();
        loop {
            let page = account.ok("ListUserProfiles", input.clone());
            seen.extend(names(&page));
            let Some(token) = page.get("NextToken") else { break };
            assert_eq!(seen.len() % 10, 0);
            input["NextToken"] = token.clone();
        }
        assert_eq!(seen.len(), 25);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 25);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_question_has_the_same_token() {
        let account = people(3).await;
        let ask = || account.ok("ListUserProfiles", json!({"MaxResults": 1}))["NextToken"].clone();
        assert_eq!(ask(), ask());
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_that_vanishes_between_two_pages_hides_no_other() {
        let account = people(4).await;
        let first = account.ok("ListUserProfiles", json!({"MaxResults": 2}));
        account.ok("DeleteUserProfile", json!({"DomainId": ID, "UserProfileName": "ada"}));
        account.pass(10).await;
        let token = &first["NextToken"];
        let next = account.ok("ListUserProfiles", json!({"MaxResults": 2, "NextToken": token}));
        assert_eq!(names(&next), ["p02", "p03"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_of_another_question_is_refused() {
        let account = people(4).await;
        let page = account.ok("ListUserProfiles", json!({"MaxResults": 2}));
        for input in [
            json!({"NextToken": page["NextToken"], "SortOrder": "Descending"}),
            json!({"NextToken": "nonsense"}),
        ] {
            let refusal = account.refusal("ListUserProfiles", input);
            assert!(refusal.starts_with("ValidationException"), "{refusal}");
        }
        let refusal = account.refusal("ListSpaces", json!({"NextToken": page["NextToken"]}));
        assert!(refusal.starts_with("ValidationException"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn filters_and_orders_are_applied() {
        let account = people(4).await;
        let list = |input| names(&account.ok("ListUserProfiles", input));
        assert_eq!(list(json!({"UserProfileNameContains": "P0"})), ["p01", "p02", "p03"]);
        assert_eq!(list(json!({"DomainIdEquals": "d-sim9"})), Vec::<String>::new());
        let newest = json!({"SortBy": "CreationTime", "SortOrder": "Descending"});
        assert_eq!(list(newest), ["p03", "p02", "p01", "Ada"]);
        account.set_ada(json!({"AutoMountHomeEFS": "Enabled"})).await;
        let changed = json!({"SortBy": "LastModifiedTime"});
        assert_eq!(list(changed), ["p01", "p02", "p03", "Ada"]);
    }
}
