// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Wrong programs: the object with one instruction changed, for which somebody has to
//! be found who notices.
//!
//! ```text
//! BLIXT_MUTANTS=200 BLIXT_CASES=20000 BLIXT_SEED=3 cargo test --profile cases --locked \
//!     -p blixt-ebpf --test packet -- --include-ignored --nocapture wrong_programs
//! ```
//!
//! tries so many, so many cases on each, and says of each who notices; the seed picks
//! them. What no case notices and `equivalents.rs` does not know fails, unless one of all
//! other packet tests, which BLIXT_SUITE=1 asks too, a minute for each, notices that.
//! BLIXT_SITE=affinity.rs:39, or BLIXT_SITE=pending.rs:180-184, tries all that may be
//! wrong in those lines of `src`, wherever they were inlined, and picks none.

mod change;
mod equivalents;
mod lines;
mod tests;
