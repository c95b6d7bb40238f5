//! `carry --undo`: what was put in is taken out, and what others set since stays, and is named.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::Changes;
use super::look;
use super::noted::{OfferNote, added_tags};
use super::row::Place;
use crate::aws::{ErrorKind, Offer};
use crate::cli::{Exit, Failure};
use crate::names::DomainId;
use crate::playbook::SpaceApp;

/// A list as it is to stand.
struct Back<T> {
    list: Vec<T>,
    /// Whether somebody has changed it since.
    is_changed: bool,
    /// Whether it is the domain's, because AWS cannot unset a list.
    is_domain_s: bool,
}

impl<T: Clone + PartialEq> Back<T> {
    fn of(now: &[T], (before, added, after): (&[T], &[T], &[T]), above: Option<&[T]>) -> Self {
        if after == before || now == before {
            return Self { list: now.to_vec(), is_changed: false, is_domain_s: false };
        }
        if now != after {
            let list = now.iter().filter(|item| !added.contains(item)).cloned().collect();
            return Self { list, is_changed: true, is_domain_s: false };
        }
        let domain_s = above.filter(|above| before.is_empty() && !above.is_empty());
        Self {
            list: domain_s.unwrap_or(before).to_vec(),
            is_changed: false,
            is_domain_s: domain_s.is_some(),
        }
    }
}

impl Changes<'_> {
    /// Takes everything out that was noted, in these domains or, where none is named, in all.
    pub(super) async fn undo(&self, named: &[DomainId]) -> Result<(), Failure> {
        let noted = self.noted()?;
        if noted.is_empty() {
            self.context.ui.data("nothing was carried, nothing to take out");
        }
        // A script that is still offered cannot be deleted, so lists come first; a profile may get its domain's, so domains come
        // before their people: that is the order of their names.
        let mut still_offering = BTreeSet::new();
        for kind in ["offer", "tags"] {
            for (subject, notes) in of_kind(&noted, kind) {
                if !is_in(&subject, named) {
                    continue;
                }
                let place = offered_by(&subject).map(|(_, place)| place);
                let is_of_person = place.as_ref().is_some_and(|place| place.profile.is_some());
                let done = match &place {
                    // What the domain still offers would become the person's own list, and stay there.
                    Some(place) if is_of_person && still_offering.contains(&place.domain) => {
                        let why = "not done, since its domain still offers what was carried; `carry --undo` again goes on from there";
                        Err(Failure::new(Exit::SomeFailed, why))
                    }
                    _ => self.put_back(&subject, notes).await,
                };
                let is_done = self.tried(&subject, done).is_some();
                still_offering
                    .extend(place.filter(|_| !is_done && !is_of_person).map(|place| place.domain));
            }
        }
        if self.noted()?.keys().any(|subject| subject.starts_with("offer ")) {
            self.context.ui.data("what was made stays: it is offered elsewhere still");
            return Ok(());
        }
        for kind in ["config", "script"] {
            for (subject, notes) in of_kind(&noted, kind) {
                let done = self.put_back(&subject, notes).await;
                self.tried(&subject, done);
            }
        }
        Ok(())
    }

    async fn put_back(&self, subject: &str, notes: &[Value]) -> Result<(), Failure> {
        let (kind, rest) = subject.split_once(' ').unwrap_or((subject, ""));
        let said = match (kind, offered_by(subject)) {
            (_, Some((app, place))) => self.offer_back(&place, app, &OfferNote::of(notes)).await?,
            ("tags", _) => self.untag(rest, &added_tags(notes)).await?,
            ("config", _) => self.delete_config(rest).await?,
            _ => self.delete_script(rest).await?,
        };
        self.restored(subject)?;
        self.context.ui.data(format_args!("{rest}: {said}"));
        Ok(())
    }

    async fn offer_back(
        &self,
        place: &Place,
        app: SpaceApp,
        note: &OfferNote,
    ) -> Result<String, Failure> {
        let account = &self.operation.account;
        let offers = match account.offers(&place.domain, place.profile.as_ref()).await {
            Ok(offers) => offers,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok("is gone".to_owned()),
            Err(error) => return Err(failed(error)),
        };
        let now = offers.of(app);
        let domain = match &place.profile {
            Some(_) => Some(account.offers(&place.domain, None).await.map_err(failed)?),
            None => None,
        };
        let above = domain.as_ref().map(|domain| domain.of(app));
        let OfferNote { before, added, after } = note;
        let scripts = Back::of(
            &now.scripts,
            (&before.scripts, &added.scripts, &after.scripts),
            above.map(|above| above.scripts.as_slice()),
        );
        let images = Back::of(
            &now.images,
            (&before.images, &added.images, &after.images),
            above.map(|above| above.images.as_slice()),
        );
        let repositories = Back::of(
            &now.repositories,
            (&before.repositories, &added.repositories, &after.repositories),
            above.map(|above| above.repositories.as_slice()),
        );
        let lists = [
            ("scripts", scripts.is_changed, scripts.is_domain_s),
            ("images", images.is_changed, images.is_domain_s),
            ("repositories", repositories.is_changed, repositories.is_domain_s),
        ];
        let wanted =
            Offer { scripts: scripts.list, images: images.list, repositories: repositories.list };
        if wanted != *now {
            self.set(place, app, &wanted, failed).await?;
        }
        self.tell(place, &lists);
        Ok(format!("{app} is offered what it was before"))
    }

    fn tell(&self, place: &Place, lists: &[(&str, bool, bool)]) {
        for (name, is_changed, is_domain_s) in lists {
            if *is_changed {
                self.context.ui.warning(format_args!(
                    "{place}: somebody changed the {name} since; theirs stay, and what was carried is out"
                ));
            }
            if *is_domain_s {
                self.context.ui.warning(format_args!(
                    "{place}: had no {name} of its own, which AWS cannot unset; it has the domain's as its own now"
                ));
            }
        }
    }

    async fn untag(&self, arn: &str, added: &BTreeMap<String, String>) -> Result<String, Failure> {
        let account = &self.operation.account;
        let now = match account.tags(arn).await {
            Ok(now) => now,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok("is gone".to_owned()),
            Err(error) => return Err(failed(error)),
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for (key, value) in added {
            match now.get(key) {
                Some(there) if there == value => ours.push(key.clone()),
                Some(_) => theirs.push(key.as_str()),
                None => {}
            }
        }
        if !ours.is_empty() {
            account.remove_tags(arn, &ours).await.map_err(failed)?;
        }
        if !theirs.is_empty() {
            self.context.ui.warning(format_args!(
                "{arn}: somebody changed {} since, and that stays",
                theirs.join(", ")
            ));
        }
        Ok("without the tags that were carried".to_owned())
    }

    async fn delete_script(&self, name: &str) -> Result<String, Failure> {
        let account = &self.operation.account;
        let script = match account.script(name).await {
            Ok(script) => script,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok("is gone".to_owned()),
            Err(error) => return Err(failed(error)),
        };
        if !look::is_ours(account, &script.arn).await? {
            return Ok("is not ours, and stays".to_owned());
        }
        match account.delete_script(name).await {
            Ok(()) => Ok("script deleted".to_owned()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok("is gone".to_owned()),
            Err(error) if error.kind == ErrorKind::InUse => Err(failed(error)
                .hinted("somebody else offers it, or an app runs with it; take it off there, and undo again")),
            Err(error) => Err(failed(error)),
        }
    }

    async fn delete_config(&self, name: &str) -> Result<String, Failure> {
        let account = &self.operation.account;
        let config = match account.image_config(name).await {
            Ok(config) => config,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok("is gone".to_owned()),
            Err(error) => return Err(failed(error)),
        };
        if !look::is_ours(account, &config.arn).await? {
            return Ok("is not ours, and stays".to_owned());
        }
        // AWS deletes one that is offered, and spaces that use it would not start again.
        for domain in account.domain_ids().await.map_err(failed)? {
            let offers = account.offers(&domain, None).await.map_err(failed)?;
            let images = offers.jupyter_lab.images.iter().chain(&offers.code_editor.images);
            if images.into_iter().any(|image| image.config == name) {
                return Err(Failure::new(
                    Exit::SomeFailed,
                    format!("domain {domain} offers an image with it, which was not carried"),
                )
                .hinted("take it off there, and undo again"));
            }
        }
        match account.delete_image_config(name).await {
            Ok(()) => Ok("app image configuration deleted".to_owned()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok("is gone".to_owned()),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: crate::aws::Error) -> Failure {
    Failure::aws("take out what was carried", error)
}

type Notes<'a> = (String, &'a [Value]);

fn of_kind<'a>(noted: &'a BTreeMap<String, Vec<Value>>, kind: &str) -> Vec<Notes<'a>> {
    let of_kind = noted.iter().filter(|(subject, _)| {
        subject.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' '))
    });
    of_kind.map(|(subject, notes)| (subject.clone(), notes.as_slice())).collect()
}

/// Tells whether a subject belongs to one of these domains; none named means all.
fn is_in(subject: &str, named: &[DomainId]) -> bool {
    let mut words = subject.split([' ', '/']);
    named.is_empty() || words.any(|word| named.iter().any(|domain| domain.as_str() == word))
}

/// The app and the place of which a note says what is offered: `offer <app> <place>`.
fn offered_by(subject: &str) -> Option<(SpaceApp, Place)> {
    let (app, place) = subject.strip_prefix("offer ")?.split_once(' ')?;
    let app = match app {
        "CodeEditor" => SpaceApp::CodeEditor,
        _ => SpaceApp::JupyterLab,
    };
    Some((app, Place::parse(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(now: &[u8], note: (&[u8], &[u8], &[u8]), above: Option<&[u8]>) -> (Vec<u8>, bool) {
        let back = Back::of(now, note, above);
        (back.list, back.is_changed)
    }

    #[test]
    fn a_list_that_nobody_changed_is_as_it_was_before() {
        assert_eq!(back(&[1, 2], (&[1], &[2], &[1, 2]), None), (vec![1], false));
        assert_eq!(back(&[1], (&[1], &[2], &[1, 2]), None), (vec![1], false));
        assert_eq!(back(&[3], (&[1], &[], &[1]), None), (vec![3], false));
    }

    #[test]
    fn of_a_list_that_somebody_changed_only_what_was_carried_goes() {
        assert_eq!(back(&[1, 2, 3], (&[1], &[2], &[1, 2]), None), (vec![1, 3], true));
        assert_eq!(back(&[3], (&[1], &[2], &[1, 2]), None), (vec![3], true));
    }

    #[test]
    fn a_profile_that_had_no_list_gets_its_domain_s() {
        assert_eq!(back(&[7, 2], (&[], &[2], &[7, 2]), Some(&[7])), (vec![7], false));
        assert_eq!(back(&[2], (&[], &[2], &[2]), Some(&[])), (vec![], false));
    }

    #[test]
    fn a_domain_is_found_in_what_is_noted_of_it() {
        let named = [DomainId::from("d-1")];
        assert!(is_in("offer JupyterLab d-1/alice", &named));
        assert!(is_in("tags arn:aws:sagemaker:r:1:space/d-1/alice-studio", &named));
        assert!(!is_in("offer JupyterLab d-11", &named));
    }
}
