//! The playbooks under `playbooks/`: each is sound, explained, and good for a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use studio_migrate::inventory::{Domain, Home, Profile, Snapshot};
use studio_migrate::names::{AccountId, DomainId, HomeUid, ProfileName, Region};
use studio_migrate::plan::{Plan, draw};
use studio_migrate::playbook::{LeaveOutRules, Playbook, SHIPPED};

use crate::common::tool::run_on;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn snapshot() -> Snapshot {
    let profile = |(name, uid): (&str, u32)| Profile {
        name: ProfileName::from(name),
        status: "InService".to_owned(),
        home_uid: Some(HomeUid::new(uid.to_string())),
        home: Some(Home {
            bytes: u64::from(uid) << 15,
            files: 10,
            candidates: BTreeMap::from([(".cache".to_owned(), (1 << 20, 2))]),
            ..Home::default()
        }),
        ..Profile::default()
    };
    let people = ["alice", "bob", "carl", "dora", "eve", "frank", "grace", "heidi"];
    Snapshot {
        schema: 1,
        account: Some(AccountId::from(AccountId::SIMULATED)),
        region: Some(Region::from("eu-west-1")),
        domains: vec![Domain {
            id: DomainId::from("d-sim1"),
            name: "research".to_owned(),
            status: "InService".to_owned(),
            auth_mode: "IAM".to_owned(),
            profiles: people.into_iter().zip(200_001..).map(profile).collect(),
            ..Domain::default()
        }],
        ..Snapshot::default()
    }
}

#[test]
fn every_playbook_is_parsed_checked_and_planned_with() {
    for file in files() {
        let playbook = Playbook::load(&file).unwrap();
        assert_eq!(Some(playbook.name.as_str()), file.file_stem().unwrap().to_str());
        let plan = draw(&snapshot(), &[], &playbook, None).unwrap();
        let planned = plan.migrations().count() + plan.left_out.len();
        assert!(planned >= 8, "{}: {plan:#?}", file.display());
        assert_eq!(Plan::from_json(&plan.to_json().unwrap()).unwrap(), plan);
    }
}

#[test]
fn every_playbook_that_is_built_in_stands_in_its_folder() {
    let names: BTreeSet<String> =
        files().iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    for shipped in SHIPPED {
        assert!(names.contains(shipped.name), "{}", shipped.name);
        assert!(Playbook::shipped(shipped.name).is_ok());
    }
}

#[test]
fn every_key_is_explained_where_it_stands() {
    for shipped in SHIPPED {
        let mut above = "";
        for (number, line) in shipped.text.lines().enumerate() {
            let line = line.trim();
            let is_key =
                !line.starts_with('#') && !line.starts_with("reason:") && line.contains(':');
            assert!(
                !is_key || above.starts_with('#'),
                "{}.yaml:{}: `{line}` has no comment above it",
                shipped.name,
                number + 1
            );
            above = line;
        }
    }
}

/// The paths of all keys, outside of lists.
fn keys(value: &serde_json::Value, path: &str, found: &mut BTreeSet<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        keys(value, &path, found);
        found.insert(path);
    }
}

#[test]
fn every_key_that_there_is_stands_in_every_shipped_playbook() {
    for shipped in SHIPPED {
        let all = serde_json::to_value(Playbook::shipped(shipped.name).unwrap()).unwrap();
        let written: serde_json::Value = serde_saphyr::from_str(shipped.text).unwrap();
        let (mut there, mut said) = (BTreeSet::new(), BTreeSet::new());
        keys(&all, "", &mut there);
        keys(&written, "", &mut said);
        assert_eq!(said, there, "{}", shipped.name);
    }
}

#[test]
fn what_a_playbook_leaves_out_fits_into_a_lifecycle_script_many_times() {
    for shipped in SHIPPED {
        let playbook = Playbook::shipped(shipped.name).unwrap();
        let size = serde_json::to_string(&playbook.leave_out).unwrap().len();
        assert!(size < 4_096, "{}: {size} bytes", shipped.name);
    }
}

#[test]
fn shipped_playbooks_keep_work_and_credentials_and_leave_what_refills_itself() {
    let kept = [
        "notebook.ipynb",
        "project/.git/config",
        "project/.gitignore",
        "project/.env",
        ".ssh/id_ed25519",
        ".aws/credentials",
        ".gitconfig",
        ".git-credentials",
        ".ipython/profile_default/startup/00.py",
        "cache/data.csv",
        "project/.bashrc",
        ".conda/envs/x/conda-meta/history",
        ".local/bin/tool",
        ".local/share/notes.txt",
        "lib/a.py",
        "Trash/a",
        "my.cache",
    ];
    let left = [
        ".bashrc",
        ".condarc",
        ".profile",
        ".cache",
        ".cache/pip/a/b",
        ".conda/pkgs",
        ".conda/pkgs/a.tar.bz2",
        ".npm/_cacache/a",
        ".local/share/Trash",
        ".local/share/Trash/files/a",
        ".Trash-1000",
        ".Trash-1000/files/a",
        ".jupyter",
        ".jupyter/jupyter_notebook_config.py",
        "__pycache__",
        "a/b/__pycache__/c.pyc",
        ".virtual_documents/a",
        ".local/share/jupyter/kernels/x/kernel.json",
    ];
    for shipped in SHIPPED {
        let rules = LeaveOutRules::of(&Playbook::shipped(shipped.name).unwrap()).unwrap();
        for path in kept {
            assert_eq!(rules.first_match(path), None, "{}: {path}", shipped.name);
        }
        for path in left {
            assert!(rules.first_match(path).is_some(), "{}: {path}", shipped.name);
        }
    }
    let standard = LeaveOutRules::of(&Playbook::standard().unwrap()).unwrap();
    for path in [
        ".ipynb_checkpoints",
        "a/.ipynb_checkpoints/b.ipynb",
        "web/node_modules",
        "web/node_modules/a/index.js",
        ".conda/envs/x/bin",
        ".conda/envs/x/bin/python",
        ".conda/envs/x/lib/python3.9/os.py",
        ".local/lib/python3.9/a",
    ] {
        assert!(standard.first_match(path).is_some(), "{path}");
    }
}

/// The schema for editors, as it is published.
const SCHEMA: &str = "docs/playbook.schema.json";

#[test]
fn the_published_schema_is_that_of_the_types_and_every_shipped_playbook_keeps_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA);
    let now = serde_json::to_string_pretty(&studio_migrate::playbook::schema()).unwrap() + "\n";
    if std::env::var_os("STUDIO_MIGRATE_BLESS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == now, "{SCHEMA} is not that of the types");
    let folder = tempfile::tempdir().unwrap();
    for shipped in SHIPPED {
        let value: serde_json::Value = serde_saphyr::from_str(shipped.text).unwrap();
        let file = folder.path().join(format!("{}.json", shipped.name));
        fs::write(&file, value.to_string()).unwrap();
        crate::common::python::check("validate_schema.py", &[&path, &file]);
    }
}

#[test]
fn every_named_world_is_planned_with_every_shipped_playbook() {
    let folder = tempfile::tempdir().unwrap();
    for world in ["small", "careful", "large"] {
        let served = crate::common::account::Served::named(&folder.path().join(world), world);
        let journal = folder.path().join(format!("{world}.db"));
        let run = |journal: &Path, words: &[&str]| run_on(&served, journal, words);
        let mount = served.dir.join("efs");
        let mut words = vec!["inventory", "--opened-days", "0"];
        if mount.exists() {
            words.extend(["--mount", mount.to_str().unwrap()]);
        }
        run(&journal, &words).ended(0);
        let profiles = served.state()["studio"]["profiles"].as_object().unwrap().len();
        for shipped in SHIPPED {
            // Each plan is the first of its journal: nobody has a place already.
            let own = folder.path().join(format!("{world}-{}.db", shipped.name));
            fs::copy(&journal, &own).unwrap();
            let drawn =
                run(&own, &["plan", "--playbook", shipped.name, "--format", "json"]).ended(0).out;
            let plan = Plan::from_json(drawn.trim()).unwrap();
            let is_person = |left: &&studio_migrate::plan::LeftOut| {
                served.state()["studio"]["profiles"]
                    .get(format!("{}/{}", left.domain, left.who))
                    .is_some()
            };
            let moved = plan.migrations().count();
            let left = plan.left_out.iter().filter(is_person).count();
            assert_eq!(moved + left, profiles, "{world} with {}", shipped.name);
            let (made, least) = plan.packing.unwrap();
            assert!(made * 10 <= least * 11, "{world} with {}: {made} of {least}", shipped.name);
            // A batch has its time wherever the playbook has windows, one after the other.
            let slots: Vec<_> =
                plan.batches.iter().filter_map(|batch| batch.slot.as_ref()).collect();
            assert!(slots.is_empty() || slots.len() == plan.batches.len());
            assert!(
                slots.windows(2).all(|pair| pair[0].to <= pair[1].from),
                "{world} with {}",
                shipped.name
            );
        }
    }
}
