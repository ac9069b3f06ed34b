//! Messages between the two processes: a length in four bytes, and so many bytes of postcard.

use std::io::{self, Read};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use hydrate_base::{Diagnostic, Frame, Label, Severity, SourceFile};

/// The longest message: what all limits of rendering together let a component be.
pub const LONGEST: u32 = 2 << 30;

/// A message as it is sent. It is known to take about so many bytes.
pub fn encode<T: Serialize>(message: &T, about: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(about + 64);
    bytes.extend([0; 4]);
    let mut bytes = postcard::to_extend(message, bytes).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len() - 4).ok().filter(|length| *length <= LONGEST).ok_or(io::ErrorKind::FileTooLarge)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// The bytes of the next message; `None` at the end.
pub fn read(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // What is only promised takes no memory.
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(16 << 20)).unwrap_or_default());
    let read = from.take(length.into()).read_to_end(&mut bytes)?;
    if read as u64 == u64::from(length) { Ok(Some(bytes)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A message of bytes; one that has more or less than its type is none.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> io::Result<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A diagnostic as it is sent between the two processes, with each of its files once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    severity: Severity,
    message: String,
    files: Vec<(String, Vec<u8>)>,
    primary: Option<Place>,
    secondary: Vec<Place>,
    frames: Vec<(String, Option<Place>)>,
    notes: Vec<String>,
    help: Vec<String>,
}

/// A label: the number of its file, the bytes, the remark.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    file: usize,
    start: usize,
    end: usize,
    text: String,
}

impl From<&Diagnostic> for Told {
    fn from(told: &Diagnostic) -> Self {
        let mut files: Vec<Arc<SourceFile>> = Vec::new();
        let mut place = |label: &Label| {
            let known = files.iter().position(|file| Arc::ptr_eq(file, &label.file));
            let file = known.unwrap_or_else(|| {
                files.push(Arc::clone(&label.file));
                files.len() - 1
            });
            Place { file, start: label.span.start, end: label.span.end, text: label.text.clone() }
        };
        let primary = told.primary.as_ref().map(&mut place);
        let secondary = told.secondary.iter().map(&mut place).collect();
        let frames = told.frames.iter().map(|frame| (frame.what.clone(), frame.place.as_ref().map(&mut place))).collect();
        Self {
            severity: told.severity,
            message: told.message.clone(),
            files: files.iter().map(|file| (file.name.clone(), file.text.to_vec())).collect(),
            primary,
            secondary,
            frames,
            notes: told.notes.clone(),
            help: told.help.clone(),
        }
    }
}

impl From<Told> for Box<Diagnostic> {
    /// Places that are nowhere are left out.
    fn from(told: Told) -> Self {
        let files: Vec<Arc<SourceFile>> = told.files.into_iter().map(|(name, text)| SourceFile::new(name, text)).collect();
        let label = |place: Place| {
            let file = Arc::clone(files.get(place.file)?);
            (place.start <= place.end && place.end <= file.text.len()).then_some(Label {
                file,
                span: place.start..place.end,
                text: place.text,
            })
        };
        let mut all = Diagnostic::error(told.message);
        all.severity = told.severity;
        all.primary = told.primary.and_then(label);
        all.secondary = told.secondary.into_iter().filter_map(label).collect();
        all.frames = told.frames.into_iter().map(|(what, place)| Frame { what, place: place.and_then(label) }).collect();
        all.notes = told.notes;
        all.help = told.help;
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_arrive_as_they_were() {
        let (a, b) = (SourceFile::new("a", "text a\n".as_bytes()), SourceFile::new("b", "text b\n".as_bytes()));
        let place = Label { file: Arc::clone(&b), span: 1..2, text: "there".to_owned() };
        let told = Diagnostic::warning("m").at(&a, 0..4, "here").also(&a, 5..6, "").frame("f", Some(place)).note("n").help("h");
        let bytes = encode(&Told::from(&*told), 0).unwrap();
        let mut reader = &bytes[..];
        let message = read(&mut reader).unwrap().unwrap();
        let back: Box<Diagnostic> = decode::<Told>(&message).unwrap().into();
        assert_eq!(back, told);
        assert!(read(&mut reader).unwrap().is_none());
    }

    #[test]
    fn nonsense_is_refused() {
        let cases: [&[u8]; 3] = [&[1, 0], &[5, 0, 0, 0, 1], &[255, 255, 255, 255, 1]];
        for bytes in cases {
            assert!(matches!(read(&mut &bytes[..]), Err(_) | Ok(None)), "{bytes:?}");
        }
        assert!(decode::<u8>(&[1, 2]).is_err() && decode::<String>(&[255, 255, 255, 255, 15, 65]).is_err());
        let nowhere = Place { file: 7, start: 3, end: 1, text: String::new() };
        let (files, frames) = (vec![("a".to_owned(), b"x".to_vec())], vec![("f".to_owned(), Some(Place { file: 0, ..nowhere.clone() }))]);
        let (notes, help) = (Vec::new(), Vec::new());
        let told = Told {
            severity: Severity::Error,
            message: String::new(),
            files,
            primary: Some(nowhere),
            secondary: Vec::new(),
            frames,
            notes,
            help,
        };
        let back: Box<Diagnostic> = told.into();
        assert!(back.primary.is_none() && back.frames[0].place.is_none());
    }
}
