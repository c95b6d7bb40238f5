//! The name under which CloudTrail's operations are documented.
//!
//! The SDK sends `X-Amz-Target: CloudTrail_20131101.LookupEvents`; AWS's service model and its other SDKs send the long form.
//! AWS takes both, but whoever checks exchanges against the model knows the long one only.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

const HEADER: &str = "x-amz-target";
const PREFIX: &str = "com.amazonaws.cloudtrail.v20131101.";

/// Gives CloudTrail's operations their long name, before the request is signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct LongTarget;

#[dyn_dispatch_hint]
impl Intercept for LongTarget {
    fn name(&self) -> &'static str {
        "LongTarget"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let short = headers.get(HEADER).filter(|target| !target.starts_with(PREFIX));
        if let Some(long) = short.map(|target| format!("{PREFIX}{target}")) {
            headers.insert(HEADER, long);
        }
        Ok(())
    }
}
