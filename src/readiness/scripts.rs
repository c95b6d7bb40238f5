//! Rules about lifecycle scripts: SM402 to SM404.

use std::collections::BTreeMap;

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{View, settled_where};
use crate::inventory::{Script, Settings};

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
        code: "SM403",
        severity: Severity::Advice,
        title: "A Classic auto-shutdown script is in use",
        cause: "Auto-shutdown scripts of Classic do not work in the new Studio, which has idle shutdown built in.",
        remedy: "Drop the script. The space gets `target.idle_shutdown_minutes` from the playbook; for spaces that people make themselves set IdleSettings on the domain: `JupyterLabAppSettings.AppLifecycleManagement.IdleSettings` with `LifecycleManagement=ENABLED` and `IdleTimeoutInMinutes` from 60 to 525600.",
        sources: &[page::MIGRATE_LCC, page::API_IDLE],
        look: auto_shutdown,
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
];

const CLASSIC: [&str; 2] = ["JupyterServer", "KernelGateway"];

fn classic_scripts(settings: &Settings) -> impl Iterator<Item = &String> {
    CLASSIC.iter().filter_map(|app_type| settings.scripts.get(*app_type)).flatten()
}

fn has_counterpart(settings: &Settings) -> bool {
    settings.built_in_script.is_some()
        || settings.scripts.get("JupyterLab").is_some_and(|scripts| !scripts.is_empty())
}

/// Who has which script in force: by ARN, then by domain.
type Uses<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a str>>>;

fn uses<'a>(view: &View<'a>, matters: impl Fn(&Settings) -> bool) -> Uses<'a> {
    let mut uses = Uses::new();
    for (domain, profile) in view.people() {
        if !matters(&profile.effective) {
            continue;
        }
        for arn in classic_scripts(&profile.effective) {
            let names = uses.entry(arn).or_default().entry(domain.id.as_str()).or_default();
            if names.last() != Some(&profile.name.as_str()) {
                names.push(profile.name.as_str());
            }
        }
    }
    uses
}

fn script<'a>(view: &View<'a>, arn: &str) -> Option<&'a Script> {
    view.snapshot.scripts.iter().find(|script| script.arn == arn)
}

fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn is_auto_shutdown(arn: &str, script: Option<&Script>) -> bool {
    const NAMES: [&str; 6] =
        ["auto-shutdown", "autoshutdown", "auto-stop", "autostop", "auto-shut-down", "idle"];
    const WORDS: [&str; 4] =
        ["sagemaker-studio-auto-shutdown", "auto-shutdown", "autostop", "idle_time"];
    let name = name_in(arn).to_ascii_lowercase().replace('_', "-");
    let text = script.and_then(|script| script.text.as_deref()).unwrap_or("").to_ascii_lowercase();
    NAMES.iter().any(|word| name.contains(word)) || WORDS.iter().any(|word| text.contains(word))
}

fn no_counterpart(view: &View<'_>) -> Vec<Hit> {
    uses(view, |settings| !has_counterpart(settings))
        .into_iter()
        .map(|(arn, places)| (arn, places, script(view, arn)))
        .filter(|(arn, _, script)| !is_auto_shutdown(arn, *script))
        .map(|(arn, places, script)| {
            let app_type = script.map_or("Classic", |script| script.app_type.as_str());
            let mut evidence = format!("{app_type}, in force for {}", settled_where(&places));
            match script.and_then(|script| script.text.as_deref()) {
                None => evidence.push_str("\nits text could not be read"),
                Some(text) => {
                    for line in telling_lines(text) {
                        evidence.push_str("\n  ");
                        evidence.push_str(&line);
                    }
                }
            }
            Hit::new(Subject::thing(name_in(arn)), evidence)
        })
        .collect()
}

fn auto_shutdown(view: &View<'_>) -> Vec<Hit> {
    uses(view, |_| true)
        .into_iter()
        .filter(|(arn, _)| is_auto_shutdown(arn, script(view, arn)))
        .map(|(arn, places)| {
            Hit::new(
                Subject::thing(name_in(arn)),
                format!("in force for {}", settled_where(&places)),
            )
        })
        .collect()
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

/// The first lines of a script that will not work as they are.
///
/// Scripts hold credentials more often than they should: lines that speak of any are not quoted.
fn telling_lines(text: &str) -> Vec<String> {
    const SHOWN: usize = 4;
    const TELLING: [&str; 9] = [
        "yum ",
        "apt ",
        "apt-get ",
        "conda ",
        "pip ",
        "labextension",
        "/root",
        "restart-jupyter-server",
        "serverextension",
    ];
    const SECRET: [&str; 7] =
        ["token", "password", "passwd", "secret", "credential", "api_key", "apikey"];
    let is_telling = |line: &&str| {
        let lower = line.to_ascii_lowercase();
        !line.starts_with('#')
            && TELLING.iter().any(|word| lower.contains(word))
            && !SECRET.iter().any(|word| lower.contains(word))
    };
    (1..)
        .zip(text.lines().map(str::trim))
        .filter(|(_, line)| is_telling(line))
        .take(SHOWN)
        .map(|(number, line): (usize, &str)| {
            format!(
                "line {number}: {}",
                without_logins(&line.chars().take(120).collect::<String>())
            )
        })
        .collect()
}

/// Takes the user and password out of addresses.
fn without_logins(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(after.len());
        rest = after;
        if let Some(login) = after.get(..end).and_then(|host| host.rfind('@')) {
            clean.push_str("***");
            rest = after.get(login..).unwrap_or("");
        }
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_need_work_are_quoted_and_secrets_are_not() {
        let text = "#!/bin/bash\n# yum is gone\nsudo yum install -y jq\nexport TOKEN=abc; pip install x\n\
                    pip install --index-url https://joe:hunter2@pypi.corp/simple corp-tools\necho done\n";
        assert_eq!(
            telling_lines(text),
            [
                "line 3: sudo yum install -y jq",
                "line 5: pip install --index-url https://***@pypi.corp/simple corp-tools",
            ]
        );
    }

    #[test]
    fn an_auto_shutdown_script_is_known_by_name_or_text() {
        assert!(is_auto_shutdown(
            "arn:aws:sagemaker:r:1:studio-lifecycle-config/Auto_Shutdown",
            None
        ));
        let script = Script {
            arn: String::new(),
            name: String::new(),
            app_type: "JupyterServer".to_owned(),
            text: Some("git clone sagemaker-studio-auto-shutdown-extension".to_owned()),
        };
        assert!(is_auto_shutdown("arn/x", Some(&script)));
        assert!(!is_auto_shutdown("arn/install-tools", None));
    }
}
