//! Addresses and prefixes of networks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::value::{Outcome, Value};
use super::{int_at, text_at};

/// An extension may have this many bits.
const MOST_BITS: i64 = 32;

/// A network: its address as a number, the width of addresses, the length of the prefix.
#[derive(Clone, Copy)]
struct Network {
    address: u128,
    width: u32,
    prefix: u32,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.show(self.address), self.prefix)
    }
}

/// A one followed by so many zeros; zero beyond 127.
fn power(bits: u32) -> u128 {
    1u128.checked_shl(bits).unwrap_or(0)
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is no prefix of a network, such as 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').ok_or_else(refused)?;
        let is_decimal = prefix.bytes().all(|byte| byte.is_ascii_digit()) && prefix.len() <= 3;
        let prefix: u32 = prefix.parse().ok().filter(|_| is_decimal).ok_or_else(refused)?;
        let (address, width) = match address.parse().map_err(|_| refused())? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        if prefix > width {
            return Err(refused());
        }
        let network = Self { address, width, prefix };
        Ok(Self { address: address & network.mask(), ..network })
    }

    fn mask(&self) -> u128 {
        let all = power(self.width).wrapping_sub(1);
        all & !power(self.width - self.prefix).wrapping_sub(1)
    }

    fn show(&self, address: u128) -> IpAddr {
        match self.width {
            32 => IpAddr::V4(Ipv4Addr::from(address as u32)),
            _ => IpAddr::V6(Ipv6Addr::from(address)),
        }
    }

    /// An address as Go shows it: one of IPv4 that is written in IPv6 as it is in IPv4.
    fn text(&self, address: u128) -> String {
        match self.show(address) {
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => address.to_string(),
                None => address.to_string(),
            },
            address => address.to_string(),
        }
    }
}

pub(super) fn host(arguments: &[Value]) -> Outcome {
    let number = int_at(arguments, 1)?;
    let network = Network::parse(text_at(arguments, 0)?)?;
    let last = power(network.width - network.prefix).wrapping_sub(1);
    let host = if number < 0 { u128::from(number.unsigned_abs()) - 1 } else { u128::from(number.unsigned_abs()) };
    if host > last {
        return Err(format!("a prefix of {} bits has no host {number}", network.prefix));
    }
    let host = if number < 0 { last - host } else { host };
    Ok(Value::string(&network.text(network.address | host)))
}

pub(super) fn netmask(arguments: &[Value]) -> Outcome {
    let network = Network::parse(text_at(arguments, 0)?)?;
    Ok(Value::string(&network.text(network.mask())))
}

pub(super) fn subnet(arguments: &[Value]) -> Outcome {
    let (bits, number) = (int_at(arguments, 1)?, int_at(arguments, 2)?);
    let network = Network::parse(text_at(arguments, 0)?)?;
    let bits = u32::try_from(bits).ok().filter(|bits| i64::from(*bits) <= MOST_BITS);
    let bits = bits.ok_or(format!("a prefix can be extended by 0 to {MOST_BITS} bits"))?;
    let prefix = network.prefix + bits;
    if prefix > network.width {
        return Err(format!("a prefix of {} bits cannot be extended by {bits}", network.prefix));
    }
    let number = u128::try_from(number).ok().filter(|number| *number < power(bits));
    let number = number.ok_or(format!("an extension by {bits} bits has no such subnet"))?;
    let shifted = number.checked_shl(network.width - prefix).unwrap_or(0);
    Ok(Value::string(&Network { address: network.address | shifted, prefix, ..network }.to_string()))
}

/// Subnets one after another, each aligned to its own size.
pub(super) fn subnets(arguments: &[Value]) -> Outcome {
    let network = Network::parse(text_at(arguments, 0)?)?;
    let mut next = Some(network.address);
    let mut subnets = Vec::new();
    for at in 1..arguments.len() {
        let bits = int_at(arguments, at)?;
        if !(1..=MOST_BITS).contains(&bits) {
            return Err(format!("a prefix is extended by 1 to {MOST_BITS} bits"));
        }
        let prefix = network.prefix + bits as u32;
        if prefix > network.width {
            return Err(format!("the prefix would have {prefix} bits, and an address has {}", network.width));
        }
        let size = power(network.width - prefix);
        let aligned = next.and_then(|next| next.checked_add(size - 1)).map(|next| next & !(size - 1));
        let Some(address) =
            aligned.filter(|address| address & network.mask() == network.address && (network.width == 128 || *address < power(32)))
        else {
            return Err(format!("there is no room left for a subnet with a prefix of {prefix} bits"));
        };
        next = address.checked_add(size);
        subnets.push(Value::string(&Network { address, prefix, ..network }.to_string()));
    }
    Value::strings(subnets)
}
