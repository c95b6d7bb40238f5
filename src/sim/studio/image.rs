//! Custom images and their versions; they are part of a world and only read.

use serde_json::{Value, json};

use crate::sim::state::State;
use crate::sim::wire::Refusal;

use super::ask::{Call, arn};
use super::listing::{Listing, SortBy};
use super::records::{Image, ImageVersion};
use super::refuse::{invalid, missing};

/// The ARN of an image.
pub(super) fn arn_of(state: &State, image: &Image) -> String {
    arn(state, &format!("image/{}", image.name))
}

fn named<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a Image, Refusal> {
    let name = call.text("ImageName");
    state.studio.images.get(name).ok_or_else(|| missing("Image", name))
}

/// `ListImages`.
pub(super) fn list(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let sort = SortBy::of(call);
        let rows = state
            .studio
            .images
            .iter()
            .filter(|(name, image)| {
                call.contains("NameContains", name)
                    && call.is_within("CreationTime", image.created_at)
                    && call.is_within("LastModifiedTime", image.created_at)
            })
            .map(|(key, image)| (sort.key(image.created_at, image.created_at, key), image))
            .collect();
        let listing =
            Listing { operation: "ListImages", member: "Images", size: 10, is_descending: true };
        listing.page(call, rows, |image| details(state, image))
    })
}

/// `DescribeImage`.
pub(super) fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let image = named(state, call)?;
        let mut output = details(state, image);
        if let Some(role) = &image.role {
            output["RoleArn"] = json!(role);
        }
        Ok(output)
    })
}

fn details(state: &State, image: &Image) -> Value {
    let mut output = json!({
        "ImageArn": arn_of(state, image),
        "ImageName": image.name,
        "ImageStatus": "CREATED",
        "CreationTime": image.created_at,
        "LastModifiedTime": image.created_at,
    });
    if let Some(name) = &image.display_name {
        output["DisplayName"] = json!(name);
    }
    if let Some(description) = &image.description {
        output["Description"] = json!(description);
    }
    output
}

/// `ListImageVersions`.
pub(super) fn list_versions(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let image = named(state, call)?;
        let is_by_version = call.given("SortBy") == Some("VERSION");
        let rows = image
            .versions
            .iter()
            .filter(|version| {
                call.is_within("CreationTime", version.created_at)
                    && call.is_within("LastModifiedTime", version.created_at)
            })
            .map(|version| {
                let key = format!("{:010}", version.version);
                let at = version.created_at;
                let key = if is_by_version { key } else { SortBy::of(call).key(at, at, &key) };
                (key, version)
            })
            .collect();
        let listing = Listing {
            operation: "ListImageVersions",
            member: "ImageVersions",
            size: 10,
            is_descending: true,
        };
        listing.page(call, rows, |version| version_details(state, image, version))
    })
}

/// `DescribeImageVersion`; without version and alias it is the newest.
pub(super) fn describe_version(call: &Call<'_>) -> Result<Value, Refusal> {
    call.world.read(|state| {
        let image = named(state, call)?;
        let number = call.member("Version").and_then(Value::as_u64);
        let alias = call.given("Alias");
        if number.is_some() && alias.is_some() {
            return Err(invalid("Version and Alias cannot both be specified."));
        }
        let mut versions = image.versions.iter();
        let found = match (number, alias) {
            (Some(number), _) => versions.find(|version| u64::from(version.version) == number),
            (None, Some(alias)) => {
                versions.find(|version| version.aliases.iter().any(|known| known == alias))
            }
            (None, None) => versions.max_by_key(|version| version.version),
        };
        let version = found.ok_or_else(|| missing("ImageVersion", &image.name))?;
        let mut output = version_details(state, image, version);
        output["BaseImage"] = json!(version.base_image);
        output["ContainerImage"] = json!(version.base_image);
        Ok(output)
    })
}

fn version_details(state: &State, image: &Image, version: &ImageVersion) -> Value {
    let name = image.name.to_ascii_lowercase();
    json!({
        "ImageArn": arn_of(state, image),
        "ImageVersionArn": arn(state, &format!("image-version/{name}/{}", version.version)),
        "ImageVersionStatus": "CREATED",
        "Version": version.version,
        "CreationTime": version.created_at,
        "LastModifiedTime": version.created_at,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::studio::testing::Account;

    #[tokio::test(start_paused = true)]
    async fn a_version_is_found_by_number_by_alias_or_as_the_newest() {
        let account = Account::empty();
        account
            .world
            .change(|state| {
                let version = |version: u32, alias: &str| ImageVersion {
                    version,
                    base_image: format!("repo:{version}"),
                    aliases: vec![alias.into()],
                    created_at: f64::from(version),
                };
                let image = Image {
                    name: "genomics".into(),
                    versions: vec![version(1, "1.0"), version(2, "2.0")],
                    ..Image::default()
                };
                state.studio.images.insert("genomics".into(), image);
                Ok(())
            })
            .unwrap();
        let ask = |input| account.ok("DescribeImageVersion", input)["BaseImage"].clone();
        assert_eq!(ask(json!({"ImageName": "genomics"})), "repo:2");
        assert_eq!(ask(json!({"ImageName": "genomics", "Version": 1})), "repo:1");
        assert_eq!(ask(json!({"ImageName": "genomics", "Alias": "1.0"})), "repo:1");
        let missing = json!({"ImageName": "genomics", "Alias": "9.0"});
        assert!(account.refusal("DescribeImageVersion", missing).starts_with("ResourceNotFound"));
        let listed = account.ok("ListImageVersions", json!({"ImageName": "genomics"}));
        assert_eq!(listed["ImageVersions"][0]["Version"], 2);
        assert_eq!(account.ok("ListImages", json!({}))["Images"][0]["ImageName"], "genomics");
    }
}
