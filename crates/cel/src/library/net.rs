//! Addresses and ranges of them, as Go's `net/netip` reads them and the API server takes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) fn address(text: &str) -> Result<IpAddr, String> {
    let Ok(address) = text.parse::<IpAddr>() else {
        if text.contains('%') && text.split('%').next().is_some_and(|text| text.parse::<Ipv6Addr>().is_ok()) {
            return Err(format!("IP address {text:?} with zone value is not allowed"));
        }
        let why = hydrate_sprig::check_address(text.as_bytes()).err().unwrap_or_default();
        return Err(format!("IP Address {text:?} parse error during conversion from string: {why}"));
    };
    if is_mapped(&address) {
        return Err(format!("IPv4-mapped IPv6 address {text:?} is not allowed"));
    }
    Ok(address)
}

fn is_mapped(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(six) if six.to_ipv4_mapped().is_some())
}

pub(crate) fn range(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = |why: &str| format!("network address parse error during conversion from string: netip.ParsePrefix({text:?}): {why}");
    let (address, bits) = text.rsplit_once('/').ok_or_else(|| wrong("no '/'"))?;
    let parsed = address.parse::<IpAddr>().map_err(|_| match address.contains('%') {
        true => wrong("IPv6 zones cannot be present in a prefix"),
        false => wrong(&hydrate_sprig::check_address(address.as_bytes()).err().unwrap_or_default()),
    })?;
    let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits.len() == 1 || !bits.starts_with('0'));
    if !is_number {
        return Err(wrong(&format!("bad bits after slash: {bits:?}")));
    }
    let most = if parsed.is_ipv4() { 32 } else { 128 };
    match bits.parse::<u8>().ok().filter(|bits| *bits <= most) {
        None => Err(wrong("prefix length out of range")),
        Some(_) if is_mapped(&parsed) => Err(format!("IPv4-mapped IPv6 address {text:?} is not allowed")),
        Some(bits) => Ok((parsed, bits)),
    }
}

/// The first address of the range that an address is in.
pub(crate) fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let keep = u32::from(bits);
    match address {
        IpAddr::V4(four) => IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & u32::MAX.checked_shl(32 - keep).unwrap_or(0))),
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & u128::MAX.checked_shl(128 - keep).unwrap_or(0))),
    }
}

pub(crate) fn holds(range: (IpAddr, u8), address: IpAddr) -> bool {
    range.0.is_ipv4() == address.is_ipv4() && masked(range.0, range.1) == masked(address, range.1)
}

pub(crate) fn is_link_local_unicast(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.segments()[0] & 0xffc0 == 0xfe80,
    }
}

pub(crate) fn is_link_local_multicast(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.octets()[..3] == [224, 0, 0],
        IpAddr::V6(six) => six.segments()[0] & 0xff0f == 0xff02,
    }
}

pub(crate) fn is_global_unicast(address: &IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(four) if four.is_broadcast());
    !(is_broadcast || address.is_unspecified() || address.is_loopback() || address.is_multicast() || is_link_local_unicast(address))
}
