//! Requests to valgrind, as `valgrind.h` and `memcheck.h` encode them: an instruction sequence that
//! does nothing on a processor and that valgrind understands. Only for x86-64.

#[cfg(not(target_arch = "x86_64"))]
compile_error!("the requests to valgrind are written for x86-64");

const RUNNING_ON_VALGRIND: u64 = 0x1001;
const COUNT_ERRORS: u64 = 0x1201;
const MAKE_MEM_UNDEFINED: u64 = 0x4d43_0001;
const MAKE_MEM_DEFINED: u64 = 0x4d43_0002;

fn request(number: u64, address: u64, length: u64) -> u64 {
    let arguments = [number, address, length, 0, 0, 0];
    let mut result = 0_u64;
    // SAFETY: four rotations of RDI by 128 bits in all and an exchange of RBX with itself; valgrind
    // reads the six arguments and writes RDX.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") result,
            out("rdi") _,
            options(nostack),
        );
    }
    result
}

/// Whether valgrind runs this program.
pub fn is_running() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) != 0
}

/// How many errors valgrind has reported so far, without those that are suppressed.
pub fn errors() -> u64 {
    request(COUNT_ERRORS, 0, 0)
}

/// Marks memory as uninitialised: what depends on it is reported from now on.
pub fn make_secret(bytes: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, bytes.as_ptr().expose_provenance() as u64, bytes.len() as u64);
}

/// Marks memory as initialised again.
pub fn make_public<T>(values: &mut [T]) {
    let length = std::mem::size_of_val(values);
    request(MAKE_MEM_DEFINED, values.as_ptr().expose_provenance() as u64, length as u64);
}
