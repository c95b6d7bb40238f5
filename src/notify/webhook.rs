//! A post to a webhook, over the TLS that the AWS SDK uses already.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;

use super::message::Message;
use super::signature::{SIGNATURE, sign};
use super::target::{Refusal, Secret};
use crate::execute::chain;

/// The header that carries the notice's id, for whoever wants to tell a repeat before the body is read.
const ID: &str = "studio-migrate-notice-id";

/// The longest that a server's `Retry-After` is heeded.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// An address that notices are posted to.
#[derive(Debug)]
pub(super) struct Webhook {
    url: String,
    secret: Option<Secret>,
    connector: Connector,
}

impl Webhook {
    /// Prepares to post to an address that a playbook may have. The proxy of the environment is used, but not for loopback.
    pub(super) fn new(url: String, secret: Option<Secret>) -> Self {
        let is_loopback = url.starts_with("http://");
        let proxy = if is_loopback { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
        let connector = Connector::builder()
            .proxy_config(proxy)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build();
        Self { url, secret, connector }
    }

    /// Posts once. Any answer of 200 to 299 takes the notice; a redirection is not followed.
    pub(super) async fn post(
        &self,
        message: &Message,
        timeout: Duration,
    ) -> Result<String, Refusal> {
        let request = self.request(message)?;
        let answered = tokio::time::timeout(timeout, self.connector.call(request)).await;
        match answered {
            Err(_) => Err(Refusal::passing(format!("no answer in {} s", timeout.as_secs_f64()))),
            Ok(Err(error)) => Err(Refusal::passing(chain(&error))),
            Ok(Ok(response)) => taken(&response),
        }
    }

    fn request(&self, message: &Message) -> Result<HttpRequest, Refusal> {
        let unsound = |error: &dyn std::error::Error| Refusal::lasting(chain(error));
        let mut request = HttpRequest::new(SdkBody::from(message.body.as_str()));
        request.set_method("POST").map_err(|error| unsound(&error))?;
        request.set_uri(self.url.as_str()).map_err(|error| unsound(&error))?;
        let signature = self
            .secret
            .as_ref()
            .map(|Secret(secret)| sign(secret, Timestamp::now().as_second(), &message.body));
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json");
        headers.insert("user-agent", concat!("studio-migrate/", env!("CARGO_PKG_VERSION")));
        headers.insert(ID, message.id.clone());
        if let Some(signature) = signature {
            headers.insert(SIGNATURE, signature);
        }
        Ok(request)
    }
}

fn taken(response: &HttpResponse) -> Result<String, Refusal> {
    let status = response.status().as_u16();
    let said = format!("answered {status}");
    match status {
        200..=299 => Ok(said),
        300..=399 => Err(Refusal::lasting(format!(
            "{said}, and redirections are not followed: write the address that it leads to"
        ))),
        // The server is busy or broken, and may be better soon.
        408 | 425 | 429 | 500..=599 => {
            let asked = response.headers().get("retry-after").and_then(|text| text.parse().ok());
            let wait = asked.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
            Err(Refusal { wait, ..Refusal::passing(said) })
        }
        _ => Err(Refusal::lasting(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&'static str>) -> Result<String, Refusal> {
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        if let Some(seconds) = retry_after {
            response.headers_mut().insert("retry-after", seconds);
        }
        taken(&response)
    }

    #[test]
    fn what_a_server_answers_says_whether_to_try_again() {
        assert_eq!(answer(204, None).unwrap(), "answered 204");
        for lasting in [301, 302, 307, 400, 401, 403, 404, 410] {
            assert!(answer(lasting, None).unwrap_err().is_final, "{lasting}");
        }
        for passing in [408, 425, 429, 500, 502, 503] {
            assert!(!answer(passing, None).unwrap_err().is_final, "{passing}");
        }
        assert_eq!(answer(503, Some("2")).unwrap_err().wait, Some(Duration::from_secs(2)));
        assert_eq!(answer(429, Some("86400")).unwrap_err().wait, Some(LONGEST_WAIT));
        assert_eq!(answer(429, Some("tomorrow")).unwrap_err().wait, None);
    }
}
