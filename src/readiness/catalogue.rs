//! The table of all rules, and its description for people.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::render::text::markdown_prose;
use super::rule::Rule;
use super::{
    access, account, apps, data, domain, doors, experience, file_system, home, identity, images,
    lint, network, profile, quota, scripts, sharing, sharing_buckets, suppress,
};

static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut all: Vec<Rule> = [
        domain::RULES,
        account::RULES,
        profile::RULES,
        home::RULES,
        apps::RULES,
        scripts::RULES,
        lint::RULES,
        suppress::RULES,
        images::RULES,
        access::RULES,
        quota::RULES,
        network::RULES,
        sharing::RULES,
        identity::RULES,
        experience::RULES,
        data::RULES,
        file_system::RULES,
        sharing_buckets::RULES,
        doors::RULES,
    ]
    .concat();
    all.sort_by_key(|rule| rule.code);
    all
});

/// What the hundreds of the codes stand for.
const CHAPTERS: [(&str, &str); 8] = [
    ("SM1", "Domain and account"),
    ("SM2", "Profiles"),
    ("SM3", "Homes and data"),
    ("SM4", "Apps, scripts and images"),
    ("SM5", "Access"),
    ("SM6", "Quotas and network"),
    ("SM7", "Sharing"),
    ("SM8", "One-way doors, and what follows the domain"),
];

/// Returns every rule, by code.
pub fn rules() -> &'static [Rule] {
    &ALL
}

/// Returns the rule of a code, whatever its case; `None` when no rule has it.
pub fn explain(code: &str) -> Option<&'static Rule> {
    rules().iter().find(|rule| rule.code.eq_ignore_ascii_case(code.trim()))
}

/// Returns what the chapter of a code is called.
pub(super) fn chapter(code: &str) -> &'static str {
    CHAPTERS.iter().find(|(prefix, _)| code.starts_with(prefix)).map_or("Others", |(_, name)| name)
}

/// Renders the table of rules as the page `docs/rules.md`.
pub fn rules_markdown() -> String {
    let mut page = String::from(
        "# Readiness rules\n\n\
         <!-- Generated from the table in src/readiness by its test; `STUDIO_MIGRATE_BLESS=1 cargo test --lib rules_page` writes it anew. -->\n\n\
         `studio-migrate readiness` puts every rule to a snapshot. A *blocker* keeps whoever it is about from being planned, a \
         *warning* lets the migration go on and asks someone to look, *advice* is worth knowing. The severity below is the most that \
         a rule says; some say less where less is at stake. Codes are stable. `studio-migrate explain CODE` prints one entry.\n",
    );
    for (prefix, title) in CHAPTERS {
        let of_chapter = || rules().iter().filter(|rule| rule.code.starts_with(prefix));
        let _ = write!(
            page,
            "\n## {prefix}xx: {title}\n\n| code | severity | finding |\n| --- | --- | --- |\n"
        );
        for rule in of_chapter() {
            let anchor = rule.code.to_ascii_lowercase();
            let _ = writeln!(
                page,
                "| [{}](#{anchor}) | {} | {} |",
                rule.code, rule.severity, rule.title
            );
        }
        for rule in of_chapter() {
            page.push_str(&entry(rule));
        }
    }
    page
}

fn entry(rule: &Rule) -> String {
    let mut text = format!(
        "\n### {}\n\n**{}** ({}).\n\n{}\n\n*What to do.* {}\n\n*Source.* ",
        rule.code,
        rule.title,
        rule.severity,
        markdown_prose(rule.cause),
        markdown_prose(rule.remedy)
    );
    let sources: Vec<_> = rule
        .sources
        .iter()
        .map(|source| {
            if source.starts_with("https://") {
                format!("<{source}>")
            } else {
                (*source).to_owned()
            }
        })
        .collect();
    text.push_str(&sources.join(", "));
    text.push_str(".\n");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_stand_in_a_chapter() {
        let codes: BTreeSet<_> = rules().iter().map(|rule| rule.code).collect();
        assert_eq!(codes.len(), rules().len());
        assert!(codes.len() >= 60);
        for rule in rules() {
            assert!(CHAPTERS.iter().any(|(prefix, _)| rule.code.starts_with(prefix)));
            assert_eq!(rule.code.len(), 5, "{}", rule.code);
        }
    }

    #[test]
    fn every_rule_says_why_what_to_do_and_who_says_so() {
        for rule in rules() {
            assert!(!rule.title.ends_with('.'), "{}", rule.code);
            assert!(rule.cause.ends_with('.') || rule.cause.ends_with('`'), "{}", rule.code);
            assert!(rule.remedy.len() > 20, "{}", rule.code);
            assert!(!rule.sources.is_empty(), "{}", rule.code);
            assert_eq!(rule.cause.matches('`').count() % 2, 0, "{}", rule.code);
            assert_eq!(rule.remedy.matches('`').count() % 2, 0, "{}", rule.code);
        }
    }

    #[test]
    fn a_code_is_explained_whatever_its_case() {
        assert_eq!(explain(" sm203 ").map(|rule| rule.code), Some("SM203"));
        assert!(explain("SM999").is_none());
    }

    #[test]
    fn the_rules_page_is_what_the_table_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
        if std::env::var_os("STUDIO_MIGRATE_BLESS").is_some() {
            std::fs::write(&path, rules_markdown()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), rules_markdown());
    }
}
