//! Quorate keeps an organisation's master keys recoverable by any M of N custodians.
