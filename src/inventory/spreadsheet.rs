//! Tables for spreadsheets: lines of CSV that Excel takes as they are.

/// Makes a line of a CSV file, as RFC 4180 and Excel read it.
///
/// A value that a spreadsheet would take for a formula gets an apostrophe in front: it stays text, and shows as such.
pub(crate) fn csv_line<I>(cells: I) -> String
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let cells: Vec<_> = cells.into_iter().map(|cell| csv_cell(cell.as_ref())).collect();
    let mut line = cells.join(",");
    line.push_str("\r\n");
    line
}

/// What a CSV file begins with, so that Excel takes it for UTF-8.
pub(crate) const CSV_BOM: &str = "\u{feff}";

fn csv_cell(text: &str) -> String {
    let text = unformula(text);
    if text.contains(['"', ',', ';', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Puts an apostrophe before what a spreadsheet would take for a formula: it stays text, and shows as such.
fn unformula(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

pub(super) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_finds_no_formula() {
        // Some split at semicolons.
        assert_eq!(csv_line(["a;=1+1"]), "\"a;=1+1\"\r\n");
        assert_eq!(
            csv_line(["=HYPERLINK(\"x\")", "+1", "-1", "@a", "plain", "a,b"]),
            "\"'=HYPERLINK(\"\"x\"\")\",'+1,'-1,'@a,plain,\"a,b\"\r\n"
        );
    }
}
