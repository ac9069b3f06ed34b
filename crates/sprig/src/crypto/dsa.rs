//! DSA keys with parameters of 2048 and 256 bits, which only `genPrivateKey "dsa"` makes.

use super::keys::{numbers, sequence_of};
use super::primes::{passes, random};
use num_bigint::BigUint;
use rand_core::RngCore;

/// A DSA key with its parameters.
pub(super) struct DsaKey {
    p: BigUint,
    q: BigUint,
    g: BigUint,
    y: BigUint,
    x: BigUint,
}

impl DsaKey {
    /// New parameters and a new key, in the manner of Go's `dsa.GenerateParameters`.
    pub(super) fn generate(source: &mut impl RngCore) -> Self {
        let one = BigUint::from(1_u8);
        let (p, q) = primes(source);
        let exponent = (&p - &one) / &q;
        let g = (2_u32..).map(|base| BigUint::from(base).modpow(&exponent, &p)).find(|g| *g != one).unwrap_or_else(|| one.clone());
        let x = loop {
            let x = random(source, 32);
            if x != BigUint::ZERO && x < q {
                break x;
            }
        };
        let y = g.modpow(&x, &p);
        Self { p, q, g, y, x }
    }

    /// Version, parameters, public and private number, as OpenSSL writes them.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let all = [&BigUint::ZERO, &self.p, &self.q, &self.g, &self.y, &self.x];
        sequence_of(&all.map(BigUint::to_bytes_be))
    }

    pub(super) fn from_der(content: &[u8]) -> Option<Self> {
        let all: Vec<BigUint> = numbers(content, 6)?.iter().map(|bytes| BigUint::from_bytes_be(bytes)).collect();
        let [_, p, q, g, y, x] = <[BigUint; 6]>::try_from(all).ok()?;
        Some(Self { p, q, g, y, x })
    }
}

/// A random odd number with its highest bit set.
fn random_odd(source: &mut impl RngCore, size: usize) -> BigUint {
    let mut number = random(source, size);
    number.set_bit(0, true);
    number.set_bit(size as u64 * 8 - 1, true);
    number
}

/// A prime of 2048 bits, and one of 256 bits that divides it less one.
fn primes(source: &mut impl RngCore) -> (BigUint, BigUint) {
    loop {
        let q = random_odd(source, 32);
        if !is_prime(&q, source) {
            continue;
        }
        for _ in 0..4 * 2048 {
            let candidate = random_odd(source, 256);
            let p = &candidate - &candidate % (&q * 2_u8) + 1_u8;
            if p.bits() == 2048 && is_prime(&p, source) {
                return (p, q);
            }
        }
    }
}

const SMALL: [u32; 54] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137,
    139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251,
];

/// Division by small primes, then 64 rounds of Miller and Rabin as in Go.
fn is_prime(number: &BigUint, source: &mut impl RngCore) -> bool {
    SMALL.iter().all(|prime| number % *prime != BigUint::ZERO) && passes(number, 64, source)
}
