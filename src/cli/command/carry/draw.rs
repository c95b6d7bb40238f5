//! What becomes of each thing, and what is to be done for it: the table, and the work behind it.

use std::collections::BTreeMap;

use super::look::{self, Found, Seen};
use super::row::{Place, Row, Stands, What};
use super::script::{is_sure, preselected};
use super::settings;
use super::spaces::{self, Tagging};
use super::target_name;
use crate::aws::{OfferedImage, Reader};
use crate::cli::Failure;
use crate::inventory::{Script, Snapshot};
use crate::names::DomainId;
use crate::plan::Plan;
use crate::playbook::{CarryRest, SpaceApp};
use crate::readiness::{Proposal, propose};

/// The most repositories that an app is offered (`CodeRepositories`).
const MOST_REPOSITORIES: usize = 10;

/// A script to be made.
pub(super) struct NewScript {
    /// The Classic script that it is made from.
    pub(super) from: String,
    pub(super) text: String,
}

/// What is to be offered beside what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Addition {
    /// Names of scripts that were made.
    pub(super) scripts: Vec<String>,
    pub(super) images: Vec<OfferedImage>,
    pub(super) repositories: Vec<String>,
}

/// The table, and what is to be done for it.
pub(super) struct Drawn {
    pub(super) rows: Vec<Row>,
    /// Scripts to make, by name.
    pub(super) scripts: BTreeMap<String, NewScript>,
    /// Scripts that are there, by name, with their ARNs.
    pub(super) standing: BTreeMap<String, String>,
    /// Configurations to make, by name, each with Classic's.
    pub(super) configs: BTreeMap<String, String>,
    /// Domains before their people.
    pub(super) additions: Vec<(Place, Addition)>,
    pub(super) tags: Vec<Tagging>,
}

impl Drawn {
    /// Looks at the account and draws the table.
    pub(super) async fn of(
        reader: &Reader,
        plan: &Plan,
        snapshot: &Snapshot,
        domains: &[DomainId],
    ) -> Result<Self, Failure> {
        let (seen, others) = look::look(reader, plan, snapshot, domains).await?;
        let mut drawing = Drawing {
            plan,
            snapshot,
            proposals: BTreeMap::new(),
            found: BTreeMap::new(),
            configs: BTreeMap::new(),
        };
        drawing.read(&seen);
        let app = plan.playbook.target.app_type;
        drawing.found = look::all(
            drawing
                .wanted_scripts()
                .iter()
                .map(|(name, text)| (name, look::script(reader, name, app, text))),
        )
        .await?;
        let wanted = drawing.wanted_configs(&seen);
        drawing.configs =
            look::all(wanted.iter().map(|name| (name, look::config(reader, name, app)))).await?;
        let mut drawn = drawing.draw(&seen);
        drawn.rows.extend(others);
        settings::rows(plan, snapshot, domains, &mut drawn.rows);
        spaces::tags(reader, plan, snapshot, domains, &mut drawn).await?;
        drawn
            .rows
            .sort_by(|a, b| (&a.domain, &a.profile, a.what).cmp(&(&b.domain, &b.profile, b.what)));
        Ok(drawn)
    }
}

/// The table while it is drawn.
pub(super) struct Drawing<'a> {
    pub(super) plan: &'a Plan,
    pub(super) snapshot: &'a Snapshot,
    /// By the ARN of Classic's script, and by whether it has to do without the internet.
    pub(super) proposals: BTreeMap<(String, bool), Proposal>,
    /// What is there under the names of scripts that we would make.
    pub(super) found: BTreeMap<String, Found>,
    /// The same of configurations.
    pub(super) configs: BTreeMap<String, Found>,
}

impl Drawing<'_> {
    pub(super) fn app(&self) -> SpaceApp {
        self.plan.playbook.target.app_type
    }

    /// The inventory's script of an ARN, whose text readiness showed.
    pub(super) fn script_of(&self, arn: &str) -> Option<&Script> {
        self.snapshot.scripts.iter().find(|script| script.arn == arn)
    }

    fn read(&mut self, seen: &[Seen]) {
        for one in seen {
            for arn in &one.offers.classic.scripts {
                let key = (arn.clone(), one.is_offline);
                let script = self.script_of(arn);
                let text = script.and_then(|script| Some((&script.name, script.text.as_deref()?)));
                if let Some((name, text)) = text.filter(|_| !self.proposals.contains_key(&key)) {
                    let proposal = propose(name, text, one.is_offline);
                    self.proposals.insert(key, proposal);
                }
            }
        }
    }

    /// The scripts that nothing speaks against, by the names that we give them.
    fn wanted_scripts(&self) -> BTreeMap<String, String> {
        let sure = self.proposals.iter().filter(|(_, proposal)| is_sure(proposal));
        sure.filter_map(|((arn, _), proposal)| {
            let name = &self.script_of(arn)?.name;
            Some((target_name(self.plan, name), proposal.text.clone()))
        })
        .collect()
    }

    fn wanted_configs(&self, seen: &[Seen]) -> Vec<String> {
        let images = seen.iter().flat_map(|one| &one.offers.classic.images);
        let mut names: Vec<_> = images.filter_map(|image| self.config_for(&image.config)).collect();
        names.sort();
        names.dedup();
        names
    }

    fn draw(&self, seen: &[Seen]) -> Drawn {
        let mut drawn = Drawn {
            rows: Vec::new(),
            scripts: BTreeMap::new(),
            standing: BTreeMap::new(),
            configs: BTreeMap::new(),
            additions: Vec::new(),
            tags: Vec::new(),
        };
        for (name, found) in &self.found {
            if let Found::Wanted(arn) = found {
                drawn.standing.insert(name.clone(), arn.clone());
            }
        }
        for one in seen {
            let mut addition = Addition::default();
            let classic = &one.offers.classic;
            for arn in &classic.scripts {
                let row = self.script(one, arn, &mut addition, &mut drawn);
                drawn.rows.push(row);
            }
            for arn in &one.offers.preselected {
                drawn.rows.push(preselected(&one.place, arn));
            }
            for image in &classic.images {
                let row = self.image(one, image, &mut addition, &mut drawn);
                drawn.rows.push(row);
            }
            for url in &classic.repositories {
                drawn.rows.push(self.repository(one, url, &mut addition));
            }
            if addition != Addition::default() {
                drawn.additions.push((one.place.clone(), addition));
            }
        }
        drawn
    }

    fn repository(&self, one: &Seen, url: &str, addition: &mut Addition) -> Row {
        let row = Row::of(&one.place, What::Repository, url);
        if self.app() == SpaceApp::CodeEditor {
            return row
                .stands(Stands::NotCarried, "Code Editor is offered no repositories")
                .by_hand("people clone it");
        }
        let standing = &one.offers.jupyter_lab.repositories;
        let row = row.becomes(url);
        if standing.iter().any(|known| known == url) {
            return row.stands(Stands::Carried, "offered in JupyterLab");
        }
        if self.plan.playbook.carry.repositories == CarryRest::Leave {
            return row
                .stands(Stands::Left, "the playbook leaves repositories (carry.repositories)");
        }
        // A list of one's own hides the domain's, so it begins with that.
        let base = if standing.is_empty() { &one.above.repositories } else { standing };
        if base.len() + addition.repositories.len() >= MOST_REPOSITORIES {
            return row
                .becomes("")
                .stands(Stands::NotCarried, "JupyterLab is offered ten repositories already")
                .by_hand("take one out, or let people clone it");
        }
        addition.repositories.push(url.to_owned());
        row.stands(Stands::ToCarry, "")
    }
}
