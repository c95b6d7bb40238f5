//! Whether ten times the files take more than ten times as long, or more memory.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::arrived::count;
use crate::options::Part;
use crate::program::{self, Cost};
use crate::report::{self, Judged};
use crate::tree::{Shape, Tree};
use crate::{Bench, Failure, OURS};

const TITLE: &str = "Growth";

/// How many files there are where this part is asked for by name.
const MANY: u64 = 5_000_000;

/// The most bytes that may be resident, however many files there are.
const MOST: u64 = 300_000_000;

/// Ten times the files in at most this many times the time, over ten.
const SLACK: f64 = 1.1;

/// Memory counts as flat if it grows at most by this factor beyond 200,000 files; below, buffers may still fill.
const FLAT: f64 = 1.5;

/// From here on buffers are full.
const FULL: u64 = 200_000;

/// Bytes of memory that a file of these trees and its copy take, at most.
const FILE_COST: u64 = 4_000;

/// What is measured, and where its cost stands.
type Work = (&'static str, fn(&Size) -> Cost);

/// What one size cost.
struct Size {
    files: u64,
    scan: Cost,
    copy: Cost,
}

/// Scans and copies of ever larger trees, by the mover alone.
pub(crate) fn growth(bench: &mut Bench) -> Result<(), Failure> {
    let mut sizes = vec![20_000, 200_000];
    let mut place = bench.folder.path().to_owned();
    // Kept until the end, for it takes its folder with it.
    let mut on_disk = None;
    if bench.options.names(Part::Growth) && !bench.options.quick {
        if !has_room(&place, MANY)? {
            let disk = tempfile::tempdir()?;
            disk.path().clone_into(&mut place);
            on_disk = Some(disk);
        }
        if has_room(&place, MANY)? {
            sizes.push(MANY);
        } else {
            let why = "no room for the files or their inodes; name a roomier --folder or TMPDIR";
            bench.report.skip(&format!("{TITLE} to {MANY} files"), why)?;
        }
    }
    let mut measured = Vec::new();
    for files in sizes {
        // Nine in ten are empty, so that five million fit; looking and listing is what grows here.
        let shape = Shape { filled: 10, ..Shape::home(files, files / 12) };
        let shape = if bench.options.quick { shape.quick() } else { shape };
        let tree = Tree::grow(place.join("growth"), &shape)?;
        match measure(bench, &tree, &place) {
            Ok((scan, copy)) => measured.push(Size { files: tree.files, scan, copy }),
            Err(error) => {
                bench.report.say(format_args!("\n{TITLE}: {files} files: failed: {error}"))?;
                bench.report.fail(format!("{TITLE}: {files} files: {error}"));
            }
        }
        tree.fell()?;
    }
    print(bench, &measured, &place)?;
    Ok(on_disk.map_or(Ok(()), tempfile::TempDir::close)?)
}

/// Tells whether a tree of this many files and its copy fit.
fn has_room(place: &Path, files: u64) -> Result<bool, Failure> {
    let room = rustix::fs::statvfs(place)?;
    // Some file systems have no number of inodes, and say 0.
    let has_inodes = room.f_files == 0 || room.f_favail > 5 * files / 2;
    Ok(has_inodes && room.f_bavail * room.f_frsize > files * FILE_COST)
}

/// The best times of all rounds, and the greatest memory.
fn measure(bench: &Bench, tree: &Tree, place: &Path) -> Result<(Cost, Cost), Failure> {
    let (into, manifest) = (place.join("into"), place.join("manifest"));
    // Above a million a round takes minutes, and noise weighs little.
    let rounds = if tree.files > 1_000_000 { 1 } else { bench.options.rounds() };
    let (mut scans, mut copies) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        // What a size that failed has left.
        if into.exists() {
            fs::remove_dir_all(&into)?;
        }
        let mut scan = std::process::Command::new(OURS);
        scan.args(["mover", "scan"]).arg(&tree.root).arg("--manifest").arg(&manifest);
        scans.push(program::cost(&mut scan)?);
        let mut copy = std::process::Command::new(OURS);
        copy.args(["mover", "copy"]).args([&tree.root, &into]);
        copy.arg("--no-verify").arg("--manifest").arg(&manifest);
        copies.push(program::cost(&mut copy)?);
        let arrived = count(&into)?;
        fs::remove_dir_all(&into)?;
        fs::remove_file(&manifest)?;
        if arrived != (tree.files, tree.bytes) {
            return Err(format!("{} files arrived of {}", arrived.0, tree.files).into());
        }
    }
    Ok((total(&scans), total(&copies)))
}

fn total(costs: &[Cost]) -> Cost {
    let time = costs.iter().map(|cost| cost.time).min().unwrap_or(Duration::MAX);
    Cost { time, peak: costs.iter().map(|cost| cost.peak).max().unwrap_or_default() }
}

fn print(bench: &mut Bench, sizes: &[Size], place: &Path) -> Result<(), Failure> {
    let headings = ["", "files", "best, s", "times the time", "aim", "is", "peak, MB", "aim", "is"];
    let mut table = report::table(&headings, 1..4);
    let works: [Work; 2] = [("mover scan", |size| size.scan), ("mover copy", |size| size.copy)];
    for (name, cost) in works {
        let mut before: Option<&Size> = None;
        for size in sizes {
            let now = cost(size);
            let mut cells = vec![name.to_owned(), size.files.to_string()];
            cells.push(format!("{:.3}", now.time.as_secs_f64()));
            cells.extend(time_cells(bench, name, size, now, before.map(|b| (b.files, cost(b)))));
            cells.extend(memory_cells(bench, name, size, now, before.map(|b| (b.files, cost(b)))));
            table.add_row(cells);
            before = Some(size);
        }
    }
    let place = place.display();
    let shape = format!("Each size is measured alone, in {place}; nine files in ten are empty.");
    Ok(bench.report.say(format_args!("\n## {TITLE}\n\n{shape}\n\n{table}"))?)
}

fn time_cells(
    bench: &mut Bench,
    name: &str,
    size: &Size,
    now: Cost,
    before: Option<(u64, Cost)>,
) -> [String; 3] {
    let Some((files, cost)) = before else { return Default::default() };
    let times = now.time.as_secs_f64() / cost.time.as_secs_f64();
    let most = SLACK * size.files as f64 / files as f64;
    let against = format!("{name}, {files} files");
    let aim = format!("≤ {most:.1}");
    let measured = format!("{times:.1}");
    let is = verdict(bench, size, against, &aim, &measured, times <= most);
    [measured, aim, is]
}

fn memory_cells(
    bench: &mut Bench,
    name: &str,
    size: &Size,
    now: Cost,
    before: Option<(u64, Cost)>,
) -> [String; 3] {
    let flat = before.filter(|(files, _)| *files >= FULL);
    let is_flat = flat.is_none_or(|(_, cost)| now.peak as f64 <= FLAT * cost.peak as f64);
    let megabytes = MOST / 1_000_000;
    let aim =
        if flat.is_some() { format!("< {megabytes}, flat") } else { format!("< {megabytes}") };
    let measured = format!("{:.0}", now.peak as f64 / 1e6);
    let against = format!("{name}, MB of memory");
    let is = verdict(bench, size, against, &aim, &measured, is_flat && now.peak < MOST);
    [measured, aim, is]
}

fn verdict(
    bench: &mut Bench,
    size: &Size,
    against: String,
    aim: &str,
    measured: &str,
    is_met: bool,
) -> String {
    if bench.options.quick {
        return String::new();
    }
    let race = format!("{TITLE} to {} files", size.files);
    let (aim, measured) = (aim.to_owned(), measured.to_owned());
    bench.report.judge(Judged { race, against, aim, measured, is_met }).to_owned()
}
