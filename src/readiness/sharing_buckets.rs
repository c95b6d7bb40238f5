//! Rules about the buckets that notebooks were shared in: SM704 to SM707.

use std::collections::BTreeSet;

use serde_json::json;

use super::finding::{Severity, Subject};
use super::rule::{Hit, Rule, page};
use super::view::{View, listed};
use crate::inventory::{CorsRule, Posture, SharedNotebooks, bucket_and_prefix};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM704",
        severity: Severity::Warning,
        title: "The bucket of shared notebooks does not let the new Studio's pages in",
        cause: "The new Studio calls S3 from the browser. Without a CORS rule for `https://*.sagemaker.aws` its pages cannot show what lies in the bucket. AWS's console overwrites the rules that are there; its command line sets none.",
        remedy: "Write a merged configuration: the rules that are there, and Studio's. `aws s3api put-bucket-cors --bucket <bucket> --cors-configuration file://cors.json`.",
        sources: &[page::MIGRATE_UI],
        look: without_cors,
    },
    Rule {
        code: "SM705",
        severity: Severity::Warning,
        title: "The bucket of shared notebooks may be public",
        cause: "Not all of S3's public access blocks are on, so a policy or an access list may show people's notebooks to anyone.",
        remedy: "`aws s3api put-public-access-block --bucket <name> --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`, after looking for whoever needs it otherwise.",
        sources: &[
            "docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
        ],
        look: maybe_public,
    },
    Rule {
        code: "SM706",
        severity: Severity::Advice,
        title: "Shared notebooks are encrypted with keys of their own",
        cause: "Whoever is to read them from the new Studio needs `kms:Decrypt` with these keys, and a key that is deleted takes the notebooks with it. The key's policy cannot be seen from here.",
        remedy: "Let the new execution roles use the keys, and keep the keys enabled: `aws kms describe-key --key-id <key> --region <region>`.",
        sources: &[page::API_SHARING],
        look: keys,
    },
    Rule {
        code: "SM707",
        severity: Severity::Advice,
        title: "Notebooks are still being shared through Classic's place",
        cause: "Something was written there within 90 days of the inventory: people use it. In the new Studio the button is gone, and links to what was shared open in Classic only.",
        remedy: "Tell those who share there before their batch. Give them a Git repository or a shared space, and keep the bucket readable.",
        sources: &[page::API_SHARING],
        look: in_use,
    },
];

/// What Studio's pages need (`studio-updated-migrate-ui`).
const ORIGIN: &str = "https://*.sagemaker.aws";
const METHODS: [&str; 5] = ["DELETE", "GET", "HEAD", "POST", "PUT"];
const EXPOSED: [&str; 6] = [
    "ETag",
    "x-amz-delete-marker",
    "x-amz-id-2",
    "x-amz-request-id",
    "x-amz-server-side-encryption",
    "x-amz-version-id",
];

fn buckets<'a>(
    view: &View<'a>,
) -> impl Iterator<Item = (&'a SharedNotebooks, &'a str, &'a Posture)> {
    view.snapshot.shared_notebooks.iter().filter_map(|place| {
        let (bucket, _) = bucket_and_prefix(&place.location);
        Some((place, bucket, place.bucket.as_ref()?))
    })
}

fn lets_studio_in(rules: &[CorsRule]) -> bool {
    rules.iter().any(|rule| {
        let has = |method: &str| rule.methods.iter().any(|known| known == method);
        rule.origins.iter().any(|origin| origin == ORIGIN || origin == "*")
            && METHODS.iter().all(|method| has(method))
    })
}

/// The rules that are there, and Studio's: what may be put in their place without a loss.
fn merged(rules: &[CorsRule]) -> String {
    let mut all: Vec<_> = rules
        .iter()
        .map(|rule| {
            json!({
                "AllowedOrigins": rule.origins,
                "AllowedMethods": rule.methods,
                "AllowedHeaders": rule.headers,
                "ExposeHeaders": rule.exposed,
            })
        })
        .collect();
    all.push(json!({
        "AllowedOrigins": [ORIGIN],
        "AllowedMethods": METHODS,
        "AllowedHeaders": ["*"],
        "ExposeHeaders": EXPOSED,
    }));
    json!({ "CORSRules": all }).to_string()
}

fn without_cors(view: &View<'_>) -> Vec<Hit> {
    let mut met = BTreeSet::new();
    let mut hits = Vec::new();
    for (_, bucket, posture) in buckets(view) {
        let Some(rules) = &posture.cors else { continue };
        if lets_studio_in(rules) || !met.insert(bucket) {
            continue;
        }
        let evidence = match rules.len() {
            0 => "no CORS rules".to_owned(),
            count => format!("{count} CORS rules, none of them for {ORIGIN} with all methods"),
        };
        hits.push(Hit::new(Subject::thing(bucket), evidence).mended_by(format!(
            "Put the rules that are there and Studio's: `aws s3api put-bucket-cors --bucket {bucket} --cors-configuration '{}'`",
            merged(rules)
        )));
    }
    hits
}

fn maybe_public(view: &View<'_>) -> Vec<Hit> {
    let open: BTreeSet<_> = buckets(view)
        .filter(|(_, _, posture)| !posture.is_public_access_blocked)
        .map(|(_, bucket, _)| bucket)
        .collect();
    open.into_iter()
        .map(|bucket| Hit::new(Subject::thing(bucket), "not all four public access blocks are on"))
        .collect()
}

fn keys(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for place in &view.snapshot.shared_notebooks {
        let bucket = place.bucket.as_ref().and_then(|bucket| bucket.kms_key.as_ref());
        let keys: BTreeSet<_> = place.kms_keys.iter().chain(bucket).collect();
        if !keys.is_empty() {
            let keys: Vec<_> = keys.into_iter().collect();
            hits.push(Hit::new(Subject::thing(&place.location), listed(&keys)));
        }
    }
    hits
}

fn in_use(view: &View<'_>) -> Vec<Hit> {
    let Some(taken_at) = view.taken_at() else { return Vec::new() };
    let mut hits = Vec::new();
    for place in &view.snapshot.shared_notebooks {
        let newest = place.newest.as_deref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let Some(newest) = newest else { continue };
        if taken_at.duration_since(newest) < jiff::SignedDuration::from_hours(24 * 90) {
            let owners: Vec<_> = place.owners.iter().map(|owner| owner.prefix.as_str()).collect();
            hits.push(Hit::new(
                Subject::thing(&place.location),
                format!("newest object {newest}; folders: {}", listed(&owners)),
            ));
        }
    }
    hits
}
