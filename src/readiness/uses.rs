//! Which lifecycle scripts are in force, and for whom.

use std::collections::{BTreeMap, BTreeSet};

use super::view::View;
use crate::inventory::{Domain, Script, Settings};

/// People by domain.
pub(super) type Places<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// App types of Classic.
const CLASSIC: [&str; 2] = ["JupyterServer", "KernelGateway"];

/// One script that is in force for someone in scope.
#[derive(Default)]
pub(super) struct Use<'a> {
    /// The script itself, when the inventory has it.
    pub(super) script: Option<&'a Script>,
    /// The app types that start it.
    pub(super) app_types: BTreeSet<&'a str>,
    /// For whom.
    pub(super) places: Places<'a>,
    /// For whom it is in force as a Classic script, while no script of theirs is for JupyterLab.
    pub(super) uncovered: Places<'a>,
    /// Whether any of its domains has no way to the internet of its own.
    pub(super) is_offline: bool,
}

impl Use<'_> {
    /// Tells whether a Classic app starts it.
    pub(super) fn is_classic(&self) -> bool {
        CLASSIC.iter().any(|classic| self.app_types.contains(classic))
    }

    /// Returns its text, when it could be read.
    pub(super) fn text(&self) -> Option<&str> {
        self.script.and_then(|script| script.text.as_deref())
    }
}

/// Every script in force, by ARN.
pub(super) struct Uses<'a> {
    by_arn: BTreeMap<&'a str, Use<'a>>,
}

impl<'a> Uses<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        let scripts: BTreeMap<&str, &Script> =
            view.snapshot.scripts.iter().map(|script| (script.arn.as_str(), script)).collect();
        let mut uses = Self { by_arn: BTreeMap::new() };
        for (domain, profile) in view.people() {
            let settings = &profile.effective;
            let is_covered = settings.built_in_script.is_some()
                || settings.scripts.get("JupyterLab").is_some_and(|arns| !arns.is_empty());
            for (app_type, arn) in in_force(settings) {
                let one = uses.by_arn.entry(arn).or_default();
                one.script = scripts.get(arn).copied();
                one.app_types.insert(app_type);
                one.is_offline |= domain.network.as_deref() == Some("VpcOnly");
                add(&mut one.places, domain, profile.name.as_str());
                if CLASSIC.contains(&app_type) && !is_covered {
                    add(&mut one.uncovered, domain, profile.name.as_str());
                }
            }
        }
        uses
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &Use<'a>)> {
        self.by_arn.iter().map(|(arn, one)| (*arn, one))
    }
}

fn in_force(settings: &Settings) -> impl Iterator<Item = (&str, &str)> {
    let listed = settings
        .scripts
        .iter()
        .flat_map(|(app_type, arns)| arns.iter().map(move |arn| (app_type.as_str(), arn.as_str())));
    listed.chain(settings.built_in_script.iter().map(|arn| ("JupyterLab", arn.as_str())))
}

/// A person may have a script for two app types.
fn add<'a>(places: &mut Places<'a>, domain: &'a Domain, name: &'a str) {
    let names = places.entry(domain.id.as_str()).or_default();
    if names.last() != Some(&name) {
        names.push(name);
    }
}

/// The part of an ARN that people know a script by.
pub(super) fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
