//! The door: an HTTP client beneath the SDK whose other end is a simulator in the same process.
//!
//! No socket is involved, so tokio's clock may be paused: a wait of 40 seconds costs milliseconds.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::front::{Body, Simulator};

/// Returns an HTTP client whose every request the simulator answers.
pub fn door(simulator: Simulator) -> SharedHttpClient {
    SharedHttpClient::new(Door(simulator))
}

#[derive(Clone, Debug)]
struct Door(Simulator);

impl HttpClient for Door {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let simulator = self.0.clone();
        HttpConnectorFuture::new(pass(simulator, request))
    }
}

async fn pass(simulator: Simulator, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let request = request.map(Body::http_body_unsync);
    let response =
        simulator.handle(request).await.map_err(|lost| ConnectorError::io(lost.into()))?;
    HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
        .map_err(|error| ConnectorError::other(error.into(), None))
}
