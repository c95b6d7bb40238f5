//! To S3 and back.

use std::rc::Rc;

use crate::arrived::{Look, compare};
use crate::contestant::{Contestant, Run};
use crate::race::Race;
use crate::s3::bucket::Bucket;
use crate::s3::server::{Account, Kind, Server};
use crate::tree::{Shape, Tree};
use crate::{Bench, Failure, OURS, program};

/// What a pull restores of every file.
const RESTORED: &str = "mode, mtime";

/// Uploads of a tree: ours as packs, the others an object a file.
pub(crate) fn push(bench: &mut Bench) -> Result<(), Failure> {
    with_servers(bench, "Push to", |bench, title, server, bucket, tree| {
        let files = (tree.files, tree.bytes);
        let bucket = Rc::new(bucket);
        let every_object = {
            let bucket = Rc::clone(&bucket);
            move |run: &Run| match bucket.count(&run.prefix)? {
                there if there == files => Ok(String::new()),
                (objects, bytes) => Err(format!("{objects} objects, {bytes} bytes arrived").into()),
            }
        };
        let one_object = move |run: &Run| match bucket.count(&run.prefix)? {
            (1, bytes) if bytes >= files.1 => Ok("all that tar keeps".to_owned()),
            (objects, bytes) => Err(format!("{objects} objects, {bytes} bytes arrived").into()),
        };
        let vars = server.vars();
        let pulled_back = move |run: &Run| {
            let back = run.scratch.join("back");
            std::fs::create_dir(&back)?;
            let pull = r#"exec "$1" mover pull "s3://$BUCKET/$PREFIX" "$2""#;
            let mut pull = program::script(&[], pull);
            pull.arg(OURS).arg(&back).env("PREFIX", &run.prefix);
            program::time(pull.envs(vars.iter().map(|(name, value)| (name, value))))
                .map_err(|error| format!("it cannot be pulled back: {error}"))?;
            restored(compare(&run.tree, &back, Look::Contents)?)
        };
        let contestants = vec![
            Contestant::ours("mover push", r#"mover push "$1" "s3://$BUCKET/$PREFIX""#)
                .checked(pulled_back),
            Contestant::new("s5cmd cp", &["s5cmd"], r#"s5cmd cp "$1/" "s3://$BUCKET/$PREFIX/""#)
                .aim(8.0),
            Contestant::new(
                "rclone copy",
                &["rclone"],
                r#"rclone copy "$1" "race:$BUCKET/$PREFIX""#,
            ),
            Contestant::new("rclone copy, 64 transfers", &["rclone"], RCLONE_64),
            Contestant::new("aws s3 sync", &["aws"], AWS_PUSH),
            Contestant::new("tar | zstd -1 | s5cmd pipe", &["tar", "zstd", "s5cmd"], PIPE)
                .checked(one_object),
        ];
        let vars = server.vars();
        let check = Box::new(every_object);
        Race { vars, check, ..Race::new(title, tree, contestants) }.run(bench)
    })
}

/// Downloads of what DataSync has put there; ours is to restore what the user metadata says.
pub(crate) fn pull(bench: &mut Bench) -> Result<(), Failure> {
    with_servers(bench, "Pull of DataSync's layout from", |bench, title, server, bucket, tree| {
        bucket.lay_out(&tree.root, "home")?;
        // Without the last slash rclone would ask for an object called `home`, to which s3s-fs answers "500, try again".
        let ours = r#"mover pull "s3://$BUCKET/home" "$2""#;
        let contestants = vec![
            Contestant::ours("mover pull", ours)
                .checked(|run| restored(compare(&run.tree, &run.into, Look::Contents)?)),
            Contestant::new("s5cmd cp", &["s5cmd"], r#"s5cmd cp "s3://$BUCKET/home/*" "$2/""#)
                .aim(1.0),
            Contestant::new("rclone copy", &["rclone"], r#"rclone copy "race:$BUCKET/home/" "$2""#),
            Contestant::new("aws s3 sync", &["aws"], AWS_PULL),
        ];
        let vars = server.vars();
        let check = Box::new(|run: &Run| compare(&run.tree, &run.into, Look::Contents));
        Race { vars, check, ..Race::new(title, tree, contestants) }.run(bench)
    })
}

const RCLONE_64: &str = r#"rclone copy --transfers 64 --checkers 64 "$1" "race:$BUCKET/$PREFIX""#;
const AWS_PUSH: &str = r#"aws s3 sync --only-show-errors "$1" "s3://$BUCKET/$PREFIX""#;
const AWS_PULL: &str = r#"aws s3 sync --only-show-errors "s3://$BUCKET/home" "$2""#;
const PIPE: &str =
    r#"tar -C "$1" -cf - . | zstd -1 -q | s5cmd pipe "s3://$BUCKET/$PREFIX/all.tar.zst""#;

/// Without modes and times a pull is not done.
fn restored(kept: String) -> Result<String, Failure> {
    if kept == RESTORED { Ok(kept) } else { Err(format!("it restored {kept}").into()) }
}

/// The same race on one server after another, so that no server's habits decide.
fn with_servers(
    bench: &mut Bench,
    what: &str,
    race: impl Fn(&mut Bench, &str, &Server, Bucket, &Tree) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let tree = bench.grow("objects", Shape::home(5_000, 420))?;
    for kind in [Kind::S3sFs, Kind::Rclone, Kind::Sim] {
        let title = format!("{what} {}", kind.name());
        if let Some(program) = kind.needs().filter(|program| !program::is_installed(program)) {
            bench.report.skip(&title, &format!("`{program}` is not installed"))?;
            continue;
        }
        let folder = bench.folder.path().join("server");
        std::fs::create_dir(&folder)?;
        let account = Account::serve(&folder.join("account"))?;
        let server = Server::serve(kind, &account, &folder.join("objects"))?;
        let bucket = Bucket::open(&server)?;
        race(bench, &title, &server, bucket, &tree)?;
        // They are to be gone before their folders are.
        drop((server, account));
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(tree.fell()?)
}
