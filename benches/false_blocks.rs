//! How often a version compared with itself is called a regression, over cases, discordance and
//! trials, with errored runs and three metrics under Holm's rule.
//!
//! `cargo bench --bench false_blocks` prints a table and fails where a rate is above alpha by more
//! than chance explains: two standard errors of the binomial count.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::process::ExitCode;

use gatecard::simulation::{ALPHA, Cell, false_blocks};

const COMPARISONS: u32 = 2_000;

fn main() -> ExitCode {
    let comparisons = f64::from(COMPARISONS);
    let limit = ALPHA + 2.0 * (ALPHA * (1.0 - ALPHA) / comparisons).sqrt();
    println!(
        "{COMPARISONS} comparisons a row; at most {:.2} % may block",
        100.0 * limit
    );
    println!("cases  discordance  trials  blocked");
    let mut holds = true;
    let mut seed = 0;
    for cases in [50, 200, 1_000] {
        for discordance in [0.02, 0.2, 0.4] {
            for trials in [1, 3] {
                seed += 1;
                let cell = Cell {
                    cases,
                    discordance,
                    trials,
                };
                let rate = f64::from(false_blocks(cell, COMPARISONS, seed)) / comparisons;
                holds &= rate <= limit;
                let (discordance, rate) = (100.0 * discordance, 100.0 * rate);
                println!("{cases:5}  {discordance:9.0} %  {trials:6}  {rate:5.2} %");
            }
        }
    }
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
