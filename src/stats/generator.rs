//! Random numbers that are the same on every machine: xoshiro256++ 1.0, its state filled by
//! `SplitMix64` (Blackman and Vigna, <https://prng.di.unimi.it>). Twenty lines that never change
//! hold a p-value in place better than a crate whose streams may change with its version.
//! Nothing here is secret.

/// A stream of random numbers that the seed decides.
pub(crate) struct Generator([u64; 4]);

impl Generator {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = seed;
        Self([(); 4].map(|()| split_mix(&mut state)))
    }

    /// The next 64 random bits.
    pub(crate) const fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.0 = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below `bound`, each as likely as any other (Lemire 2019); 0 where that is 0.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves of the product"
    )]
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        let mut product = self.bits() as u128 * bound as u128;
        if (product as u64) < bound {
            let rejected = bound.wrapping_neg() % bound;
            while (product as u64) < rejected {
                product = self.bits() as u128 * bound as u128;
            }
        }
        (product >> 64) as u64
    }

    /// A number from 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) const fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The next number of `SplitMix64`.
const fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the authors' C code gives for the state 1, 2, 3, 4 (also the test of `rand_xoshiro`).
    #[test]
    fn the_stream_is_that_of_xoshiro256_plus_plus() {
        let mut generator = Generator([1, 2, 3, 4]);
        for expected in [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
            14_011_001_112_246_962_877,
            12_406_186_145_184_390_807,
            15_849_039_046_786_891_736,
            10_450_023_813_501_588_000,
        ] {
            assert_eq!(generator.bits(), expected);
        }
    }

    /// What the authors' C code gives for this seed (also the test of `rand_xoshiro`).
    #[test]
    fn the_state_is_filled_by_split_mix() {
        let mut state = 1_477_776_061_723_855_037;
        for expected in [
            1_985_237_415_132_408_290,
            2_979_275_885_539_914_483,
            13_511_426_838_097_143_398,
        ] {
            assert_eq!(split_mix(&mut state), expected);
        }
    }

    #[test]
    fn every_number_below_a_bound_is_as_likely() {
        let mut generator = Generator::new(1);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[usize::try_from(generator.below(7)).unwrap()] += 1;
        }
        // Five standard errors of a binomial count.
        assert!(
            counts.iter().all(|count| count.abs_diff(10_000) < 465),
            "{counts:?}"
        );
        assert_eq!(generator.below(0), 0);
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&generator.unit())));
    }
}
