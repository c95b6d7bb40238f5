//! Rules about custom images: SM405 to SM407, and SM418.

use std::collections::BTreeMap;

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{View, settled_where};
use crate::inventory::Settings;

/// The identity that images of the new Studio have by default.
const STUDIO_UID_GID: (i32, i32) = (1000, 100);

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM405",
        severity: Severity::Warning,
        title: "A custom image is offered to Classic kernels only",
        cause: "Images of Classic ran as kernels beside the server. In the new Studio one container holds everything, so an image must bring JupyterLab itself, and must be attached under JupyterLabAppSettings to be offered.",
        remedy: "Extend SageMaker Distribution with what the image adds, serve JupyterLab on port 8888 under /jupyterlab/default, push it, `aws sagemaker create-image-version --image-name <name> --base-image <registry-address> --region <region>`, and add it to JupyterLabAppSettings.CustomImages with those that are there: the list is replaced.",
        sources: &[page::MIGRATE_LCC],
        look: classic_only_image,
    },
    Rule {
        code: "SM406",
        severity: Severity::Warning,
        title: "An app image configuration is for Classic only",
        cause: "A configuration with only a KernelGatewayImageConfig cannot be used for JupyterLab or Code Editor.",
        remedy: "`aws sagemaker create-app-image-config --app-image-config-name <name>-jupyterlab --jupyter-lab-app-image-config '{}' --region <region>`; add ContainerConfig where the image needs arguments or variables.",
        sources: &[
            page::MIGRATE_LCC,
            "https://github.com/aws/amazon-sagemaker-feedback/issues/128",
        ],
        look: classic_only_config,
    },
    Rule {
        code: "SM407",
        severity: Severity::Advice,
        title: "An image runs as another user than the new Studio's",
        cause: "The new Studio runs images as uid 1000 and gid 100 by default. AWS's page on scripts says 1001 and 101; the images themselves say 1000 and 100. An image whose own user differs from its configuration fails to start.",
        remedy: "Build the new image with NB_UID=1000 and NB_GID=100, and look with `id -u; id -g` in a running space.",
        sources: &[
            "https://github.com/aws/sagemaker-distribution",
            "https://github.com/aws-samples/sagemaker-studio-custom-image-samples/issues/8",
        ],
        look: other_user,
    },
    Rule {
        code: "SM418",
        severity: Severity::Blocker,
        title: "The image that the playbook starts spaces with is not in the account",
        cause: "`target.image` is set on each space once its person is moved. AWS refuses an image that is not there, and the last step would fail for everyone.",
        remedy: "`aws sagemaker list-images --region <region>` lists the images: correct `target.image`, make the image first, or leave it out.",
        sources: &[page::MIGRATE_LCC],
        look: missing_image,
    },
];

/// The name of an image in its ARN, or in that of one of its versions, when it is of this account.
fn own_image<'a>(arn: &'a str, account: &str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':').skip(4);
    let (owner, resource) = (parts.next()?, parts.next()?);
    let mut resource = resource.split('/').skip(1);
    (owner == account).then(|| resource.next())?
}

fn missing_image(view: &View<'_>) -> Vec<Hit> {
    let account = view.snapshot.account.as_ref().map_or("", |account| account.as_str());
    let arn = view.playbook.target.image.as_deref();
    let Some((arn, name)) = arn.and_then(|arn| Some((arn, own_image(arn, account)?))) else {
        return Vec::new();
    };
    let was_seen = !view.snapshot.unseen.iter().any(|one| one.what.contains("Image"));
    // AWS writes names in ARNs in lower case.
    let is_there = view.snapshot.images.iter().any(|image| image.name.eq_ignore_ascii_case(name));
    if is_there || !was_seen {
        return Vec::new();
    }
    vec![Hit::new(Subject::Account, format!("target.image is {arn}; no image is called {name}"))]
}

fn images<'a>(settings: &'a Settings, app_type: &str) -> &'a [String] {
    settings.custom_images.get(app_type).map(Vec::as_slice).unwrap_or_default()
}

fn is_offered_anew(settings: &Settings, image: &String) -> bool {
    ["JupyterLab", "CodeEditor"].iter().any(|app_type| images(settings, app_type).contains(image))
}

fn classic_only_image(view: &View<'_>) -> Vec<Hit> {
    let mut uses: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for (domain, profile) in view.people() {
        for image in images(&profile.effective, "KernelGateway") {
            if !is_offered_anew(&profile.effective, image) {
                let places = uses.entry(image).or_default();
                places.entry(domain.id.as_str()).or_default().push(profile.name.as_str());
            }
        }
    }
    uses.into_iter()
        .map(|(image, places)| {
            let known = view.snapshot.images.iter().find(|known| known.name == image);
            let container = known.and_then(|known| known.container.as_deref());
            Hit::new(
                Subject::thing(image),
                format!(
                    "offered to kernels of {}; container {}",
                    settled_where(&places),
                    container.unwrap_or("unknown")
                ),
            )
        })
        .collect()
}

fn classic_only_config(view: &View<'_>) -> Vec<Hit> {
    view.snapshot
        .image_configs
        .iter()
        .filter(|config| {
            config.parts.iter().any(|part| part == "KernelGateway") && config.parts.len() == 1
        })
        .map(|config| Hit::new(Subject::thing(&config.name), "parts: KernelGateway"))
        .collect()
}

fn other_user(view: &View<'_>) -> Vec<Hit> {
    view.snapshot
        .image_configs
        .iter()
        .filter_map(|config| Some((config, config.classic_uid_gid?)))
        .filter(|(_, identity)| *identity != STUDIO_UID_GID)
        .map(|(config, (uid, gid))| {
            Hit::new(Subject::thing(&config.name), format!("DefaultUid={uid} DefaultGid={gid}"))
        })
        .collect()
}
