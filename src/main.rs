//! The `hydrate` binary: one result, one exit code.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

use std::process::ExitCode;

// Without huge pages (`no_thp`): most runs are shorter than it takes the kernel to clear them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hydrate::cli::main(std::env::args_os())
}
