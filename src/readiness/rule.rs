//! A rule: what it looks for, why it matters, what to do, and where that is written.

use super::finding::{Finding, Severity, Subject};
use super::view::View;
use crate::inventory::Snapshot;
use crate::playbook::Playbook;

/// One rule of readiness.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its stable code, e.g. `SM101`.
    pub code: &'static str,
    /// The most that one of its findings weighs; some rules say less where less is at stake.
    pub severity: Severity,
    /// One line that says what is found.
    pub title: &'static str,
    /// Why it matters.
    pub cause: &'static str,
    /// What to do, with the exact command or policy where there is one. `<domain>`, `<profile>`, `<space>`, `<name>`, `<account>`
    /// and `<region>` are filled in in a finding.
    pub remedy: &'static str,
    /// Where AWS or its users say so.
    pub sources: &'static [&'static str],
    pub(super) look: fn(&View<'_>) -> Vec<Hit>,
}

/// What a rule has seen, before the words that the rule's table entry holds are added.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    subject: Subject,
    evidence: String,
    severity: Option<Severity>,
    title: Option<String>,
    remedy: Option<String>,
}

impl Hit {
    /// Makes a hit that weighs what the rule weighs.
    pub(super) fn new(subject: Subject, evidence: impl Into<String>) -> Self {
        Self { subject, evidence: evidence.into(), severity: None, title: None, remedy: None }
    }

    /// Gives it another weight than the rule's.
    pub(super) fn weighing(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Gives it another title than the rule's.
    pub(super) fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Gives it another remedy than the rule's.
    pub(super) fn mended_by(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl Rule {
    /// Puts the rule to a snapshot.
    pub fn check(&self, snapshot: &Snapshot, playbook: &Playbook) -> Vec<Finding> {
        self.check_view(&View::of(snapshot, playbook))
    }

    pub(super) fn check_view(&self, view: &View<'_>) -> Vec<Finding> {
        (self.look)(view).into_iter().map(|hit| self.finding(view.snapshot, hit)).collect()
    }

    fn finding(&self, snapshot: &Snapshot, hit: Hit) -> Finding {
        let remedy = hit.remedy.as_deref().unwrap_or(self.remedy);
        Finding {
            code: self.code.to_owned(),
            severity: hit.severity.unwrap_or(self.severity),
            title: hit.title.unwrap_or_else(|| self.title.to_owned()),
            remedy: filled(remedy, snapshot, &hit.subject),
            evidence: hit.evidence,
            subject: hit.subject,
        }
    }

    /// Returns the rule's own remedy as a finding about this subject words it.
    pub(super) fn remedy_for(&self, snapshot: &Snapshot, subject: &Subject) -> String {
        filled(self.remedy, snapshot, subject)
    }
}

/// Fills in what is known; a placeholder that nothing is known for stays.
fn filled(text: &str, snapshot: &Snapshot, subject: &Subject) -> String {
    let mut text = text.to_owned();
    let mut fill = |placeholder: &str, value: &str| {
        if text.contains(placeholder) {
            text = text.replace(placeholder, value);
        }
    };
    if let Some(account) = &snapshot.account {
        fill("<account>", account.as_str());
    }
    if let Some(region) = &snapshot.region {
        fill("<region>", region.as_str());
    }
    match subject {
        Subject::Account => {}
        Subject::Domain { domain } => fill("<domain>", domain),
        Subject::Profile { domain, profile } => {
            fill("<domain>", domain);
            fill("<profile>", profile);
        }
        Subject::Space { domain, space } => {
            fill("<domain>", domain);
            fill("<space>", space);
        }
        Subject::Thing { name } => fill("<name>", name),
    }
    text
}

/// Pages of AWS's documentation that rules cite.
pub(super) mod page {
    macro_rules! pages {
        ($($name:ident = $address:literal;)*) => {$(
            pub(in crate::readiness) const $name: &str = concat!("https://docs.aws.amazon.com/", $address);
        )*};
    }
    pages! {
        MIGRATE = "sagemaker/latest/dg/studio-updated-migrate.html";
        MIGRATE_UI = "sagemaker/latest/dg/studio-updated-migrate-ui.html";
        MIGRATE_LCC = "sagemaker/latest/dg/studio-updated-migrate-lcc.html";
        MIGRATE_DATA = "sagemaker/latest/dg/studio-updated-migrate-data.html";
        AUTOMOUNT = "sagemaker/latest/dg/studio-updated-automount.html";
        INTERNET = "sagemaker/latest/dg/studio-updated-and-internet-access.html";
        STORAGE = "sagemaker/latest/dg/studio-tasks-manage-storage.html";
        CLASSIC = "sagemaker/latest/dg/studio.html";
        STOP = "sagemaker/latest/dg/studio-updated-running-stop.html";
        DELETE_DOMAIN = "sagemaker/latest/dg/gs-studio-delete-domain.html";
        CUSTOM_FILE_SYSTEM = "sagemaker/latest/dg/domain-custom-file-system.html";
        JL_ADMIN = "sagemaker/latest/dg/studio-updated-jl-admin-guide.html";
        JL_PERMISSIONS = "sagemaker/latest/dg/studio-updated-jl-admin-guide-permissions.html";
        SCRIPTS = "sagemaker/latest/dg/studio-lifecycle-configurations.html";
        SCRIPTS_TIMEOUT = "sagemaker/latest/dg/studio-lifecycle-configurations-debug-timeout.html";
        AUDIT = "sagemaker/latest/dg/monitor-user-access.html";
        SHARED_SPACES = "sagemaker/latest/dg/domain-space.html";
        API_UPDATE_DOMAIN = "sagemaker/latest/APIReference/API_UpdateDomain.html";
        API_DESCRIBE_DOMAIN = "sagemaker/latest/APIReference/API_DescribeDomain.html";
        API_DESCRIBE_PROFILE = "sagemaker/latest/APIReference/API_DescribeUserProfile.html";
        API_CREATE_PROFILE = "sagemaker/latest/APIReference/API_CreateUserProfile.html";
        API_CREATE_SPACE = "sagemaker/latest/APIReference/API_CreateSpace.html";
        API_CREATE_DOMAIN = "sagemaker/latest/APIReference/API_CreateDomain.html";
        API_WEB_PORTAL = "sagemaker/latest/APIReference/API_StudioWebPortalSettings.html";
        API_USER_SETTINGS = "sagemaker/latest/APIReference/API_UserSettings.html";
        API_IDLE = "sagemaker/latest/APIReference/API_IdleSettings.html";
        API_SHARING = "sagemaker/latest/APIReference/API_SharingSettings.html";
        API_PRESIGNED = "sagemaker/latest/APIReference/API_CreatePresignedDomainUrl.html";
        DATASYNC_LIMITS = "datasync/latest/userguide/datasync-limits.html";
        EFS_PERFORMANCE = "efs/latest/ug/performance.html";
        QUOTAS = "servicequotas/latest/userguide/request-quota-increase.html";
    }
}
