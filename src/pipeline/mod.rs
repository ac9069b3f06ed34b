//! The `pipeline` room: plan, render in parallel, check, write, report.
