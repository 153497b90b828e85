//! The smallest rights for each duty.
