//! Self-contained HTML pages: a template of ours, data escaped wherever it is put in, one style sheet inside.

use minijinja::{Environment, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use thiserror::Error;

use super::text;

/// Why a page could not be rendered. Either is a mistake in this program.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The data has no JSON form.
    #[error("the report's data cannot be put into JSON")]
    Data(#[from] serde_json::Error),
    /// The template is wrong.
    #[error("the report's template cannot be rendered")]
    Template(#[from] minijinja::Error),
}

/// Renders a template over data.
///
/// The template's own name ends in `.html`, so that everything put into it is escaped.
pub(crate) fn render(template: &'static str, data: &impl Serialize) -> Result<String, RenderError> {
    let mut environment = Environment::new();
    environment.add_template("style.css", include_str!("style.css"))?;
    environment.add_template("page.html", template)?;
    environment.add_filter("bytes", text::bytes);
    environment.add_filter("grouped", text::grouped);
    environment.add_filter("when", when);
    environment.add_filter("is_link", |source: String| source.starts_with("https://"));
    environment.add_filter("as_link", as_link);
    environment.add_filter("parts", code_parts);
    environment.add_filter("span", |range: Value| {
        let end = |name: &str| range.get_attr(name).ok().and_then(|end| f64::try_from(end).ok());
        text::span(end("low").unwrap_or_default(), end("high").unwrap_or_default())
    });
    environment.add_filter("spaced", |word: String| word.replace('-', " "));
    environment.add_global("version", env!("CARGO_PKG_VERSION"));
    let data = value(serde_json::to_value(data)?);
    Ok(environment.get_template("page.html")?.render(data)?)
}

/// A time as people read it: no fractions of a second.
fn when(time: String) -> String {
    let Some((seconds, rest)) = time.split_once('.') else { return time.replace('T', " ") };
    let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{}{zone}", seconds.replace('T', " "))
}

/// A path on the disk as the address of a link: relative, or of a file, and never of another kind.
fn as_link(path: String) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
    let before = if path.starts_with('/') { "file://" } else { "" };
    format!("{before}{}", utf8_percent_encode(&path, PLAIN))
}

/// Text with commands between backticks, as parts that are prose and code by turns.
fn code_parts(text: String) -> Vec<String> {
    text.split('`').map(str::to_owned).collect()
}

fn value(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(flag) => Value::from(flag),
        serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => items.into_iter().map(value).collect(),
        serde_json::Value::Object(members) => {
            Value::from_pairs(members.into_iter().map(|(name, member)| (name, value(member))))
        }
    }
}

/// Says what a self-contained page must not hold: anything that a browser would load from elsewhere.
#[cfg(test)]
pub(crate) fn loads(page: &str) -> Vec<&str> {
    page.split('<')
        .filter(|tag| {
            let tag = tag.split('>').next().unwrap_or("");
            let is_far = tag.contains("http:") || tag.contains("https:");
            tag.starts_with("link") || tag.contains("src=") || (is_far && !tag.starts_with("a "))
        })
        .chain(["@import", "url("].into_iter().filter(|word| page.contains(word)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_escaped() {
        let page = render("<b>{{ name }}</b>", &serde_json::json!({ "name": "<script>&\"" }));
        assert_eq!(page.unwrap(), "<b>&lt;script&gt;&amp;&quot;</b>");
    }

    #[test]
    fn a_time_loses_its_fraction_and_keeps_its_zone() {
        assert_eq!(when("2026-08-01T09:00:00.123456Z".to_owned()), "2026-08-01 09:00:00Z");
        assert_eq!(when("2026-08-01T09:00:00Z".to_owned()), "2026-08-01 09:00:00Z");
    }

    #[test]
    fn a_path_is_no_address_of_elsewhere() {
        assert_eq!(as_link("evidence/d-a/ada".to_owned()), "evidence/d-a/ada");
        assert_eq!(as_link("/srv/ev #1".to_owned()), "file:///srv/ev%20%231");
        assert_eq!(as_link("javascript:alert(1)".to_owned()), "javascript%3Aalert%281%29");
    }

    #[test]
    fn a_broken_template_is_an_error_and_no_panic() {
        assert!(matches!(render("{{ x", &()), Err(RenderError::Template(_))));
    }
}
