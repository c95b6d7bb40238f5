//! What the integration tests share: a simulated account served by a child process, and the tool run against it.

pub mod account;
pub mod client;
pub mod ends;
pub mod hooks;
pub mod inside;
pub mod points;
pub mod python;
pub mod ready;
pub mod small;
pub mod tool;
pub mod trees;
pub mod working;

/// A world with one person, as awkward as one person can be: Classic landing page and built-in script of their own, a Classic
/// app that still runs, and a home with every oddity. Fast, because some tests live through it a hundred times.
pub const ONE_PERSON: &str = r##"
name: one-person
seed: 7
timing:
  space: 0.05
  update: 0.05
  app_start: 0.1
  app_stop: 0.05
scripts:
  - name: tidy-shell
    app_type: JupyterLab
    text: "#!/bin/bash\necho hello\n"
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
        StudioWebPortal: DISABLED
        DefaultLandingUri: "app:JupyterServer:"
    profiles:
      - name: alice
        home: awkward
        settings:
          StudioWebPortal: DISABLED
          DefaultLandingUri: "app:JupyterServer:"
          JupyterLabAppSettings:
            BuiltInLifecycleConfigArn: arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/tidy-shell
        apps:
          - app_type: JupyterServer
            name: default
      - name: bob
        home: empty
"##;
