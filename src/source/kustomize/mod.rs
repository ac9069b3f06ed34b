//! Kustomize: build, accumulate, filters.
