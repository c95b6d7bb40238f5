//! Whether a Classic script may be made anew for the new Studio without a person having looked at it.

use super::{INTERNET, convert, stops_what_is_idle};

/// How the conversion keeps a line that has no place in the new Studio.
const REMARK: &str = ": # Classic had:";

/// What is proposed for a Classic script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The converted script.
    pub text: String,
    /// What speaks against running it unseen, by line of the converted script. No line itself is quoted: it may hold a secret.
    pub doubts: Vec<String>,
    /// Whether it stops what is idle, which the new Studio does by itself: it is to be dropped.
    pub is_auto_shutdown: bool,
}

/// Converts a Classic script and says what is in doubt; `is_offline` where it has to do without the internet.
pub fn propose(name: &str, text: &str, is_offline: bool) -> Proposal {
    let converted = convert(text);
    let mut doubts: Vec<String> = Vec::new();
    for (line, what) in converted.left.iter().filter(|(_, what)| is_offline || what != INTERNET) {
        let doubt = match line {
            0 => what.clone(),
            line => format!("line {line}: {what}"),
        };
        if !doubts.contains(&doubt) {
            doubts.push(doubt);
        }
    }
    doubts.extend(left_out(&converted.text));
    if !has_work(&converted.text) {
        doubts.push("nothing of it is left to run".to_owned());
    }
    Proposal {
        text: converted.text,
        doubts,
        is_auto_shutdown: stops_what_is_idle(name, Some(text)),
    }
}

/// Extensions that the conversion left out: whoever counts on one has to find one for JupyterLab 4.
fn left_out(text: &str) -> impl Iterator<Item = String> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| line.trim_start().starts_with(REMARK) && line.contains("extension"))
        .map(|(number, _)| {
            format!("line {number}: an extension of an older JupyterLab is left out")
        })
}

/// Tells whether a converted script does anything beside what the conversion put there.
fn has_work(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| {
        let is_frame = line.starts_with("set -")
            || line.starts_with("trap ")
            || line.starts_with(")")
            || ["", "(", "sudo apt-get update"].contains(&line);
        !is_frame && !line.starts_with('#') && !line.starts_with(REMARK)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_has_to_look_at_is_a_doubt_and_what_a_machine_can_mend_is_none() {
        let sure = "#!/bin/bash\ncd /home/ec2-user\ngit config --global pull.rebase true\n";
        let proposal = propose("git-settings", sure, true);
        assert!(proposal.doubts.is_empty() && proposal.text.contains("/home/sagemaker-user"));
        let unsure = [
            "sudo yum install -y jq\n",
            "jq -r .UserProfileName /opt/ml/metadata/resource-metadata.json\n",
            "conda activate studio\n",
            "#!/usr/bin/env python3\nprint()\n",
        ];
        for text in unsure {
            assert!(!propose("x", text, false).doubts.is_empty(), "{text}");
        }
        let large = "echo 'the same line over and over'\n".repeat(600);
        assert!(propose("x", &large, false).doubts[0].contains("bytes"));
    }

    #[test]
    fn a_script_of_which_an_extension_or_everything_was_left_out_is_in_doubt() {
        let doubts = |text: &str| propose("x", text, false).doubts;
        let extension = "jupyter labextension install @x/y\necho done\n";
        assert_eq!(doubts(extension), ["line 3: an extension of an older JupyterLab is left out"]);
        let restart = "#!/bin/bash\n# Restarts it.\ninitctl restart jupyter-server --no-wait\n";
        assert_eq!(doubts(restart), ["nothing of it is left to run"]);
        assert_eq!(doubts("initctl restart jupyter-server --no-wait\necho done\n"), [""; 0]);
    }

    #[test]
    fn the_internet_is_in_doubt_only_where_there_is_none() {
        let text = "#!/bin/bash\npip install black\n";
        assert!(propose("black", text, false).doubts.is_empty());
        assert_eq!(propose("black", text, true).doubts.len(), 1);
    }

    #[test]
    fn a_script_that_stops_what_is_idle_is_known_by_its_name() {
        assert!(propose("Auto_Shutdown", "echo", false).is_auto_shutdown);
        assert!(!propose("packages", "echo", false).is_auto_shutdown);
    }
}
