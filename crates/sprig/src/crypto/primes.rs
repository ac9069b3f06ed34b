//! Prime numbers for keys.
//!
//! `rsa` could make its own. These stay because candidates are sieved before they are tested: in release builds, on one machine and in turns, forty keys of
//! 2048 bits took 0.83 s each here (median 0.68) and 2.2 s (1.6) with `RsaPrivateKey::new` of rsa 0.9. What is random comes from the World in both.

use num_bigint::BigUint;
use rand_core::RngCore;

/// How far from a random number its prime is looked for; of so many odd numbers of 2048 bits some ten are prime.
const REACH: usize = 1 << 14;

/// Candidates are divided by the primes below this first, which costs less than one test of a large number.
const SMALL: usize = 1 << 14;

/// Tests of Miller and Rabin for a random number of 1024 bits or more: FIPS 186-5, table B.1.
const ROUNDS: usize = 5;

/// A number of random bytes.
pub(super) fn random(source: &mut impl RngCore, size: usize) -> BigUint {
    let mut bytes = vec![0; size];
    source.fill_bytes(&mut bytes);
    BigUint::from_bytes_be(&bytes)
}

/// A random prime of so many bits, at least 1024, of which the two highest are set: so the product of two such primes has
/// exactly twice as many.
pub(super) fn random_prime(source: &mut impl RngCore, bits: u64) -> BigUint {
    let small = small_primes();
    loop {
        let size = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
        let mut start = random(source, size) >> (size as u64 * 8 - bits);
        for bit in [0, bits - 1, bits - 2] {
            start.set_bit(bit, true);
        }
        let candidates = sieve(&start, &small).into_iter().map(|offset| &start + offset).take_while(|number| number.bits() == bits);
        for candidate in candidates {
            if passes(&candidate, ROUNDS, source) {
                return candidate;
            }
        }
    }
}

/// The odd primes below [`SMALL`].
fn small_primes() -> Vec<u32> {
    let mut composite = vec![false; SMALL];
    let mut primes = Vec::new();
    for number in (3..SMALL).step_by(2) {
        if composite.get(number) == Some(&false) {
            primes.push(number as u32);
            composite.iter_mut().skip(number * number).step_by(number).for_each(|place| *place = true);
        }
    }
    primes
}

/// The even offsets from an odd number at which no small prime divides.
fn sieve(start: &BigUint, small: &[u32]) -> Vec<u32> {
    let mut divisible = vec![false; REACH];
    for &prime in small {
        let rest = (start % prime).iter_u32_digits().next().unwrap_or(0);
        let first = (prime - rest) % prime;
        divisible.iter_mut().skip(first as usize).step_by(prime as usize).for_each(|place| *place = true);
    }
    (0_u32..).zip(divisible).step_by(2).filter(|(_, divisible)| !divisible).map(|(offset, _)| offset).collect()
}

/// Whether an odd number is prime, for all that so many tests of Miller and Rabin with random bases can tell.
pub(super) fn passes(number: &BigUint, rounds: usize, source: &mut impl RngCore) -> bool {
    let one = BigUint::from(1_u8);
    let less = number - &one;
    let zeros = less.trailing_zeros().unwrap_or(0);
    let odd = &less >> zeros;
    let size = (number.bits() / 8) as usize;
    (0..rounds).all(|_| {
        let base = random(source, size) % (&less - 1_u8) + 1_u8;
        let mut power = base.modpow(&odd, number);
        let mut passes = power == one || power == less;
        for _ in 1..zeros {
            if passes {
                break;
            }
            power = &power * &power % number;
            passes = power == less;
        }
        passes
    })
}

#[cfg(test)]
mod tests {
    use super::super::random::Source;
    use super::*;
    use hydrate_base::MemoryWorld;

    #[test]
    fn small_primes_are_all_there_are() {
        let primes = small_primes();
        assert_eq!(primes.get(..6), Some(&[3, 5, 7, 11, 13, 17][..]));
        // π(16384) is 1900, with the 2 that is left out.
        assert_eq!(primes.len(), 1899);
    }

    #[test]
    fn the_sieve_leaves_what_no_small_prime_divides() {
        let start = BigUint::from(1_000_000_007_u64);
        let offsets = sieve(&start, &[3, 5, 7]);
        let left = |offset: &u32| [3_u64, 5, 7].iter().all(|prime| (1_000_000_007 + u64::from(*offset)) % prime != 0);
        let expected: Vec<u32> = (0..REACH as u32).step_by(2).filter(left).collect();
        assert_eq!(offsets, expected);
    }

    #[test]
    fn composites_do_not_pass() {
        let world = MemoryWorld::new();
        let mut source = Source(&world);
        let prime = BigUint::from(2_u8).pow(521) - 1_u8;
        assert!(passes(&prime, 20, &mut source));
        let other = BigUint::from(2_u8).pow(607) - 1_u8;
        assert!(!passes(&(&prime * &other), 5, &mut source) && !passes(&(&prime * &prime), 5, &mut source));
    }

    #[test]
    fn primes_have_their_length() {
        let world = MemoryWorld::new();
        let prime = random_prime(&mut Source(&world), 1024);
        assert!(prime.bits() == 1024 && prime.bit(1022) && passes(&prime, 20, &mut Source(&world)));
    }
}
