//! The typed form of a card (in the making).
