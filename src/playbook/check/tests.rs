//! What is a problem, and what is none.

use super::*;
use crate::names::ProfileName;

fn minimal() -> Playbook {
    Playbook::parse("schema: 1\nname: mine\n", "mine.yaml").unwrap()
}

fn keys(change: impl FnOnce(&mut Playbook)) -> Vec<String> {
    let mut playbook = minimal();
    change(&mut playbook);
    playbook.check().into_iter().map(|problem| problem.key).collect()
}

#[test]
fn the_defaults_are_sound() {
    assert_eq!(minimal().check(), []);
}

#[test]
fn all_problems_are_found_at_once_and_each_says_what_to_do() {
    let mut playbook = minimal();
    playbook.schema = 3;
    playbook.target.idle_shutdown_minutes = 10;
    playbook.limits.users = 0;
    playbook.staging.prefix = "/x/".to_owned();
    let problems = playbook.check();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems.iter().all(|problem| !problem.remedy.is_empty()));
    assert_eq!(
        problems[1].to_string(),
        "target.idle_shutdown_minutes: 10 is out of range; choose 60 to 525600"
    );
}

#[test]
fn a_space_name_must_tell_people_apart_and_be_a_name() {
    for bad in ["studio", "{profile}_studio", "-{profile}", "{profile}-", "{profile}-{domain}", ""]
    {
        let found = keys(|playbook| playbook.target.space_name = bad.to_owned());
        assert!(found.contains(&"target.space_name".to_owned()), "{bad}: {found:?}");
    }
    for good in ["{profile}", "new-{profile}", "{profile}-studio"] {
        assert_eq!(
            keys(|playbook| playbook.target.space_name = good.to_owned()),
            [""; 0],
            "{good}"
        );
    }
}

#[test]
fn volumes_are_between_what_aws_gives_and_in_order() {
    let bounds = |minimum_gb, maximum_gb| {
        keys(|playbook| {
            playbook.target.volume.minimum_gb = minimum_gb;
            playbook.target.volume.maximum_gb = maximum_gb;
        })
    };
    assert_eq!(bounds(5, 16_384), [""; 0]);
    assert_eq!(bounds(4, 100), ["target.volume.minimum_gb"]);
    assert_eq!(bounds(5, 16_385), ["target.volume.maximum_gb"]);
    assert_eq!(bounds(50, 20), ["target.volume.minimum_gb"]);
}

#[test]
fn an_instance_type_has_three_parts() {
    for bad in ["t3.medium", "ml.t3", "ml.T3.medium", "ml..medium", "ml.t3.medium.x"] {
        let found = keys(|playbook| playbook.target.instance_type = bad.to_owned());
        assert_eq!(found, ["target.instance_type"], "{bad}");
    }
    assert_eq!(keys(|p| p.target.instance_type = "ml.g4dn.12xlarge".to_owned()), [""; 0]);
}

#[test]
fn a_rule_that_leaves_out_everything_or_nothing_is_a_problem() {
    let rule = |pattern: &str| {
        keys(|playbook| {
            playbook.leave_out =
                vec![LeaveOut { pattern: pattern.to_owned(), reason: "a test".to_owned() }];
        })
    };
    for bad in ["**", "*", "**/*", "/root/x", "~/.cache/**", "", "a[", "./x"] {
        assert_eq!(rule(bad), ["leave_out[0].pattern"], "{bad}");
    }
    assert_eq!(rule("**/node_modules/**"), [""; 0]);
}

#[test]
fn rules_without_a_reason_twice_or_too_many_are_problems() {
    let rule = |pattern: &str, reason: &str| LeaveOut {
        pattern: pattern.to_owned(),
        reason: reason.to_owned(),
    };
    let found = keys(|playbook| playbook.leave_out = vec![rule("a", "x"), rule("a", " ")]);
    assert_eq!(found, ["leave_out[1].pattern", "leave_out[1].reason"]);
    let many = (0..200).map(|n| rule(&format!("folder-{n}/**"), "not needed any more")).collect();
    assert_eq!(keys(|playbook| playbook.leave_out = many), ["leave_out"]);
}

#[test]
fn a_folder_stays_under_the_home_and_off_the_mounts() {
    for bad in [
        "/abs",
        "a/../..",
        "a/",
        "user-default-efs",
        "user-default-efs/x",
        "custom-file-systems/efs",
    ] {
        let found = keys(|playbook| playbook.placement.folder = bad.to_owned());
        assert!(found.contains(&"placement.folder".to_owned()), "{bad}");
    }
    assert_eq!(
        keys(|playbook| playbook.placement.folder = "from classic/2025".to_owned()),
        [""; 0]
    );
}

#[test]
fn numbers_that_would_hang_or_flood_are_problems() {
    let found = keys(|playbook| {
        playbook.limits = Limits {
            users: 0,
            poll_seconds: f64::NAN,
            settle_minutes: -1.0,
            stall_minutes: 0.0,
            calls_per_second: 0.0,
            gib_in_flight: Some(0),
            credentials_minutes: f64::INFINITY,
        };
        playbook.stop_rules.failures_in_a_row = Some(0);
        playbook.stop_rules.on_errors = vec![" ".to_owned()];
        playbook.stop_rules.alarm_file = Some("".into());
        playbook.batches.users = 0;
        playbook.stop_rules.failures = 0;
    });
    for key in [
        "users",
        "poll_seconds",
        "settle_minutes",
        "stall_minutes",
        "calls_per_second",
        "gib_in_flight",
        "credentials_minutes",
    ] {
        assert!(found.contains(&format!("limits.{key}")), "{key}: {found:?}");
    }
    assert!(found.contains(&"batches.users".to_owned()));
    for key in ["failures", "failures_in_a_row", "on_errors[0]", "alarm_file"] {
        assert!(found.contains(&format!("stop_rules.{key}")), "{key}: {found:?}");
    }
    let found = keys(|playbook| {
        playbook.limits.poll_seconds = 60.0;
        playbook.limits.stall_minutes = 1.0;
    });
    assert_eq!(found, ["limits.stall_minutes"]);
}

#[test]
fn scopes_pilots_and_buckets_are_names_that_aws_could_know() {
    assert_eq!(keys(|p| p.scope.domains = vec!["research".to_owned()]), ["scope.domains[0]"]);
    assert_eq!(keys(|p| p.scope.domains = vec!["d-sim1".to_owned()]), [""; 0]);
    assert_eq!(keys(|p| p.scope.include = vec![]), ["scope.include"]);
    assert_eq!(keys(|p| p.scope.exclude = vec!["[".to_owned()]), ["scope.exclude[0]"]);
    let pilot = |names: &[&str]| {
        keys(|p| p.batches.pilot = names.iter().map(|&name| ProfileName::from(name)).collect())
    };
    assert_eq!(pilot(&["alice", "Alice"]), ["batches.pilot[1]"]);
    assert_eq!(pilot(&["ali*"]), ["batches.pilot[0]"]);
    for bad in ["My-Bucket", "ab", "a..b", "bucket-", "{user}-bucket"] {
        assert_eq!(keys(|p| p.staging.bucket = bad.to_owned()), ["staging.bucket"], "{bad}");
    }
    for bad in ["", "/x", "x/", "a//b", "a b"] {
        assert_eq!(keys(|p| p.staging.prefix = bad.to_owned()), ["staging.prefix"], "{bad}");
    }
}
