//! Random texts and numbers, drawn from the `World`.

use super::super::args::{self, Out, int, largest, too_large};
use base64::Engine;
use hydrate_base::World;
use hydrate_base::decision;
use hydrate_base::hash::hex;
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;

/// The world's randomness, for the crates that make keys.
pub(super) struct Source<'w>(pub(super) &'w dyn World);

impl rand_core::RngCore for Source<'_> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        self.0.random(buffer);
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.random(buffer);
        Ok(())
    }
}

/// The real world's randomness is the operating system's.
impl rand_core::CryptoRng for Source<'_> {}

/// The text that a function gives which lets chance decide: the one that the world keeps, where the function could have given it, else a new one.
///
/// `inputs` are what the function is given, passwords aside; what is kept for others is not asked for.
pub(crate) fn decided(
    vm: &Vm<'_>,
    function: &'static str,
    inputs: &[&[u8]],
    could_give: impl FnOnce(&[u8]) -> bool,
    make: impl Fn() -> Out,
) -> Out {
    let again = |answers: Vec<Option<Vec<u8>>>| answers.into_iter().next().flatten().filter(|answer| could_give(answer)).map(Value::str);
    decided_parts(
        vm,
        function,
        inputs,
        again,
        make,
        |made| if let Value::Str(text) = made { vec![text.as_bytes().to_vec()] } else { Vec::new() },
    )
}

/// The same for what may have several parts: `again` makes it of those that are kept, where it can, and `parts` takes it apart.
pub(super) fn decided_parts(
    vm: &Vm<'_>,
    function: &'static str,
    inputs: &[&[u8]],
    again: impl FnOnce(Vec<Option<Vec<u8>>>) -> Option<Value>,
    make: impl Fn() -> Out,
    parts: impl Fn(&Value) -> Vec<Vec<u8>>,
) -> Out {
    let kept = vm.world().decide(function, decision::inputs(function, inputs)).and_then(again);
    let made = kept.map_or_else(|| other_than(&vm.world().avoided(), &make, &parts), Ok)?;
    let parts = parts(&made);
    vm.world().decided(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
    Ok(made)
}

/// How often it is drawn again where the answer must not be the same: one of two comes the same every time in one of 2⁶⁴ cases.
const MOST_DRAWS: usize = 64;

/// Something else than what is avoided, unless there is nothing else.
fn other_than(avoided: &[Vec<u8>], make: impl Fn() -> Out, parts: impl Fn(&Value) -> Vec<Vec<u8>>) -> Out {
    let mut made = make()?;
    for _ in 0..MOST_DRAWS {
        if avoided.is_empty() || parts(&made) != avoided {
            break;
        }
        made = make()?;
    }
    Ok(made)
}

/// A number below `limit`, each equally likely; 0 for a limit of 0.
pub(crate) fn below(world: &dyn World, limit: u64) -> u64 {
    let mask = u64::MAX >> limit.saturating_sub(1).leading_zeros().min(63);
    loop {
        let mut bytes = [0; 8];
        world.random(&mut bytes);
        let number = u64::from_le_bytes(bytes) & mask;
        if number < limit.max(1) {
            return number;
        }
    }
}

/// A text of the given length over an alphabet of at most 256 letters.
fn letters(vm: &Vm<'_>, args: &[Value], alphabet: &[u8], what: &'static str) -> Out {
    let Ok(count) = usize::try_from(int(args, 0)) else { return args::string("") };
    if count > largest() {
        return Err(too_large(what));
    }
    let could_give = |text: &[u8]| text.len() == count && text.iter().all(|letter| alphabet.contains(letter));
    decided(vm, what, &[&count.to_le_bytes()], could_give, || {
        let mut text = drawn(vm, alphabet, count);
        // Templates use single letters of such texts too.
        if let Some(avoided) = vm.world().avoided().first() {
            text.iter_mut()
                .zip(avoided)
                .filter(|(letter, other)| letter == other)
                .for_each(|(letter, _)| *letter = next(alphabet, *letter));
        }
        args::string(text)
    })
}

/// The letter that follows another one.
fn next(alphabet: &[u8], letter: u8) -> u8 {
    let at = alphabet.iter().position(|other| *other == letter).unwrap_or_default();
    alphabet[(at + 1) % alphabet.len()]
}

fn drawn(vm: &Vm<'_>, alphabet: &[u8], count: usize) -> Vec<u8> {
    let fair = 256 / alphabet.len() * alphabet.len();
    let mut out = Vec::with_capacity(count);
    let mut buffer = [0; 64];
    while out.len() < count {
        vm.world().random(&mut buffer);
        let drawn = buffer.iter().map(|byte| usize::from(*byte)).filter(|number| *number < fair);
        out.extend(drawn.take(count - out.len()).map(|number| alphabet[number % alphabet.len()]));
    }
    out
}

/// `randAlphaNum COUNT`.
pub(crate) fn rand_alpha_num(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    letters(vm, args, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "randAlphaNum")
}

/// `randAlpha COUNT`.
pub(crate) fn rand_alpha(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    letters(vm, args, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "randAlpha")
}

/// `randNumeric COUNT`.
pub(crate) fn rand_numeric(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    letters(vm, args, b"0123456789", "randNumeric")
}

/// `randAscii COUNT`: printable characters, the space included.
pub(crate) fn rand_ascii(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let printable: Vec<u8> = (32..127).collect();
    letters(vm, args, &printable, "randAscii")
}

/// `randBytes COUNT`: in base 64.
pub(crate) fn rand_bytes(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let count = usize::try_from(int(args, 0)).map_err(|_| "runtime error: makeslice: len out of range")?;
    if count > largest() / 2 {
        return Err(too_large("randBytes"));
    }
    let could_give = |text: &[u8]| base64::engine::general_purpose::STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == count);
    decided(vm, "randBytes", &[&count.to_le_bytes()], could_give, || {
        let mut bytes = vec![0; count];
        vm.world().random(&mut bytes);
        args::string(base64::engine::general_purpose::STANDARD.encode(bytes))
    })
}

/// `uuidv4`.
pub(crate) fn uuid_v4(vm: &mut Vm<'_>, _: &[Value]) -> Out {
    decided(vm, "uuidv4", &[], is_uuid, || args::string(uuid(vm)))
}

/// Whether a text has the form of a UUID.
fn is_uuid(text: &[u8]) -> bool {
    let is_right = |(at, byte): (usize, &u8)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() };
    text.len() == 36 && text.iter().enumerate().all(is_right)
}

fn uuid(vm: &Vm<'_>) -> String {
    let mut bytes = [0; 16];
    vm.world().random(&mut bytes);
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut out = hex(&bytes);
    for at in [20, 16, 12, 8] {
        out.insert(at, '-');
    }
    out
}
