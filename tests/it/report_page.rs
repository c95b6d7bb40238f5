//! The page for a change board in a real browser: it opens without a complaint at twenty thousand people, filters, sorts, prints.

use std::path::Path;
use std::process::Command;

use studio_migrate::inventory::{Domain, Home, Profile, Snapshot};
use studio_migrate::playbook::Playbook;
use studio_migrate::readiness::{Readiness, html};

const PEOPLE: u32 = 20_000;

/// A name that must stay text.
const HOSTILE: &str = "</script><b>x\"'&";

/// Twenty thousand people, every tenth of whom is blocked, and one with a name that is none.
fn page() -> String {
    let profile = |number: u32| {
        let mut profile = Profile {
            name: format!("person-{number:05}x").into(),
            status: "InService".to_owned(),
            home_uid: Some(number.to_string().into()),
            home: Some(Home { bytes: u64::from(number) << 20, files: 9, ..Home::default() }),
            ..Profile::default()
        };
        profile.effective.execution_role = Some(format!("arn:aws:iam::123456789012:role/{number}"));
        if number.is_multiple_of(10) {
            profile.effective.auto_mount = Some("Disabled".to_owned());
        }
        if number == 1 {
            profile.name = HOSTILE.into();
        }
        profile
    };
    let domain = Domain {
        id: "d-large".into(),
        status: "InService".to_owned(),
        auth_mode: "IAM".to_owned(),
        file_system: Some("fs-0a1b2c3d".into()),
        profiles: (0..PEOPLE).map(profile).collect(),
        ..Domain::default()
    };
    let snapshot = Snapshot {
        taken_at: "2026-08-01T09:00:00Z".to_owned(),
        account: Some("123456789012".into()),
        region: Some("eu-west-1".into()),
        domains: vec![domain],
        ..Snapshot::default()
    };
    html(std::slice::from_ref(&snapshot), &Readiness::of(&snapshot, &Playbook::standard().unwrap()))
        .unwrap()
}

/// Runs Chromium on a page, and returns what it wrote to stdout and stderr.
fn chromium(folder: &Path, arguments: &[&str], address: &str) -> (String, String) {
    let output = Command::new("chromium")
        .args(["--headless=new", "--disable-gpu", "--no-sandbox", "--no-first-run"])
        .args(["--disable-dev-shm-usage", "--virtual-time-budget=20000"])
        .args(["--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", folder.join("browser").display()))
        .args(arguments)
        .arg(address)
        .output();
    // The page is tested in Debian's Chromium: `apt-get install chromium`.
    assert!(output.is_ok(), "{output:?}: install the package `chromium`");
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_page_of_twenty_thousand_people_filters_sorts_and_prints_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("readiness.html");
    let page = page();
    assert!(page.len() < 8 << 20, "{} bytes are no attachment", page.len());
    std::fs::write(&file, page).unwrap();
    let open = |view: &str| {
        let address = format!("file://{}{view}", file.display());
        let (dom, said) = chromium(folder.path(), &["--dump-dom"], &address);
        assert!(!said.contains("CONSOLE"), "the browser complains: {said}");
        dom
    };
    let all = open("");
    assert!(all.contains("20,000 of 20,000 people, page 1 of 200"));
    let table = all.split("id=\"people-rows\"").nth(1).unwrap().split("</table>").next().unwrap();
    assert_eq!(table.matches("<tr").count(), 100);
    let blocked = open("#verdict=blocked&sort=bytes&desc=1");
    assert!(blocked.contains("2,000 of 20,000 people"));
    let rows = blocked.split("id=\"people-rows\"").nth(1).unwrap();
    let first = rows.split("</tr>").next().unwrap();
    assert!(first.contains("person-19990x") && first.contains("19.5 GiB"), "{first}");
    assert!(open("#q=person-00042x").contains("1 of 20,000 people"));
    let hostile = open("#q=%3Cb%3E");
    assert!(hostile.contains("1 of 20,000 people"));
    assert!(hostile.contains("&lt;/script&gt;&lt;b&gt;x"), "the name is not shown as text");
    let pdf = folder.path().join("page.pdf");
    let print = format!("--print-to-pdf={}", pdf.display());
    chromium(
        folder.path(),
        &[&print, "--no-pdf-header-footer"],
        &format!("file://{}", file.display()),
    );
    let printed = std::fs::read(&pdf).unwrap();
    assert!(printed.starts_with(b"%PDF") && printed.len() > 20_000, "{} bytes", printed.len());
}
