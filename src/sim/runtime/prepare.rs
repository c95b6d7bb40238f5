//! What a script finds when it starts: folders, metadata, stand-ins of commands, environment.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::json;

use super::Launch;
use super::place::Place;
use crate::sim::sts;
use crate::sim::world::World;

const DF: &str = include_str!("df.sh");
const FINDMNT: &str = include_str!("findmnt.sh");
const MOUNTS: &str = include_str!("mounts.sh");

/// Where the system keeps its commands.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Asks for our stand-in although a real AWS CLI is there, when it is set to `stand-in`.
const CHOICE: &str = "STUDIO_MIGRATE_SIM_AWS";

/// Makes everything ready and returns the environment of the scripts.
pub(super) fn prepare(
    world: &World,
    launch: &Launch,
    place: &Place,
) -> Result<Vec<(String, String)>, String> {
    folders(world, launch, place)
        .map_err(|error| format!("the app cannot be prepared: {error}"))?;
    environment(world, launch, place)
}

fn folders(world: &World, launch: &Launch, place: &Place) -> io::Result<()> {
    fs::create_dir_all(&place.volume)?;
    if place.run.exists() {
        fs::remove_dir_all(&place.run)?;
    }
    let bin = place.run.join("bin");
    for folder in [&bin, &place.run.join("tmp"), &place.run.join("scripts")] {
        fs::create_dir_all(folder)?;
    }
    let home = launch.efs_home.as_ref().map(|(file_system, uid)| place.home(file_system, uid));
    match (&launch.mount_error, &home) {
        (Some(reason), _) => place.mount_failed(reason)?,
        (None, Some(home)) => place.mount(home)?,
        (None, None) => place.unmount(),
    }
    fs::write(place.run.join("resource-metadata.json"), metadata(world, launch).to_string())?;
    let mounted = home.filter(|_| launch.mount_error.is_none()).unwrap_or_default();
    let mounts = MOUNTS
        .replace("{{gib}}", &launch.volume_gb.to_string())
        .replace("{{volume}}", &quoted(&place.volume.to_string_lossy()))
        .replace("{{efs}}", &quoted(&mounted.to_string_lossy()));
    command(&bin, "df", &DF.replace("{{mounts}}", &mounts))?;
    command(&bin, "findmnt", &FINDMNT.replace("{{mounts}}", &mounts))?;
    command(&bin, "aws", &aws(real_aws(), world.exe()))
}

/// What the space's `aws` does: it is the real command line, or our stand-in where there is none.
fn aws(real: Option<&Path>, exe: &Path) -> String {
    let command = match real {
        Some(real) => quoted(&real.to_string_lossy()),
        None => format!("{} sim aws", quoted(&exe.to_string_lossy())),
    };
    format!("#!/bin/sh\nexec {command} \"$@\"\n")
}

/// What AWS writes at `/opt/ml/metadata/resource-metadata.json`.
fn metadata(world: &World, launch: &Launch) -> serde_json::Value {
    let Launch { domain, space, app_type, .. } = launch;
    let region = world.read(|state| state.region.clone());
    json!({
        "AppType": app_type,
        "DomainId": domain,
        "SpaceName": space,
        "ExecutionRoleArn": launch.role.clone().unwrap_or_default(),
        "ResourceArn": format!("arn:aws:sagemaker:{region}:000000000000:app/{domain}/{space}/{app_type}/default"),
        "ResourceName": "default",
        "AppImageVersion": "",
    })
}

fn environment(
    world: &World,
    launch: &Launch,
    place: &Place,
) -> Result<Vec<(String, String)>, String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let region = world.read(|state| state.region.clone());
    let mut environment = vec![
        ("HOME", text(&place.volume)),
        ("USER", "sagemaker-user".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("TMPDIR", text(&place.run.join("tmp"))),
        ("PATH", format!("{}:{SYSTEM_PATH}", text(&place.run.join("bin")))),
        ("STUDIO_MIGRATE_METADATA", text(&place.run.join("resource-metadata.json"))),
        (super::processes::MARK, place.mark.clone()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region),
        // Whatever runs the simulator is not the instance that the app believes to be on.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    if let Some(endpoint) = world.endpoint() {
        environment.push(("AWS_ENDPOINT_URL", endpoint));
    }
    if let Some(role) = &launch.role {
        let credentials = sts::session_of(world, role, "SageMaker")
            .map_err(|refusal| format!("the execution role cannot be assumed: {refusal}"))?;
        environment.push(("AWS_ACCESS_KEY_ID", credentials.access_key_id));
        environment.push(("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key));
        environment.push(("AWS_SESSION_TOKEN", credentials.session_token));
    }
    Ok(environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn command(bin: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = bin.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// Finds the real AWS CLI, if one is there that works in an app's bare environment and is new enough to be led by
/// `AWS_ENDPOINT_URL`: 2.13, or 1.29 of the old one.
fn real_aws() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(look_for_aws).as_deref()
}

fn look_for_aws() -> Option<PathBuf> {
    if env::var_os(CHOICE).is_some_and(|choice| choice == "stand-in") {
        return None;
    }
    let path = env::var_os("PATH")?;
    let found =
        env::split_paths(&path).map(|folder| folder.join("aws")).find(|path| path.is_file())?;
    let mut asking = Command::new(&found);
    asking.arg("--version").env_clear().env("PATH", SYSTEM_PATH).env("HOME", "/nonexistent");
    let said = asking.output().ok()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    is_new_enough(&said).then_some(found)
}

/// Reads `aws-cli/2.13.0 Python/…`.
fn is_new_enough(said: &str) -> bool {
    let mut numbers = said
        .strip_prefix("aws-cli/")
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or_default()
        .split('.')
        .map(|number| number.parse::<u32>().unwrap_or_default());
    match (numbers.next(), numbers.next()) {
        (Some(1), Some(minor)) => minor >= 29,
        (Some(2), Some(minor)) => minor >= 13,
        (Some(major), _) => major > 2,
        _ => false,
    }
}

/// Quotes a word for the shell, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aws_of_a_space_is_the_real_one_or_else_a_stand_in() {
        let exe = Path::new("/it's/studio-migrate");
        let real = Path::new("/usr/bin/aws");
        assert_eq!(aws(Some(real), exe), "#!/bin/sh\nexec '/usr/bin/aws' \"$@\"\n");
        assert_eq!(aws(None, exe), "#!/bin/sh\nexec '/it'\\''s/studio-migrate' sim aws \"$@\"\n");
    }

    #[test]
    fn only_a_real_cli_that_takes_an_endpoint_from_its_environment_is_new_enough() {
        for (said, expected) in [
            ("aws-cli/2.13.0 Python/3.11", true),
            ("aws-cli/2.9.23 Python/3.11", false),
            ("aws-cli/1.29.1 Python/3.9", true),
            ("aws-cli/1.27.0 Python/3.9", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(said), expected, "{said}");
        }
    }
}
