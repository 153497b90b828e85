//! A PKCS#11 module that stands between a program and a token, and makes faults happen.
//!
//! In: `BETWEEN_MODULE`, the file of the real module; `BETWEEN_RULES`, rules with `;` between them;
//! `BETWEEN_LOG`, a file that gets the name of every call. A rule is `FUNCTION:N:WHAT`: at the N-th call of
//! that function (`*`: of any; `N+`: that one and all later ones) do WHAT: `0x32` answers that code instead of
//! calling (`0x32!` once in the process's life, also when the module is loaded again), `kill` ends the process before
//! the call, `killed` after it, `damage` flips a bit of the wrapped key that comes out of C_WrapKey or goes into
//! C_UnwrapKey. `hide:0x210b` leaves a mechanism out of the list, `flag:0x200000`
//! adds a flag to what a token says of itself.
//!
//! `tests/tools/token.rs` compiles it with `rustc` alone; it needs no crate. Every function of the standard's
//! version 2 list is a number of arguments of the size of a pointer and an answer of that size, so that one
//! function stands for all: eight words are passed on, and who takes fewer doesn't look at the rest. This holds
//! for the calling conventions of Linux on x86-64, aarch64 and riscv64.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

type Call = extern "C" fn(usize, usize, usize, usize, usize, usize, usize, usize) -> usize;

#[repr(C)]
#[derive(Clone, Copy)]
struct List {
    version: [u8; 2],
    calls: [Option<Call>; COUNT],
}

struct State {
    real: List,
    ours: List,
    rules: Vec<Rule>,
    hidden: Vec<usize>,
    flags: usize,
}

struct Rule {
    function: String,
    from: usize,
    onwards: bool,
    what: What,
}

enum What {
    Answer(usize),
    Once(usize),
    Kill,
    Killed,
    Damage,
}

static STATE: OnceLock<Option<State>> = OnceLock::new();
static ALL: AtomicUsize = AtomicUsize::new(0);
static COUNTS: [AtomicUsize; COUNT] = [const { AtomicUsize::new(0) }; COUNT];

const DEVICE_ERROR: usize = 0x30;
const MECHANISM_INVALID: usize = 0x70;

#[link(name = "c")]
unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn getpid() -> c_int;
}

fn number(text: &str) -> Option<usize> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| usize::from_str_radix(hex, 16).ok())
}

fn rule(text: &str) -> Option<Rule> {
    let mut parts = text.split(':');
    let (function, count, what) = (parts.next()?.to_owned(), parts.next()?, parts.next()?);
    let what = match what {
        "kill" => What::Kill,
        "killed" => What::Killed,
        "damage" => What::Damage,
        code => match code.strip_suffix('!') {
            Some(code) => What::Once(number(code)?),
            None => What::Answer(number(code)?),
        },
    };
    let onwards = count.ends_with('+');
    Some(Rule { function, from: number(count.trim_end_matches('+'))?, onwards, what })
}

fn load() -> Option<State> {
    let path = CString::new(std::env::var("BETWEEN_MODULE").ok()?).ok()?;
    // SAFETY: the paths are C strings; the symbol of a module has the type that the standard gives it.
    let real = unsafe {
        let library = dlopen(path.as_ptr(), 2);
        let found = if library.is_null() { library } else { dlsym(library, c"C_GetFunctionList".as_ptr()) };
        if found.is_null() {
            return None;
        }
        let get = std::mem::transmute::<*mut c_void, extern "C" fn(*mut *const List) -> usize>(found);
        let mut list = std::ptr::null();
        if get(&mut list) != 0 || list.is_null() {
            return None;
        }
        *list
    };
    let text = std::env::var("BETWEEN_RULES").unwrap_or_default();
    let (mut rules, mut hidden, mut flags) = (Vec::new(), Vec::new(), 0);
    for part in text.split(';').filter(|part| !part.is_empty()) {
        match part.split_once(':')? {
            ("hide", mechanism) => hidden.push(number(mechanism)?),
            ("flag", flag) => flags |= number(flag)?,
            _ => rules.push(rule(part)?),
        }
    }
    let mut ours = List { version: [2, 40], calls: CALLS.map(Some) };
    ours.calls.iter_mut().zip(real.calls).for_each(|(ours, real)| *ours = real.and(*ours));
    ours.calls[3] = CALLS[3].into();
    Some(State { real, ours, rules, hidden, flags })
}

fn note(name: &str) {
    let Ok(path) = std::env::var("BETWEEN_LOG") else { return };
    if let Ok(mut log) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
        let _ = writeln!(log, "{name}");
    }
}

fn die() {
    // SAFETY: takes numbers only.
    unsafe { kill(getpid(), 9) };
    loop {
        std::thread::yield_now();
    }
}

#[allow(clippy::too_many_arguments)]
extern "C" fn between<const N: usize>(
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
    g: usize,
    h: usize,
) -> usize {
    let Some(Some(state)) = STATE.get() else { return DEVICE_ERROR };
    if N == 3 {
        // SAFETY: the caller gives a place for a pointer.
        unsafe { *(a as *mut *const List) = &raw const state.ours };
        return 0;
    }
    let Some(real) = state.real.calls[N] else { return DEVICE_ERROR };
    let all = ALL.fetch_add(1, Ordering::SeqCst) + 1;
    let count = COUNTS[N].fetch_add(1, Ordering::SeqCst) + 1;
    note(NAMES[N]);
    let mut damage = false;
    let mut killed = false;
    for rule in &state.rules {
        let at = if rule.function == "*" { all } else { count };
        let meant = rule.function == "*" || rule.function == NAMES[N];
        // A program may always end what it began.
        let ending = rule.function == "*" && NAMES[N] == "C_Finalize";
        if !meant || ending || !(at == rule.from || rule.onwards && at > rule.from) {
            continue;
        }
        match rule.what {
            What::Answer(code) => return code,
            What::Once(_) if std::env::var_os("BETWEEN_DONE").is_some() => {}
            What::Once(code) => {
                // SAFETY: the program under test has one thread while it talks to its token.
                unsafe { std::env::set_var("BETWEEN_DONE", "1") };
                return code;
            }
            What::Kill => die(),
            What::Killed => killed = true,
            What::Damage => damage = true,
        }
    }
    // The wrapped key: the fifth word of C_WrapKey with its length behind the sixth, the fourth and fifth of C_UnwrapKey.
    let flip = |at: usize| {
        // SAFETY: the caller's buffer, inside the length that it says.
        unsafe { *(at as *mut u8) ^= 1 };
    };
    let into = damage && NAMES[N] == "C_UnwrapKey" && e > 20;
    if into {
        flip(d + e - 1);
    }
    let answer = real(a, b, c, d, e, f, g, h);
    if into {
        flip(d + e - 1);
    }
    if damage && NAMES[N] == "C_WrapKey" && answer == 0 && e != 0 {
        flip(e + 3);
    }
    if killed {
        die();
    }
    match NAMES[N] {
        "C_GetTokenInfo" if answer == 0 => {
            // SAFETY: the caller's CK_TOKEN_INFO, in which the flags follow 96 bytes of text.
            unsafe { *((b + 96) as *mut usize) |= state.flags };
            answer
        }
        "C_GetMechanismInfo" if state.hidden.contains(&b) => MECHANISM_INVALID,
        "C_GetMechanismList" if answer == 0 && b != 0 => {
            // SAFETY: the caller's array, of the length that was answered, and the place of that length.
            unsafe {
                let length = c as *mut usize;
                let list = std::slice::from_raw_parts_mut(b as *mut usize, *length);
                let kept: Vec<usize> =
                    list.iter().copied().filter(|one| !state.hidden.contains(one)).collect();
                list[..kept.len()].copy_from_slice(&kept);
                *length = kept.len();
            }
            answer
        }
        _ => answer,
    }
}

/// What a program asks a module for first.
///
/// # Safety
/// `list` is a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *const c_void) -> usize {
    let Some(state) = STATE.get_or_init(load) else { return DEVICE_ERROR };
    // SAFETY: as the caller promises.
    unsafe { *list = (&raw const state.ours).cast() };
    0
}

macro_rules! functions {
    ($($number:literal $name:ident)*) => {
        const NAMES: [&str; COUNT] = [$(stringify!($name)),*];
        const CALLS: [Call; COUNT] = [$(between::<$number>),*];
    };
}

const COUNT: usize = 68;
functions! {
    0 C_Initialize 1 C_Finalize 2 C_GetInfo 3 C_GetFunctionList 4 C_GetSlotList 5 C_GetSlotInfo
    6 C_GetTokenInfo 7 C_GetMechanismList 8 C_GetMechanismInfo 9 C_InitToken 10 C_InitPIN 11 C_SetPIN
    12 C_OpenSession 13 C_CloseSession 14 C_CloseAllSessions 15 C_GetSessionInfo 16 C_GetOperationState
    17 C_SetOperationState 18 C_Login 19 C_Logout 20 C_CreateObject 21 C_CopyObject 22 C_DestroyObject
    23 C_GetObjectSize 24 C_GetAttributeValue 25 C_SetAttributeValue 26 C_FindObjectsInit 27 C_FindObjects
    28 C_FindObjectsFinal 29 C_EncryptInit 30 C_Encrypt 31 C_EncryptUpdate 32 C_EncryptFinal 33 C_DecryptInit
    34 C_Decrypt 35 C_DecryptUpdate 36 C_DecryptFinal 37 C_DigestInit 38 C_Digest 39 C_DigestUpdate
    40 C_DigestKey 41 C_DigestFinal 42 C_SignInit 43 C_Sign 44 C_SignUpdate 45 C_SignFinal
    46 C_SignRecoverInit 47 C_SignRecover 48 C_VerifyInit 49 C_Verify 50 C_VerifyUpdate 51 C_VerifyFinal
    52 C_VerifyRecoverInit 53 C_VerifyRecover 54 C_DigestEncryptUpdate 55 C_DecryptDigestUpdate
    56 C_SignEncryptUpdate 57 C_DecryptVerifyUpdate 58 C_GenerateKey 59 C_GenerateKeyPair 60 C_WrapKey
    61 C_UnwrapKey 62 C_DeriveKey 63 C_SeedRandom 64 C_GenerateRandom 65 C_GetFunctionStatus
    66 C_CancelFunction 67 C_WaitForSlotEvent
}
