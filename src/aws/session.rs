//! From options to clients: Region, credentials, role, retries, endpoint. Every client is built here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_s3::config::retry::RetryPartition;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::account::{Clients, Identity, Reader};
use super::credentials::Renewing;
use super::error::{Error, ErrorKind};
use super::pace::Pace;
use super::target::LongTarget;
use super::wire_log::WireLog;

/// Attempts of one call, the first included, where nobody says.
const ATTEMPTS: u32 = 8;

/// How to reach the account.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// A profile of the AWS configuration.
    pub profile: Option<String>,
    /// The Region; else what the configuration says.
    pub region: Option<String>,
    /// An endpoint in place of AWS's; else `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` as the SDK reads them.
    pub endpoint_url: Option<String>,
    /// A role to assume first.
    pub assume_role: Option<String>,
    /// Where to append every exchange.
    pub wire_log: Option<PathBuf>,
    /// What lies beneath the SDK in place of the network: the door of a simulated account.
    pub http_client: Option<SharedHttpClient>,
    /// Credentials in place of the default chain: access key id and secret access key of a simulated account.
    pub static_credentials: Option<(String, String)>,
    /// Who the caller is, when that is known and need not be asked.
    pub identity: Option<Identity>,
    /// Attempts of one call, the first included; 0 means eight.
    pub attempts: u32,
    /// Calls a second to each operation at most; 0 means ten.
    pub calls_per_second: f64,
    /// Whether nothing is left to chance: how long is waited before an attempt is made anew depends on the attempt alone, and on
    /// no other connection of this process. For rehearsals, of which the same seed gives the same.
    pub is_steady: bool,
}

/// Builds the clients and asks who the caller is, unless that is known.
pub async fn connect(access: &Access) -> Result<Reader, Error> {
    let config = config(access).await;
    let wire_log = access
        .wire_log
        .as_deref()
        .map(|path| {
            WireLog::open(path).map_err(|error| {
                let why = format!("the wire log {} cannot be opened: {error}", path.display());
                Error::unmade(ErrorKind::Invalid, "sts", "GetCallerIdentity", why)
            })
        })
        .transpose()?;
    let pace = if access.calls_per_second > 0.0 { access.calls_per_second } else { 10.0 };
    let pace = Pace::new(pace);
    let clients = clients(&config, &pace, wire_log.as_ref(), access.is_steady);
    match &access.identity {
        Some(identity) => Ok(Reader::known(clients, pace, identity.clone())),
        None => Reader::identified(clients, pace, &config).await,
    }
}

async fn config(access: &Access) -> SdkConfig {
    let attempts = if access.attempts > 0 { access.attempts } else { ATTEMPTS };
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        // Not the SDK's adaptive mode: its one rate for all operations of a client would slow each down for any other.
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(attempts)
                .with_use_static_exponential_base(access.is_steady),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(5))
                .read_timeout(Duration::from_secs(120))
                .build(),
        );
    if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &access.region {
        loader = loader.region(SdkRegion::new(region.clone()));
    }
    if let Some(endpoint) = &access.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(client) = &access.http_client {
        loader = loader.http_client(client.clone());
    }
    loader = match &access.static_credentials {
        Some((id, secret)) => {
            let credentials = Credentials::new(id, secret, None, None, "studio-migrate");
            loader.credentials_provider(credentials)
        }
        None => loader.credentials_provider(Renewing {
            profile: access.profile.clone(),
            region: access.region.clone(),
        }),
    };
    let config = loader.load().await;
    match &access.assume_role {
        None => config,
        Some(role) => {
            let provider = AssumeRoleProvider::builder(role)
                .session_name("studio-migrate")
                .configure(&config)
                .build()
                .await;
            config
                .into_builder()
                .credentials_provider(
                    aws_credential_types::provider::SharedCredentialsProvider::new(provider),
                )
                .build()
        }
    }
}

/// Connections of this process so far that share their budget of attempts with no other.
static STEADY: AtomicU64 = AtomicU64::new(0);

fn clients(
    config: &SdkConfig,
    pace: &Pace,
    wire_log: Option<&WireLog>,
    is_steady: bool,
) -> Clients {
    // What is left of the budget of attempts is otherwise shared by all clients of a service.
    let partition = is_steady
        .then(|| RetryPartition::new(format!("steady-{}", STEADY.fetch_add(1, Ordering::Relaxed))));
    macro_rules! client {
        ($service:ident, $builder:expr) => {{
            let mut builder = $builder.interceptor(pace.clone());
            if let Some(partition) = &partition {
                builder.set_retry_partition(Some(partition.clone()));
            }
            let builder = match wire_log {
                Some(log) => builder.interceptor(log.clone()),
                None => builder,
            };
            $service::Client::from_conf(builder.build())
        }};
    }
    let is_elsewhere = config.endpoint_url().is_some();
    Clients {
        cloudtrail: client!(
            aws_sdk_cloudtrail,
            aws_sdk_cloudtrail::config::Builder::from(config).interceptor(LongTarget)
        ),
        datasync: client!(aws_sdk_datasync, aws_sdk_datasync::config::Builder::from(config)),
        efs: client!(aws_sdk_efs, aws_sdk_efs::config::Builder::from(config)),
        iam: client!(aws_sdk_iam, aws_sdk_iam::config::Builder::from(config)),
        quotas: client!(
            aws_sdk_servicequotas,
            aws_sdk_servicequotas::config::Builder::from(config)
        ),
        s3: client!(
            aws_sdk_s3,
            aws_sdk_s3::config::Builder::from(config).force_path_style(is_elsewhere)
        ),
        sagemaker: client!(aws_sdk_sagemaker, aws_sdk_sagemaker::config::Builder::from(config)),
        sts: client!(aws_sdk_sts, aws_sdk_sts::config::Builder::from(config)),
    }
}
