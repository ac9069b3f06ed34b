//! A small HTTP server for the tests: one closure answers, every request is kept, and answers can go wrong on the way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Arc<[u8]>,
    pub fault: Fault,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Fault {
    #[default]
    None,
    /// The connection is closed after so many bytes of the body.
    Cut(usize),
    /// Nothing is sent for so long after the first byte of the body.
    Stall(Duration),
    /// One byte of the body is sent, then a pause, and so on.
    Drip(Duration),
    /// The connection is closed before a byte is sent.
    Hangup,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Arc<[u8]>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn failing(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }
}

pub(crate) struct Server {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server on a free port of this machine. `answer` is given the request and how often its path was asked before.
    pub(crate) fn start(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || serve(&stream, &*answer, &log));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often a path was asked.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| asked.path == path).count()
    }
}

fn serve(stream: &TcpStream, answer: &dyn Fn(&Asked, usize) -> Reply, log: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut asked = read(&mut reader)?;
    // As a proxy it leads every tunnel to itself.
    if asked.path.starts_with(|first: char| first != '/') {
        (&mut &*stream).write_all(b"HTTP/1.1 200 x\r\n\r\n").ok()?;
        asked = read(&mut reader)?;
    }
    let before = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|one| one.path == asked.path).count();
        log.push(asked.clone());
        before
    };
    let is_head = asked.method == "HEAD";
    send(stream, &answer(&asked, before), is_head).ok()
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut asked = Asked { method, path, headers, body: Vec::new() };
    let length: u64 = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_end(&mut asked.body).ok()?;
    Some(asked)
}

fn send(mut stream: &TcpStream, reply: &Reply, is_head: bool) -> std::io::Result<()> {
    if matches!(reply.fault, Fault::Hangup) {
        return Ok(());
    }
    write!(stream, "HTTP/1.1 {} x\r\nConnection: close\r\nContent-Length: {}\r\n", reply.status, reply.body.len())?;
    for (name, value) in &reply.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    if is_head {
        return Ok(());
    }
    match reply.fault {
        Fault::Cut(bytes) => stream.write_all(&reply.body[..bytes]),
        Fault::Stall(time) => {
            stream.write_all(&reply.body[..1])?;
            stream.flush()?;
            std::thread::sleep(time);
            stream.write_all(&reply.body[1..])
        }
        Fault::Drip(pause) => reply.body.chunks(1).try_for_each(|byte| {
            std::thread::sleep(pause);
            stream.write_all(byte)
        }),
        _ => stream.write_all(&reply.body),
    }
}
