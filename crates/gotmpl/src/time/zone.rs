//! Time zones by name. The database is built in, so that output does not depend on the machine.

use hydrate_base::World;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use std::sync::OnceLock;

/// The zone of a name, as `time.LoadLocation` finds it: by its exact name; `None` where there is none.
///
/// The empty name and `UTC` are UTC. `Local` depends on the world: see [`local`].
pub fn load(name: &str) -> Option<TimeZone> {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    if name.is_empty() || name == "UTC" {
        return Some(TimeZone::UTC);
    }
    let zone = DATABASE.get_or_init(TimeZoneDatabase::bundled).get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(zone)
}

/// The zone of the machine as Go finds it: the one that the variable `TZ` names, or the content of
/// `/etc/localtime`, or UTC. Where templates do not see `TZ`, it is UTC: what is rendered does not depend on the machine.
pub fn local(world: &dyn World) -> TimeZone {
    // What `TZ` names keeps that name, a path too.
    let name = |path: &str| if path == "/etc/localtime" { "Local" } else { path }.to_owned();
    let file = |path: &str| TimeZone::tzif(&name(path), &world.read_system(std::path::Path::new(path)).ok()?).ok();
    if !world.shows_variable("TZ") {
        return TimeZone::UTC;
    }
    let found = match world.variable("TZ") {
        None => file("/etc/localtime"),
        Some(name) => match name.strip_prefix(':').unwrap_or(&name) {
            path if path.starts_with('/') => file(path),
            name => load(name),
        },
    };
    found.unwrap_or(TimeZone::UTC)
}

/// What `Location.String` gives: the name that a zone was loaded by, or that of a fixed offset, which may be empty.
pub fn name(zone: &TimeZone) -> String {
    if let Some(name) = zone.iana_name() {
        return name.to_owned();
    }
    if *zone == TimeZone::UTC {
        return "UTC".to_owned();
    }
    let shown = zone.to_offset_info(Timestamp::UNIX_EPOCH).abbreviation().to_owned();
    if shown.starts_with(['+', '-']) { String::new() } else { shown }
}

/// A zone of a fixed offset under a name; without one it is shown as its offset.
pub(super) fn fixed(name: &str, seconds: i32) -> TimeZone {
    let sign = |seconds: i32| if seconds < 0 { '-' } else { '+' };
    let absolute = seconds.unsigned_abs();
    let (hours, minutes, rest) = (absolute / 3600, absolute / 60 % 60, absolute % 60);
    let own = format!("{}{hours:02}{minutes:02}", sign(seconds));
    let shown = if name.is_empty() { &own } else { name };
    // POSIX counts offsets towards the west.
    let posix = format!("<{shown}>{}{hours:02}:{minutes:02}:{rest:02}", sign(-seconds));
    let plain = || Offset::from_seconds(seconds).map_or(TimeZone::UTC, TimeZone::fixed);
    TimeZone::posix(&posix).unwrap_or_else(|_| plain())
}

/// The offset that a zone has under an abbreviation, preferably at the given local time.
pub(super) fn offset_of(zone: &TimeZone, abbreviation: &str, local_seconds: i64) -> Option<i32> {
    let at = |seconds: i64| Timestamp::new(seconds, 0).ok();
    let here = at(local_seconds)?;
    let around = zone.preceding(here).take(4).chain(zone.following(here).take(4)).map(|change| change.timestamp());
    let mut found = None;
    for instant in around.chain([here]) {
        let info = zone.to_offset_info(instant);
        if info.abbreviation() != abbreviation {
            continue;
        }
        let offset = info.offset().seconds();
        let then = at(local_seconds - i64::from(offset))?;
        if zone.to_offset_info(then).abbreviation() == abbreviation {
            return Some(offset);
        }
        found = found.or(Some(offset));
    }
    found
}
