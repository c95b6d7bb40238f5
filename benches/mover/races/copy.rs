//! Copies: the mover hashes every byte and writes a manifest, the others do neither.

use crate::arrived::{Look, compare};
use crate::contestant::{Check, Contestant, Run};
use crate::race::Race;
use crate::tree::Shape;
use crate::{Bench, Failure, program};

const CP: &str = r#"cp -a "$1/." "$2""#;

/// Copies where nothing but the work itself takes time. `cp -a` runs first and last, as the yardstick of every round.
pub(crate) fn small(bench: &mut Bench) -> Result<(), Failure> {
    let tree = bench.grow("copy", Shape::home(30_000, 2_500))?;
    let mut contestants = vec![Contestant::new("cp -a", &["cp"], CP).aim(1.0), ours()];
    let aims = [("tar | tar", 1.0), ("cpz", 0.8), ("rsync -a", 2.0)];
    contestants.extend(others(&aims));
    contestants.push(Contestant::new("cp -a, again", &["cp"], CP).aim(1.0));
    let race = Race { check: kept(), ..Race::new("Copy of small files", &tree, contestants) };
    race.run(bench)?;
    Ok(tree.fell()?)
}

/// Copies where every look at a file takes a millisecond.
pub(crate) fn slow(bench: &mut Bench) -> Result<(), Failure> {
    let title = "Copy, a millisecond a call";
    let Some(under) = program::a_millisecond_a_call() else {
        return Ok(bench.report.skip(title, "`strace` is not installed, or not allowed here")?);
    };
    let tree = bench.grow("slow-copy", Shape::home(2_000, 100))?;
    let mut contestants = vec![Contestant::new("cp -a", &["cp"], CP).aim(10.0), ours()];
    contestants.extend(others(&[("rsync -a", 10.0)]));
    contestants.extend(with_64_workers().into_iter().map(|contestant| contestant.aim(1.0)));
    contestants.push(Contestant::new("cp -a, again", &["cp"], CP).aim(10.0));
    let race = Race { under, check: kept(), ..Race::new(title, &tree, contestants) };
    race.run(bench)?;
    Ok(tree.fell()?)
}

/// A copy of one file of 4 GB.
pub(crate) fn one(bench: &mut Bench) -> Result<(), Failure> {
    let shape = Shape { files: 1, folders: 1, median: 4e9, spread: 0.0, filled: 1 };
    let tree = bench.grow("one", shape)?;
    let contestants = vec![
        Contestant::new("cp -a", &["cp"], CP).aim(0.9),
        ours(),
        Contestant::new("rsync -a", &["rsync"], r#"rsync -a "$1/" "$2""#),
        Contestant::new("xcp", &["xcp"], r#"xcp -r --no-progress -T "$1" "$2""#),
        Contestant::new("cp -a, again", &["cp"], CP).aim(0.9),
    ];
    let race = Race { check: kept(), ..Race::new("Copy of one file", &tree, contestants) };
    race.run(bench)?;
    Ok(tree.fell()?)
}

fn ours() -> Contestant {
    Contestant::ours(
        "mover copy, hashed, with a manifest",
        r#"mover copy "$1" "$2" --no-verify --manifest "$3/manifest""#,
    )
}

/// Every byte in the first round, everything else in all of them.
fn kept() -> Check {
    Box::new(|run: &Run| {
        let look = if run.round == 0 { Look::Contents } else { Look::Metadata };
        compare(&run.tree, &run.into, look)
    })
}

/// Everyone else as they come, some of them with an aim.
fn others(aims: &[(&str, f64)]) -> Vec<Contestant> {
    // cpz and rcp make their destination themselves.
    let all = [
        ("tar | tar", "tar", r#"tar -C "$1" -cf - . | tar -C "$2" -xf -"#),
        ("cpz", "cpz", r#"rmdir "$2"; cpz "$1" "$2""#),
        ("xcp", "xcp", r#"xcp -r --no-progress -T "$1" "$2""#),
        ("rcp --preserve", "rcp", r#"rmdir "$2"; rcp --preserve "$1" "$2""#),
        ("rsync -a", "rsync", r#"rsync -a "$1/" "$2""#),
        ("fpsync", "fpsync", r#"fpsync -d "$3/shared" -t "$3" "$1/" "$2/""#),
        ("rclone copy -M", "rclone", r#"rclone --config /dev/null copy -M "$1" "$2""#),
    ];
    let contestant = |(name, program, script): (&str, _, &str)| {
        let contestant = Contestant::new(name, &[program], script);
        match aims.iter().find(|(other, _)| *other == name) {
            Some((_, aim)) => contestant.aim(*aim),
            None => contestant,
        }
    };
    all.into_iter().map(contestant).collect()
}

/// Everyone who can be told how many to be.
fn with_64_workers() -> Vec<Contestant> {
    // What a patient administrator would write: one `cp` a folder at the top, 64 at a time.
    let many = r#"cd "$1"; ls -A | xargs -d '\n' -P 64 -n 1 cp -a -t "$2""#;
    let fpsync = r#"fpsync -n 64 -f 32 -d "$3/shared" -t "$3" "$1/" "$2/""#;
    let rclone = r#"rclone --config /dev/null copy -M --transfers 64 --checkers 64 "$1" "$2""#;
    let rcp = r#"rmdir "$2"; rcp --preserve --max-workers 64 --max-blocking-threads 64 "$1" "$2""#;
    let all: [(&str, &[&'static str], &str); 5] = [
        ("64 × cp -a", &["cp", "xargs"], many),
        ("xcp -w 64", &["xcp"], r#"xcp -w 64 -r --no-progress -T "$1" "$2""#),
        ("rcp --preserve, 64 workers", &["rcp"], rcp),
        ("fpsync -n 64 -f 32", &["fpsync"], fpsync),
        ("rclone copy -M, 64 transfers", &["rclone"], rclone),
    ];
    all.map(|(name, needs, script)| Contestant::new(name, needs, script)).into()
}
