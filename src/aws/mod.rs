//! The one place that names `aws_sdk_*`: an account with domain verbs.
