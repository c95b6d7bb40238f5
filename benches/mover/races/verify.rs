//! Comparing a copy with its original, by content.

use crate::contestant::Contestant;
use crate::race::Race;
use crate::tree::Shape;
use crate::{Bench, Failure, program};

/// Comparisons of a whole tree. Both sides are read by all but `b3sum`, which reads the copy and a list made before.
pub(crate) fn verify(bench: &mut Bench) -> Result<(), Failure> {
    let tree = bench.grow("verify", Shape::home(30_000, 2_500))?;
    let copy = bench.folder.path().join("verified");
    let list = bench.folder.path().join("verified.b3");
    program::time(program::script(&[], r#"cp -a "$1" "$2""#).args([&tree.root, &copy]))?;
    if program::is_installed("b3sum") {
        let script = r#"cd "$1"; find . -type f -print0 | xargs -0 b3sum > "$2""#;
        program::time(program::script(&[], script).args([&copy, &list]))?;
    }
    let contestants = vec![
        Contestant::ours("mover verify", r#"mover verify "$1" "$COPY""#),
        Contestant::new("rclone check", &["rclone"], RCLONE).aim(2.0),
        Contestant::new("rsync -anc", &["rsync"], r#"rsync -anc "$1/" "$COPY""#),
        Contestant::new("b3sum --check", &["b3sum"], B3SUM),
    ];
    let vars = [("COPY", &copy), ("LIST", &list)];
    let vars = vars.map(|(name, path)| (name.to_owned(), path.display().to_string())).into();
    let race = Race { vars, ..Race::new("Verify a copy", &tree, contestants) };
    race.run(bench)?;
    std::fs::remove_dir_all(&copy)?;
    Ok(tree.fell()?)
}

const RCLONE: &str = r#"rclone --config /dev/null check "$1" "$COPY""#;
const B3SUM: &str = r#"cd "$COPY"; b3sum --check --quiet "$LIST""#;
