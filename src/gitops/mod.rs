//! The `gitops` room: hand-over to Flux and Argo CD.
