//! What AWS can answer instead of what was asked for, reduced to what decides about going on.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use thiserror::Error;

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked about is not there.
    NotFound,
    /// It exists already, or it is changing and may not be changed.
    InUse,
    /// A quota is used up.
    LimitExceeded,
    /// The caller has no permission.
    Denied,
    /// Credentials are missing, wrong or expired.
    Credentials,
    /// AWS finds the request wrong.
    Invalid,
    /// Too many requests, after all retries.
    Throttled,
    /// The network or AWS failed, after all retries: whether the call did anything is not known.
    Unavailable,
    /// The call was not made because its intent could not be written down.
    Ledger,
}

/// A call that did not answer what was asked for.
#[derive(Debug, Error)]
#[error("{service}:{operation} {refused}")]
pub struct Error {
    /// What kind of refusal it is.
    pub kind: ErrorKind,
    /// The service, as IAM writes it: `sagemaker`.
    pub service: &'static str,
    /// The operation: `CreateSpace`.
    pub operation: &'static str,
    /// AWS's error code, when AWS answered.
    pub code: Option<String>,
    /// AWS's words, when AWS answered.
    pub message: Option<String>,
    /// AWS's request id, for their support.
    pub request_id: Option<Box<str>>,
    refused: Box<str>,
}

impl Error {
    /// Reduces an error of the SDK.
    pub(super) fn of<E>(
        service: &'static str,
        operation: &'static str,
        error: &SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = metadata
            .and_then(|meta| meta.code())
            .map(str::to_owned)
            // An S3 HEAD has no body to carry a code.
            .or_else(|| (status == Some(404)).then(|| "NotFound".to_owned()));
        let message = metadata.and_then(|meta| meta.message()).map(str::to_owned);
        let request_id = error.request_id().map(Box::from);
        let kind = match (&code, error) {
            (Some(code), _) => kind_of(code, status, message.as_deref().unwrap_or_default()),
            (None, SdkError::ServiceError(_)) if status == Some(403) => ErrorKind::Denied,
            // S3's answer to a HEAD with an expired token: a 400 without a body.
            (None, SdkError::ServiceError(_)) if status == Some(400) && service == "s3" => {
                ErrorKind::Credentials
            }
            (None, SdkError::ConstructionFailure(_)) => ErrorKind::Invalid,
            (None, error) if is_about_credentials(error) => ErrorKind::Credentials,
            _ => ErrorKind::Unavailable,
        };
        let refused = match (&code, &message) {
            (Some(code), Some(message)) => format!("was refused: {code}: {}", shortened(message)),
            (Some(code), None) => format!("was refused: {code}"),
            _ => match status {
                Some(status) => format!("was refused with HTTP status {status}"),
                None => format!("got no answer: {}", shortened(&chain(error))),
            },
        };
        Self { kind, service, operation, code, message, request_id, refused: refused.into() }
    }

    /// Returns the statement of an IAM policy that would allow the call, as JSON in one line, where permission is what is missing.
    pub fn statement(&self) -> Option<String> {
        if self.kind != ErrorKind::Denied {
            return None;
        }
        let said = self.message.as_deref().unwrap_or_default();
        // AWS's words: `User: <arn> is not authorized to perform: <action> on resource: <arn> because …`
        let after = |words: &str| {
            let (_, rest) = said.split_once(words)?;
            let word = rest.split_whitespace().next()?.trim_matches(['"', ',', '.']);
            (!word.is_empty()).then(|| word.to_owned())
        };
        let action = after("not authorized to perform: ")
            .filter(|action| action.contains(':'))
            .unwrap_or_else(|| self.action());
        let resource = after("on resource: ").unwrap_or_else(|| "*".to_owned());
        let statement = serde_json::json!({
            "Effect": "Allow", "Action": action, "Resource": resource,
        });
        Some(statement.to_string())
    }

    /// The action that IAM asks about for this operation. S3 alone has actions with other names than its operations.
    fn action(&self) -> String {
        let name = match (self.service, self.operation) {
            ("s3", "HeadObject" | "CopyObject") => "GetObject",
            ("s3", "HeadBucket" | "ListObjectsV2") => "ListBucket",
            (
                "s3",
                "CreateMultipartUpload"
                | "UploadPart"
                | "UploadPartCopy"
                | "CompleteMultipartUpload",
            ) => "PutObject",
            (_, operation) => operation,
        };
        format!("{}:{name}", self.service)
    }

    /// Makes the error of a call that was answered, but not to its end or not as it has to be.
    pub(super) fn broken_off(
        kind: ErrorKind,
        service: &'static str,
        operation: &'static str,
        why: impl std::fmt::Display,
    ) -> Self {
        let refused = format!("was not answered in full: {why}");
        Self { refused: refused.into(), ..Self::unmade(kind, service, operation, "") }
    }

    /// Makes the error of a call that was not made.
    pub(super) fn unmade(
        kind: ErrorKind,
        service: &'static str,
        operation: &'static str,
        why: impl Into<String>,
    ) -> Self {
        let refused = format!("was not made: {}", why.into());
        Self {
            kind,
            service,
            operation,
            code: None,
            message: None,
            request_id: None,
            refused: refused.into(),
        }
    }
}

/// Keeps an error to a length that people read: some hold whole requests, or the value that was refused.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 600;
    let text = text.split(": Request {").next().unwrap_or(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn kind_of(code: &str, status: Option<u16>, message: &str) -> ErrorKind {
    match code {
        "ResourceNotFound"
        | "ResourceNotFoundException"
        | "NoSuchKey"
        | "NoSuchBucket"
        | "NotFound"
        | "NoSuchEntity"
        | "NoSuchBucketPolicy"
        | "NoSuchUpload"
        | "FileSystemNotFound"
        | "PolicyNotFound"
        | "NoSuchCORSConfiguration"
        | "NoSuchResourceException"
        | "NoSuchPublicAccessBlockConfiguration"
        | "ServerSideEncryptionConfigurationNotFoundError" => ErrorKind::NotFound,
        "ResourceInUse" | "ConflictException" => ErrorKind::InUse,
        "ResourceLimitExceeded" => ErrorKind::LimitExceeded,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => ErrorKind::Denied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "RequestExpired"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "UnrecognizedClientException"
        | "MissingAuthenticationToken" => ErrorKind::Credentials,
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "SlowDown"
        | "RequestLimitExceeded" => ErrorKind::Throttled,
        // SageMaker has no code of its own for some of what is not there.
        "ValidationException" if message.contains("does not exist") => ErrorKind::NotFound,
        _ if status.is_some_and(|status| status >= 500) => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    }
}

fn is_about_credentials(error: &dyn std::error::Error) -> bool {
    let text = chain(error).to_ascii_lowercase();
    text.contains("credential")
        || text.contains("sso session")
        || text.contains("token has expired")
}

/// Renders an error and its causes in one line, without saying twice what a layer repeats of the next.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let layer = error.to_string();
        if !text.contains(&layer) {
            text.push_str(": ");
            text.push_str(&layer);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_as_a_statement_to_paste() {
        let denied = |service, operation, said: &str| Error {
            message: Some(said.to_owned()),
            ..Error::unmade(ErrorKind::Denied, service, operation, "")
        };
        let said = "User: arn:aws:sts::1:assumed-role/op/me is not authorized to perform: sagemaker:CreateSpace on resource: \
                    arn:aws:sagemaker:eu-west-1:1:space/d-1/alice because no identity-based policy allows it";
        assert_eq!(
            denied("sagemaker", "CreateSpace", said).statement().unwrap(),
            r#"{"Effect":"Allow","Action":"sagemaker:CreateSpace","Resource":"arn:aws:sagemaker:eu-west-1:1:space/d-1/alice"}"#
        );
        assert_eq!(
            denied("s3", "HeadObject", "").statement().unwrap(),
            r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#
        );
        assert_eq!(Error::unmade(ErrorKind::InUse, "s3", "PutObject", "").statement(), None);
    }

    #[test]
    fn what_decides_about_going_on_is_read_from_the_code() {
        assert_eq!(kind_of("ResourceNotFound", Some(400), ""), ErrorKind::NotFound);
        assert_eq!(kind_of("ResourceInUse", Some(400), ""), ErrorKind::InUse);
        assert_eq!(kind_of("InternalFailure", Some(500), ""), ErrorKind::Unavailable);
        assert_eq!(kind_of("ValidationException", Some(400), "bad name"), ErrorKind::Invalid);
        assert_eq!(kind_of("ExpiredTokenException", Some(400), ""), ErrorKind::Credentials);
    }
}
