//! What a table of teams cannot mean, in words, with its lines.

use super::super::snapshot::{Domain, Snapshot};
use super::table::{TeamRow, TeamTable, is_same, is_same_person};
use crate::mover::Rules;

/// Tags that AWS takes, without ours.
const MOST_TAGS: usize = 49;

impl TeamTable {
    /// Says everything that the table cannot mean, by itself and for the people of a snapshot.
    pub fn problems(&self, snapshot: &Snapshot) -> Vec<String> {
        let mut problems = Vec::new();
        if self.rows.is_empty() {
            problems.push("the table names nobody".to_owned());
        }
        for (place, row) in self.rows.iter().enumerate() {
            let line = row.line;
            let said = alone(row).into_iter().chain(in_domain(row, snapshot));
            problems.extend(said.map(|what| format!("line {line}: {what}")));
            for earlier in &self.rows[..place] {
                let said = together(earlier, row);
                problems
                    .extend(said.map(|what| format!("lines {} and {line}: {what}", earlier.line)));
            }
        }
        problems
    }
}

/// What is wrong with a row, whatever the others say.
fn alone(row: &TeamRow) -> Vec<String> {
    let mut said = Vec::new();
    if !is_name(row.profile.as_str()) {
        said.push(format!("`{}` is no name that AWS takes for a profile", row.profile));
    }
    if is_same(&row.profile, &row.team) {
        said.push(format!("{} is the team's profile, and cannot be a person's", row.team));
    }
    if let Some(role) = &row.execution_role
        && !(role.starts_with("arn:") && role.contains(":role/"))
    {
        said.push(format!("`{role}` is no ARN of a role"));
    }
    let reserved = |key: &&String| key.starts_with("aws:") || key.starts_with("studio-migrate:");
    said.extend(row.tags.keys().filter(reserved).map(|key| format!("the tag `{key}` is reserved")));
    if row.tags.len() > MOST_TAGS {
        said.push(format!("AWS takes {MOST_TAGS} tags beside ours"));
    }
    for pattern in &row.own {
        let is_all = ["*", "**", ".", "./", "/", "**/*"].contains(&pattern.as_str());
        if is_all || pattern.split('/').any(|part| part == "..") {
            said.push(format!("`{pattern}` in column `own` is no part of the team's home"));
        } else if Rules::of(pattern).is_err() {
            said.push(format!("`{pattern}` in column `own` is no glob"));
        }
    }
    if row.had_it && !row.own.is_empty() {
        said.push(format!(
            "{} had a profile before, whose own home goes to their own space: leave `own` empty, and what is theirs in the team's space",
            row.profile
        ));
    }
    said
}

/// What is wrong with a row, as the domain is.
fn in_domain(row: &TeamRow, snapshot: &Snapshot) -> Vec<String> {
    let Some(domain) = snapshot.domains.iter().find(|domain| domain.id == row.domain) else {
        return vec![format!("the last inventory has no domain {}", row.domain)];
    };
    let mut said = Vec::new();
    match domain.profile(&row.team) {
        None => said.push(format!("{} has no profile {}", row.domain, row.team)),
        Some(team) if team.home_uid.is_none() => {
            said.push(format!("profile {} has no Classic home", row.team));
        }
        Some(_) => {}
    }
    said.extend(signing_in(row, domain));
    said
}

/// AWS wants a user of Identity Center where a domain signs in with it, and refuses one where it does not.
fn signing_in(row: &TeamRow, domain: &Domain) -> Option<String> {
    match (domain.auth_mode.as_str(), &row.sso_user) {
        ("SSO", None) if !row.had_it => Some(format!(
            "{} signs in with Identity Center, and `sso_user` does not say who {} is",
            row.domain, row.profile
        )),
        ("IAM", Some(user)) => Some(format!(
            "{} signs in with IAM, and AWS takes no `sso_user` ({user}) there",
            row.domain
        )),
        _ => None,
    }
}

/// What two rows cannot both say.
fn together<'a>(earlier: &'a TeamRow, row: &'a TeamRow) -> impl Iterator<Item = String> + 'a {
    let mut said = Vec::new();
    if earlier.domain != row.domain {
        return said.into_iter();
    }
    let (is_one_person, is_one_team) =
        (is_same_person(earlier, row), is_same(&earlier.team, &row.team));
    if is_one_person && is_one_team {
        said.push(format!("{} is twice in the team {}", row.profile, row.team));
    } else if is_one_person {
        if disagree(&earlier.sso_user, &row.sso_user)
            || disagree(&earlier.execution_role, &row.execution_role)
            || (!row.tags.is_empty() && row.tags != earlier.tags)
            || row.had_it != earlier.had_it
        {
            said.push(format!("{} is described in two ways", row.profile));
        }
        if !earlier.own.is_empty() && !row.own.is_empty() {
            said.push(format!("{} has files of their own in the homes of two teams", row.profile));
        }
    } else if earlier.sso_user.is_some() && earlier.sso_user == row.sso_user {
        said.push(format!(
            "{} and {} are one user of Identity Center; one user has one profile",
            earlier.profile, row.profile
        ));
    }
    if is_same(&earlier.profile, &row.team) || is_same(&earlier.team, &row.profile) {
        said.push(format!("{} is a person and a team", row.profile));
    }
    if !is_one_person && is_one_team {
        for (one, other) in
            earlier.own.iter().flat_map(|one| row.own.iter().map(move |other| (one, other)))
        {
            if overlap(one, other) {
                said.push(format!(
                    "`{one}` of {} and `{other}` of {} claim the same",
                    earlier.profile, row.profile
                ));
            }
        }
    }
    said.into_iter()
}

fn disagree(earlier: &Option<String>, later: &Option<String>) -> bool {
    later.is_some() && earlier != later
}

/// Tells whether two claims are surely for something that both cover, whatever is there: what only the files can tell is told
/// when they are looked at.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (plain(one), plain(other));
    let covers = |pattern: &str, path: &str| {
        let Ok(rules) = Rules::of(pattern) else { return false };
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        ends.into_iter().any(|end| rules.find(&path.as_bytes()[..end], true).is_some())
    };
    one == other
        || (is_literal(other) && covers(one, other))
        || (is_literal(one) && covers(other, one))
}

/// A claim without what makes it say folder.
fn plain(pattern: &str) -> &str {
    let pattern = pattern.trim_start_matches("./").trim_start_matches('/');
    pattern.strip_suffix("/**").unwrap_or(pattern).trim_end_matches('/')
}

fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', '{', '\\'])
}

/// AWS's pattern for the name of a profile.
fn is_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.len() <= 63
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::super::super::snapshot::Profile;
    use super::*;

    fn snapshot(auth_mode: &str) -> Snapshot {
        let profile = |name: &str| Profile {
            name: name.into(),
            home_uid: Some("200001".into()),
            ..Profile::default()
        };
        let domain = Domain {
            id: "d-a".into(),
            auth_mode: auth_mode.to_owned(),
            profiles: vec![profile("Lab"), profile("lab2")],
            ..Domain::default()
        };
        Snapshot { domains: vec![domain], ..Snapshot::default() }
    }

    fn problems(auth_mode: &str, rows: &str) -> Vec<String> {
        let header = "domain,team_profile,profile,existing,sso_user,execution_role,tags,own\n";
        let table = TeamTable::parse(&format!("{header}{rows}")).unwrap();
        table.problems(&snapshot(auth_mode))
    }

    #[test]
    fn a_table_that_fits_has_no_problems_and_comes_into_the_snapshot() {
        let rows = "d-a,lab,ana,,,arn:aws:iam::1:role/R,team=x,ana/;notes/ana-*\nd-a,LAB,ben,,,,,ben/**\nd-a,lab2,ana,,,,,\n";
        assert_eq!(problems("IAM", rows), [""; 0]);
        let header = "domain,team_profile,profile,existing,sso_user,execution_role,tags,own\n";
        let table = TeamTable::parse(&format!("{header}{rows}")).unwrap();
        assert_eq!(table.people().len(), 2);
        let mut snapshot = snapshot("IAM");
        table.apply(&mut snapshot);
        let team = snapshot.domains[0].profiles[0].team.clone().unwrap();
        let names: Vec<_> = team.members.iter().map(|member| member.profile.as_str()).collect();
        assert_eq!(names, ["ana", "ben"]);
        assert_eq!(team.members[0].own, ["ana/", "notes/ana-*"]);
    }

    #[test]
    fn two_people_who_claim_the_same_are_told_with_both_lines() {
        for (one, other) in
            [("x/", "x"), ("x", "x/y"), ("x/y/**", "x"), ("*.ipynb", "a/b.ipynb"), ("a/b", "a/*")]
        {
            let said =
                problems("IAM", &format!("d-a,lab,ana,,,,,{one}\nd-a,lab,ben,,,,,{other}\n"));
            let wanted =
                format!("lines 2 and 3: `{one}` of ana and `{other}` of ben claim the same");
            assert_eq!(said, [wanted]);
        }
        assert_eq!(problems("IAM", "d-a,lab,ana,,,,,ana\nd-a,lab,ben,,,,,anab\n"), [""; 0]);
    }

    #[test]
    fn an_identity_center_user_is_wanted_where_people_sign_in_with_it_and_nowhere_else() {
        let said = problems("SSO", "d-a,lab,ana,,,,,\n");
        assert!(said[0].contains("line 2") && said[0].contains("`sso_user`"), "{said:?}");
        let said = problems("IAM", "d-a,lab,ana,,ana@x.org,,,\n");
        assert!(said[0].contains("AWS takes no `sso_user`"), "{said:?}");
        let said = problems("SSO", "d-a,lab,ana,,u,,,\nd-a,lab,ben,,u,,,\n");
        assert!(said[0].starts_with("lines 2 and 3") && said[0].contains("one user"), "{said:?}");
    }

    #[test]
    fn what_cannot_be_a_person_a_role_or_a_part_of_a_home_is_told() {
        let of = |row: &str| problems("IAM", row).join("; ");
        assert!(of("d-b,lab,ana,,,,,\n").contains("no domain d-b"));
        assert!(of("d-a,team,ana,,,,,\n").contains("no profile team"));
        assert!(of("d-a,lab,lab,,,,,\n").contains("cannot be a person's"));
        assert!(of("d-a,lab,-ana,,,,,\n").contains("no name that AWS takes"));
        assert!(of("d-a,lab,ana,,,Role,,\n").contains("no ARN of a role"));
        assert!(of("d-a,lab,ana,,,,studio-migrate:team=x,\n").contains("reserved"));
        for own in ["../x", "*", "a["] {
            assert!(of(&format!("d-a,lab,ana,,,,,{own}\n")).contains("column `own`"), "{own}");
        }
        assert!(of("d-a,lab,ana,yes,,,,x\n").contains("leave `own` empty"));
        assert!(of("d-a,lab,ana,,,,,\nd-a,lab,ANA,,,,,\n").contains("twice in the team"));
        assert!(of("d-a,lab,ana,,,,,x\nd-a,lab2,ana,,,,,y\n").contains("homes of two teams"));
        assert!(of("d-a,lab,ana,,,,,\nd-a,lab2,lab,,,,,\n").contains("a person and a team"));
    }
}
