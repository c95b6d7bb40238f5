//! Who goes in which batch: trials first, then what the playbook names, then everyone else, and nobody is moved about who has a
//! place already.

use std::collections::BTreeMap;

use super::bins::{Bounds, Unit, at_least, pack as pack_bins};
use super::draft::Plan;
use super::eligible::Person;
use super::places::{Named, Place};
use super::sizing::size;
use crate::names::{BatchName, MigrationId};
use crate::playbook::{Batches, Order};

/// A batch with who is in it, and why each of them is, in words.
#[derive(Debug)]
pub(super) struct Packed<'a> {
    pub(super) name: BatchName,
    pub(super) people: Vec<(Person<'a>, String)>,
}

/// Everyone in batches, and how good that is.
#[derive(Debug, Default)]
pub(super) struct Packing<'a> {
    pub(super) batches: Vec<Packed<'a>>,
    /// Batches that were made up, and the number that no packing could do without.
    pub(super) made: (usize, usize),
}

/// Packs people, who come in order, into batches.
pub(super) fn pack<'a>(
    people: Vec<Person<'a>>,
    policy: &Batches,
    bounds: &Bounds,
    parent: Option<&Plan>,
) -> Packing<'a> {
    let mut packer =
        Packer { policy, bounds, named: Named::of(policy), batches: BTreeMap::new(), made: (0, 0) };
    let (spaces, people): (Vec<_>, Vec<_>) =
        people.into_iter().partition(|person| person.shared().is_some());
    packer.shared(spaces);
    let newcomers = match parent {
        Some(parent) => packer.keep(people, parent),
        None => people,
    };
    let kept_some = packer.batches.keys().any(|place| !matches!(place, Place::Shared(_)));
    let rest = packer.pilot(newcomers, kept_some);
    let rest = packer.canary(rest, kept_some);
    let rest = packer.lists(rest);
    packer.number(rest, parent.filter(|_| kept_some));
    Packing { made: packer.made, batches: packer.finish() }
}

struct Packer<'a, 'p> {
    policy: &'p Batches,
    bounds: &'p Bounds,
    named: Named,
    batches: BTreeMap<Place, Vec<(Person<'a>, String)>>,
    made: (usize, usize),
}

impl<'a> Packer<'a, '_> {
    fn put(&mut self, place: Place, person: Person<'a>, because: String) {
        self.batches.entry(place).or_default().push((person, because));
    }

    fn is_pilot(&self, person: &Person<'_>) -> bool {
        self.named.pilot.contains(&person.name().as_str().to_ascii_lowercase())
    }

    /// Puts shared spaces, smallest first, behind everyone: whoever uses one has then moved.
    fn shared(&mut self, spaces: Vec<Person<'a>>) {
        for (i, space) in spaces.into_iter().enumerate() {
            let number = i / self.bounds.users.max(1) + 1;
            let because = format!(
                "{} is in shared-{number}: shared spaces move after the people ({})",
                space.name(),
                weight(&space)
            );
            self.put(Place::Shared(number), space, because);
        }
    }

    /// Leaves everyone where the parent put them, where that still holds; returns the others.
    fn keep(&mut self, people: Vec<Person<'a>>, parent: &Plan) -> Vec<Person<'a>> {
        let places: BTreeMap<&MigrationId, Place> = parent
            .migrations()
            .filter_map(|(batch, one)| Some((&one.id, Place::of(&batch.name, self.policy)?)))
            .collect();
        let mut others = Vec::new();
        for person in people {
            let is_pilot = self.is_pilot(&person);
            let list = Named::number(&self.named.list, &person);
            let place = places.get(&person.id).filter(|place| match place {
                Place::Pilot => is_pilot || self.policy.pilot.is_empty(),
                Place::Canary => !is_pilot && list.is_none() && self.policy.canary_users > 0,
                Place::Listed(number, _, _) => !is_pilot && list == Some(*number),
                // Spaces are put there before anyone else is looked at.
                Place::Shared(_) => false,
                Place::Number(_) => {
                    let batch = self.batches.get(place);
                    let is_full = batch.is_some_and(|batch| batch.len() >= self.bounds.users);
                    !is_pilot && list.is_none() && !is_full
                }
            });
            match place.cloned() {
                Some(place) => {
                    let because = format!(
                        "{} stays in {}, as in plan {} ({})",
                        person.name(),
                        place.name(),
                        parent.id,
                        weight(&person)
                    );
                    self.put(place, person, because);
                }
                None => others.push(person),
            }
        }
        others
    }

    /// Takes the pilot out of the people, and returns the rest.
    fn pilot(&mut self, people: Vec<Person<'a>>, kept_some: bool) -> Vec<Person<'a>> {
        let (named, mut rest): (Vec<_>, Vec<_>) =
            people.into_iter().partition(|person| self.is_pilot(person));
        let found_named = !named.is_empty();
        for person in named {
            let because = format!(
                "{} is in the pilot: the playbook names them ({})",
                person.name(),
                weight(&person)
            );
            self.put(Place::Pilot, person, because);
        }
        // A batch that has run cannot be preceded by a pilot any more.
        if found_named || kept_some {
            return rest;
        }
        let why_not_named = if self.policy.pilot.is_empty() {
            ""
        } else {
            ", as nobody whom the playbook names can move"
        };
        // An empty home tries nothing out.
        rest.sort_by_key(|person| person.load.is_some_and(|load| load.files == 0));
        let mut after = rest.split_off(self.policy.pilot_users.min(rest.len()));
        after.sort_by(|a, b| a.order(self.policy.order).cmp(&b.order(self.policy.order)));
        for (i, person) in rest.into_iter().enumerate() {
            let because = format!(
                "{} is in the pilot: {} ({}){why_not_named}",
                person.name(),
                self.rank(i, &person),
                weight(&person)
            );
            self.put(Place::Pilot, person, because);
        }
        after
    }

    /// Takes the second trial out of the people: the next in order whom no list names.
    fn canary(&mut self, people: Vec<Person<'a>>, kept_some: bool) -> Vec<Person<'a>> {
        if kept_some || self.policy.canary_users == 0 {
            return people;
        }
        let mut rest = Vec::new();
        let mut taken = 0;
        for person in people {
            let is_listed = Named::number(&self.named.list, &person).is_some();
            if is_listed || taken >= self.policy.canary_users {
                rest.push(person);
                continue;
            }
            let because = format!(
                "{} is in the canary: {} ({}) after the pilot",
                person.name(),
                self.rank(taken, &person),
                weight(&person)
            );
            taken += 1;
            self.put(Place::Canary, person, because);
        }
        rest
    }

    /// Puts those whom the playbook lists into batches of their lists' names, and returns the rest.
    fn lists(&mut self, people: Vec<Person<'a>>) -> Vec<Person<'a>> {
        let mut rest = Vec::new();
        let mut listed: BTreeMap<usize, Vec<Person<'a>>> = BTreeMap::new();
        for person in people {
            match Named::number(&self.named.list, &person) {
                Some(number) => listed.entry(number).or_default().push(person),
                None => rest.push(person),
            }
        }
        for (number, people) in listed {
            let Some(list) = self.policy.lists.get(number) else { continue };
            let last = self.batches.keys().filter_map(|place| match place {
                Place::Listed(of, part, _) if *of == number => Some(*part),
                _ => None,
            });
            let first = last.max().unwrap_or(0) + 1;
            for (part, units) in self.packed(people).into_iter().enumerate() {
                let place = Place::Listed(number, first + part, list.name.clone());
                for person in units.into_iter().flatten() {
                    let because = format!(
                        "{} is in {}: the playbook lists them in {} ({})",
                        person.name(),
                        place.name(),
                        list.name,
                        weight(&person)
                    );
                    self.put(place.clone(), person, because);
                }
            }
        }
        rest
    }

    /// Puts everyone else into numbered batches, after the parent's.
    fn number(&mut self, people: Vec<Person<'a>>, parent: Option<&Plan>) {
        let last = parent
            .into_iter()
            .flat_map(|parent| &parent.batches)
            .filter_map(|batch| match Place::of(&batch.name, self.policy)? {
                Place::Number(number) => Some(number),
                _ => None,
            })
            .max()
            .unwrap_or(0);
        let after = match parent {
            Some(parent) => format!(" of those who are new since plan {}", parent.id),
            None if self.batches.contains_key(&Place::Canary) => " after the canary".to_owned(),
            None if self.batches.contains_key(&Place::Pilot) => " after the pilot".to_owned(),
            None => String::new(),
        };
        let ranks: BTreeMap<MigrationId, usize> =
            people.iter().enumerate().map(|(i, person)| (person.id.clone(), i)).collect();
        // Big homes go last; what must not be mixed is told apart before anything else.
        let mut classes: BTreeMap<(bool, Vec<String>), Vec<Person<'a>>> = BTreeMap::new();
        for person in people {
            let key = (self.is_big(&person), parts(&person, &self.policy.never_mix));
            classes.entry(key).or_default().push(person);
        }
        let mut number = last;
        for ((is_big, parts), people) in classes {
            let of_class: Vec<_> = self
                .policy
                .never_mix
                .iter()
                .zip(&parts)
                .map(|(by, part)| {
                    let part = if part.is_empty() { "none" } else { part.as_str() };
                    format!(", {by} {part}")
                })
                .collect();
            let big = if is_big {
                format!(", homes of {} GiB and more apart", self.policy.big_home_gb)
            } else {
                String::new()
            };
            for units in self.packed(people) {
                number += 1;
                let place = Place::Number(number);
                for person in units.into_iter().flatten() {
                    let i = ranks.get(&person.id).copied().unwrap_or_default();
                    let because = format!(
                        "{} is in {}: {} ({}){after}{}{big}{}",
                        person.name(),
                        place.name(),
                        self.rank(i, &person),
                        weight(&person),
                        of_class.concat(),
                        match Named::number(&self.named.together, &person) {
                            Some(group) => format!(
                                ", kept together with group {} of batches.together",
                                group + 1
                            ),
                            None => String::new(),
                        }
                    );
                    self.put(place.clone(), person, because);
                }
            }
        }
    }

    /// Packs people whom nothing keeps apart. Those of a group stand where the first of them stands.
    fn packed(&mut self, people: Vec<Person<'a>>) -> Vec<Vec<Unit<'a>>> {
        let mut units: Vec<Unit<'a>> = Vec::new();
        let mut groups: BTreeMap<usize, usize> = BTreeMap::new();
        for person in people {
            match Named::number(&self.named.together, &person) {
                None => units.push(vec![person]),
                Some(group) => match groups.get(&group) {
                    Some(at) => units[*at].push(person),
                    None => {
                        groups.insert(group, units.len());
                        units.push(vec![person]);
                    }
                },
            }
        }
        let least = at_least(&units, self.bounds);
        let batches = pack_bins(units, self.bounds);
        self.made = (self.made.0 + batches.len(), self.made.1 + least);
        batches
    }

    fn is_big(&self, person: &Person<'_>) -> bool {
        let bound =
            u64::try_from(self.policy.big_home_gb).unwrap_or(u64::MAX).saturating_mul(1 << 30);
        bound > 0 && person.load.is_some_and(|load| load.bytes >= bound)
    }

    fn rank(&self, i: usize, person: &Person<'_>) -> String {
        let of_warnings = match self.policy.order {
            Order::SmallestFirst => "",
            Order::FewestWarningsFirst if person.warnings.is_empty() => {
                " among those without warnings first"
            }
            Order::FewestWarningsFirst => " with those who have warnings last",
        };
        format!("{}{of_warnings}", rank(i, person))
    }

    fn finish(self) -> Vec<Packed<'a>> {
        let order = self.policy.order;
        self.batches
            .into_iter()
            .map(|(place, mut people)| {
                people.sort_by(|(a, _), (b, _)| a.order(order).cmp(&b.order(order)));
                Packed { name: place.name(), people }
            })
            .collect()
    }
}

/// What a person is told apart by.
fn parts(person: &Person<'_>, by: &[String]) -> Vec<String> {
    let note = &person.profile.note;
    by.iter()
        .map(|by| match by.as_str() {
            "domain" => person.domain.id.to_string(),
            "wave" => note.wave.clone().unwrap_or_default(),
            "owner" => note.owner.clone().unwrap_or_default(),
            "cost-centre" => note.cost_centre.clone().unwrap_or_default(),
            tag => {
                let key = tag.trim_start_matches("tag:");
                person.profile.tags.get(key).cloned().unwrap_or_default()
            }
        })
        .collect()
}

fn weight(person: &Person<'_>) -> String {
    person.load.map_or_else(|| "size unknown".to_owned(), |load| size(load.bytes))
}

/// Says which home in the order it is, counted from 0.
fn rank(i: usize, person: &Person<'_>) -> String {
    const WORDS: [&str; 9] =
        ["", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ", "eighth ", "ninth "];
    if person.load.is_none() {
        return "homes that were not measured go last".to_owned();
    }
    let number = i + 1;
    let ordinal = WORDS.get(i).map_or_else(
        || {
            let ending = match (number % 10, number % 100) {
                (1, hundred) if hundred != 11 => "st",
                (2, hundred) if hundred != 12 => "nd",
                (3, hundred) if hundred != 13 => "rd",
                _ => "th",
            };
            format!("{number}{ending} ")
        },
        |&word| word.to_owned(),
    );
    format!("{ordinal}smallest home")
}
