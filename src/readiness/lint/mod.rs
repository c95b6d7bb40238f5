//! Lifecycle scripts read line by line, for what does not work in the new Studio: SM403, SM409 to SM416 and SM420.

mod check;
mod convert;
mod line;
mod propose;

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::uses::{Use, name_in};
use super::view::{View, settled_where};
pub use convert::{Converted, convert};
use line::{Line, lines};
pub use propose::{Proposal, propose};

/// The largest script in bytes: 16,384 characters of base64 (`CreateStudioLifecycleConfig`).
pub(super) const LARGEST: usize = 12_288;

/// Lines that a finding quotes.
const QUOTED: usize = 6;

pub(super) const RULES: &[Rule] = &[
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
        code: "SM409",
        severity: Severity::Warning,
        title: "A script calls a package manager of Amazon Linux",
        cause: "Images of the new Studio are made from Debian's kin: there is no yum. A script that fails ends the app that started it.",
        remedy: "`sudo apt-get install -y <package>` in place of yum; some packages have other names (`-dev` for `-devel`). `studio-migrate readiness --script <name>` prints a converted script.",
        sources: &[page::MIGRATE_LCC],
        look: |view| marked(view, "SM409"),
    },
    Rule {
        code: "SM410",
        severity: Severity::Warning,
        title: "A script counts on Classic's users or paths",
        cause: "Scripts run as sagemaker-user, who has sudo without a password and is not root, and whose home is /home/sagemaker-user. There is no /home/ec2-user, and /root is not the home.",
        remedy: "Write `$HOME` or /home/sagemaker-user, and `sudo` before what needs root. `studio-migrate readiness --script <name>` prints a converted script.",
        sources: &[page::MIGRATE_LCC],
        look: |view| marked(view, "SM410"),
    },
    Rule {
        code: "SM411",
        severity: Severity::Warning,
        title: "A script counts on Classic's conda environments",
        cause: "The new Studio has one conda environment, base, which is active. Environments that Classic's images had are not there, and activating one ends the script.",
        remedy: "Take `source activate` out, and install into base; or build an image with what is needed. `studio-migrate readiness --script <name>` prints a converted script.",
        sources: &[page::MIGRATE_LCC],
        look: |view| marked(view, "SM411"),
    },
    Rule {
        code: "SM412",
        severity: Severity::Warning,
        title: "A script is too large once it is converted",
        cause: "The content of a lifecycle script is at most 16,384 characters of base64, which are 12,288 bytes. Merging Classic's two scripts into one makes it larger still.",
        remedy: "Keep the long part in S3 or Git and fetch it: `aws s3 cp s3://<bucket>/setup.sh /tmp/setup.sh && bash /tmp/setup.sh`. Better, build it into an image.",
        sources: &[
            page::SCRIPTS,
            "CreateStudioLifecycleConfig: StudioLifecycleConfigContent, at most 16,384 characters",
        ],
        look: too_large,
    },
    Rule {
        code: "SM413",
        severity: Severity::Warning,
        title: "A script has long work in the foreground",
        cause: "A lifecycle script has five minutes; then the app that started it fails. Installing and downloading takes as long as the network does.",
        remedy: "Put it into the background, `nohup <command> >> \"$HOME/setup.log\" 2>&1 &`, or build it into an image. `studio-migrate readiness --script <name>` prints a script that does its work in the background.",
        sources: &[page::SCRIPTS, page::SCRIPTS_TIMEOUT],
        look: |view| marked(view, "SM413"),
    },
    Rule {
        code: "SM414",
        severity: Severity::Warning,
        title: "A script needs the internet in a domain without it",
        cause: "In VpcOnly mode pip, conda, git and apt-get reach only what the VPC leads to. Without a way out they hang until the five minutes are over.",
        remedy: "Point them at mirrors within the VPC (`pip install --index-url <address>`, CodeArtifact), give the VPC a NAT gateway, or build what they fetch into an image.",
        sources: &[page::INTERNET, page::MIGRATE_DATA],
        look: needs_internet,
    },
    Rule {
        code: "SM415",
        severity: Severity::Warning,
        title: "A script handles extensions of an older JupyterLab",
        cause: "The new Studio runs JupyterLab 4 with Jupyter Server 2. `jupyter labextension install`, `serverextension` and `nbextension` are gone or fail, and an older JupyterLab does not start.",
        remedy: "Install extensions as packages made for JupyterLab 4: `pip install <extension>`. `studio-migrate readiness --script <name>` prints a script without the old commands.",
        sources: &[page::MIGRATE_LCC],
        look: |view| marked(view, "SM415"),
    },
    Rule {
        code: "SM416",
        severity: Severity::Warning,
        title: "A script restarts Classic's server",
        cause: "`restart-jupyter-server` and `initctl` are Classic's; the new Studio has neither, and the script ends there. A script runs before JupyterLab starts, so nothing needs to be restarted.",
        remedy: "Take the line out. `studio-migrate readiness --script <name>` prints a converted script.",
        sources: &[page::MIGRATE_LCC, page::SCRIPTS],
        look: |view| marked(view, "SM416"),
    },
    Rule {
        code: "SM420",
        severity: Severity::Warning,
        title: "A script reads the profile's name where the new Studio has none",
        cause: "In the new Studio /opt/ml/metadata/resource-metadata.json names the domain and the space. The owner's name is not in it, so the script goes on with nothing, or ends.",
        remedy: "Ask for the space's owner: `aws sagemaker describe-space --domain-id \"$DOMAIN\" --space-name \"$SPACE\" --query OwnershipSettings.OwnerUserProfileName --output text`; the role needs `sagemaker:DescribeSpace`.",
        sources: &[page::MIGRATE_DATA],
        look: |view| marked(view, "SM420"),
    },
];

/// A check of one line, and the rule that it belongs to.
pub(super) struct Check {
    code: &'static str,
    looks: fn(&Line) -> bool,
    /// What is to be said of a line that a conversion leaves so.
    left: &'static str,
}

/// What is said of a line that needs the internet, which is amiss only where there is none.
const INTERNET: &str = "it needs a way to the internet";

/// A converted script answers this one as a whole.
const FOREGROUND: &str = "SM413";

const CHECKS: &[Check] = &[
    Check { code: "SM409", looks: check::yum, left: "there is no yum, dnf or rpm" },
    Check {
        code: "SM410",
        looks: check::root,
        left: "it counts on root, or on a path or user of Classic",
    },
    Check {
        code: "SM411",
        looks: check::conda,
        left: "it counts on a conda environment that is not there",
    },
    Check { code: FOREGROUND, looks: check::foreground, left: "it is long" },
    Check { code: "SM414", looks: check::internet, left: INTERNET },
    Check {
        code: "SM415",
        looks: check::extension,
        left: "the extension must be one for JupyterLab 4",
    },
    Check { code: "SM416", looks: check::restart, left: "there is no such service to restart" },
    Check { code: "SM420", looks: check::metadata, left: "the metadata does not name the profile" },
    Check {
        code: "SM403",
        looks: check::auto_stop,
        left: "auto-shutdown is built in; take it out",
    },
];

/// A line that a check has marked, as it may be shown.
struct Mark {
    number: usize,
    shown: String,
}

/// Returns the lines that a check marks.
fn marks(text: &str, code: &str) -> Vec<Mark> {
    if !line::is_shell(text) {
        return Vec::new();
    }
    let checks: Vec<_> = CHECKS.iter().filter(|check| check.code == code).collect();
    let read = lines(text);
    let of_code = read.iter().filter(|line| checks.iter().any(|check| (check.looks)(line)));
    of_code.map(mark).collect()
}

fn mark(line: &Line) -> Mark {
    let shown = if may_hold_secret(&line.code) {
        "(a line that may hold a secret is not shown)".to_owned()
    } else {
        without_logins(&line.code).chars().take(120).collect()
    };
    Mark { number: line.number, shown }
}

/// Returns every line that any check marks, in words, for a script that is shown as a whole.
pub(super) fn telling_lines(text: &str) -> String {
    if !line::is_shell(text) {
        return "it is no shell script, so its lines were not judged".to_owned();
    }
    let read = lines(text);
    let telling = read.iter().filter(|line| CHECKS.iter().any(|check| (check.looks)(line)));
    quoted(&telling.map(mark).collect::<Vec<_>>())
}

fn quoted(marks: &[Mark]) -> String {
    let shown = marks.iter().take(QUOTED);
    let lines: Vec<_> = shown.map(|mark| format!("line {}: {}", mark.number, mark.shown)).collect();
    let mut text = lines.join("\n");
    if marks.len() > QUOTED {
        text.push_str(&format!("\nand {} more lines", marks.len() - QUOTED));
    }
    text
}

/// Scripts in force that a check marks. An auto-shutdown of Classic is to be dropped as a whole.
fn marked(view: &View<'_>, code: &str) -> Vec<Hit> {
    marked_of(scripts(view), code)
}

fn needs_internet(view: &View<'_>) -> Vec<Hit> {
    marked_of(scripts(view).filter(|(_, one)| one.is_offline), "SM414")
}

fn marked_of<'v, 'a: 'v>(
    scripts: impl Iterator<Item = (&'a str, &'v Use<'a>)>,
    code: &str,
) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (arn, one) in scripts {
        let marks = one.text().map(|text| marks(text, code)).unwrap_or_default();
        if !marks.is_empty() {
            hits.push(Hit::new(Subject::thing(name_in(arn)), evidence(one, &quoted(&marks))));
        }
    }
    hits
}

fn scripts<'v, 'a>(view: &'v View<'a>) -> impl Iterator<Item = (&'a str, &'v Use<'a>)> {
    view.uses().iter().filter(|(arn, one)| !is_auto_shutdown(arn, one))
}

fn evidence(one: &Use<'_>, lines: &str) -> String {
    let types: Vec<_> = one.app_types.iter().copied().collect();
    format!("{} of {}\n{lines}", types.join(" and "), settled_where(&one.places))
}

/// Tells whether a Classic script is there to stop what is idle.
pub(super) fn is_auto_shutdown(arn: &str, one: &Use<'_>) -> bool {
    one.is_classic() && stops_what_is_idle(name_in(arn), one.text())
}

/// Tells by its name, and by its lines, whether a script stops what is idle.
fn stops_what_is_idle(name: &str, text: Option<&str>) -> bool {
    const NAMES: [&str; 6] =
        ["auto-shutdown", "autoshutdown", "auto-stop", "autostop", "auto-shut-down", "idle"];
    let name = name.to_ascii_lowercase().replace('_', "-");
    NAMES.iter().any(|word| name.contains(word))
        || text.is_some_and(|text| lines(text).iter().any(check::auto_stop))
}

fn auto_shutdown(view: &View<'_>) -> Vec<Hit> {
    let uses = view.uses().iter().filter(|(arn, one)| is_auto_shutdown(arn, one));
    uses.map(|(arn, one)| {
        let lines = one.text().map(|text| quoted(&marks(text, "SM403"))).unwrap_or_default();
        Hit::new(Subject::thing(name_in(arn)), evidence(one, &lines).trim_end().to_owned())
    })
    .collect()
}

fn too_large(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (arn, one) in scripts(view) {
        let size = one.text().map_or(0, |text| convert(text).text.len());
        if size > LARGEST {
            let said = format!("{size} bytes once converted; a script may have {LARGEST}");
            hits.push(Hit::new(Subject::thing(name_in(arn)), evidence(one, &said)));
        }
    }
    hits
}

/// Tells whether a line speaks of secrets, or hands a login over. Rather one line too many is kept back than one too few.
fn may_hold_secret(line: &str) -> bool {
    const SECRET: [&str; 16] = [
        "secret",
        "token",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "pass=",
        "api_key",
        "apikey",
        "api-key",
        "access_key",
        "private_key",
        "credential",
        "authorization",
        "bearer ",
        "basic ",
    ];
    let lower = line.to_ascii_lowercase();
    let mut words = line.split_whitespace().peekable();
    let mut hands_login = false;
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        // `curl -u user:password`, `--user=user:password`.
        let login = match word {
            "-u" | "--user" | "--proxy-user" => next,
            other => other.strip_prefix("--user=").unwrap_or_default(),
        };
        // `mysql -ppassword`.
        let is_database = line.contains("mysql") || line.contains("mariadb");
        let is_joined = is_database && word.len() > 2 && word.starts_with("-p");
        hands_login |= login.contains(':') || is_joined;
    }
    hands_login
        || SECRET.iter().any(|word| lower.contains(word))
        || line.contains("AKIA")
        || line.contains("ASIA")
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
                    pip install --upgrade git+https://joe:hunter2@git.corp/simple corp-tools\necho done\n";
        assert_eq!(
            telling_lines(text),
            "line 3: sudo yum install -y jq\n\
             line 4: (a line that may hold a secret is not shown)\n\
             line 5: pip install --upgrade git+https://***@git.corp/simple corp-tools"
        );
        let shown = convert(text).shown();
        assert!(!shown.contains("abc") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_login_is_kept_back_however_it_is_handed_over() {
        let kept_back = [
            "curl -u alice:hunter2 https://x",
            "curl --user=alice:hunter2 https://x",
            "export DB_PWD=hunter3",
            "curl -H 'Authorization: Basic aHVudGVyNA==' https://x",
            "mysql -h db -phunter5 < x.sql",
        ];
        for line in kept_back {
            assert!(may_hold_secret(line), "{line}");
        }
        for line in ["sudo -u ec2-user pip install x", "pip install -p x", "mkdir -p /tmp/x"] {
            assert!(!may_hold_secret(line), "{line}");
        }
    }

    #[test]
    fn what_is_common_is_seen_and_what_is_only_said_is_not() {
        let marked = |text: &str, code: &str| !marks(text, code).is_empty();
        for line in [
            "/opt/conda/bin/pip install torch",
            "python3.8 -m pip install y",
            "sudo -u sagemaker-user -i pip install z",
            "su ec2-user -c 'pip install z'",
        ] {
            assert!(marked(line, "SM413") && marked(line, "SM414"), "{line}");
        }
        assert!(marked("pip --quiet install torch", "SM414"));
        let handed = "sudo -u ec2-user -i <<'EOF'\npip install big\nEOF\n";
        assert!(marked(handed, "SM413"));
        assert!(!marked("cat > notes <<'EOF'\npip install big\nEOF\n", "SM413"));
        let said = "echo \"run yum install foo; pip install x yourself\"";
        assert!(!marked(said, "SM413") && !marked(said, "SM414") && !marked(said, "SM409"));
        assert!(!marked("service cron start", "SM416"));
        assert!(marked("sudo systemctl restart jupyter-server", "SM416"));
    }

    #[test]
    fn a_shift_and_a_quoted_text_begin_no_here_document_and_what_is_no_shell_script_is_left_alone()
    {
        for line in ["x=$((1<<BITS))", "echo 'see <<README for more'", "cat <<< WORD"] {
            let script = format!("#!/bin/bash\n{line}\nsleep 900\n");
            let converted = convert(&script).text;
            assert!(
                !converted.lines().any(|line| ["BITS", "README", "WORD"].contains(&line)),
                "{converted}"
            );
            assert!(!marks(&script, "SM413").is_empty(), "{line}");
        }
        let python = "#!/usr/bin/env python3\nimport os\nos.system('yum install x')\n";
        let converted = convert(python);
        assert_eq!((converted.text.as_str(), converted.left.len()), (python, 1));
        assert!(marks(python, "SM409").is_empty());
    }

    #[test]
    fn each_check_marks_its_own_lines_and_no_others() {
        for (line, code) in [
            ("amazon-linux-extras enable python3", "SM409"),
            ("cp x /root/.bashrc", "SM410"),
            ("chown -R ec2-user x", "SM410"),
            ("source /opt/conda/bin/activate", "SM411"),
            ("conda activate studio", "SM411"),
            ("aws s3 cp --recursive s3://b/x .", "SM413"),
            ("curl -fsS http://x", "SM414"),
            ("jupyter server extension list && jupyter labextension list", "SM415"),
            ("initctl restart jupyter-server --no-wait", "SM416"),
            ("jq -r .UserProfileName /opt/ml/metadata/resource-metadata.json", "SM420"),
        ] {
            let found: Vec<_> = CHECKS
                .iter()
                .map(|check| check.code)
                .filter(|code| !marks(line, code).is_empty())
                .collect();
            assert_eq!(found, [code], "{line}");
        }
        let harmless =
            ["echo /opt/root/x", "conda activate base", "pip list", "# yum", "git status"];
        for line in harmless {
            let found = CHECKS.iter().any(|check| !marks(line, check.code).is_empty());
            assert!(!found, "{line}");
        }
    }
}
