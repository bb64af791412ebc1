// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What user space may know of the packet programs: the layout of their maps.
#![no_std]

pub mod layout;
