//! The lifecycle script that starts the copy inside a space.
//!
//! AWS runs it in every space that the person starts while it is set, so it compares the space's own metadata with the one
//! space that the plan names. It leaves at once and does its work in the background: a start that takes five minutes fails.

use super::failure::Failure;
use super::tools::Tools;
use crate::mover::{ReportKey, Ticket, key};
use crate::plan::{Migration, Plan, Route};
use crate::playbook::Conflict;

/// AWS's limit on a lifecycle script, in characters of base64 (`CreateStudioLifecycleConfig`).
const LARGEST: usize = 16_384;

const TEMPLATE: &str = include_str!("hook.sh");

/// Which of several copies into one space this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The attempt, counted from 1; of what is delivered beside a home, the number of that delivery.
    pub attempt: u32,
    /// BLAKE3 of the manifest that an earlier pass left, if there was one.
    pub earlier: Option<String>,
    /// Whether what an earlier pass left and is in the home no more goes.
    pub deletes: bool,
    /// BLAKE3 of the manifest of an earlier delivery into the same place that was taken back, or ended badly.
    pub brought: Option<String>,
    /// BLAKE3 of the manifest against which the home is only read again.
    pub rereads: Option<String>,
    /// What is delivered beside the person's own home, if this is not about that.
    pub beside: Option<Beside>,
}

/// Another home that goes into a folder of its own, where nothing is overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The folder under the space's home.
    pub folder: String,
    /// The beginning of its root digest.
    pub digest: String,
}

impl Pass {
    /// An attempt at the first and only copy of a home.
    pub fn first(attempt: u32) -> Self {
        Self { attempt, earlier: None, deletes: false, brought: None, rereads: None, beside: None }
    }

    /// What the attempts of one kind are told by from those of another, in one space.
    fn kind(&self) -> String {
        match (&self.beside, &self.rereads) {
            (Some(beside), _) => format!("{}-{}-", beside.folder, beside.digest),
            (None, Some(_)) => "reread-".to_owned(),
            (None, None) => String::new(),
        }
    }
}

/// The hook of one migration.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// The order that it hands to the mover.
    pub ticket: Ticket,
    /// The script.
    pub script: String,
}

impl Hook {
    /// Writes the hook of a migration.
    ///
    /// What one attempt has copied is never copied again, however often the space starts; another attempt, after a rollback,
    /// begins anew. Fails when the script is longer than AWS takes, which only a very long list of exclusions brings about.
    pub fn of(
        plan: &Plan,
        migration: &Migration,
        tools: &Tools,
        key: ReportKey,
        pass: Pass,
    ) -> Result<Self, Failure> {
        let kind = pass.kind();
        let ticket = ticket(plan, migration, key, pass);
        let script = script(&ticket, &kind, tools, &plan.playbook.staging.prefix)?;
        let length = script.len().div_ceil(3) * 4;
        if length > LARGEST {
            return Err(Failure::new(format!(
                "the hook has {length} characters, and AWS takes {LARGEST}"
            ))
            .hinted("shorten `leave_out` in the playbook: fewer rules, or shorter reasons"));
        }
        Ok(Self { ticket, script })
    }
}

fn ticket(plan: &Plan, migration: &Migration, key: ReportKey, pass: Pass) -> Ticket {
    let playbook = &plan.playbook;
    let (folder, conflict) = match &pass.beside {
        Some(beside) => (beside.folder.as_str(), Conflict::Refuse),
        None => (plan.folder(migration), playbook.placement.conflict),
    };
    Ticket {
        schema: 1,
        migration: migration.id.to_string(),
        domain: migration.domain.to_string(),
        space: migration.space.to_string(),
        folder: folder.to_owned(),
        conflict: match conflict {
            Conflict::Refuse => "refuse",
            Conflict::KeepBoth => "keep-both",
            Conflict::SourceWins => "source-wins",
            Conflict::NewerWins => "newer-wins",
        }
        .to_owned(),
        leave_out: playbook
            .leave_out
            .iter()
            .map(|rule| (rule.pattern.clone(), rule.reason.clone()))
            .collect(),
        bucket: plan.staging_bucket(),
        bucket_owner: plan.account.to_string(),
        region: plan.region.to_string(),
        reports: migration.reports.clone(),
        key,
        packed: match migration.route {
            Route::Packed | Route::DataSync => {
                Some(format!("{}/{}", migration.reports, key::PACKED))
            }
            Route::InSpace => None,
        },
        attempt: pass.attempt,
        earlier: pass.earlier,
        deletes: pass.deletes,
        brought: pass.brought,
        is_beside: pass.beside.is_some(),
        rereads: pass.rereads,
    }
}

fn script(ticket: &Ticket, kind: &str, tools: &Tools, prefix: &str) -> Result<String, Failure> {
    let order = serde_json::to_string(ticket).map_err(|error| Failure::new(error.to_string()))?;
    let bucket = &ticket.bucket;
    let attempt = format!("{kind}{}-{}", ticket.attempt, ticket.key.fingerprint());
    Ok(TEMPLATE
        .replace("{{domain}}", &quoted(&ticket.domain))
        .replace("{{space}}", &quoted(&ticket.space))
        .replace("{{region}}", &quoted(&ticket.region))
        .replace("{{mover}}", &quoted(&format!("s3://{bucket}/{}", tools.key(prefix))))
        .replace(
            "{{refused}}",
            &quoted(&format!("s3://{bucket}/{}/{}", ticket.reports, key::REFUSED)),
        )
        // What is to be read again is read again whenever the space starts.
        .replace(
            "{{afterwards}}",
            if ticket.rereads.is_some() { ":" } else { r#"touch "$state/done-{{attempt}}""# },
        )
        .replace("{{attempt}}", &attempt)
        .replace("{{sha256}}", &tools.sha256)
        // The order comes last: what it holds is the playbook's and must not be taken for a placeholder. JSON has no line
        // ends outside its escapes, so no line of it can end the here-document.
        .replace("{{ticket}}", &order))
}

/// Quotes a word for the shell, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            schema: 1,
            migration: "d-sim1/alice".to_owned(),
            domain: "d-sim1".to_owned(),
            space: "alice-studio".to_owned(),
            folder: String::new(),
            conflict: "refuse".to_owned(),
            leave_out: vec![("it's/**".to_owned(), "\"TICKET\"\nTICKET\n{{domain}}".to_owned())],
            bucket: "bucket".to_owned(),
            bucket_owner: "000000000000".to_owned(),
            region: "eu-west-1".to_owned(),
            reports: "studio-migrate/runs/x".to_owned(),
            key: ReportKey::derive(b"secret", "d-sim1/alice"),
            packed: None,
            attempt: 1,
            earlier: None,
            deletes: false,
            brought: None,
            is_beside: false,
            rereads: None,
        }
    }

    fn written() -> String {
        let tools = Tools { mover: "/bin/true".into(), sha256: "ab".repeat(32), bytes: 1 };
        script(&ticket(), "", &tools, "studio-migrate").unwrap()
    }

    /// Runs the hook in a folder with this metadata and returns what it said.
    fn run(metadata: &str) -> (tempfile::TempDir, String) {
        let home = tempfile::tempdir().unwrap();
        let said = run_in(&home, metadata);
        (home, said)
    }

    fn run_in(home: &tempfile::TempDir, metadata: &str) -> String {
        std::fs::write(home.path().join("metadata.json"), metadata).unwrap();
        std::fs::write(home.path().join("hook.sh"), written()).unwrap();
        let output = std::process::Command::new("bash")
            .arg(home.path().join("hook.sh"))
            .env("HOME", home.path())
            .env("STUDIO_MIGRATE_METADATA", home.path().join("metadata.json"))
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn the_hook_does_nothing_in_another_space() {
        let (home, said) = run(r#"{"DomainId": "d-sim1", "SpaceName": "alice-other"}"#);
        assert!(said.contains("nothing to do"), "{said}");
        assert!(!home.path().join(".studio-migrate").exists());
    }

    #[test]
    fn the_hook_does_nothing_where_there_is_no_metadata() {
        let (home, _) = run("");
        assert!(!home.path().join(".studio-migrate").exists());
    }

    #[test]
    fn the_order_arrives_in_the_space_whatever_it_says() {
        let (home, said) = run(r#"{"DomainId":"d-sim1","SpaceName":"alice-studio"}"#);
        assert!(said.contains("in the background"), "{said}");
        let arrived = std::fs::read(home.path().join(".studio-migrate/ticket.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Ticket>(&arrived).unwrap(), ticket());
    }

    #[test]
    fn a_file_or_a_link_where_the_hook_keeps_its_own_is_left_as_it_is() {
        let metadata = r#"{"DomainId":"d-sim1","SpaceName":"alice-studio"}"#;
        let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let state = home.path().join(".studio-migrate");
        std::os::unix::fs::symlink(elsewhere.path(), &state).unwrap();
        assert!(
            run_in(&home, metadata).contains("~/.studio-migrate of the space is or holds a link")
        );
        assert_eq!(elsewhere.path().read_dir().unwrap().count(), 0);
        std::fs::remove_file(&state).unwrap();
        std::fs::write(&state, "hers").unwrap();
        assert!(run_in(&home, metadata).contains("or is no folder"));
        assert_eq!(std::fs::read(&state).unwrap(), b"hers");
        std::fs::remove_file(&state).unwrap();
        std::fs::create_dir(&state).unwrap();
        let ticket = elsewhere.path().join("ticket.json");
        std::os::unix::fs::symlink(&ticket, state.join("ticket.json")).unwrap();
        assert!(run_in(&home, metadata).contains("is or holds a link"));
        assert!(!ticket.exists());
    }

    #[test]
    fn what_was_copied_is_not_copied_again_when_the_space_starts_once_more() {
        let metadata = r#"{"DomainId":"d-sim1","SpaceName":"alice-studio"}"#;
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join(".studio-migrate");
        std::fs::create_dir(&state).unwrap();
        let done = format!("done-1-{}", ticket().key.fingerprint());
        std::fs::write(state.join(done), "").unwrap();
        run_in(&home, metadata);
        let log = state.join("log.txt");
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        for _ in 0..200 {
            if said().contains("here already") {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("it went on: {}", said());
    }
}
