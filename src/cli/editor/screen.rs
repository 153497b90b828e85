//! placeholder
use super::sheet::Done;
use crate::cli::failure::Failure;
pub(super) fn fits() -> bool {
    false
}
pub(super) fn type_card() -> Result<Option<Done>, Failure> {
    Ok(None)
}
