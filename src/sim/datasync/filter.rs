//! Filters: which paths of the source an execution takes.
//!
//! A filter is patterns with `|` between them. A pattern is held against the path from the source location, which begins with
//! `/`; `*` stands for any letters, slashes too, and `\` takes its meaning from the letter after it. A pattern fits a path when
//! it fits the whole of it or a folder that it is in, so that `/dir` and `/dir/` both mean the folder and what is in it
//! (DataSync User Guide, "Transferring specific files, objects, and folders by using filters").

use serde_json::Value;

use crate::sim::wire::Refusal;

use super::refuse::invalid;

/// The most letters of a filter, all its patterns together (DataSync User Guide, "Quotas for AWS DataSync").
const MOST: usize = 102_400;

/// What a pattern is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Letter(char),
    Any,
}

/// The patterns of one filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    patterns: Vec<Vec<Part>>,
}

impl Filter {
    /// Reads `Includes` or `Excludes`; `None` when there is no rule.
    ///
    /// # Errors
    ///
    /// Refuses a filter that is too long, and a pattern that can fit nothing.
    pub(super) fn of(rules: Option<&Value>) -> Result<Option<Self>, Refusal> {
        let rules = rules.and_then(Value::as_array);
        let Some(rule) = rules.and_then(|rules| rules.first()) else { return Ok(None) };
        // The model requires neither member. One without a value says nothing that could be meant.
        let text = rule["Value"].as_str().unwrap_or_default();
        if text.chars().count() > MOST {
            return Err(invalid(format!("A filter holds at most {MOST} letters.")));
        }
        let patterns: Vec<_> = split(text)?.into_iter().filter(|parts| !parts.is_empty()).collect();
        if patterns.is_empty() {
            return Err(invalid("The filter holds no pattern."));
        }
        for parts in &patterns {
            // Nothing says what becomes of another pattern; it would fit no path, for all begin with a slash.
            if !matches!(parts.first(), Some(Part::Any | Part::Letter('/'))) {
                return Err(invalid(format!(
                    "The pattern {} must begin with / or *: all filters are relative to the source location.",
                    shown(parts)
                )));
            }
        }
        Ok(Some(Self { patterns }))
    }

    /// Reads `Includes`, whose patterns take `*` as their last letter alone.
    ///
    /// # Errors
    ///
    /// What [`Filter::of`] refuses, and a star before the end.
    pub(super) fn of_includes(rules: Option<&Value>) -> Result<Option<Self>, Refusal> {
        let filter = Self::of(rules)?;
        let patterns = filter.iter().flat_map(|filter| &filter.patterns);
        for parts in patterns {
            if parts.iter().rev().skip(1).any(|part| *part == Part::Any) {
                return Err(invalid(format!(
                    "The include pattern {} holds a wildcard that is not its rightmost character.",
                    shown(parts)
                )));
            }
        }
        Ok(filter)
    }

    /// Tells whether a path fits: `/notes/a.ipynb`, for a folder without a slash at its end.
    pub(super) fn fits(&self, path: &str) -> bool {
        let letters: Vec<char> = path.chars().collect();
        self.patterns.iter().any(|pattern| fits(pattern, &letters))
    }
}

/// Takes a filter apart at the bars that are not escaped.
fn split(text: &str) -> Result<Vec<Vec<Part>>, Refusal> {
    let mut patterns = vec![Vec::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let part = match letter {
            '|' => {
                patterns.push(Vec::new());
                continue;
            }
            '*' => Part::Any,
            '\\' => match letters.next() {
                Some(letter) => Part::Letter(letter),
                None => return Err(invalid("A filter must not end in a single backslash.")),
            },
            letter => Part::Letter(letter),
        };
        if let Some(last) = patterns.last_mut() {
            last.push(part);
        }
    }
    for parts in &mut patterns {
        // A folder is the same with and without a slash at its end; the root keeps its own.
        if parts.len() > 1 && parts.last() == Some(&Part::Letter('/')) {
            parts.pop();
        }
    }
    Ok(patterns)
}

/// Tells whether a pattern fits a path or a folder above it. The places where the pattern may have come to are followed all at
/// once, so that no pattern takes longer than its length times that of the path.
fn fits(pattern: &[Part], path: &[char]) -> bool {
    if *pattern == [Part::Letter('/')] {
        return true;
    }
    let mut at = vec![false; pattern.len() + 1];
    let settle = |at: &mut Vec<bool>| {
        for place in 0..pattern.len() {
            if at[place] && pattern[place] == Part::Any {
                at[place + 1] = true;
            }
        }
    };
    at[0] = true;
    settle(&mut at);
    for (number, letter) in path.iter().enumerate() {
        if number > 0 && *letter == '/' && at[pattern.len()] {
            return true;
        }
        let mut next = vec![false; pattern.len() + 1];
        for (place, part) in pattern.iter().enumerate().filter(|(place, _)| at[*place]) {
            match part {
                Part::Any => next[place] = true,
                Part::Letter(wanted) if wanted == letter => next[place + 1] = true,
                Part::Letter(_) => {}
            }
        }
        settle(&mut next);
        at = next;
        if !at.contains(&true) {
            return false;
        }
    }
    at[pattern.len()]
}

fn shown(parts: &[Part]) -> String {
    let letter = |part: &Part| match part {
        Part::Letter(letter) => *letter,
        Part::Any => '*',
    };
    parts.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(text: &str) -> Filter {
        let rules = json!([{"FilterType": "SIMPLE_PATTERN", "Value": text}]);
        Filter::of(Some(&rules)).unwrap().unwrap()
    }

    #[test]
    fn a_folder_means_itself_and_what_is_in_it_and_nothing_beside_it() {
        for text in ["/dir", "/dir/"] {
            let filter = filter(text);
            assert!(filter.fits("/dir") && filter.fits("/dir/a") && filter.fits("/dir/a/b"));
            assert!(!filter.fits("/directory") && !filter.fits("/a/dir") && !filter.fits("/Dir"));
        }
    }

    #[test]
    fn a_star_stands_for_any_letters_at_any_place_and_any_depth() {
        let anywhere = filter("*/.cache|*.tmp");
        for path in
            ["/.cache", "/.cache/pip/x", "/a/b/.cache", "/x.tmp", "/a/x.tmp", "/x.tmp/inner"]
        {
            assert!(anywhere.fits(path), "{path}");
        }
        for path in ["/.cached", "/a.cache", "/x.tmp1", "/cache"] {
            assert!(!anywhere.fits(path), "{path}");
        }
        assert!(filter("/a*/z").fits("/abc/def/z"));
        assert!(filter("/dir/*").fits("/dir/a") && !filter("/dir/*").fits("/dir"));
        assert!(filter("/").fits("/anything") && filter("*").fits("/a/b"));
    }

    #[test]
    fn a_backslash_takes_the_meaning_of_a_letter_away() {
        assert!(filter(r"/a\*b").fits("/a*b") && !filter(r"/a\*b").fits("/axb"));
        assert!(filter(r"/a\|b").fits("/a|b") && !filter(r"/a\|b").fits("/a"));
        assert!(filter(r"/a\\b").fits(r"/a\b"));
    }

    #[test]
    fn a_pattern_that_can_fit_nothing_and_one_too_many_are_refused() {
        let refused = |text: &str| {
            let rules = json!([{"FilterType": "SIMPLE_PATTERN", "Value": text}]);
            assert!(Filter::of(Some(&rules)).is_err(), "{text}");
        };
        refused("temp");
        refused("/a|temp");
        refused("|");
        refused("/a\\");
        refused(&"/aaa|".repeat(20_481));
        assert_eq!(Filter::of(Some(&json!([]))), Ok(None));
        assert_eq!(Filter::of(None), Ok(None));
    }

    #[test]
    fn an_include_pattern_has_its_star_at_the_end() {
        let read = |text: &str| {
            let rules = json!([{"FilterType": "SIMPLE_PATTERN", "Value": text}]);
            Filter::of_includes(Some(&rules))
        };
        assert!(read("/documents*|/code*|/folder/*").is_ok());
        for bad in ["*.txt", "/a*/b", "/a*b*"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn many_stars_take_no_more_than_their_number() {
        let filter = filter(&format!("/{}z", "a*".repeat(400)));
        assert!(!filter.fits(&format!("/{}", "a".repeat(3000))));
    }
}
