//! Git beside hydrate: whose configuration is obeyed, what a commit holds, and what is left when it is stopped.

mod branches;
mod commits;
mod push;
mod scene;
mod stops;
mod trust;
