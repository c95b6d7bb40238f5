//! Rules about apps: SM401 and SM408.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{View, settled_where};
use crate::inventory::App;
use crate::playbook::ClassicApps;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM401",
        severity: Severity::Blocker,
        title: "Classic apps are still running",
        cause: "A running Classic app may write while the home is copied. Stopping it is a one-way door: since January 2025 no Classic app can be started again, and what only lives in its kernels' memory is gone. How much this weighs is the playbook's `classic_apps`.",
        remedy: "Have the person save their work and stop the app, or run `aws sagemaker delete-app --domain-id <domain> --user-profile-name <profile> --app-type <type> --app-name <app> --region <region>`. It can never be started again.",
        sources: &[page::CLASSIC, page::STOP],
        look: classic_running,
    },
    Rule {
        code: "SM408",
        severity: Severity::Warning,
        title: "The app that people move into is hidden from them",
        cause: "HiddenAppTypes takes the app of their new space (`target.app_type`, JupyterLab unless it says otherwise) out of the Studio page. The space is made and filled all the same, and its owner would not find it.",
        remedy: "Take it out of StudioWebPortalSettings.HiddenAppTypes on the domain and on the profiles that set it; send the other hidden types along, since the list is replaced as a whole.",
        sources: &[page::API_WEB_PORTAL],
        look: app_hidden,
    },
];

fn is_running(app: &App) -> bool {
    app.is_classic() && matches!(app.status.as_str(), "InService" | "Pending")
}

fn classic_running(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        let people: BTreeSet<_> =
            scope.people.iter().map(|profile| profile.name.as_str()).collect();
        let mut of_people: BTreeMap<_, Vec<&App>> = BTreeMap::new();
        let mut of_spaces: BTreeMap<_, Vec<&App>> = BTreeMap::new();
        for app in scope.domain.apps.iter().filter(|app| is_running(app)) {
            match (&app.profile, &app.space) {
                (_, Some(space)) => of_spaces.entry(space).or_default().push(app),
                (Some(profile), None) if people.contains(profile.as_str()) => {
                    of_people.entry(profile).or_default().push(app);
                }
                _ => {}
            }
        }
        for (profile, apps) in of_people {
            let subject = Subject::profile(&scope.domain.id, profile);
            let hit = Hit::new(subject, named(&apps));
            hits.push(weighed(hit, view.playbook.classic_apps, &apps));
        }
        for (space, apps) in of_spaces {
            let subject = Subject::space(&scope.domain.id, space);
            hits.push(
                Hit::new(subject, named(&apps))
                    .weighing(Severity::Warning)
                    .titled("Classic apps are still running in a space")
                    .mended_by("Have whoever works there save their work: once stopped, it can never be started again. Where `routes.shared_spaces` moves the space, it fails while one runs, unless the playbook says `classic_apps: stop`."),
            );
        }
    }
    hits
}

fn weighed(hit: Hit, policy: ClassicApps, apps: &[&App]) -> Hit {
    match policy {
        ClassicApps::RequireStopped => hit.mended_by(stopping(apps)),
        ClassicApps::Stop => hit
            .weighing(Severity::Warning)
            .titled("Classic apps are still running and will be stopped for good")
            .mended_by("Tell the person before their batch runs: the playbook says `classic_apps: stop`, and a stopped Classic app can never be started again. Notebooks that are saved are safe; variables in kernels are not."),
        ClassicApps::Leave => hit
            .weighing(Severity::Warning)
            .titled("Classic apps are still running and may write during the copy")
            .mended_by("Ask the person not to work while their batch runs. A file that changes while it is read is named in the report as not copied."),
    }
}

/// How a person's apps are stopped, each by its command.
fn stopping(apps: &[&App]) -> String {
    let commands: Vec<_> = apps
        .iter()
        .map(|app| {
            format!(
                "`aws sagemaker delete-app --domain-id <domain> --user-profile-name <profile> --app-type {} --app-name {} --region <region>`",
                app.app_type, app.name
            )
        })
        .collect();
    format!(
        "Have the person save their work; then {}. Or set `classic_apps: stop` in the playbook. Once stopped, a Classic app can never be started again.",
        commands.join(", ")
    )
}

fn named(apps: &[&App]) -> String {
    let names: Vec<_> = apps
        .iter()
        .map(|app| {
            let instance = app.instance_type.as_deref().unwrap_or("no instance");
            let since = app.created_at.as_deref().unwrap_or("unknown");
            format!("{}/{} {} on {instance} since {since}", app.app_type, app.name, app.status)
        })
        .collect();
    names.join("; ")
}

fn app_hidden(view: &View<'_>) -> Vec<Hit> {
    let app = view.playbook.target.app_type.as_str();
    let mut hits = Vec::new();
    for scope in &view.domains {
        let names: Vec<_> = scope
            .people
            .iter()
            .filter(|profile| profile.effective.hidden_app_types.iter().any(|hidden| hidden == app))
            .map(|profile| profile.name.as_str())
            .collect();
        if !names.is_empty() {
            let places = BTreeMap::from([(scope.domain.id.as_str(), names)]);
            hits.push(Hit::new(
                Subject::domain(&scope.domain.id),
                format!("HiddenAppTypes holds {app} for {}", settled_where(&places)),
            ));
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::cases;

    #[test]
    fn how_much_a_running_app_weighs_is_the_playbooks_word() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        snapshot.domains[0].apps.push(cases::classic_app("alice"));
        let severity = |snapshot: &_, playbook: &_| {
            let findings = crate::readiness::assess(snapshot, playbook);
            assert_eq!(findings.len(), 1);
            (findings[0].severity, findings[0].title.clone())
        };
        assert_eq!(severity(&snapshot, &playbook).0, Severity::Blocker);
        playbook.classic_apps = ClassicApps::Stop;
        let (weight, title) = severity(&snapshot, &playbook);
        assert_eq!(weight, Severity::Warning);
        assert!(title.contains("for good"), "{title}");
        playbook.classic_apps = ClassicApps::Leave;
        assert_eq!(severity(&snapshot, &playbook).0, Severity::Warning);
    }

    #[test]
    fn what_is_hidden_matters_where_people_move_into_it() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        playbook.target.app_type = crate::playbook::SpaceApp::CodeEditor;
        let found = |hidden: &str, snapshot: &mut crate::inventory::Snapshot| {
            snapshot.domains[0].profiles[0].effective.hidden_app_types = vec![hidden.to_owned()];
            let findings = crate::readiness::assess(snapshot, &playbook);
            findings.iter().any(|finding| finding.code == "SM408")
        };
        assert!(found("CodeEditor", &mut snapshot));
        assert!(!found("JupyterLab", &mut snapshot));
    }

    #[test]
    fn an_app_that_failed_or_is_going_is_no_obstacle() {
        let (mut snapshot, playbook) = (cases::clean(), cases::playbook());
        for status in ["Failed", "Deleting"] {
            let mut app = cases::classic_app("alice");
            status.clone_into(&mut app.status);
            snapshot.domains[0].apps.push(app);
        }
        assert!(crate::readiness::assess(&snapshot, &playbook).is_empty());
    }
}
