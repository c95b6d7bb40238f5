//! Rules about lifecycle scripts as a whole: SM402, SM404 and SM417.

use std::collections::BTreeSet;

use super::finding::{Severity, Subject};
use super::lint::{convert, is_auto_shutdown, telling_lines};
use super::rule::{Hit, Rule, page};
use super::uses::name_in;
use super::view::{View, listed, settled_where};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM402",
        severity: Severity::Warning,
        title: "A Classic lifecycle script has no JupyterLab counterpart",
        cause: "Classic's two scripts (server and kernel) do not run in the new Studio. What they set up, people will miss: packages, proxies, git settings.",
        remedy: "Merge both into one script for JupyterLab: it runs as sagemaker-user with sudo and not as root, in one conda environment, with apt-get and not yum, within five minutes and 16,384 characters of base64. Then `aws sagemaker create-studio-lifecycle-config --studio-lifecycle-config-app-type JupyterLab --studio-lifecycle-config-name <new-name> --studio-lifecycle-config-content \"$(base64 -w0 script.sh)\" --region <region>`, and add its ARN to LifecycleConfigArns of JupyterLabAppSettings, with those that are there: the list is replaced.",
        sources: &[page::MIGRATE_LCC, page::SCRIPTS],
        look: no_counterpart,
    },
    Rule {
        code: "SM404",
        severity: Severity::Advice,
        title: "A built-in lifecycle script is set for JupyterLab",
        cause: "The copy is started through this very slot, which holds one script. The value before is recorded before it is replaced, and put back as soon as the copy has ended; in between the script that is set does not run in the person's spaces.",
        remedy: "Nothing, if people can do without the script for the minutes of a copy. Otherwise ask them not to start spaces while their batch runs.",
        sources: &[page::SCRIPTS],
        look: built_in_set,
    },
    Rule {
        code: "SM417",
        severity: Severity::Advice,
        title: "Lifecycle scripts are attached to nobody",
        cause: "They run for no profile and no domain that was seen. Nobody has to convert them; a space may still remember one as its own.",
        remedy: "Leave them, or delete those that nobody knows: `aws sagemaker delete-studio-lifecycle-config --studio-lifecycle-config-name <script> --region <region>`.",
        sources: &[page::SCRIPTS],
        look: unused,
    },
];

fn no_counterpart(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (arn, one) in view.uses().iter() {
        if one.uncovered.is_empty() || is_auto_shutdown(arn, one) {
            continue;
        }
        let app_type = one.script.map_or("Classic", |script| script.app_type.as_str());
        let mut evidence = format!("{app_type}, in force for {}", settled_where(&one.uncovered));
        let subject = Subject::thing(name_in(arn));
        hits.push(match one.text() {
            None => {
                evidence.push_str("\nits text could not be read");
                Hit::new(subject, evidence)
            }
            Some(text) => {
                let lines = telling_lines(text);
                if !lines.is_empty() {
                    evidence.push('\n');
                    evidence.push_str(&lines);
                }
                Hit::new(subject, evidence).mended_by(proposal(text))
            }
        });
    }
    hits
}

/// The remedy with the script that is proposed.
fn proposal(text: &str) -> String {
    let converted = convert(text);
    let mut remedy = String::from(
        "Merge the scripts of server and kernel into one for JupyterLab, from the proposal below: `studio-migrate readiness --script <name> > script.sh`, then `aws sagemaker create-studio-lifecycle-config --studio-lifecycle-config-app-type JupyterLab --studio-lifecycle-config-name <name>-jupyterlab --studio-lifecycle-config-content \"$(base64 -w0 script.sh)\" --region <region>`. Add its ARN to LifecycleConfigArns of JupyterLabAppSettings, with those that are there: the list is replaced.",
    );
    if !converted.left.is_empty() {
        remedy.push_str("\nLeft for a person to look at, by line of the proposal:");
        for (line, what) in &converted.left {
            remedy.push_str(&format!("\n  {line}: {what}"));
        }
    }
    remedy.push_str("\n\n");
    remedy.push_str(&converted.shown());
    remedy
}

fn built_in_set(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        if let Some(arn) = &scope.domain.defaults.built_in_script {
            hits.push(Hit::new(
                Subject::domain(&scope.domain.id),
                format!("BuiltInLifecycleConfigArn {arn}, the domain's default"),
            ));
        }
        for profile in &scope.people {
            if let Some(arn) = &profile.own.built_in_script {
                hits.push(Hit::new(
                    Subject::profile(&scope.domain.id, &profile.name),
                    format!("BuiltInLifecycleConfigArn {arn}"),
                ));
            }
        }
    }
    hits
}

fn unused(view: &View<'_>) -> Vec<Hit> {
    let domains = view.snapshot.domains.iter().map(|domain| &domain.defaults);
    let people = view.snapshot.people().map(|(_, profile)| &profile.effective);
    let used: BTreeSet<&str> = domains
        .chain(people)
        .flat_map(|settings| settings.scripts.values().flatten().chain(&settings.built_in_script))
        .map(String::as_str)
        .collect();
    // Somebody in a domain that was not looked at may have them.
    let scripts = view.snapshot.scripts.iter().filter(|_| view.snapshot.is_whole());
    let names: Vec<_> = scripts
        .filter(|script| !used.contains(script.arn.as_str()))
        .map(|script| format!("{} ({})", script.name, script.app_type))
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    vec![Hit::new(Subject::Account, format!("{}: {}", names.len(), listed(&names)))]
}
