//! Numbers and cells for people: sizes, counts, and what must be escaped in Markdown and in spreadsheets.

pub(crate) use crate::names::{counted, grouped};

/// Says a size in bytes with the binary unit that fits, e.g. `1.5 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths in whole numbers: a float would round 1023.96 MiB up to 1024.0 MiB.
    let mut unit = 0;
    let mut size = u128::from(bytes) * 10 / 1024;
    while size >= 10_240 && unit + 1 < UNITS.len() {
        size /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("EiB");
    format!("{}.{} {name}", size / 10, size % 10)
}

/// Says a range as people read one, to two digits or so: `12 to 40`, or one number where both ends read the same.
pub(crate) fn span(low: f64, high: f64) -> String {
    let said = |number: f64| {
        if number < 10.0 {
            format!("{number:.1}")
        } else {
            // Rounded to two digits beyond a hundred: more would be false precision.
            let step = if number < 100.0 { 1.0 } else { 10_f64.powf(number.log10().floor() - 1.0) };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "money and hours are above zero, and a float that is too large becomes the largest number"
            )]
            grouped(((number / step).round() * step) as u64)
        }
    };
    let (low, high) = (said(low), said(high));
    if low == high { low } else { format!("{low} to {high}") }
}

/// Makes text safe in a cell of a Markdown table, and in prose: names come from people, and may hold anything.
pub(crate) fn markdown_cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' => {
                cell.push('\\');
                cell.push(c);
            }
            '<' => cell.push_str("&lt;"),
            '&' => cell.push_str("&amp;"),
            '\n' => cell.push_str("<br>"),
            c if c.is_control() => cell.push('\u{fffd}'),
            c => cell.push(c),
        }
    }
    cell
}

/// Makes our own prose safe in Markdown: outside of code, a placeholder such as `<domain>` would be read as an HTML tag.
pub(crate) fn markdown_prose(text: &str) -> String {
    let outside = |part: &str| part.replace('<', "\\<");
    text.split('`')
        .enumerate()
        .map(|(number, part)| if number % 2 == 0 { outside(part) } else { format!("`{part}`") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_down_to_a_tenth() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes((1 << 20) - 1), "1023.9 KiB");
        assert_eq!(bytes(u64::MAX), "15.9 EiB");
    }

    #[test]
    fn a_range_has_no_false_precision() {
        assert_eq!(span(0.04, 3.26), "0.0 to 3.3");
        assert_eq!(span(12.4, 1_234.5), "12 to 1,200");
        assert_eq!(span(1_201.0, 1_234.5), "1,200");
    }

    #[test]
    fn a_name_cannot_break_out_of_a_markdown_table() {
        assert_eq!(markdown_cell("a|b\n<script>`"), "a\\|b<br>&lt;script>\\`");
    }
}
