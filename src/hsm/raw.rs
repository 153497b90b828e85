//! The calls that `cryptoki` lacks: the one file with `unsafe`.
//!
//! `cryptoki` 0.12 knows no `CKM_AES_KEY_WRAP_KWP` (0x210B), passes over mechanisms that it doesn't know
//! when it lists them, and makes no mechanism of a number. Here the same module is opened a second time
//! (the loader gives the same instance, so sessions and objects are the same), and the six calls that are
//! needed go to its function list by number. Attributes are asked for and given by number where the crate would refuse
//! a value that it doesn't know. Everything else goes through `cryptoki`.
//!
//! In: handles of `cryptoki`, bytes. Out: owned bytes and handles. It decides nothing.
#![allow(unsafe_code, reason = "the calls of PKCS#11 that the safe crate lacks; each block is argued")]

use core::fmt;
use core::ptr;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::Session;
use cryptoki_sys::{
    CK_ATTRIBUTE, CK_FUNCTION_LIST, CK_MECHANISM, CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_RV, CK_TOKEN_INFO,
    CK_ULONG, CK_UNAVAILABLE_INFORMATION, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID,
    CKR_ATTRIBUTE_VALUE_INVALID, CKR_FUNCTION_NOT_SUPPORTED, CKR_GENERAL_ERROR, CKR_OK,
};
use std::path::Path;

/// More mechanisms, or a longer blob, than any token has: what asks for more is not believed.
const MOST_MECHANISMS: usize = 4096;
const LONGEST_BLOB: usize = 1 << 20;
/// The longest attribute that is read by number: a list of mechanisms.
const LONGEST_ATTRIBUTE: usize = 1 << 15;

/// Attributes by number, with their bytes as the module has them in memory.
pub(super) type ByNumber = Vec<(u64, Vec<u8>)>;

/// A module's functions by number.
pub(super) struct Raw {
    /// Keeps the code of the list loaded.
    _library: cryptoki_sys::Pkcs11,
    list: CK_FUNCTION_LIST,
}

/// What a mechanism is for: the flags of `CK_MECHANISM_INFO`.
pub(super) type Flags = u64;

impl Raw {
    /// Opens the module at `path`, which `cryptoki` has opened and initialised before.
    pub(super) fn load(path: &Path) -> Option<Self> {
        // SAFETY: loading runs the initialisers of a library that the operator named and that `cryptoki`
        // has loaded a moment ago; they don't run twice.
        let library = unsafe { cryptoki_sys::Pkcs11::new(path) }.ok()?;
        if library.C_GetFunctionList.is_err() {
            return None;
        }
        let mut list: *mut CK_FUNCTION_LIST = ptr::null_mut();
        // SAFETY: the symbol was found just now, and the place for the answer is a live local.
        let answer = unsafe { library.C_GetFunctionList(&raw mut list) };
        if answer != CKR_OK || list.is_null() || !list.is_aligned() {
            return None;
        }
        // SAFETY: on CKR_OK the standard makes `list` point to a function list of version 2, which lives
        // as long as the library; it is copied (it is plain pointers), and the library is kept.
        let list = unsafe { *list };
        Some(Self { _library: library, list })
    }

    /// The number of every mechanism of a slot.
    pub(super) fn mechanisms(&self, slot: u64) -> Result<Vec<u64>, CK_RV> {
        let call = self.list.C_GetMechanismList.ok_or(CKR_FUNCTION_NOT_SUPPORTED)?;
        let slot = CK_ULONG::try_from(slot).map_err(|_| CKR_GENERAL_ERROR)?;
        let mut count: CK_ULONG = 0;
        // SAFETY: with no place for the list, only the count is written, to a live local.
        done(unsafe { call(slot, ptr::null_mut(), &raw mut count) })?;
        let mut list: Vec<CK_MECHANISM_TYPE> = vec![0; length(count, MOST_MECHANISMS)?];
        // SAFETY: `list` has room for `count` numbers, and the callee is told so by `count`.
        done(unsafe { call(slot, list.as_mut_ptr(), &raw mut count) })?;
        list.truncate(length(count, list.len())?);
        #[allow(clippy::useless_conversion, reason = "a CK_ULONG has 32 bits elsewhere")]
        Ok(list.into_iter().map(u64::from).collect())
    }

    /// What the token in a slot says of itself: `cryptoki` reads nothing of a token whose clock is blank.
    pub(super) fn token_info(&self, slot: u64) -> Result<CK_TOKEN_INFO, CK_RV> {
        let call = self.list.C_GetTokenInfo.ok_or(CKR_FUNCTION_NOT_SUPPORTED)?;
        let slot = CK_ULONG::try_from(slot).map_err(|_| CKR_GENERAL_ERROR)?;
        let mut info = CK_TOKEN_INFO::default();
        // SAFETY: the answer is written to a live local of the type that the call asks for.
        done(unsafe { call(slot, &raw mut info) })?;
        Ok(info)
    }

    /// What a mechanism of a slot is for; `None` when the slot doesn't have it.
    pub(super) fn flags(&self, slot: u64, mechanism: u64) -> Option<Flags> {
        let call = self.list.C_GetMechanismInfo?;
        let mut info = CK_MECHANISM_INFO::default();
        let (slot, mechanism) = (CK_ULONG::try_from(slot).ok()?, CK_ULONG::try_from(mechanism).ok()?);
        // SAFETY: the answer is written to a live local of the type that the call asks for.
        let answer = unsafe { call(slot, mechanism, &raw mut info) };
        #[allow(clippy::useless_conversion, reason = "a CK_ULONG has 32 bits elsewhere")]
        (answer == CKR_OK).then(|| info.flags.into())
    }

    /// Wraps `key` under `under` by a mechanism without a parameter.
    pub(super) fn wrap(
        &self,
        session: &Session,
        mechanism: u64,
        under: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>, CK_RV> {
        let call = self.list.C_WrapKey.ok_or(CKR_FUNCTION_NOT_SUPPORTED)?;
        let mut mechanism = plain(mechanism)?;
        let mut count: CK_ULONG = 0;
        let (session, under, key) = (session.handle(), under.handle(), key.handle());
        // SAFETY: the session is open for as long as it is borrowed; the mechanism has no parameter; with
        // no place for the blob, only its length is written, to a live local.
        done(unsafe { call(session, &raw mut mechanism, under, key, ptr::null_mut(), &raw mut count) })?;
        let mut blob = vec![0; length(count, LONGEST_BLOB)?];
        // SAFETY: as before, and `blob` has room for the `count` bytes that the callee is told of.
        done(unsafe { call(session, &raw mut mechanism, under, key, blob.as_mut_ptr(), &raw mut count) })?;
        blob.truncate(length(count, blob.len())?);
        Ok(blob)
    }

    /// The length of an attribute; `None` when the object has none, or doesn't say.
    pub(super) fn attribute_length(
        &self,
        session: &Session,
        object: ObjectHandle,
        number: u64,
    ) -> Result<Option<usize>, CK_RV> {
        let call = self.list.C_GetAttributeValue.ok_or(CKR_FUNCTION_NOT_SUPPORTED)?;
        let number = CK_ULONG::try_from(number).map_err(|_| CKR_GENERAL_ERROR)?;
        let mut asked = CK_ATTRIBUTE { type_: number, pValue: ptr::null_mut(), ulValueLen: 0 };
        // SAFETY: the session is open for as long as it is borrowed; with no place for the value, only its length
        // is written, to a live local.
        let answer = unsafe { call(session.handle(), object.handle(), &raw mut asked, 1) };
        match answer {
            CKR_OK if asked.ulValueLen == CK_UNAVAILABLE_INFORMATION => Ok(None),
            CKR_OK => length(asked.ulValueLen, LONGEST_ATTRIBUTE).map(Some),
            CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID | CKR_ATTRIBUTE_VALUE_INVALID => Ok(None),
            code => Err(code),
        }
    }

    /// The bytes of an attribute that isn't itself a list of attributes; `None` when there are none.
    pub(super) fn attribute(
        &self,
        session: &Session,
        object: ObjectHandle,
        number: u64,
    ) -> Result<Option<Vec<u8>>, CK_RV> {
        let room = self.attribute_length(session, object, number)?;
        let Some(room) = room.filter(|room| *room > 0) else { return Ok(None) };
        let call = self.list.C_GetAttributeValue.ok_or(CKR_FUNCTION_NOT_SUPPORTED)?;
        let number = CK_ULONG::try_from(number).map_err(|_| CKR_GENERAL_ERROR)?;
        let mut bytes = vec![0_u8; room];
        let size = CK_ULONG::try_from(room).map_err(|_| CKR_GENERAL_ERROR)?;
        let mut asked = CK_ATTRIBUTE { type_: number, pValue: bytes.as_mut_ptr().cast(), ulValueLen: size };
        // SAFETY: as before, and `bytes` has room for the `ulValueLen` bytes that the callee is told of. The
        // attribute is a value, never a list of attributes, so the callee follows no pointer in it.
        done(unsafe { call(session.handle(), object.handle(), &raw mut asked, 1) })?;
        bytes.truncate(length(asked.ulValueLen, room)?);
        Ok(Some(bytes))
    }

    /// Unwraps `blob` by a mechanism without a parameter to an object of `template`, and of what comes `by_number`.
    pub(super) fn unwrap(
        &self,
        session: &Session,
        mechanism: u64,
        under: ObjectHandle,
        blob: &[u8],
        template: &[Attribute],
        by_number: &mut ByNumber,
    ) -> Result<ObjectHandle, CK_RV> {
        let call = self.list.C_UnwrapKey.ok_or(CKR_FUNCTION_NOT_SUPPORTED)?;
        let mut mechanism = plain(mechanism)?;
        // The standard takes the blob by a pointer that could be written through: a copy is given.
        let mut blob = blob.to_vec();
        let size = CK_ULONG::try_from(blob.len()).map_err(|_| CKR_GENERAL_ERROR)?;
        // These point into `template` and `by_number`, which are borrowed until the call has ended.
        let mut attributes: Vec<CK_ATTRIBUTE> = template.iter().map(Into::into).collect();
        for (number, bytes) in by_number.iter_mut() {
            let type_ = CK_ULONG::try_from(*number).map_err(|_| CKR_GENERAL_ERROR)?;
            let size = CK_ULONG::try_from(bytes.len()).map_err(|_| CKR_GENERAL_ERROR)?;
            attributes.push(CK_ATTRIBUTE { type_, pValue: bytes.as_mut_ptr().cast(), ulValueLen: size });
        }
        let count = CK_ULONG::try_from(attributes.len()).map_err(|_| CKR_GENERAL_ERROR)?;
        let mut object: CK_ULONG = 0;
        // SAFETY: the session is open for as long as it is borrowed; the mechanism has no parameter; blob
        // and attributes are live, with the lengths that are given; the handle goes to a live local.
        done(unsafe {
            call(
                session.handle(),
                &raw mut mechanism,
                under.handle(),
                blob.as_mut_ptr(),
                size,
                attributes.as_mut_ptr(),
                count,
                &raw mut object,
            )
        })?;
        // SAFETY: the token has given this handle for this session a moment ago.
        Ok(unsafe { ObjectHandle::new_from_raw(object) })
    }
}

fn plain(number: u64) -> Result<CK_MECHANISM, CK_RV> {
    let mechanism = CK_ULONG::try_from(number).map_err(|_| CKR_GENERAL_ERROR)?;
    Ok(CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 })
}

const fn done(answer: CK_RV) -> Result<(), CK_RV> {
    if answer == CKR_OK { Ok(()) } else { Err(answer) }
}

/// A length that a module gave, if it is at most `most`.
fn length(count: CK_ULONG, most: usize) -> Result<usize, CK_RV> {
    usize::try_from(count).ok().filter(|count| *count <= most).ok_or(CKR_GENERAL_ERROR)
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw")
    }
}
