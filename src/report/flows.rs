//! The index of Data Wrangler flows that were copied for Canvas: what lies beside the copies, for people and for programs.

use serde::{Deserialize, Serialize};

use super::notebooks::ROWS;
use crate::readiness::{RenderError, page};

/// One flow: where it was, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Flow {
    /// Whose home it is in: a profile's name, or `space.<name>`.
    pub owner: String,
    /// The domain.
    pub domain: String,
    /// Its path in the home, escaped as in the manifest.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 of its content, where it was read.
    pub blake3: Option<String>,
    /// Where its copy is, or was to be, `s3://…`.
    pub to: String,
    /// Why it was not copied; `None` for what was.
    pub reason: Option<String>,
    /// When a run saw it in its home last, RFC 3339; `None` where the run that made the index did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
}

/// What the index says of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowIndex {
    /// The version of the JSON's format, [`FlowIndex::SCHEMA`] today.
    pub schema: u32,
    /// When everything had been looked at, RFC 3339.
    pub made_at: String,
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The plan.
    pub plan: String,
    /// `s3://bucket/prefix` of the copies.
    pub destination: String,
    /// Flows that are at the destination, by owner and path; of earlier runs, too.
    pub flows: Vec<Flow>,
    /// Flows that are not, each with its reason.
    pub not_copied: Vec<Flow>,
    /// Homes that could not be looked at: whose, and why.
    pub not_looked_at: Vec<(String, String)>,
}

impl FlowIndex {
    /// The version of the JSON's format that this program writes.
    pub const SCHEMA: u32 = 1;
}

#[derive(Serialize)]
struct Page<'a> {
    index: &'a FlowIndex,
    is_simulated: bool,
    copied: usize,
    bytes: u64,
    rows: &'a [Flow],
    more: usize,
    left: &'a [Flow],
    more_left: usize,
}

/// Renders the index as one self-contained HTML page; nothing is loaded from elsewhere. Of a long list it has the first [`ROWS`].
///
/// # Errors
/// None in practice: the template and the data are this program's own.
pub fn flows_page(index: &FlowIndex) -> Result<String, RenderError> {
    let shown = |all: &[Flow]| all.len().min(ROWS);
    let (rows, left) = (shown(&index.flows), shown(&index.not_copied));
    let page = Page {
        index,
        is_simulated: crate::names::AccountId::from(index.account.as_str()).is_simulated(),
        copied: index.flows.len(),
        bytes: index.flows.iter().map(|flow| flow.bytes).sum(),
        rows: &index.flows[..rows],
        more: index.flows.len() - rows,
        left: &index.not_copied[..left],
        more_left: index.not_copied.len() - left,
    };
    page::render(include_str!("flows.html"), &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_escapes_names_and_loads_nothing() {
        let evil = "<script>x</script>".to_owned();
        let flow = Flow { owner: evil.clone(), path: evil.clone(), ..Flow::default() };
        let left = Flow { reason: Some("<b>no</b>".to_owned()), ..flow.clone() };
        let index = FlowIndex {
            flows: vec![flow],
            not_copied: vec![left],
            not_looked_at: vec![(evil, "<u>why".to_owned())],
            ..FlowIndex::default()
        };
        let page = flows_page(&index).unwrap();
        for raw in ["<script", "<b>no", "<u>why"] {
            assert!(!page.contains(raw), "{raw}");
        }
        assert_eq!(page::loads(&page), Vec::<&str>::new());
    }
}
