// SPDX-License-Identifier: Apache-2.0

//! Requests and answers: the same few bytes each way.

use std::str;

/// Bytes of a request, an answer and a datagram.
pub const LENGTH: usize = 64;

/// A request. A datagram that begins with anything else is not answered.
pub const REQUEST: [u8; LENGTH] = [b'?'; LENGTH];

/// A datagram that is not answered.
pub const LOAD: [u8; LENGTH] = [b'.'; LENGTH];

/// The answer of the server with that name, which is cut where it is too long.
pub fn answer(name: &str) -> [u8; LENGTH] {
    let mut message = [b' '; LENGTH];
    let length = name.len().min(LENGTH);
    message[..length].copy_from_slice(&name.as_bytes()[..length]);
    message
}

/// Who answered. An error when that is no answer at all.
pub fn server(message: &[u8; LENGTH]) -> crate::Result<&str> {
    match str::from_utf8(message)?.trim_end() {
        "" => Err("an answer names no server".into()),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_its_server() {
        assert_eq!(server(&answer("b1")).unwrap(), "b1");
    }

    #[test]
    fn a_long_name_is_cut_and_an_empty_one_is_an_error() {
        assert_eq!(
            server(&answer(&"x".repeat(99))).unwrap(),
            "x".repeat(LENGTH)
        );
        assert!(server(&answer("")).is_err());
    }
}
