// SPDX-License-Identifier: Apache-2.0

//! What a client found, as JSON.

use std::{collections::BTreeMap, time::Duration};

use crate::cpu;

/// Exchanges of one client.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// How long each took, in nanoseconds.
    pub times: Vec<u64>,
    /// Answers by the name of the server.
    pub servers: BTreeMap<String, u64>,
    /// From the first exchange to the end of the last one.
    pub elapsed: Duration,
}

impl Report {
    /// Notes one exchange.
    pub fn add(&mut self, server: &str, time: Duration) {
        self.times.push(time.as_nanos() as u64);
        match self.servers.get_mut(server) {
            Some(count) => *count += 1,
            None => drop(self.servers.insert(server.to_owned(), 1)),
        }
    }

    /// Takes over what another thread found in the same time.
    pub fn merge(&mut self, other: Report) {
        self.times.extend(other.times);
        for (server, count) in other.servers {
            *self.servers.entry(server).or_default() += count;
        }
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// One line: count, seconds, processor seconds of this process, p50 and p99 in nanoseconds, answers by server.
    pub fn to_json(&self) -> String {
        let mut times = self.times.clone();
        times.sort_unstable();
        let servers: Vec<String> = self
            .servers
            .iter()
            .map(|(n, c)| format!("{n:?}:{c}"))
            .collect();
        format!(
            r#"{{"count":{},"seconds":{},"cpu":{},"p50":{},"p99":{},"servers":{{{}}}}}"#,
            times.len(),
            self.elapsed.as_secs_f64(),
            cpu::spent().as_secs_f64(),
            quantile(&times, 0.5),
            quantile(&times, 0.99),
            servers.join(",")
        )
    }
}

/// The value below which that share of sorted values lies; 0 where there is none.
fn quantile(sorted: &[u64], share: f64) -> u64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(
            [0.5, 0.99, 1.0].map(|share| quantile(&values, share)),
            [50, 99, 100]
        );
        assert_eq!(
            [
                quantile(&[7], 0.5),
                quantile(&[7], 0.99),
                quantile(&[], 0.5)
            ],
            [7, 7, 0]
        );
    }

    #[test]
    fn reports_of_two_threads_add_up() {
        let (mut one, mut two) = (Report::default(), Report::default());
        one.add("b1", Duration::from_nanos(30));
        two.add("b1", Duration::from_nanos(10));
        two.add("b2", Duration::from_nanos(20));
        two.elapsed = Duration::from_secs(2);
        one.merge(two);
        let json = one.to_json();
        assert!(
            json.starts_with(r#"{"count":3,"seconds":2,"cpu":"#),
            "{json}"
        );
        assert!(
            json.ends_with(r#","p50":20,"p99":30,"servers":{"b1":2,"b2":1}}"#),
            "{json}"
        );
    }
}
