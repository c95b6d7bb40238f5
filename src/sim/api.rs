//! The services that are simulated: how each is named, which protocol it speaks, and its words for the common refusals.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::model;
use super::query;
use super::wire::Refusal;

/// The account id of every simulated account.
pub const ACCOUNT: &str = "000000000000";

/// A simulated service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Amazon SageMaker, JSON 1.1.
    SageMaker,
    /// Amazon Elastic File System, REST with JSON.
    Efs,
    /// Amazon S3, REST with XML.
    S3,
    /// AWS Security Token Service, query parameters and XML.
    Sts,
    /// AWS Identity and Access Management, query parameters and XML.
    Iam,
    /// Service Quotas, JSON 1.1.
    ServiceQuotas,
    /// AWS CloudTrail, JSON 1.1.
    CloudTrail,
    /// AWS DataSync, JSON 1.1.
    DataSync,
}

impl Api {
    /// Finds the service that a signature's scope names.
    pub fn of_scope(name: &str) -> Option<Self> {
        Some(match name {
            "sagemaker" => Self::SageMaker,
            "elasticfilesystem" => Self::Efs,
            "s3" => Self::S3,
            "sts" => Self::Sts,
            "iam" => Self::Iam,
            "servicequotas" => Self::ServiceQuotas,
            "cloudtrail" => Self::CloudTrail,
            "datasync" => Self::DataSync,
            _ => return None,
        })
    }

    /// Returns the service's name in a signature's scope, which is also the prefix of its IAM actions.
    pub fn name(self) -> &'static str {
        match self {
            Self::SageMaker => "sagemaker",
            Self::Efs => "elasticfilesystem",
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::ServiceQuotas => "servicequotas",
            Self::CloudTrail => "cloudtrail",
            Self::DataSync => "datasync",
        }
    }

    /// Returns what stands before the operation's name in `X-Amz-Target`; `None` when the service has another protocol.
    pub fn target_prefix(self) -> Option<&'static str> {
        match self {
            Self::SageMaker => Some("SageMaker"),
            Self::ServiceQuotas => Some("ServiceQuotasV20190624"),
            Self::CloudTrail => Some("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
            Self::DataSync => Some("FmrsService"),
            Self::Efs | Self::S3 | Self::Sts | Self::Iam => None,
        }
    }

    /// Returns the service's model; `None` for S3, STS and IAM, which are checked by hand.
    pub fn model(self) -> Option<model::Service> {
        match self {
            Self::SageMaker => Some(model::Service::SageMaker),
            Self::Efs => Some(model::Service::Efs),
            Self::ServiceQuotas => Some(model::Service::ServiceQuotas),
            Self::CloudTrail => Some(model::Service::CloudTrail),
            Self::DataSync => Some(model::Service::DataSync),
            Self::S3 | Self::Sts | Self::Iam => None,
        }
    }

    /// Refuses for want of permission.
    pub fn denied(self, message: impl Into<String>) -> Refusal {
        match self {
            Self::SageMaker | Self::ServiceQuotas | Self::CloudTrail | Self::DataSync => {
                Refusal::new("AccessDeniedException", message)
            }
            Self::Efs => Refusal::new("AccessDeniedException", message).status(403),
            Self::S3 | Self::Sts | Self::Iam => Refusal::new("AccessDenied", message).status(403),
        }
    }

    /// Refuses for credentials whose time is over.
    pub fn expired(self) -> Refusal {
        let message = "The security token included in the request is expired";
        match self {
            Self::S3 => Refusal::new("ExpiredToken", "The provided token has expired."),
            Self::Sts | Self::Iam => Refusal::new("ExpiredToken", message).status(403),
            Self::Efs => Refusal::new("ExpiredTokenException", message).status(403),
            Self::SageMaker | Self::ServiceQuotas | Self::CloudTrail | Self::DataSync => {
                Refusal::new("ExpiredTokenException", message)
            }
        }
    }

    /// Says that the one thing which a call looks at is not there; `None` for a call that looks at none.
    pub fn unseen(self, operation: &str) -> Option<Refusal> {
        match (self, operation) {
            (Self::SageMaker, _) if operation.starts_with("Describe") => {
                Some(Refusal::new("ResourceNotFound", "It does not exist."))
            }
            (Self::S3, "GetObject" | "HeadObject") => {
                Some(Refusal::new("NoSuchKey", "The specified key does not exist.").status(404))
            }
            _ => None,
        }
    }

    /// Refuses for going too fast. The SDK knows each of these as throttling and tries again.
    pub fn throttled(self) -> Refusal {
        match self {
            Self::SageMaker | Self::CloudTrail | Self::DataSync => {
                Refusal::new("ThrottlingException", "Rate exceeded")
            }
            Self::ServiceQuotas => Refusal::new("TooManyRequestsException", "Rate exceeded"),
            Self::Efs => Refusal::new("ThrottlingException", "Rate exceeded").status(429),
            Self::S3 => Refusal::new("SlowDown", "Please reduce your request rate.").status(503),
            Self::Sts | Self::Iam => Refusal::new("Throttling", "Rate exceeded"),
        }
    }

    /// Says that the service itself failed.
    pub fn failed(self) -> Refusal {
        let code = match self {
            Self::SageMaker | Self::CloudTrail | Self::Sts => "InternalFailure",
            Self::ServiceQuotas => "ServiceException",
            Self::DataSync => "InternalException",
            Self::Efs => "InternalServerError",
            Self::S3 => "InternalError",
            Self::Iam => "ServiceFailure",
        };
        Refusal::new(code, "We encountered an internal error. Please try again.").status(500)
    }

    /// Gives the refusal of an input that breaks the model the code that the service has for it.
    pub fn malformed(self, refusal: Refusal) -> Refusal {
        match self {
            // DataSync declares one error for every mistake of a client.
            Self::DataSync if refusal.code == "ValidationException" => {
                Refusal { code: "InvalidRequestException".to_owned(), ..refusal }
            }
            _ => refusal,
        }
    }

    /// Refuses an operation that is not served.
    pub fn unknown(self, operation: &str) -> Refusal {
        let message = format!("The requested operation {operation} is not recognized.");
        match self {
            Self::Efs => Refusal::new("UnknownOperationException", message).status(404),
            Self::Sts | Self::Iam => Refusal::new("InvalidAction", message),
            Self::S3 => Refusal::new("NotImplemented", message).status(501),
            _ => Refusal::new("UnknownOperationException", message),
        }
    }

    /// Renders an answer in the service's protocol.
    pub fn reply(self, operation: &str, output: &Value, request_id: &str) -> Response<Bytes> {
        let is_nothing = output.as_object().is_some_and(serde_json::Map::is_empty);
        let text = match self {
            Self::Sts | Self::Iam => query::reply(self, operation, output, request_id),
            // An operation that answers nothing answers with no body at all.
            _ if is_nothing && !self.answers(operation) => String::new(),
            _ => output.to_string(),
        };
        self.response(StatusCode::OK, text, request_id)
    }

    fn answers(self, operation: &str) -> bool {
        self.model().is_some_and(|service| service.model().output(operation).is_some())
    }

    /// Renders a refusal in the service's protocol.
    pub fn refusal(self, refusal: &Refusal, request_id: &str) -> Response<Bytes> {
        let Refusal { code, message, .. } = refusal;
        let text = match self {
            Self::SageMaker | Self::ServiceQuotas | Self::CloudTrail | Self::DataSync => {
                json!({"__type": code, "message": message}).to_string()
            }
            Self::Efs => json!({"ErrorCode": code, "Message": message}).to_string(),
            Self::Sts | Self::Iam => query::refusal(self, refusal, request_id),
            Self::S3 => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
                 <RequestId>{request_id}</RequestId></Error>",
                query::escaped(code),
                query::escaped(message)
            ),
        };
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = self.response(status, text, request_id);
        if let (Self::Efs, Ok(code)) = (self, HeaderValue::from_str(code)) {
            response.headers_mut().insert(HeaderName::from_static("x-amzn-errortype"), code);
        }
        response
    }

    fn response(self, status: StatusCode, text: String, request_id: &str) -> Response<Bytes> {
        let content_type = match self {
            Self::SageMaker | Self::ServiceQuotas | Self::CloudTrail | Self::DataSync => {
                "application/x-amz-json-1.1"
            }
            Self::Efs => "application/json",
            Self::Sts | Self::Iam => "text/xml",
            Self::S3 => "application/xml",
        };
        let mut response = Response::new(Bytes::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(self.request_id_header(), id);
        }
        response
    }

    /// Returns the header that carries the request's id.
    pub fn request_id_header(self) -> HeaderName {
        match self {
            Self::S3 => HeaderName::from_static("x-amz-request-id"),
            _ => HeaderName::from_static("x-amzn-requestid"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_own_shape_of_an_error() {
        let refusal = Refusal::new("Bad", "a < b").status(404);
        let of = |api: Api| String::from_utf8(api.refusal(&refusal, "r1").body().to_vec()).unwrap();
        assert_eq!(of(Api::SageMaker), r#"{"__type":"Bad","message":"a < b"}"#);
        assert_eq!(of(Api::Efs), r#"{"ErrorCode":"Bad","Message":"a < b"}"#);
        assert!(of(Api::S3).contains("<Code>Bad</Code><Message>a &lt; b</Message>"));
        assert!(of(Api::Sts).contains("<Error><Type>Sender</Type><Code>Bad</Code>"));
        assert_eq!(Api::Efs.refusal(&refusal, "r1").headers()["x-amzn-errortype"], "Bad");
        assert_eq!(Api::Efs.refusal(&refusal, "r1").status(), 404);
    }

    #[test]
    fn a_scope_finds_its_service() {
        for api in [
            Api::SageMaker,
            Api::Efs,
            Api::S3,
            Api::Sts,
            Api::Iam,
            Api::ServiceQuotas,
            Api::CloudTrail,
            Api::DataSync,
        ] {
            assert_eq!(Api::of_scope(api.name()), Some(api));
        }
        assert_eq!(Api::of_scope("fsx"), None);
    }

    #[test]
    fn an_operation_without_output_answers_with_an_empty_body() {
        assert!(Api::SageMaker.reply("DeleteApp", &json!({}), "r").body().is_empty());
        assert_eq!(&Api::SageMaker.reply("ListApps", &json!({}), "r").body()[..], b"{}");
    }
}
