//! Who goes in which batch: the pilot first, then by size, and nobody is moved about who has a place already.

use std::collections::BTreeMap;

use super::draft::Plan;
use super::eligible::Person;
use super::sizing::size;
use crate::names::{BatchName, MigrationId};
use crate::playbook::Batches;

/// A batch with who is in it, smallest home first, and why each of them is, in words.
#[derive(Debug)]
pub(super) struct Packed<'a> {
    pub(super) name: BatchName,
    pub(super) people: Vec<(Person<'a>, String)>,
}

/// Where a batch stands in the running order: the pilot, then by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Pilot,
    Number(usize),
}

impl Place {
    fn name(self) -> BatchName {
        match self {
            Self::Pilot => Batches::pilot_name(),
            Self::Number(number) => BatchName::new(format!("batch-{number}")),
        }
    }

    fn of(name: &BatchName) -> Option<Self> {
        if *name == Batches::pilot_name() {
            return Some(Self::Pilot);
        }
        name.as_str().strip_prefix("batch-")?.parse().ok().map(Self::Number)
    }
}

/// Packs people, who come smallest home first, into batches.
pub(super) fn pack<'a>(
    people: Vec<Person<'a>>,
    policy: &Batches,
    parent: Option<&Plan>,
) -> Vec<Packed<'a>> {
    let mut packing = Packing { policy, batches: BTreeMap::new() };
    let newcomers = match parent {
        Some(parent) => packing.keep(people, parent),
        None => people,
    };
    let kept_some = !packing.batches.is_empty();
    let rest = packing.pilot(newcomers, kept_some);
    packing.number(rest, parent.filter(|_| kept_some));
    packing.finish()
}

struct Packing<'a, 'p> {
    policy: &'p Batches,
    batches: BTreeMap<Place, Vec<(Person<'a>, String)>>,
}

impl<'a> Packing<'a, '_> {
    fn put(&mut self, place: Place, person: Person<'a>, because: String) {
        self.batches.entry(place).or_default().push((person, because));
    }

    fn is_named(&self, person: &Person<'_>) -> bool {
        let name = person.profile.name.as_str();
        self.policy.pilot.iter().any(|pilot| pilot.as_str().eq_ignore_ascii_case(name))
    }

    /// Leaves everyone where the parent put them, where that still holds; returns the others.
    fn keep(&mut self, people: Vec<Person<'a>>, parent: &Plan) -> Vec<Person<'a>> {
        let places: BTreeMap<&MigrationId, Place> = parent
            .migrations()
            .filter_map(|(batch, migration)| Some((&migration.id, Place::of(&batch.name)?)))
            .collect();
        let mut others = Vec::new();
        for person in people {
            let is_named = self.is_named(&person);
            let place = places.get(&person.id).copied().filter(|place| match place {
                Place::Pilot => is_named || self.policy.pilot.is_empty(),
                Place::Number(_) => {
                    !is_named
                        && self
                            .batches
                            .get(place)
                            .is_none_or(|batch| batch.len() < self.policy.users.max(1))
                }
            });
            match place {
                Some(place) => {
                    let because = format!(
                        "{} stays in {}, as in plan {} ({})",
                        person.profile.name,
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
            people.into_iter().partition(|person| self.is_named(person));
        let found_named = !named.is_empty();
        for person in named {
            let because = format!(
                "{} is in the pilot: the playbook names them ({})",
                person.profile.name,
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
        let after = rest.split_off(self.policy.pilot_users.min(rest.len()));
        for (i, person) in rest.into_iter().enumerate() {
            let because = format!(
                "{} is in the pilot: {} ({}){why_not_named}",
                person.profile.name,
                rank(i, &person),
                weight(&person)
            );
            self.put(Place::Pilot, person, because);
        }
        after
    }

    /// Puts everyone else into numbered batches, after the parent's.
    fn number(&mut self, people: Vec<Person<'a>>, parent: Option<&Plan>) {
        let last = parent
            .into_iter()
            .flat_map(|parent| &parent.batches)
            .filter_map(|batch| match Place::of(&batch.name)? {
                Place::Number(number) => Some(number),
                Place::Pilot => None,
            })
            .max()
            .unwrap_or(0);
        let after = match parent {
            Some(parent) => format!(" of those who are new since plan {}", parent.id),
            None if self.batches.contains_key(&Place::Pilot) => " after the pilot".to_owned(),
            None => String::new(),
        };
        for (i, person) in people.into_iter().enumerate() {
            let place = Place::Number((last + 1).saturating_add(i / self.policy.users.max(1)));
            let because = format!(
                "{} is in {}: {} ({}){after}",
                person.profile.name,
                place.name(),
                rank(i, &person),
                weight(&person)
            );
            self.put(place, person, because);
        }
    }

    fn finish(self) -> Vec<Packed<'a>> {
        self.batches
            .into_iter()
            .map(|(place, mut people)| {
                people.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
                Packed { name: place.name(), people }
            })
            .collect()
    }
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
