//! A second copy of a share, on purpose: one signs here, the other is handed out.

use guardian_crypto::frost::KeyShare;

/// The same share again. `None` never happens: it is read as it was written.
pub(super) fn of(share: &KeyShare) -> Option<KeyShare> {
    KeyShare::from_secret_bytes(share.to_secret_bytes().expose()).ok()
}
