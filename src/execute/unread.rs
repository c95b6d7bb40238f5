//! What of a home nobody could read, and so nobody copied: a file of somebody's that is left behind, and no matter of what is
//! left out on purpose.

use serde_json::Value;

use crate::mover::Class;
use crate::names::{ProfileName, counted};

/// Paths that are named.
const NAMED: usize = 3;

/// What is said of it, by a receipt of verify; none where everything could be read.
pub fn unread_words(receipt: &Value, name: &ProfileName) -> Option<String> {
    let class = Class::Unreadable.word();
    let all = receipt.pointer("/not_copied")?.get(class)?.as_u64().filter(|all| *all > 0)?;
    let named = receipt.get("not_copied_named").and_then(Value::as_array);
    let named = named.into_iter().flatten().filter_map(|one| {
        let (path, why) = (one.get(0)?.as_str()?, one.get(1)?.as_str()?);
        why.starts_with(class).then(|| format!("`{path}`"))
    });
    let mut said: Vec<String> = named.take(NAMED).collect();
    let more = all.saturating_sub(said.len() as u64);
    if more > 0 {
        said.push(format!("{more} more"));
    }
    Some(format!(
        "{} could not be read and did not come along: {}; once it can be (`chmod u+r` in Classic), `studio-migrate rollback --user {name} --to hydrate` and `run --user {name}` bring it",
        counted(all, "entry", "entries"),
        said.join(", ")
    ))
}
