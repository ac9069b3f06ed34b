//! What a process gives up before it looks at what strangers have written: files but those it may read, the network, other programs and
//! processes, and more than so much memory.

use std::path::{Path, PathBuf};

/// What is left to a process.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Policy {
    /// Files that it may read, and directories with all below.
    pub read: Vec<PathBuf>,
    /// Directories that it may list, with all below, beyond those.
    pub list: Vec<PathBuf>,
    /// Bytes of address space.
    pub address_space: u64,
}

/// Where there are more entries than so many, a directory is allowed as a whole.
const MOST: usize = 512;

/// What to allow so that a directory can be read without the Git directory in it: its entries, and for new names the list of them.
pub fn reads(directory: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries: Vec<PathBuf> = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    if entries.len() > MOST {
        return (vec![directory.to_owned()], Vec::new());
    }
    (entries.into_iter().filter(|entry| !entry.ends_with(".git")).collect(), vec![directory.to_owned()])
}

/// Confines this process, all threads that it starts, and all programs; gives what the kernel cannot do, a sentence each. It must
/// have one thread.
#[cfg(not(target_os = "linux"))]
pub fn confine(_policy: &Policy) -> Vec<String> {
    vec!["only Linux confines processes: rendering runs in a process of its own and with the rights of this user".to_owned()]
}

#[cfg(target_os = "linux")]
pub use linux::confine;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
        RulesetStatus, Scope,
    };
    use rustix::process::{Resource, Rlimit, Signal, setrlimit};
    use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

    use super::{Path, Policy};

    /// Confines this process, all threads that it starts, and all programs; gives what the kernel cannot do, a sentence each. It must
    /// have one thread.
    pub fn confine(policy: &Policy) -> Vec<String> {
        let mut missing = Vec::new();
        // Whoever started it may be killed.
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        for (resource, limit) in [(Resource::As, policy.address_space), (Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nofile, 1024)]
        {
            if let Err(error) = lower(resource, limit) {
                missing.push(format!("a limit cannot be set ({resource:?}): {error}"));
            }
        }
        let beneath = match restrict_files(policy) {
            Ok(RulesetStatus::FullyEnforced) => true,
            Ok(RulesetStatus::PartiallyEnforced) => {
                missing.push(
                    "Landlock of this kernel is older: files are confined, signals or sockets of other processes may not be".to_owned(),
                );
                true
            }
            Ok(RulesetStatus::NotEnforced) => {
                missing
                    .push("the kernel has no Landlock (Linux 5.13 and later, enabled at boot): reading files is not confined".to_owned());
                false
            }
            Err(error) => {
                missing.push(format!("Landlock failed, and reading files is not confined: {error}"));
                false
            }
        };
        if let Err(error) = restrict_calls(beneath) {
            missing.push(format!("seccomp failed, and system calls are not confined: {error}"));
        }
        missing
    }

    fn lower(resource: Resource, limit: u64) -> rustix::io::Result<()> {
        let hard = rustix::process::getrlimit(resource).maximum;
        let limit = hard.map_or(limit, |hard| hard.min(limit));
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })
    }

    fn restrict_files(policy: &Policy) -> Result<RulesetStatus, RulesetError> {
        let abi = ABI::V6;
        let mut rules = Ruleset::default()
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?;
        let file = BitFlags::from(AccessFs::ReadFile);
        let list = BitFlags::from(AccessFs::ReadDir);
        let of = |path: &Path| if path.is_dir() { file | list } else { file };
        let read = policy.read.iter().map(|path| (path, of(path)));
        for (path, access) in read.chain(policy.list.iter().map(|path| (path, list))) {
            // What is gone meanwhile cannot be read anyhow.
            if let Ok(opened) = PathFd::new(path) {
                rules = rules.add_rule(PathBeneath::new(opened, access))?;
            }
        }
        rules.restrict_self().map(|status| status.ruleset)
    }

    /// What rendering needs of the kernel; everything else does not exist for it. Files are opened for reading alone. How `openat2` opens cannot be
    /// looked at, so it needs a kernel that confines files.
    fn restrict_calls(beneath: bool) -> Result<(), Box<dyn std::error::Error>> {
        let mut calls: BTreeMap<i64, Vec<SeccompRule>> = FREE.iter().map(|call| (*call, Vec::new())).collect();
        if beneath {
            calls.insert(libc::SYS_openat2, Vec::new());
        }
        let writes =
            libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND | (libc::O_TMPFILE & !libc::O_DIRECTORY);
        calls.insert(libc::SYS_openat, vec![masked(2, writes, 0)?]);
        #[cfg(target_arch = "x86_64")]
        calls.insert(libc::SYS_open, vec![masked(1, writes, 0)?]);
        calls.insert(libc::SYS_clone, vec![masked(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?]);
        calls.insert(libc::SYS_mmap, vec![masked(2, libc::PROT_EXEC, 0)?]);
        calls.insert(libc::SYS_mprotect, vec![masked(2, libc::PROT_EXEC, 0)?]);
        let own = std::process::id().into();
        calls.insert(libc::SYS_tgkill, vec![equal(0, own)?]);
        let fcntl = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_DUPFD_CLOEXEC];
        calls.insert(libc::SYS_fcntl, fcntl.iter().map(|command| equal(1, u64::from(command.unsigned_abs()))).collect::<Result<_, _>>()?);
        calls.insert(
            libc::SYS_prctl,
            [libc::PR_SET_NAME, libc::PR_SET_VMA]
                .iter()
                .map(|option| equal(0, u64::from(option.unsigned_abs())))
                .collect::<Result<_, _>>()?,
        );
        // The limits of this process are read, and never set.
        let read_only = SeccompRule::new(vec![
            condition(0, SeccompCmpOp::Eq, 0)?,
            SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?,
        ])?;
        calls.insert(libc::SYS_prlimit64, vec![read_only]);
        // As if the call did not exist: the C library then does what it does on older kernels (`clone` in place of `clone3`).
        let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        let filter = SeccompFilter::new(calls, absent, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?;
        let program: seccompiler::BpfProgram = filter.try_into()?;
        Ok(seccompiler::apply_filter(&program)?)
    }

    fn condition(argument: u8, operation: SeccompCmpOp, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operation, value)
    }

    fn masked(argument: u8, mask: i32, value: i32) -> Result<SeccompRule, seccompiler::BackendError> {
        SeccompRule::new(vec![condition(argument, SeccompCmpOp::MaskedEq(mask.unsigned_abs().into()), value.unsigned_abs().into())?])
    }

    fn equal(argument: u8, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
        SeccompRule::new(vec![condition(argument, SeccompCmpOp::Eq, value)?])
    }

    /// Calls that are free whatever their arguments: they read what is open or may be opened, write to what is open (the pipe), and are
    /// about memory, time and threads of this process.
    const FREE: &[i64] = &[
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_preadv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_lseek,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_getdents64,
        libc::SYS_readlinkat,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_getcwd,
        libc::SYS_fadvise64,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_nanosleep,
        libc::SYS_clock_nanosleep,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_set_tid_address,
        libc::SYS_ppoll,
        libc::SYS_restart_syscall,
        libc::SYS_uname,
        libc::SYS_sysinfo,
        libc::SYS_membarrier,
        libc::SYS_getrusage,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_stat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lstat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_readlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_access,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_time,
    ];
}
