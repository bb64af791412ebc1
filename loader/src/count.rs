// SPDX-License-Identifier: Apache-2.0

//! Counting the elements of a map: the kernel keeps no number of them.

#![forbid(unsafe_code)]

use crate::{
    bpf::{self, Cursor},
    dump,
    error::{Error, Result},
    map::Map,
    proto::CountResponse,
};

/// Elements that are enough to judge a whole hash by. Keys are spread over the
/// buckets at random, so the error is about one part in the root of this.
const SAMPLE: usize = 16_384;

/// Elements asked of the kernel at a time, more where a hash bucket holds more.
const BATCH: usize = 4096;

/// Counts the elements of `map`. A hash is read from its first bucket on, and
/// no further than [`SAMPLE`] elements take.
///
/// # Errors
/// INVALID_ARGUMENT for a map that holds no plain elements; else what the
/// kernel answered.
pub fn count(map: &Map) -> Result<CountResponse> {
    dump::check(map)?;
    let shape = map.layout().shape;
    if shape.permanent() {
        return Ok(exactly(shape.max_entries as usize));
    }
    let sizes = map.sizes();
    let (mut cursor, mut capacity, mut elements) = (Cursor::default(), BATCH, 0);
    loop {
        let mut keys = vec![0; capacity * sizes.key];
        let mut values = vec![0; capacity * sizes.value];
        let batch = match bpf::lookup_batch(map.fd(), sizes, &mut cursor, &mut keys, &mut values) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                capacity *= 2;
                continue;
            }
            batch => {
                batch.map_err(|error| Error::kernel(format!("count map {}", map.name()), &error))?
            }
        };
        elements += batch.count;
        if batch.last {
            return Ok(exactly(elements));
        }
        if shape.hash() && elements >= SAMPLE {
            return Ok(estimate(elements, cursor.bucket(), shape.max_entries));
        }
    }
}

fn exactly(elements: usize) -> CountResponse {
    CountResponse {
        elements: elements as u64,
        estimated: false,
    }
}

/// What a hash of `max_entries` holds when its first `read` buckets hold
/// `elements`. The kernel gives it that many buckets, rounded up to a power of
/// two (htab_map_alloc() in kernel/bpf/hashtab.c).
fn estimate(elements: usize, read: u32, max_entries: u32) -> CountResponse {
    let elements = elements as u64;
    let buckets = u64::from(max_entries).next_power_of_two();
    let all = elements * buckets / u64::from(read).max(1);
    CountResponse {
        // Both bounds are certain, unless the map changed meanwhile.
        elements: all.max(elements).min(max_entries.into()),
        estimated: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimated(elements: usize, read: u32, max_entries: u32) -> u64 {
        estimate(elements, read, max_entries).elements
    }

    #[test]
    fn estimate_takes_the_buckets_that_were_not_read_to_be_like_the_others() {
        assert_eq!(estimated(20_000, 1 << 19, 2_000_000), 80_000);
        assert_eq!(estimated(20_000, 1 << 21, 2_000_000), 20_000);
    }

    #[test]
    fn estimate_stays_between_what_was_seen_and_what_fits() {
        assert_eq!(estimated(100_000, 1, 200_000), 200_000);
        assert_eq!(estimated(100_000, u32::MAX, 200_000), 100_000);
        assert_eq!(estimated(100_000, 0, 200_000), 200_000);
    }
}
