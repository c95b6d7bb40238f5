//! Inventory and readiness name every awkward thing that is planted in the world `careful`, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::common::account::Served;
use crate::common::tool::run_on;

/// The world, whose comments say what is planted where.
const CAREFUL: &str = include_str!("../../../src/sim/worlds/careful.yaml");

/// Every finding: its code, and whom or what it is about.
const PLANTED: &str = "
SM101 stale
SM102 no-file-system
SM103 rstudio
SM104 clinical
SM105 governed
SM106 unmounted
SM107 account
SM201 clinical/broken
SM202 no-file-system/newcomer
SM203 clinical/no-mount
SM204 clinical/kept-on-classic
SM205 clinical/team-shared
SM206 clinical/team-shared
SM207 people-sso
SM208 clinical/posix-user
SM209 clinical/taken
SM210 clinical/team-shared
SM211 clinical/second-try
SM211 clinical/second-try-2
SM212 clinical
SM213 people-sso/analytics
SM214 clinical
SM215 clinical
SM216 arn:aws:sts::000000000000:assumed-role/Portal/botocore-session-1700000000
SM217 governed/contradicting
SM301 clinical/huge-home
SM303 clinical/awkward
SM305 clinical/awkward
SM306 clinical/awkward
SM307 clinical/awkward
SM308 file system of d-sim000000999
SM309 file system of clinical
SM309 file system of d-sim000000999
SM310 clinical/huge-home
SM311 clinical/huge-home
SM313 clinical/at-work
SM314 lodger
SM314 people-sso
SM315 guarded-files
SM316 guarded-files
SM317 unmounting
SM318 guarded-files
SM319 guarded-files
SM401 clinical/Still-Running
SM401 clinical/space classic-team
SM402 classic-kernels
SM402 classic-proxy
SM403 auto-shutdown
SM404 clinical/scripted
SM405 genomics-r
SM406 genomics-r-kernel
SM407 genomics-r-kernel
SM408 governed
SM409 packages
SM410 profile-of-root
SM411 environment
SM412 too-large
SM413 fetch
SM414 fetch
SM415 extensions
SM416 restart
SM417 account
SM420 who-am-i
SM501 clinical/limited-role
SM502 arn:aws:iam::000000000000:role/LimitedStudioRole
SM503 governed
SM505 arn:aws:iam::000000000000:role/PipelinesStudioRole
SM505 arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
SM506 arn:aws:iam::000000000000:role/PipelinesStudioRole
SM507 arn:aws:iam::000000000000:role/LimitedStudioRole
SM507 arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
SM601 account
SM603 account
SM604 clinical
SM604 rstudio
SM605 account
SM607 file system of clinical
SM701 s3://shared-notebooks-000000000000/clinical
SM702 s3://notebooks-of-another-account/shared
SM703 clinical/space classic-team
SM704 shared-notebooks-000000000000
SM705 shared-notebooks-000000000000
SM706 s3://notebooks-of-another-account/shared
SM706 s3://shared-notebooks-000000000000/clinical
SM707 s3://shared-notebooks-000000000000/clinical
SM801 no-file-system
SM802 clinical
SM803 governed
SM804 governed
SM805 clinical
";

/// Findings that a playbook adds which is itself amiss.
const OF_THE_PLAYBOOK: [&str; 4] = ["SM108 account", "SM109 SM101", "SM110 SM201", "SM602 account"];

/// No world can have a person without an execution role: AWS does not make a domain without one.
const NOT_PLANTED: [&str; 1] = ["SM504"];

fn findings(served: &Served, journal: &Path, words: &[&str]) -> BTreeSet<String> {
    let words = [&["readiness", "--format", "json"], words].concat();
    let report: Value =
        serde_json::from_str(&run_on(served, journal, &words).ended(3).out).unwrap();
    let state = served.state();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (id, domain) in state["studio"]["domains"].as_object().unwrap() {
        names.insert(id.clone(), domain["name"].as_str().unwrap().to_owned());
    }
    for (id, system) in state["file_systems"].as_object().unwrap() {
        let tag = system["tags"]["ManagedByAmazonSageMakerResource"].as_str().unwrap();
        let domain = tag.rsplit('/').next().unwrap();
        let name = names.get(domain).map_or(domain, String::as_str);
        names.insert(id.clone(), format!("file system of {name}"));
    }
    let named = |value: &Value| {
        let text = value.as_str().unwrap();
        names.get(text).map_or(text, String::as_str).to_owned()
    };
    let subject = |subject: &Value| match subject["kind"].as_str().unwrap() {
        "account" => "account".to_owned(),
        "domain" => named(&subject["domain"]),
        "profile" => format!("{}/{}", named(&subject["domain"]), named(&subject["profile"])),
        "space" => format!("{}/space {}", named(&subject["domain"]), named(&subject["space"])),
        _ => named(&subject["name"]),
    };
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|one| format!("{} {}", one["code"].as_str().unwrap(), subject(&one["subject"])))
        .collect()
}

fn lines(texts: impl IntoIterator<Item = &'static str>) -> BTreeSet<String> {
    texts.into_iter().map(str::to_owned).collect()
}

#[track_caller]
fn assert_same(found: &BTreeSet<String>, planted: &BTreeSet<String>) {
    let missed: Vec<_> = planted.difference(found).collect();
    let surplus: Vec<_> = found.difference(planted).collect();
    assert!(missed.is_empty() && surplus.is_empty(), "missed: {missed:#?}\nsurplus: {surplus:#?}");
}

#[test]
fn every_awkward_thing_of_the_world_careful_is_named_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), CAREFUL);
    let journal = folder.path().join("journal.db");
    let mount = served.dir.join("efs");
    run_on(&served, &journal, &["inventory", "--mount", mount.to_str().unwrap()]).ended(0);
    let mut planted = lines(PLANTED.split_terminator('\n').filter(|line| !line.is_empty()));
    // A mode keeps nobody out who is root, and nobody else may give a file away.
    planted.insert(match rustix::process::geteuid().is_root() {
        true => "SM312 clinical/given-files".to_owned(),
        false => "SM304 clinical/awkward".to_owned(),
    });
    let first = findings(&served, &journal, &[]);
    assert_same(&first, &planted);
    let report = run_on(&served, &journal, &["readiness", "--format", "json"]).ended(3).out;
    let report: Value = serde_json::from_str(&report).unwrap();
    let unseen = report["findings"].as_array().unwrap().iter().find(|one| one["code"] == "SM107");
    let evidence = unseen.unwrap()["evidence"].as_str().unwrap();
    let of_the_foreign_bucket = evidence.lines().filter(|line| line.contains("another-account"));
    assert_eq!((evidence.lines().count(), of_the_foreign_bucket.count()), (2, 2), "{evidence}");

    let playbook = folder.path().join("amiss.yaml");
    let state = served.state();
    let domains: Vec<_> = state["studio"]["domains"].as_object().unwrap().keys().cloned().collect();
    let amiss = format!(
        "schema: 1\nname: amiss\nscope: {{ domains: [d-typo, {}] }}\ntarget: {{ instance_type: ml.m5.large }}\n\
         limits: {{ users: 30 }}\nleave_out:\n\
         - {{ pattern: '**/{{{{.cache,.ipynb_checkpoints,__pycache__}}}}/**', reason: made anew }}\nsuppressions:\n\
         - {{ code: SM101, reason: looked at, owner: ops, until: 2026-01-31 }}\n\
         - {{ code: SM201, subject: nobody, reason: looked at, owner: ops, until: 2099-01-31 }}\n",
        domains.join(", ")
    );
    std::fs::write(&playbook, amiss).unwrap();
    let amiss = findings(&served, &journal, &["--playbook", playbook.to_str().unwrap()]);
    planted.retain(|line| line != "SM601 account");
    planted.extend(lines(OF_THE_PLAYBOOK));
    assert_same(&amiss, &planted);
    let unknown = "schema: 1\nname: unknown\nroutes: { shared_spaces: packed }\ntarget: { instance_type: ml.p9.huge, \
                   image: 'arn:aws:sagemaker:eu-west-1:000000000000:image/none' }\n";
    std::fs::write(&playbook, unknown).unwrap();
    let unknown = findings(&served, &journal, &["--playbook", playbook.to_str().unwrap()]);
    // The domain has no role for shared spaces, and the space no owner.
    assert!(unknown.contains("SM708 clinical/space classic-team"), "{unknown:?}");

    // What nobody measured is said, too.
    run_on(&served, &journal, &["inventory"]).ended(0);
    let unmeasured = findings(&served, &journal, &[]);

    let every: BTreeSet<_> =
        studio_migrate::readiness::rules().iter().map(|rule| rule.code).collect();
    let met: BTreeSet<&str> = [&first, &amiss, &unknown, &unmeasured]
        .into_iter()
        .flatten()
        .filter_map(|line| line.split(' ').next())
        .chain(NOT_PLANTED)
        .chain(["SM304", "SM312"])
        .collect();
    let never: Vec<_> = every.iter().filter(|code| !met.contains(**code)).collect();
    assert!(never.is_empty(), "no plant makes these fire: {never:?}");
}

#[test]
fn nothing_is_found_in_an_account_where_nothing_is_amiss() {
    let folder = tempfile::tempdir().unwrap();
    let person = |name: &str| {
        format!(
            "      - name: {name}\n        home: tidy\n        settings: {{ ExecutionRole: 'arn:aws:iam::000000000000:role/{name}' }}\n        \
             visits: [{{ caller: 'arn:aws:sts::000000000000:assumed-role/People/{name}', days_ago: 2 }}]\n"
        )
    };
    let role = |name: &str| {
        format!(
            "  - arn: arn:aws:iam::000000000000:role/{name}\n    statements: [{{ allow: true, actions: ['*'], resources: ['*'] }}]\n"
        )
    };
    let world = format!(
        "name: clean\nquotas:\n  Studio JupyterLab Apps running on ml.t3.medium instance: 20\n  \
         Maximum number of Studio spaces allowed per account: 100\nroles:\n{}{}domains:\n  - name: research\n    \
         file_system: {{ throughput_mode: elastic }}\n    profiles:\n{}{}",
        role("alice"),
        role("bruno"),
        person("alice"),
        person("bruno"),
    );
    let served = Served::start(&folder.path().join("world"), &world);
    let journal = folder.path().join("journal.db");
    let mount = served.dir.join("efs");
    run_on(&served, &journal, &["inventory", "--mount", mount.to_str().unwrap()]).ended(0);
    let report = run_on(&served, &journal, &["readiness", "--format", "json"]).ended(0);
    let report: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!(report["findings"], serde_json::json!([]));
}
