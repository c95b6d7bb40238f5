//! What the new Studio needs of an execution role, and what a role may not do of it.
//!
//! AWS's page on migrating the user interface (`studio-updated-migrate-ui`) gives eight statements. Most of them hold under
//! conditions only, so IAM is asked as the new Studio would come: for a space and an app of a person, owned by them, private or
//! shared. A role that has exactly AWS's policy is allowed all of it, and one that lacks a statement lacks just that.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::collect::Looking;
use super::notes::Notes;
use super::snapshot::Domain;
use crate::aws::{self, Decision, Identity, Question};

/// Roles asked about at once.
const AT_ONCE: usize = 8;

/// What the new Studio needs of an execution role: the actions of AWS's eight statements (`studio-updated-migrate-ui`).
pub const STUDIO_ACTIONS: [&str; 15] = [
    "sagemaker:AddTags",
    "sagemaker:CreateApp",
    "sagemaker:CreatePresignedDomainUrl",
    "sagemaker:CreateSpace",
    "sagemaker:DeleteApp",
    "sagemaker:DeleteSpace",
    "sagemaker:DescribeApp",
    "sagemaker:DescribeDomain",
    "sagemaker:DescribeSpace",
    "sagemaker:DescribeUserProfile",
    "sagemaker:ListApps",
    "sagemaker:ListDomains",
    "sagemaker:ListSpaces",
    "sagemaker:ListUserProfiles",
    "sagemaker:UpdateSpace",
];

/// Tools and app types that can be hidden, and the action by which a person uses each without the button.
const HIDDEN: [(&str, &str); 19] = [
    ("AutoMl", "sagemaker:CreateAutoMLJobV2"),
    ("Canvas", "sagemaker:CreateApp"),
    ("CodeEditor", "sagemaker:CreateApp"),
    ("DataWrangler", "sagemaker:CreateProcessingJob"),
    ("EmrClusters", "elasticmapreduce:ListClusters"),
    ("Endpoints", "sagemaker:CreateEndpoint"),
    ("Experiments", "sagemaker:CreateExperiment"),
    ("FeatureStore", "sagemaker:CreateFeatureGroup"),
    ("HyperPodClusters", "sagemaker:DescribeCluster"),
    ("InferenceRecommender", "sagemaker:CreateInferenceRecommendationsJob"),
    ("JumpStart", "sagemaker:ListHubContents"),
    ("JupyterLab", "sagemaker:CreateApp"),
    ("ModelEvaluation", "sagemaker:CreateProcessingJob"),
    ("Models", "sagemaker:CreateModel"),
    ("Pipelines", "sagemaker:CreatePipeline"),
    ("Projects", "sagemaker:CreateProject"),
    ("RStudioServerPro", "sagemaker:CreateApp"),
    ("Training", "sagemaker:CreateTrainingJob"),
    ("TensorBoard", "sagemaker:CreateApp"),
];

/// An execution role, and what it may not do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// What the new Studio or the copy needs and IAM refuses.
    pub refused: Vec<Refusal>,
    /// Tools that are hidden from people with this role, and the action by which it may use them all the same.
    pub may_use_hidden: BTreeMap<String, String>,
}

/// An action that IAM refuses a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    /// Which statement of AWS's policy wants it, by `Sid`; `Staging` and `Logs` for what the copy needs, `VolumeKey` for what
    /// EBS asks of whoever uses a volume with a key of the customer's.
    pub statement: String,
    /// The action.
    pub action: String,
    /// `implicitDeny` or `explicitDeny`.
    pub decision: String,
    /// Whether the permissions boundary is what refuses it.
    pub is_by_boundary: bool,
}

/// One person who has a role, to ask about.
struct Holder<'a> {
    domain: &'a Domain,
    profile: &'a str,
    hidden: BTreeSet<&'a str>,
    /// Keys of the volumes in every domain where somebody has the role.
    keys: BTreeSet<&'a str>,
}

/// A question, and which statement wants which of its actions on which of its resources.
struct Asked {
    question: Question,
    wants: Vec<(&'static str, &'static str, String)>,
}

/// Asks about every distinct execution role.
pub(super) async fn all(looking: &Looking<'_>, domains: &[Domain], notes: &mut Notes) -> Vec<Role> {
    let holders = holders(domains);
    let total = holders.len();
    let mut asked = futures::stream::iter(holders)
        .map(|(arn, holder)| async move {
            let key = format!("role {arn}");
            if let Some(role) = looking.recall::<Role>(&key) {
                return (arn, Ok(role));
            }
            let role = ask(looking, arn, &holder).await;
            if let Ok(role) = &role {
                looking.keep(key, role);
            }
            (arn, role)
        })
        .buffered(AT_ONCE);
    let mut found = Vec::new();
    while let Some((arn, role)) = asked.next().await {
        found.extend(notes.one("iam:SimulatePrincipalPolicy", arn, role));
    }
    if total > 0 {
        (looking.tell)(format!("{} of {total} execution roles asked about", found.len()));
    }
    found
}

/// The first person of every role, with all that is hidden from anyone who has it.
fn holders(domains: &[Domain]) -> BTreeMap<&str, Holder<'_>> {
    let mut holders: BTreeMap<&str, Holder<'_>> = BTreeMap::new();
    for domain in domains {
        let people = domain.profiles.iter().map(|p| (p.name.as_str(), &p.effective));
        // Nobody may have the domain's own role yet: the next person will.
        for (profile, settings) in people.chain([("new-person", &domain.defaults)]) {
            let Some(arn) = settings.execution_role.as_deref() else { continue };
            let holder = holders.entry(arn).or_insert_with(|| Holder {
                domain,
                profile,
                hidden: BTreeSet::new(),
                keys: BTreeSet::new(),
            });
            // A key's id or alias alone is no resource that IAM can be asked about.
            let key = domain.kms_key.as_deref().filter(|key| key.starts_with("arn:"));
            holder.keys.extend(key);
            let hidden = settings.hidden_tools.iter().chain(&settings.hidden_app_types);
            holder.hidden.extend(hidden.map(String::as_str));
        }
    }
    holders
}

async fn ask(looking: &Looking<'_>, arn: &str, holder: &Holder<'_>) -> Result<Role, aws::Error> {
    let reader = looking.reader;
    let mut role = Role { arn: arn.to_owned(), ..Role::default() };
    for asked in questions(reader.identity(), holder) {
        let decisions = reader.simulate(arn, &asked.question).await?;
        role.refused.extend(refusals(&asked, &decisions));
    }
    let hidden: Vec<_> =
        HIDDEN.into_iter().filter(|(tool, _)| holder.hidden.contains(tool)).collect();
    if !hidden.is_empty() {
        let actions: BTreeSet<_> = hidden.iter().map(|(_, action)| *action).collect();
        let question = Question::about(&actions.into_iter().collect::<Vec<_>>());
        let decisions = reader.simulate(arn, &question).await?;
        let may = |action: &str| {
            decisions.iter().any(|one| one.action == action && one.decision == "allowed")
        };
        role.may_use_hidden = hidden
            .into_iter()
            .filter(|(_, action)| may(action))
            .map(|(tool, action)| (tool.to_owned(), action.to_owned()))
            .collect();
    }
    // Reading roles is another permission, and only tells the boundary's name.
    role.boundary = reader.boundary(arn).await.unwrap_or_default();
    Ok(role)
}

fn refusals<'a>(asked: &'a Asked, decisions: &'a [Decision]) -> impl Iterator<Item = Refusal> + 'a {
    asked.wants.iter().filter_map(move |(statement, action, resource)| {
        let decision = decisions.iter().find(|decision| {
            decision.action.eq_ignore_ascii_case(action) && decision.resource == *resource
        })?;
        (decision.decision != "allowed").then(|| Refusal {
            statement: (*statement).to_owned(),
            action: (*action).to_owned(),
            decision: decision.decision.clone(),
            is_by_boundary: decision.is_by_boundary,
        })
    })
}

/// Four questions that cover AWS's eight statements, the staging bucket and the log stream, and one for each key of volumes.
fn questions(identity: &Identity, holder: &Holder<'_>) -> Vec<Asked> {
    let (account, region) = (&identity.account, &identity.region);
    let (domain, profile) = (holder.domain.id.as_str(), holder.profile);
    let of_studio = |rest: String| format!("arn:aws:sagemaker:{region}:{account}:{rest}");
    let space = of_studio(format!("space/{domain}/{profile}-studio"));
    let private_app = of_studio(format!("app/{domain}/{profile}-studio/jupyterlab/default"));
    let own_app = of_studio(format!("app/{domain}/{profile}/canvas/default"));
    let own_profile = of_studio(format!("user-profile/{domain}/{profile}"));
    // The staging prefix that playbooks have unless they say another.
    let staged = format!("arn:aws:s3:::sagemaker-{region}-{account}/studio-migrate/*");
    let logs = format!("arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/studio:*");
    let who = [("sagemaker:DomainId", domain), ("sagemaker:UserProfileName", profile)];
    let owned = |sharing: &'static str| {
        let mut context = who.to_vec();
        context.extend([
            ("sagemaker:OwnerUserProfileArn", own_profile.as_str()),
            ("sagemaker:SpaceSharingType", sharing),
        ]);
        context
    };
    const LOOKS: &str = "SMStudioAppPermissionsListAndDescribe";
    let looks = STUDIO_ACTIONS
        .into_iter()
        .filter(|action| action.contains(":List") || action.contains(":Describe"))
        .map(|action| (LOOKS, action, "*".to_owned()));
    let anything = [
        ("SMStudioCreatePresignedDomainUrlForUserProfile", PRESIGN, own_profile.clone()),
        ("SMStudioAppPermissionsTagOnCreate", "sagemaker:AddTags", space.clone()),
        ("Staging", "s3:GetObject", staged.clone()),
        ("Staging", "s3:PutObject", staged),
        ("Logs", "logs:CreateLogStream", logs.clone()),
        ("Logs", "logs:PutLogEvents", logs),
    ];
    let mut tagging = who.to_vec();
    tagging.push(("sagemaker:TaggingAction", "CreateSpace"));
    let wants = |statement, actions: &[&'static str], on: &str| {
        actions.iter().map(|action| (statement, *action, on.to_owned())).collect::<Vec<_>>()
    };
    let mut without_owner =
        wants("SMStudioUserProfileAppPermissionsCreateAndDelete", &APPS, &own_app);
    without_owner.extend(wants("SMStudioRestrictSharedSpacesWithoutOwners", &SPACES, &space));
    let mut private = wants("SMStudioRestrictSpacesToOwnerUserProfile", &SPACES, &space);
    let statement = "SMStudioRestrictCreatePrivateSpaceAppsToOwnerUserProfile";
    private.extend(wants(statement, &APPS, &private_app));
    let of_keys = holder.keys.iter().map(|key| {
        let of_an_aws_service = [("kms:GrantIsForAWSResource", "true")];
        asked(wants(VOLUME_KEY, &KEY, key), &of_an_aws_service)
    });
    let of_studio = [
        asked(looks.chain(anything).collect(), &tagging),
        asked(without_owner, &who),
        asked(private, &owned("Private")),
        asked(wants("AllowAppActionsForSharedSpaces", &APPS, &private_app), &owned("Shared")),
    ];
    of_studio.into_iter().chain(of_keys).collect()
}

/// What a refusal is about that no statement of AWS's policy wants: the key of the volumes.
pub(crate) const VOLUME_KEY: &str = "VolumeKey";

/// What EBS asks of whoever attaches a volume with a key of the customer's (`ebs-encryption-requirements`).
const KEY: [&str; 4] =
    ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"];

const PRESIGN: &str = "sagemaker:CreatePresignedDomainUrl";
const APPS: [&str; 2] = ["sagemaker:CreateApp", "sagemaker:DeleteApp"];
const SPACES: [&str; 3] =
    ["sagemaker:CreateSpace", "sagemaker:DeleteSpace", "sagemaker:UpdateSpace"];

fn asked(wants: Vec<(&'static str, &'static str, String)>, context: &[(&str, &str)]) -> Asked {
    let distinct = |texts: BTreeSet<&str>| texts.into_iter().map(str::to_owned).collect();
    let question = Question {
        actions: distinct(wants.iter().map(|(_, action, _)| *action).collect()),
        resources: distinct(wants.iter().map(|(_, _, on)| on.as_str()).collect()),
        context: context
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    };
    Asked { question, wants }
}
