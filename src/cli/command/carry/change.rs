//! Carrying: what is made is made first, then it is offered, beside what is offered already.
//!
//! Twice is the same as once: what bears our name and our tag is taken for ours, and a list that has something gets it no second
//! time. A migration under way is not disturbed: only these lists are changed, and the built-in script, through which a copy is
//! started, is sent along as it stands.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::draw::{Addition, Drawn, NewScript};
use super::look::{self, Found};
use super::noted::{OfferNote, union};
use super::row::Place;
use super::spaces::Tagging;
use crate::aws::{ErrorKind, Offer, wait};
use crate::cli::context::Operation;
use crate::cli::{Context, Exit, Failure};
use crate::names::{DomainId, TAG_CARRIED};
use crate::playbook::SpaceApp;

/// What a domain offers to its people, and what of that was carried.
#[derive(Default)]
struct Above {
    offer: Offer,
    carried: Offer,
}

/// Whoever changes something.
pub(super) struct Changes<'a> {
    pub(super) context: &'a Context,
    pub(super) operation: &'a Operation,
    /// The app of the new Studio that things are carried to.
    pub(super) app: SpaceApp,
    /// How many things could not be changed.
    pub(super) failures: Cell<usize>,
}

impl Changes<'_> {
    /// Does what the table says is to be carried.
    pub(super) async fn apply(&self, drawn: &Drawn) -> Result<(), Failure> {
        let mut arns = drawn.standing.clone();
        for (name, new) in &drawn.scripts {
            let made = self.make_script(name, new).await;
            if let Some(arn) = self.tried(name, made) {
                arns.insert(name.clone(), arn);
            }
        }
        let mut missing = BTreeSet::new();
        for (name, from) in &drawn.configs {
            let made = self.make_config(name, from).await;
            if self.tried(name, made).is_none() {
                missing.insert(name.as_str());
            }
        }
        let mut above: BTreeMap<&DomainId, Above> = BTreeMap::new();
        let mut unfinished = BTreeSet::new();
        for (place, addition) in &drawn.additions {
            if place.profile.is_some() && unfinished.contains(&place.domain) {
                // A list made now would hide for good what the domain gets later.
                let waits = Failure::new(
                    Exit::SomeFailed,
                    "not done, since what its domain offers is not complete; `carry --apply` again goes on from there",
                );
                self.tried::<()>(&place.to_string(), Err(waits));
                continue;
            }
            let of_domain = Place { profile: None, ..place.clone() };
            // Domains come before their people, so what is read here has what was just added.
            if place.profile.is_some() && !above.contains_key(&place.domain) {
                above.insert(&place.domain, self.above(&of_domain).await?);
            }
            let none = Above::default();
            let above = above.get(&place.domain).filter(|_| place.profile.is_some());
            let add = offer_of(addition, &arns, &missing);
            let offered = self.offer(place, above.unwrap_or(&none), &add).await;
            let is_done = self.tried(&place.to_string(), offered).is_some();
            if place.profile.is_none() && !(is_done && is_whole(addition, &add)) {
                unfinished.insert(&place.domain);
            }
        }
        for tagging in &drawn.tags {
            let tagged = self.tag(tagging).await;
            self.tried(&tagging.arn, tagged);
        }
        Ok(())
    }

    /// Makes a script, or adopts the one that an earlier try made.
    async fn make_script(&self, name: &str, new: &NewScript) -> Result<String, Failure> {
        let account = &self.operation.account;
        self.note(&format!("script {name}"), &new.from)?;
        match account.create_script(name, self.app, &new.text, &tags(&new.from)).await {
            Ok(arn) => {
                self.say(format_args!("script {name}: made from {}", new.from));
                Ok(arn)
            }
            // The reply to the very call that made it may have been lost.
            Err(error) if error.kind == ErrorKind::InUse => {
                match look::script(account, name, self.app, &new.text).await? {
                    Found::Wanted(arn) => Ok(arn),
                    _ => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn make_config(&self, name: &str, from: &str) -> Result<(), Failure> {
        let account = &self.operation.account;
        self.note(&format!("config {name}"), &from)?;
        match account.create_image_config(name, self.app, &tags(from)).await {
            Ok(()) => {
                self.say(format_args!("app image configuration {name}: made beside {from}"));
                Ok(())
            }
            Err(error) if error.kind == ErrorKind::InUse => {
                match look::config(account, name, self.app).await? {
                    Found::Wanted(_) => Ok(()),
                    _ => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// What a domain offers, and what of that was carried.
    async fn above(&self, domain: &Place) -> Result<Above, Failure> {
        let notes = self.noted()?.remove(&format!("offer {} {domain}", self.app));
        let carried = OfferNote::of(&notes.unwrap_or_default()).added;
        Ok(Above { offer: self.standing(domain).await?, carried })
    }

    /// Adds to what a place offers. A profile's own list hides its domain's, so one that had none begins with the domain's.
    async fn offer(&self, place: &Place, above: &Above, add: &Offer) -> Result<(), Failure> {
        let before = self.standing(place).await?;
        let (base, carried) = (&above.offer, &above.carried);
        let scripts = together(&before.scripts, &base.scripts, &carried.scripts, &add.scripts);
        let images = together(&before.images, &base.images, &carried.images, &add.images);
        let repositories = together(
            &before.repositories,
            &base.repositories,
            &carried.repositories,
            &add.repositories,
        );
        let after = Offer { scripts: scripts.0, images: images.0, repositories: repositories.0 };
        if after == before {
            return Ok(());
        }
        let added = Offer { scripts: scripts.1, images: images.1, repositories: repositories.1 };
        let note = OfferNote { before, added, after };
        self.note(&format!("offer {} {place}", self.app), &note)?;
        self.set(place, self.app, &note.after, failed).await?;
        self.say(format_args!("{place}: {} is offered {}", self.app, words(&note.added)));
        Ok(())
    }

    async fn tag(&self, tagging: &Tagging) -> Result<(), Failure> {
        self.note(&format!("tags {}", tagging.arn), &tagging.tags)?;
        let account = &self.operation.account;
        account.add_tags(&tagging.arn, &tagging.tags).await.map_err(failed)?;
        let keys: Vec<_> = tagging.tags.keys().map(String::as_str).collect();
        self.say(format_args!("{}: tagged with {}", tagging.arn, keys.join(", ")));
        Ok(())
    }

    /// What a place offers to the new app, by itself.
    pub(super) async fn standing(&self, place: &Place) -> Result<Offer, Failure> {
        let account = &self.operation.account;
        let offers = account.offers(&place.domain, place.profile.as_ref()).await.map_err(failed)?;
        Ok(offers.of(self.app).clone())
    }

    /// Sets what a place offers, waiting while it is busy, and until it is in service again.
    pub(super) async fn set(
        &self,
        place: &Place,
        app: SpaceApp,
        offer: &Offer,
        failed: fn(crate::aws::Error) -> Failure,
    ) -> Result<(), Failure> {
        let account = &self.operation.account;
        let settle = async || self.settle(place, failed).await;
        let change =
            async || account.set_offer(&place.domain, place.profile.as_ref(), app, offer).await;
        wait::settled(settle, change).await?.map_err(failed)
    }

    async fn settle(
        &self,
        place: &Place,
        failed: fn(crate::aws::Error) -> Failure,
    ) -> Result<(), Failure> {
        let account = &self.operation.account;
        let look = async || {
            let now = account.offers(&place.domain, place.profile.as_ref()).await?;
            Ok((!matches!(now.status.as_str(), "Updating" | "Pending")).then_some(()))
        };
        let (poll, longest) = (Duration::from_millis(500), Duration::from_secs(600));
        match wait::until(poll, longest, look).await {
            Ok(()) => Ok(()),
            Err(wait::Waited::Error(error)) => Err(failed(error)),
            Err(wait::Waited::TimedOut) => {
                Err(Failure::new(Exit::Unexpected, format!("{place} does not come into service")))
            }
        }
    }

    /// Goes on after what failed, and counts it.
    pub(super) fn tried<T>(&self, subject: &str, done: Result<T, Failure>) -> Option<T> {
        done.inspect_err(|failure| {
            self.failures.set(self.failures.get() + 1);
            self.context.ui.warning(format_args!("{subject}: {failure}"));
        })
        .ok()
    }

    /// Says what was done. stdout is the table's.
    pub(super) fn say(&self, line: std::fmt::Arguments<'_>) {
        self.context.ui.status(line);
    }
}

/// What is added, by the ARNs of the scripts that are there, and without images whose configuration is not.
fn offer_of(
    addition: &Addition,
    arns: &BTreeMap<String, String>,
    missing: &BTreeSet<&str>,
) -> Offer {
    let images = addition.images.iter();
    Offer {
        scripts: addition.scripts.iter().filter_map(|name| arns.get(name).cloned()).collect(),
        images: images.filter(|image| !missing.contains(image.config.as_str())).cloned().collect(),
        repositories: addition.repositories.clone(),
    }
}

/// Tells whether an offer has all of an addition.
fn is_whole(addition: &Addition, offer: &Offer) -> bool {
    offer.scripts.len() == addition.scripts.len() && offer.images.len() == addition.images.len()
}

/// The list that is to stand, and what of it was carried. Nothing to add leaves a list as it is.
///
/// What a profile's list takes over of its domain's is as much carried as it was there: it goes with the rest.
fn together<T: Clone + PartialEq>(
    own: &[T],
    above: &[T],
    carried: &[T],
    add: &[T],
) -> (Vec<T>, Vec<T>) {
    let base = if own.is_empty() { above } else { own };
    let new: Vec<T> = add.iter().filter(|item| !base.contains(item)).cloned().collect();
    // What the domain offers already, it goes on offering.
    if new.is_empty() {
        return (own.to_vec(), new);
    }
    let is_taken_over = |item: &&T| own.is_empty() && carried.contains(item);
    let mut added: Vec<T> = base.iter().filter(is_taken_over).cloned().collect();
    added.extend(new.iter().cloned());
    let mut list = base.to_vec();
    union(&mut list, new);
    (list, added)
}

/// An offer in words.
pub(super) fn words(offer: &Offer) -> String {
    let scripts = offer.scripts.iter().map(|arn| format!("script {}", look::name_in(arn)));
    let images = offer.images.iter().map(|image| format!("image {}", image.image));
    let repositories = offer.repositories.iter().map(|url| format!("repository {url}"));
    scripts.chain(images).chain(repositories).collect::<Vec<_>>().join(", ")
}

fn tags(from: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(TAG_CARRIED.to_owned(), from.to_owned())])
}

fn failed(error: crate::aws::Error) -> Failure {
    Failure::aws("carry it over", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_ones_own_that_was_empty_begins_with_the_domain_s() {
        assert_eq!(together(&[], &[1, 2], &[2], &[3]), (vec![1, 2, 3], vec![2, 3]));
        assert_eq!(together(&[4], &[1, 2], &[2], &[3]), (vec![4, 3], vec![3]));
        assert_eq!(together(&[4], &[1], &[], &[]), (vec![4], vec![]));
        assert_eq!(together(&[], &[1, 2], &[], &[2]), (vec![], vec![]));
        assert_eq!(together(&[4, 3], &[], &[], &[3]), (vec![4, 3], vec![]));
    }
}
