//! Looking at a tree, with a row for every file kept; those who only sum up have less to do.

use crate::contestant::Contestant;
use crate::race::Race;
use crate::tree::Shape;
use crate::{Bench, Failure, program};

/// Scans of what is in memory anyway.
pub(crate) fn warm(bench: &mut Bench) -> Result<(), Failure> {
    let tree = bench.grow("scan", Shape::home(200_000, 16_800))?;
    // Looks at names alone, so it is shown and not counted.
    let names = Contestant::new("fd (stats nothing)", &["fdfind"], r#"fdfind -uu . "$1""#);
    let mut contestants = vec![ours()];
    contestants.extend(defaults().into_iter().map(|contestant| contestant.aim(1.0)));
    contestants.push(names);
    Race::new("Scan, warm", &tree, contestants).run(bench)?;
    Ok(tree.fell()?)
}

/// Scans where every look at a file takes a millisecond.
pub(crate) fn slow(bench: &mut Bench) -> Result<(), Failure> {
    let title = "Scan, a millisecond a call";
    let Some(under) = program::a_millisecond_a_call() else {
        return Ok(bench.report.skip(title, "`strace` is not installed, or not allowed here")?);
    };
    let tree = bench.grow("slow-scan", Shape::home(5_000, 420))?;
    let mut contestants = vec![ours()];
    contestants.extend(defaults().into_iter().map(|contestant| contestant.aim(5.0)));
    let many = [
        ("diskus -j 64", "diskus", r#"diskus -j 64 "$1""#),
        ("pdu --threads 64", "pdu", r#"pdu --threads 64 "$1""#),
        ("dua -t 64", "dua", r#"dua -t 64 "$1""#),
    ];
    contestants.extend(
        many.map(|(name, program, script)| Contestant::new(name, &[program], script).aim(0.9)),
    );
    let names = r#"fdfind -uu -j 64 . "$1""#;
    contestants.push(Contestant::new("fd -j 64 (stats nothing)", &["fdfind"], names));
    let race = Race { under, ..Race::new(title, &tree, contestants) };
    race.run(bench)?;
    Ok(tree.fell()?)
}

fn ours() -> Contestant {
    Contestant::ours("mover scan, with a manifest", r#"mover scan "$1" --manifest "$3/manifest""#)
}

/// Everyone who looks at every file, as they come.
fn defaults() -> Vec<Contestant> {
    let all = [
        ("du -s", "du", r#"du -s "$1""#),
        ("diskus", "diskus", r#"diskus "$1""#),
        ("pdu", "pdu", r#"pdu "$1""#),
        ("dua", "dua", r#"dua "$1""#),
        ("gdu", "gdu", r#"gdu --non-interactive --no-progress "$1""#),
    ];
    all.map(|(name, program, script)| Contestant::new(name, &[program], script)).into()
}
