//! What a process that will hold secrets does first: no core file, nobody may attach to it.
//!
//! Both, because a core file that is piped to a collector ignores the size limit. A root reader of
//! the live process remains (`docs/threat-model.md`).

/// Turns core files off and makes the process undumpable, which also closes `/proc/PID/mem` and
/// debuggers to other processes of the same user. Call it before the first secret.
///
/// # Errors
/// The system's error when it refuses either.
pub fn harden() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
