// SPDX-License-Identifier: Apache-2.0

//! rtnetlink(7), as little as is needed: three dumps, one query and change
//! notices, all read only. Crates for it bring an async stack and types for
//! every attribute the kernel has; this is a socket and two iterators.

pub mod message;
pub mod notices;
pub mod socket;
