//! Who of a team moves what of the profile that they shared: what somebody claims goes to their own space, all else to a shared one.
//!
//! A team moves as a whole or not at all: with somebody's part missing, their files would be in nobody's space.

use std::collections::BTreeSet;

use super::draft::{Claim, LeftOut, Route, TeamPart};
use super::eligible::{Judge, Person, allowed_gb, staged, subject};
use super::naming::{migration_id, of_team};
use super::sizing::{Load, volume};
use crate::inventory::{Domain, Member, Profile, Team};
use crate::names::{HomeUid, TAG_TEAM};
use crate::playbook::StagedRoute;
use crate::readiness::minutes;

/// What becomes of a profile that a team shared.
pub(super) struct Split<'a> {
    pub(super) people: Vec<Person<'a>>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Tells whether a profile is the own one of somebody of a team, which moves with the team or has nothing that could move.
pub(super) fn is_of_a_team(domain: &Domain, profile: &Profile) -> bool {
    profile.team.is_none()
        && (profile.tags.contains_key(TAG_TEAM)
            || members_called(domain, profile).any(|(_, member)| !member.own.is_empty()))
}

/// Says why somebody who was made for a team has nothing that could move by itself; `None` for those who claim something.
pub(super) fn nothing_of_their_own(domain: &Domain, profile: &Profile) -> Option<LeftOut> {
    if members_called(domain, profile).any(|(_, member)| !member.own.is_empty()) {
        return None;
    }
    let teams: Vec<_> =
        members_called(domain, profile).map(|(team, _)| team.name.to_string()).collect();
    Some(LeftOut {
        domain: domain.id.clone(),
        who: profile.name.to_string(),
        because: if teams.is_empty() {
            "made for somebody of a team that no table names any more".to_owned()
        } else {
            format!(
                "made for somebody of {}, with nothing in Classic that is theirs alone: they find their files in the team's shared space",
                teams.join(", ")
            )
        },
    })
}

fn members_called<'a>(
    domain: &'a Domain,
    profile: &'a Profile,
) -> impl Iterator<Item = (&'a Profile, &'a Member)> {
    domain.profiles.iter().flat_map(move |team| {
        let members = team.team.iter().flat_map(|one| &one.members);
        let is_them =
            |member: &&Member| member.profile.as_str().eq_ignore_ascii_case(profile.name.as_str());
        members.filter(is_them).map(move |member| (team, member))
    })
}

impl Judge<'_> {
    /// Takes a team into the plan, or names everybody who stays out with it.
    pub(super) fn team<'a>(
        &self,
        domain: &'a Domain,
        profile: &'a Profile,
        team: &Team,
    ) -> Split<'a> {
        match self.parts(domain, profile, team) {
            Ok(people) => Split { people, left_out: Vec::new() },
            Err(because) => {
                let left =
                    |who: String, because| LeftOut { domain: domain.id.clone(), who, because };
                let own = team.members.iter().filter(|member| !member.own.is_empty());
                let why = format!(
                    "what is theirs lies in the home of {}, which is left out",
                    profile.name
                );
                // By the names that AWS has, however the table writes them.
                let with_it = own
                    .filter_map(|member| domain.profile(&member.profile))
                    .map(|one| left(one.name.to_string(), why.clone()));
                let because = format!("a profile that a team shared: {because}");
                let whole = left(profile.name.to_string(), because);
                Split {
                    people: Vec::new(),
                    left_out: std::iter::once(whole).chain(with_it).collect(),
                }
            }
        }
    }

    fn parts<'a>(
        &self,
        domain: &'a Domain,
        profile: &'a Profile,
        team: &Team,
    ) -> Result<Vec<Person<'a>>, String> {
        if let Some(because) = self.scoping.why_out(domain, profile) {
            return Err(because);
        }
        if self.playbook.routes.shared_spaces == StagedRoute::Leave {
            return Err("the playbook leaves what is shared (routes.shared_spaces)".to_owned());
        }
        let mut reasons = self.not_ready(domain, profile, team);
        let mut people = Vec::new();
        for member in &team.members {
            match self.member(domain, member) {
                Ok(found) => people.push(found),
                Err(because) => reasons.push(because),
            }
        }
        let (Some(home_uid), Some((owner, _)), true) =
            (&profile.home_uid, people.first(), reasons.is_empty())
        else {
            return Err(reasons.join("; "));
        };
        // By the names that AWS has, however the table writes them.
        let claims: Vec<Claim> = people
            .iter()
            .map(|(person, member)| Claim {
                profile: person.name.clone(),
                line: member.line,
                own: member.own.clone(),
            })
            .collect();
        let part = |whose: Option<&Profile>| TeamPart {
            profile: profile.name.clone(),
            whose: whose.map(|one| one.name.clone()),
            folder: whose.map(|_| format!("from-{}", profile.name)).unwrap_or_default(),
            claims: claims.clone(),
        };
        let rest = self.part(domain, owner, (profile, home_uid), part(None))?;
        let own = people.iter().filter(|(_, member)| !member.own.is_empty());
        let own = own
            .map(|(person, _)| self.part(domain, person, (profile, home_uid), part(Some(person))));
        std::iter::once(Ok(rest)).chain(own).collect()
    }

    /// Says everything about the team's profile that keeps it where it is.
    fn not_ready(&self, domain: &Domain, profile: &Profile, team: &Team) -> Vec<String> {
        let mut reasons = self.blocked(domain, profile);
        reasons.extend(self.not_ready_for_shared(domain));
        if profile.status != "InService" {
            reasons.push(format!("the profile is {}, not InService", profile.status));
        }
        if self.playbook.routes.shared_spaces == StagedRoute::DataSync
            && team.members.iter().any(|member| !member.own.is_empty())
        {
            reasons.push(
                "what people claim of it travels packed only (routes.shared_spaces: packed)"
                    .to_owned(),
            );
        }
        if profile.home_uid.is_none() {
            reasons.push("it has no Classic home (no HomeEfsFileSystemUid)".to_owned());
        }
        reasons
    }

    /// Finds somebody of a team, or says why they cannot have their part.
    fn member<'a, 'm>(
        &self,
        domain: &'a Domain,
        member: &'m Member,
    ) -> Result<(&'a Profile, &'m Member), String> {
        let name = &member.profile;
        let Some(profile) = domain.profile(name) else {
            return Err(format!(
                "{name} has no profile yet: `team people --apply`, then another inventory"
            ));
        };
        if profile.status != "InService" {
            return Err(format!("the profile of {name} is {}, not InService", profile.status));
        }
        if member.own.is_empty() {
            return Ok((profile, member));
        }
        if !profile.tags.contains_key(TAG_TEAM) {
            return Err(format!(
                "{name} has files of their own in it, and a profile that `team people` did not make"
            ));
        }
        match self.scoping.why_out(domain, profile) {
            Some(because) => Err(format!("{name} has files of their own in it: {because}")),
            None => match self.blocked_by(&subject(domain, profile), "") {
                Some(because) => Err(format!("{name} has files of their own in it: {because}")),
                None => Ok((profile, member)),
            },
        }
    }

    /// One part of a team's home on its way into somebody's space.
    fn part<'a>(
        &self,
        domain: &'a Domain,
        owner: &'a Profile,
        (team, home_uid): (&'a Profile, &HomeUid),
        part: TeamPart,
    ) -> Result<Person<'a>, String> {
        let is_rest = part.whose.is_none();
        // What people claim is known when it is packed only: the shared space is made for all of it.
        let load = team.home.as_ref().filter(|_| is_rest).map(|home| Load::of(home, &self.rules));
        let allowed = if is_rest { None } else { allowed_gb(domain, owner) };
        let (volume_gb, volume_because) = volume(load, &self.playbook.target.volume, allowed)?;
        let id = match is_rest {
            true => migration_id(&domain.id, &of_team(&team.name)),
            false => migration_id(&domain.id, &owner.name),
        };
        let route = staged(self.playbook.routes.shared_spaces);
        debug_assert!(route != Route::InSpace);
        Ok(Person {
            id,
            domain,
            profile: owner,
            classic_space: None,
            team: Some(part),
            route,
            home_uid: home_uid.clone(),
            load,
            volume_gb,
            volume_because,
            minutes: minutes(load.map(|load| (load.bytes, load.files))),
            warnings: BTreeSet::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{people, playbook};
    use super::*;
    use crate::inventory::Snapshot;
    use crate::plan::{Plan, draw};

    /// Three people who work as `lab`; what Ana claims is hers, and the table writes her in capitals.
    fn team() -> Snapshot {
        let mut snapshot = people(&[("lab", 4), ("ana", 0), ("ben", 0), ("cleo", 2)]);
        let domain = &mut snapshot.domains[0];
        domain.setup.space_role = Some("arn:aws:iam::000000000000:role/spaces".to_owned());
        let member = |name: &str, own: &[&str], had_it| Member {
            line: 2,
            profile: name.into(),
            had_it,
            own: own.iter().map(|one| (*one).to_owned()).collect(),
        };
        domain.profiles[0].team = Some(Team {
            members: vec![
                member("ANA", &["ana/"], false),
                member("ben", &[], false),
                member("cleo", &[], true),
            ],
        });
        for made in &mut domain.profiles[1..3] {
            made.tags.insert(TAG_TEAM.to_owned(), "d-sim1/lab".to_owned());
        }
        snapshot
    }

    fn drawn(snapshot: &Snapshot, route: StagedRoute) -> Plan {
        let mut playbook = playbook();
        playbook.routes.shared_spaces = route;
        draw(snapshot, &[], &playbook, None).unwrap()
    }

    fn why(plan: &Plan, who: &str) -> String {
        let left = plan.left_out.iter().find(|left| left.who == who);
        left.map(|left| left.because.clone()).unwrap_or_default()
    }

    #[test]
    fn a_team_moves_after_its_people_and_whoever_had_a_home_moves_as_ever() {
        let snapshot = team();
        let plan = drawn(&snapshot, StagedRoute::Packed);
        let names: Vec<_> = plan.migrations().map(|(_, one)| one.id.to_string()).collect();
        assert_eq!(names.last().map(String::as_str), Some("d-sim1/team.lab"));
        assert_eq!(names.len(), 3, "{names:?}");
        let of = |id: &str| plan.migration(&id.into()).unwrap().1;
        let (ana, lab, cleo) = (of("d-sim1/ana"), of("d-sim1/team.lab"), of("d-sim1/cleo"));
        let home = snapshot.domains[0].profiles[0].home_uid.clone().unwrap();
        assert_eq!((&ana.home_uid, &lab.home_uid), (&home, &home));
        assert_eq!((ana.route, cleo.route), (Route::Packed, Route::InSpace));
        assert_eq!((plan.folder(ana), plan.folder(lab)), ("from-lab", ""));
        assert_eq!(ana.team.as_ref().unwrap().own(), ["ana/"]);
        assert_eq!((lab.profile.as_str(), lab.space.as_str()), ("ana", "lab-studio"));
        assert!(why(&plan, "ben").contains("nothing in Classic that is theirs alone"));
        // Nothing has changed since, for any of them.
        assert!(crate::plan::drift(&plan, &snapshot).is_empty());
        let again = drawn(&snapshot, StagedRoute::Packed);
        assert_eq!(again.id, plan.id);
    }

    #[test]
    fn a_team_stays_as_a_whole_and_says_why() {
        let mut snapshot = team();
        let plan = drawn(&snapshot, StagedRoute::Leave);
        assert!(why(&plan, "lab").contains("routes.shared_spaces"));
        assert!(why(&plan, "ana").contains("the home of lab, which is left out"));
        let plan = drawn(&snapshot, StagedRoute::DataSync);
        assert!(why(&plan, "lab").contains("travels packed only"));
        snapshot.domains[0].profiles[1].tags.clear();
        let plan = drawn(&snapshot, StagedRoute::Packed);
        assert!(why(&plan, "lab").contains("ana") || why(&plan, "lab").contains("ANA"));
        assert_eq!(plan.migrations().count(), 1);
    }

    #[test]
    fn a_profile_that_the_team_shared_and_that_was_made_anew_is_told() {
        let mut snapshot = team();
        let plan = drawn(&snapshot, StagedRoute::Packed);
        snapshot.domains[0].profiles[0].home_uid = Some("9".into());
        let drift = crate::plan::drift(&plan, &snapshot);
        assert_eq!(drift.len(), 2);
        assert!(drift.values().all(|said| said[0].contains("lab was made anew")));
    }
}
