//! Paths as bytes, and as text for people and JSON.
//!
//! A home may hold any bytes in its names except `/` and NUL. Everywhere inside the mover a path is bytes relative to the
//! home, without a leading slash; the home itself is the empty path. As text, printable UTF-8 stands as it is, and every
//! other byte, as well as the backslash, as `\xNN` in lower-case hexadecimal. The text can be turned back without loss.

use std::borrow::Cow;

use super::error::Error;

/// Returns the text of a byte path.
pub fn escape(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_shown(character) {
                text.push(character);
            } else {
                escape_bytes(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut text);
            }
        }
        escape_bytes(chunk.invalid(), &mut text);
    }
    text
}

/// Returns the same text, without a copy of what stands as it is.
pub(super) fn escaped(path: &[u8]) -> Cow<'_, str> {
    let is_shown = |byte: &u8| (b' '..=b'~').contains(byte) && *byte != b'\\';
    match std::str::from_utf8(path) {
        Ok(text) if path.iter().all(is_shown) => Cow::Borrowed(text),
        _ => Cow::Owned(escape(path)),
    }
}

/// Returns the bytes of an escaped path.
///
/// # Errors
/// [`Error::Escape`] when a backslash is not followed by `x` and two hexadecimal digits.
pub fn unescape(text: &str) -> Result<Vec<u8>, Error> {
    let mut path = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        path.extend_from_slice(plain.as_bytes());
        let byte = escaped.strip_prefix('x').and_then(|digits| digits.get(..2)).and_then(hex_byte);
        path.push(byte.ok_or_else(|| Error::Escape(text.to_owned()))?);
        rest = &escaped[3..];
    }
    path.extend_from_slice(rest.as_bytes());
    Ok(path)
}

/// Tells whether a character can be shown as it is: no control, and nothing that hides or turns the text around it.
fn is_shown(character: char) -> bool {
    let deceives = matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    character != '\\' && !character.is_control() && !deceives
}

fn escape_bytes(bytes: &[u8], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push_str("\\x");
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

fn hex_byte(digits: &str) -> Option<u8> {
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_hex { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// Splits a path into the folder that holds it and its own name.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// Joins a folder and a name.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    if !folder.is_empty() {
        path.extend_from_slice(folder);
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// Tells whether `path` is `folder` or lies below it.
pub(super) fn is_within(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Tells whether a path has only steps that a directory can hold: none is empty, `.` or `..`, and none has a NUL.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let is_step = |step: &[u8]| !matches!(step, b"" | b"." | b"..") && !step.contains(&0);
    path.split(|byte| *byte == b'/').all(is_step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn printable_names_stand_as_they_are() {
        assert_eq!(escape("Übung 1/日本.ipynb".as_bytes()), "Übung 1/日本.ipynb");
    }

    #[test]
    fn other_bytes_are_hexadecimal() {
        assert_eq!(escape(b"a\nb\\c\xff"), r"a\x0ab\x5cc\xff");
        assert_eq!(escape("x\u{202e}y".as_bytes()), r"x\xe2\x80\xaey");
    }

    #[test]
    fn a_lone_backslash_is_refused() {
        for text in ["a\\", "\\x", "\\x1", "\\n", "\\x+1", "\\xé1"] {
            assert!(unescape(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_neighbour_with_the_same_beginning_is_not_within() {
        assert!(is_within(b"a/b", b"a"));
        assert!(is_within(b"a", b"a"));
        assert!(!is_within(b"ab", b"a"));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(path in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(escaped(&path), escape(&path));
            prop_assert_eq!(unescape(&escape(&path)).unwrap(), path);
        }
    }
}
