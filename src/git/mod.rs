//! The `git` room: status and commits through git2.
