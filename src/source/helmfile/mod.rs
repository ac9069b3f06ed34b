//! Helmfile: state, environments, releases.
