//! A value that must not leave by accident.
//!
//! Not a vault: the bytes are in ordinary memory while they live, and a moved value may leave a copy on the stack. What it
//! prevents is the common accident: a log line, a `clone`, a serialised config.

use std::fmt;
use zeroize::Zeroize;

/// Holds a secret. Not `Clone`, not `PartialEq`, not serialisable; `Debug` prints `<redacted>`; wiped when dropped.
///
/// ```compile_fail
/// let secret = guardian_crypto::secret::Secret::new([1u8; 32]);
/// let copy = secret.clone();
/// ```
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes `value` into custody.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens it. The word is meant to be searched for in reviews.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reports its wiping to the test.
    struct Witness<'a>(&'a std::cell::Cell<bool>);

    impl Zeroize for Witness<'_> {
        fn zeroize(&mut self) {
            self.0.set(true);
        }
    }

    #[test]
    fn a_dropped_secret_has_been_wiped() {
        let wiped = std::cell::Cell::new(false);
        let secret = Secret::new(Witness(&wiped));
        assert!(!wiped.get());
        drop(secret);
        assert!(wiped.get());
    }
}
