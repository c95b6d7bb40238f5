//! The idle shutdown that a domain sets for the spaces of its people, and for shared ones.

use aws_sdk_sagemaker::types::{
    AppLifecycleManagement, CodeEditorAppSettings, DefaultSpaceSettings, IdleSettings,
    JupyterLabAppSettings, LifecycleManagement, UserSettings,
};
use serde::{Deserialize, Serialize};

use super::account::{Account, Reader};
use super::error::Error;
use super::studio::SAGEMAKER;
use crate::names::DomainId;

/// What a domain says of the idle shutdown of one kind of app; nothing where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idle {
    /// Whether apps are shut down at all.
    pub is_on: Option<bool>,
    /// After how many minutes.
    pub minutes: Option<i32>,
}

/// What a domain says of the idle shutdown of its apps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainIdle {
    /// JupyterLab in people's own spaces.
    pub jupyter_lab: Idle,
    /// Code Editor in people's own spaces.
    pub code_editor: Idle,
    /// JupyterLab in shared spaces; `None` where the domain has no settings for those.
    pub shared: Option<Idle>,
}

impl Idle {
    fn of(management: Option<&AppLifecycleManagement>) -> Self {
        let settings = management.and_then(|management| management.idle_settings.as_ref());
        let is_on = settings.and_then(|settings| settings.lifecycle_management.as_ref());
        Self {
            is_on: is_on.map(|is_on| *is_on == LifecycleManagement::Enabled),
            minutes: settings.and_then(|settings| settings.idle_timeout_in_minutes),
        }
    }

    /// Tells whether both say the same: what was never said is as good as turned off.
    fn is_as(self, other: Self) -> bool {
        let is_off = |idle: Self| !idle.is_on.unwrap_or(false);
        self == other || (is_off(self) && is_off(other))
    }

    /// The settings with this in them. What was never said cannot be unsaid: it is turned off.
    fn put_into(self, before: Option<AppLifecycleManagement>) -> AppLifecycleManagement {
        let settings = before.and_then(|management| management.idle_settings);
        let mut settings = settings.unwrap_or_else(|| IdleSettings::builder().build());
        let is_on = self.is_on.unwrap_or(false);
        settings.lifecycle_management = Some(match is_on {
            true => LifecycleManagement::Enabled,
            false => LifecycleManagement::Disabled,
        });
        settings.idle_timeout_in_minutes = self.minutes;
        AppLifecycleManagement::builder().idle_settings(settings).build()
    }
}

impl DomainIdle {
    /// The same domain with all of them on, after so many minutes.
    #[must_use]
    pub fn after(self, minutes: i32) -> Self {
        let one = Idle { is_on: Some(true), minutes: Some(minutes) };
        Self { jupyter_lab: one, code_editor: one, shared: self.shared.map(|_| one) }
    }
}

impl DomainIdle {
    /// Tells whether apps shut down as with the other, however it is said.
    pub fn is_as(&self, other: &Self) -> bool {
        let shared = (self.shared.unwrap_or_default(), other.shared.unwrap_or_default());
        self.jupyter_lab.is_as(other.jupyter_lab)
            && self.code_editor.is_as(other.code_editor)
            && shared.0.is_as(shared.1)
    }
}

type Defaults = (Option<UserSettings>, Option<DefaultSpaceSettings>);

impl Reader {
    /// Returns what a domain says of the idle shutdown of its apps.
    pub async fn domain_idle(&self, domain: &DomainId) -> Result<DomainIdle, Error> {
        let (people, spaces) = self.defaults(domain).await?;
        let people = people.as_ref();
        let lab = people.and_then(|people| people.jupyter_lab_app_settings.as_ref());
        let editor = people.and_then(|people| people.code_editor_app_settings.as_ref());
        let of_lab = |lab: &JupyterLabAppSettings| Idle::of(lab.app_lifecycle_management.as_ref());
        Ok(DomainIdle {
            jupyter_lab: lab.map(of_lab).unwrap_or_default(),
            code_editor: editor
                .map(|editor| Idle::of(editor.app_lifecycle_management.as_ref()))
                .unwrap_or_default(),
            shared: spaces.map(|spaces| {
                spaces.jupyter_lab_app_settings.as_ref().map(of_lab).unwrap_or_default()
            }),
        })
    }

    async fn defaults(&self, domain: &DomainId) -> Result<Defaults, Error> {
        let request = self.clients.sagemaker.describe_domain().domain_id(domain.as_str());
        let now = self.ask(SAGEMAKER, "DescribeDomain", request.send()).await?;
        Ok((now.default_user_settings, now.default_space_settings))
    }
}

impl Account {
    /// Sets the idle shutdown of a domain's apps. Everything else of these settings is sent along: an update may replace it.
    pub async fn set_domain_idle(&self, domain: &DomainId, idle: &DomainIdle) -> Result<(), Error> {
        let (people, spaces) = self.defaults(domain).await?;
        let (mut lab, mut editor) = match people {
            Some(people) => (people.jupyter_lab_app_settings, people.code_editor_app_settings),
            None => (None, None),
        };
        let lab = lab.get_or_insert_with(|| JupyterLabAppSettings::builder().build());
        let editor = editor.get_or_insert_with(|| CodeEditorAppSettings::builder().build());
        let management = lab.app_lifecycle_management.take();
        lab.app_lifecycle_management = Some(idle.jupyter_lab.put_into(management));
        let management = editor.app_lifecycle_management.take();
        editor.app_lifecycle_management = Some(idle.code_editor.put_into(management));
        let people = UserSettings::builder()
            .jupyter_lab_app_settings(lab.clone())
            .code_editor_app_settings(editor.clone());
        let mut request = self
            .clients
            .sagemaker
            .update_domain()
            .domain_id(domain.as_str())
            .default_user_settings(people.build());
        if let (Some(mut spaces), Some(shared)) = (spaces, idle.shared) {
            let mut lab = spaces.jupyter_lab_app_settings.take();
            let lab = lab.get_or_insert_with(|| JupyterLabAppSettings::builder().build());
            let management = lab.app_lifecycle_management.take();
            lab.app_lifecycle_management = Some(shared.put_into(management));
            spaces.jupyter_lab_app_settings = Some(lab.clone());
            request = request.default_space_settings(spaces);
        }
        let target = format!("domain {domain}: idle shutdown {idle:?}");
        self.change(SAGEMAKER, "UpdateDomain", target, request.send()).await.map(drop)
    }
}
