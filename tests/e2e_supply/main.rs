//! Supply against servers that are not the project's own: Debian's docker-registry with passwords and with tokens, TLS by
//! openssl, `git daemon`, and a static server over an index of 30 MB. And how fast `hydrate fetch` is beside `helm pull`.
//!
//! `make e2e-supply` installs what it can and runs them. What cannot run says SKIPPED, and fails where everything was to run.

#[path = "../common/mod.rs"]
mod common;
mod git;
#[path = "../supply/project.rs"]
#[allow(dead_code, reason = "the tests of supply use all of it")]
mod project;
mod registry;
mod scene;
#[path = "../supply/server.rs"]
#[allow(dead_code, reason = "the tests of supply use all of it")]
mod server;
mod speed;
mod tls;
