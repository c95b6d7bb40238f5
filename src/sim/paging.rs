//! Pages of a list: a token says where the next page begins, and only a token of ours is taken.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Says that a token was not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadToken;

/// Takes a page of at most `limit` items, and the token of the next page when there is one.
///
/// # Errors
///
/// [`BadToken`] when the token is not one that an earlier page gave.
pub fn page<T>(
    items: Vec<T>,
    limit: usize,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), BadToken> {
    let start = token.map_or(Ok(0), start_of)?;
    if token.is_some() && start > items.len() {
        return Err(BadToken);
    }
    let next = start + limit.max(1);
    let token = (next < items.len()).then(|| STANDARD.encode(format!("from={next}")));
    Ok((items.into_iter().skip(start).take(limit.max(1)).collect(), token))
}

fn start_of(token: &str) -> Result<usize, BadToken> {
    let text = STANDARD.decode(token).map_err(|_| BadToken)?;
    let text = std::str::from_utf8(&text).map_err(|_| BadToken)?;
    text.strip_prefix("from=").and_then(|number| number.parse().ok()).ok_or(BadToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let items: Vec<u8> = (0..5).collect();
        let mut seen = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let (page, next) = page(items.clone(), 2, token.as_deref()).unwrap();
            seen.push(page);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, [vec![0, 1], vec![2, 3], vec![4]]);
    }

    #[test]
    fn a_full_last_page_has_no_token() {
        assert_eq!(page(vec![1, 2], 2, None), Ok((vec![1, 2], None)));
    }

    #[test]
    fn a_token_of_someone_else_is_refused() {
        assert_eq!(page(vec![1], 1, Some("abc")), Err(BadToken));
        assert_eq!(page(vec![1], 1, Some(&STANDARD.encode("from=9"))), Err(BadToken));
    }
}
