//! The program `quorate`: everything it does is in `cli`.

mod cli;

/// Wipes every block of the heap when it is freed, whoever allocated it: the last line behind the
/// secret types, for the buffers of libraries that don't wipe their own.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> std::process::ExitCode {
    cli::run()
}
