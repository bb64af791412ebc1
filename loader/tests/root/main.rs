// SPDX-License-Identifier: Apache-2.0

//! The real daemon against the real kernel, in a network namespace and with a
//! bpffs of each test's own. All of it needs root.

mod apply;
mod attach;
mod client;
mod copy;
mod count;
mod daemon;
mod dump;
mod fixture;
mod host;
mod load;
mod network;
mod replace;
