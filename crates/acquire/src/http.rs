//! HTTP as supply needs it: bounded retries, timeouts, resumed downloads, credentials that never leave their host.
//!
//! Redirects are followed here and not by the HTTP library, because what may be sent along is decided at every hop.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{Certificate, ClientCert, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy};

use super::credentials::{Credentials, Login, TlsFiles};
use hydrate_address::Url;
use hydrate_base::{Diagnostic, World};

/// How long to wait and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// For a connection to be made.
    pub connect: Duration,
    /// For the answer to begin, and between two pieces of it.
    pub silence: Duration,
    /// For one download from its beginning to its end, all tries together.
    pub whole: Duration,
    /// How many times a request is made in all.
    pub tries: u32,
    /// The pause before the second try; it doubles with each further one.
    pub pause: Duration,
}

impl RetryPolicy {
    /// The defaults, changed by `HYDRATE_TIMEOUT` (seconds) and `HYDRATE_RETRIES`; `whole` is what the command line says.
    pub(crate) fn from_world(world: &dyn World, whole: Option<Duration>) -> Self {
        let number = |name: &str| world.variable(name).and_then(|text| text.parse::<u32>().ok());
        let silence = number("HYDRATE_TIMEOUT").map_or(Duration::from_secs(30), |seconds| Duration::from_secs(seconds.max(1).into()));
        let tries = number("HYDRATE_RETRIES").map_or(4, |retries| retries.min(20) + 1);
        let whole = whole.unwrap_or(WHOLE);
        Self { connect: silence.min(Duration::from_secs(10)), silence, whole, tries, pause: Duration::from_millis(250) }
    }
}

/// How long a download may take where nobody says.
const WHOLE: Duration = Duration::from_secs(300);
/// A server that sends less than so many bytes in so long only keeps us waiting.
const SLOWEST: (u64, Duration) = (1 << 10, Duration::from_secs(10));

/// Told how a download goes, for progress on a terminal.
pub trait Progress: Send + Sync {
    /// `bytes` more have arrived for an artifact of which `total` are expected, where the server says so.
    fn received(&self, artifact: &str, bytes: u64, total: Option<u64>) {
        let _ = (artifact, bytes, total);
    }

    /// An artifact has arrived whole, or will not.
    fn ended(&self, artifact: &str) {
        let _ = artifact;
    }
}

/// Nobody watches.
#[derive(Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {}

/// What a request asks.
#[derive(Debug, Clone, Copy)]
pub enum Method<'a> {
    /// For a body.
    Get,
    /// Whether there is one.
    Head,
    /// For something to be begun.
    Post,
    /// To take a body.
    Put {
        /// Its media type.
        kind: &'a str,
        /// It.
        body: &'a [u8],
    },
}

/// One request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Where to.
    pub url: &'a Url,
    /// What is fetched, in the user's words: the subject of every error.
    pub artifact: &'a str,
    /// What is done: `fetch` or `push`, for errors.
    pub doing: &'static str,
    /// What is asked.
    pub method: Method<'a>,
    /// Whether it is tried again when the connection fails.
    pub once: bool,
    /// The `Accept` header.
    pub accept: Option<&'a str>,
    /// The `Authorization` header, in place of what the credentials hold for this host.
    pub authorization: Option<&'a str>,
    /// Whether to send credentials at all.
    pub anonymous: bool,
    /// The most bytes of a body.
    pub limit: u64,
}

impl<'a> Request<'a> {
    /// A plain GET of at most `limit` bytes.
    pub fn get(url: &'a Url, artifact: &'a str, limit: u64) -> Self {
        Self { url, artifact, doing: "fetch", method: Method::Get, once: false, accept: None, authorization: None, anonymous: false, limit }
    }
}

/// An answer that is not an error of the transport; 4xx is an answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Vec<u8>,
    /// Where the last hop was.
    pub url: Url,
}

impl Answer {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why a try did not give an answer, and whether another may.
struct Fault {
    again: bool,
    wait: Option<Duration>,
    diagnostic: Box<Diagnostic>,
}

type Try<T> = Result<T, Fault>;

fn fault(again: bool, diagnostic: Box<Diagnostic>) -> Fault {
    Fault { again, wait: None, diagnostic }
}

/// The HTTP client of one run; threads share it.
pub struct Client {
    agents: Mutex<BTreeMap<AgentKey, Agent>>,
    credentials: Arc<Credentials>,
    proxies: Proxies,
    roots: Roots,
    retry_policy: RetryPolicy,
    offline: bool,
    progress: Arc<dyn Progress>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct AgentKey {
    secure: bool,
    proxy: Option<String>,
    tls: Option<TlsFiles>,
}

impl Client {
    /// A client that takes proxies, extra certificates and retry_policy from the world's environment variables.
    pub fn new(
        world: &dyn World,
        credentials: Arc<Credentials>,
        offline: bool,
        whole: Option<Duration>,
        progress: Arc<dyn Progress>,
    ) -> Self {
        Self {
            agents: Mutex::default(),
            credentials,
            proxies: Proxies::from_world(world),
            roots: Roots::from_world(world),
            retry_policy: RetryPolicy::from_world(world, whole),
            offline,
            progress,
        }
    }

    /// The credentials this client sends.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Fetches a body whole, retrying and resuming. Statuses other than 2xx are answers too, except 429 and 5xx that
    /// persist.
    pub fn fetch(&self, request: Request<'_>) -> Result<Answer, Box<Diagnostic>> {
        let mut partial = Partial::default();
        let answer = match request.once {
            true => self.fetch_once(request, &mut partial, Instant::now() + self.retry_policy.whole).map_err(|fault| fault.diagnostic),
            false => self.retried(request.artifact, |end| self.fetch_once(request, &mut partial, end)),
        };
        self.progress.ended(request.artifact);
        answer
    }

    /// Hands the body of a 2xx answer to `read` as it arrives, retrying from its beginning; any other status is given
    /// back with its body, as `Err` of the inner result.
    pub fn stream<T>(
        &self,
        request: Request<'_>,
        mut read: impl FnMut(&mut dyn Read) -> std::io::Result<T>,
    ) -> Result<Result<T, Answer>, Box<Diagnostic>> {
        let result = self.retried(request.artifact, |end| {
            let (response, url) = self.follow(request, None)?;
            if !response.status().is_success() {
                return self.whole(request, response, url, &mut Partial::default(), end).map(Err);
            }
            let total = response.body().content_length();
            let (parts, body) = response.into_parts();
            drop(parts);
            let mut counted = Counted::new(body.into_reader(), total, request, &*self.progress, end);
            match read(&mut counted) {
                Ok(value) => Ok(Ok(value)),
                Err(error) => Err(counted.explain(error)),
            }
        });
        self.progress.ended(request.artifact);
        result
    }

    /// Sends a form by POST and gives the answer; for OAuth token services only.
    pub(crate) fn post_form(&self, url: &Url, artifact: &str, form: &[(&str, &str)]) -> Result<Answer, Box<Diagnostic>> {
        let request = Request { anonymous: true, ..Request::get(url, artifact, 1 << 20) };
        self.retried(artifact, |end| {
            self.check_online(request)?;
            let agent = self.agent(url).map_err(|diagnostic| fault(false, diagnostic))?;
            let sent = agent.post(url.as_str()).send_form(form.iter().copied());
            let response = sent.map_err(|error| transport(request, url, &error))?;
            self.whole(request, response, url.clone(), &mut Partial::default(), end)
        })
    }

    /// Tries until something has worked, the tries are used up, or the time is.
    pub(crate) fn again<T>(
        &self,
        artifact: &str,
        mut attempt: impl FnMut() -> Result<T, (bool, Box<Diagnostic>)>,
    ) -> Result<T, Box<Diagnostic>> {
        self.retried(artifact, |_| attempt().map_err(|(again, diagnostic)| fault(again, diagnostic)))
    }

    /// Tries until there is an answer, the tries are used up, or the time is; each is told when that is.
    fn retried<T>(&self, artifact: &str, mut attempt: impl FnMut(Instant) -> Try<T>) -> Result<T, Box<Diagnostic>> {
        let mut pause = self.retry_policy.pause;
        let end = Instant::now() + self.retry_policy.whole;
        for number in 1.. {
            match attempt(end) {
                Ok(value) => return Ok(value),
                Err(fault) if fault.again && number < self.retry_policy.tries && Instant::now() < end => {
                    std::thread::sleep(fault.wait.unwrap_or(pause).min(Duration::from_secs(30)) + jitter(artifact, number));
                    pause = (pause * 2).min(Duration::from_secs(10));
                }
                Err(fault) if number > 1 => return Err(fault.diagnostic.note(format!("tried {number} times"))),
                Err(fault) => return Err(fault.diagnostic),
            }
        }
        Err(Diagnostic::error(format!("cannot fetch {artifact}")))
    }

    fn fetch_once(&self, request: Request<'_>, partial: &mut Partial, end: Instant) -> Try<Answer> {
        let (response, url) = self.follow(request, partial.resume())?;
        self.whole(request, response, url, partial, end)
    }

    /// Reads a whole body into `partial`, which keeps what has arrived when the connection is cut.
    fn whole(&self, request: Request<'_>, response: Response<Body>, url: Url, partial: &mut Partial, end: Instant) -> Try<Answer> {
        let status = response.status().as_u16();
        if status == 416 && !partial.bytes.is_empty() {
            *partial = Partial::default();
            return Err(fault(true, Diagnostic::error(format!("{}: {url} cannot be resumed", request.artifact))));
        }
        let (parts, body) = response.into_parts();
        if matches!(request.method, Method::Head) {
            return Ok(Answer { status, headers: parts.headers, body: Vec::new(), url });
        }
        let total = body.content_length();
        partial.begin(status, &parts.headers);
        if total.is_some_and(|total| total > request.limit) {
            return Err(fault(false, too_large(request, &url)));
        }
        let mut counted = Counted::new(body.into_reader(), total, request, &*self.progress, end);
        let mut rest = (&mut counted).take(request.limit.saturating_add(1).saturating_sub(partial.bytes.len() as u64));
        let read = rest.read_to_end(&mut partial.bytes);
        if partial.bytes.len() as u64 > request.limit {
            return Err(fault(false, too_large(request, &url)));
        }
        read.map_err(|error| counted.explain(error))?;
        if total.is_some_and(|total| counted.seen < total) {
            return Err(counted.explain(std::io::ErrorKind::UnexpectedEof.into()));
        }
        let status = if status == 206 { 200 } else { status };
        Ok(Answer { status, headers: parts.headers, body: std::mem::take(&mut partial.bytes), url })
    }

    /// Makes the request and follows redirects; statuses that another try may cure are faults.
    fn follow(&self, request: Request<'_>, resume: Option<(u64, &str)>) -> Try<(Response<Body>, Url)> {
        let mut url = request.url.clone();
        for _ in 0..=10 {
            self.check_online(request)?;
            let response = self.one_hop(request, &url, resume)?;
            let status = response.status().as_u16();
            if matches!(status, 301 | 302 | 303 | 307 | 308) {
                url = redirected(request, &url, &response)?;
            } else if status == 429 || status >= 500 {
                return Err(server_error(request, &url, &response));
            } else {
                return Ok((response, url));
            }
        }
        let text = format!("cannot {} {}: more than 10 redirects", request.doing, request.artifact);
        Err(fault(false, Diagnostic::error(text).note(format!("the first request was to {}", request.url))))
    }

    fn one_hop(&self, request: Request<'_>, url: &Url, resume: Option<(u64, &str)>) -> Try<Response<Body>> {
        let agent = self.agent(url).map_err(|diagnostic| fault(false, diagnostic))?;
        let mut headers: Vec<(&str, String)> = Vec::new();
        headers.extend(request.accept.map(|accept| ("Accept", accept.to_owned())));
        headers.extend(self.authorization(request, url).map(|value| ("Authorization", value)));
        if let Some((from, validator)) = resume {
            headers.extend([("Range", format!("bytes={from}-")), ("If-Range", validator.to_owned())]);
        }
        let address = url.as_str();
        let sent = match request.method {
            Method::Get => with(agent.get(address), headers).call(),
            Method::Head => with(agent.head(address), headers).call(),
            Method::Post => with(agent.post(address), headers).send_empty(),
            Method::Put { kind, body } => with(agent.put(address), headers).header("Content-Type", kind).send(body),
        };
        sent.map_err(|error| transport(request, url, &error))
    }

    /// What to authorize with at this hop: nothing once a redirect has left the host that was asked.
    fn authorization(&self, request: Request<'_>, url: &Url) -> Option<String> {
        if request.anonymous || !url.same_origin(request.url) {
            return None;
        }
        match request.authorization {
            Some(value) => Some(value.to_owned()),
            None => self.credentials.login(url).map(|login| Login::header(&login)),
        }
    }

    fn check_online(&self, request: Request<'_>) -> Try<()> {
        if !self.offline {
            return Ok(());
        }
        if request.doing != "fetch" {
            let text = format!("cannot {} {}: --offline forbids it", request.doing, request.artifact);
            return Err(fault(false, Diagnostic::error(text).note(format!("it would ask {}", request.url))));
        }
        let text = format!("{} is not in the cache, and --offline forbids fetching it", request.artifact);
        let help = "run `hydrate fetch` with the network at hand, or `hydrate vendor` to keep it in the repository";
        Err(fault(false, Diagnostic::error(text).note(format!("it would come from {}", request.url)).help(help)))
    }

    fn agent(&self, url: &Url) -> Result<Agent, Box<Diagnostic>> {
        let secure = url.scheme() == "https";
        let key = AgentKey { secure, proxy: self.proxies.pick(url), tls: self.credentials.tls(url).filter(|_| secure) };
        let mut agents = self.agents.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let agent = self.build(&key)?;
        agents.insert(key, agent.clone());
        Ok(agent)
    }

    fn build(&self, key: &AgentKey) -> Result<Agent, Box<Diagnostic>> {
        let proxy = match &key.proxy {
            Some(text) => Some(Proxy::new(text).map_err(|_| bad_proxy(text))?),
            None => None,
        };
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .user_agent(concat!("hydrate/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(self.retry_policy.connect))
            .timeout_connect(Some(self.retry_policy.connect))
            .timeout_global(Some(self.retry_policy.whole))
            .timeout_recv_response(Some(self.retry_policy.silence))
            .timeout_per_read(Some(self.retry_policy.silence));
        if key.secure {
            config = config.tls_config(self.tls(key.tls.as_ref())?);
        }
        Ok(config.build().new_agent())
    }

    fn tls(&self, files: Option<&TlsFiles>) -> Result<TlsConfig, Box<Diagnostic>> {
        let mut roots = self.roots.trusted()?;
        if let Some(path) = files.and_then(|files| files.ca.as_deref()) {
            roots.get_or_insert_default().extend(read_certificates(path)?);
        }
        let mut tls = TlsConfig::builder();
        if let Some(roots) = roots {
            tls = tls.root_certs(RootCerts::from(roots));
        }
        if let Some((cert, key)) = files.and_then(|files| files.client.as_ref()) {
            tls = tls.client_cert(Some(client_certificate(cert, key)?));
        }
        if files.is_some_and(|files| files.insecure) {
            tls = tls.disable_verification(true);
        }
        Ok(tls.build())
    }
}

fn with<B>(call: ureq::RequestBuilder<B>, headers: Vec<(&str, String)>) -> ureq::RequestBuilder<B> {
    headers.into_iter().fold(call, |call, (name, value)| call.header(name, value))
}

/// The authorities that are trusted: the system's, or in their place what OpenSSL's variables name, and one file more.
struct Roots {
    file: Option<String>,
    directories: Option<String>,
    extra: Option<String>,
}

impl Roots {
    fn from_world(world: &dyn World) -> Self {
        let variable = |name| world.variable(name).filter(|text| !text.is_empty());
        Self { file: variable("SSL_CERT_FILE"), directories: variable("SSL_CERT_DIR"), extra: variable("HYDRATE_CA_FILE") }
    }

    /// The certificates; `None` where no variable names any and the system has none: then those of the HTTP library hold.
    fn trusted(&self) -> Result<Option<Vec<Certificate<'static>>>, Box<Diagnostic>> {
        let named = self.file.is_some() || self.directories.is_some();
        let found = if named { self.named()? } else { rustls_native_certs::load_native_certs().certs };
        let mut roots: Vec<_> = found.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
        if let Some(path) = &self.extra {
            roots.extend(read_certificates(path)?);
        }
        Ok((named || !roots.is_empty()).then_some(roots))
    }

    /// As OpenSSL has it, each variable stands for one of two places, and where it is not set that place is the system's.
    /// A file that is named must be there; of the directories those that are not there are passed over.
    fn named(&self) -> Result<Vec<CertificateDer<'static>>, Box<Diagnostic>> {
        let system = openssl_probe::probe();
        let file = self.file.as_ref().map(PathBuf::from);
        if let Some(path) = &self.file {
            std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
        }
        let directories = match &self.directories {
            Some(list) => std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect(),
            None => system.cert_dir,
        };
        let mut found = rustls_native_certs::load_certs_from_paths(file.or(system.cert_file).as_deref(), None).certs;
        for directory in &directories {
            found.extend(rustls_native_certs::load_certs_from_paths(None, Some(directory)).certs);
        }
        Ok(found)
    }
}

fn read_certificates(path: &str) -> Result<Vec<Certificate<'static>>, Box<Diagnostic>> {
    let pem = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    Ok(certificates(&pem).collect())
}

fn certificates(pem: &[u8]) -> impl Iterator<Item = Certificate<'static>> + '_ {
    parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    })
}

fn client_certificate(cert: &str, key: &str) -> Result<ClientCert, Box<Diagnostic>> {
    let pem = std::fs::read(cert).map_err(|error| unreadable(cert, &error))?;
    let key_pem = std::fs::read(key).map_err(|error| unreadable(key, &error))?;
    let private = ureq::tls::PrivateKey::from_pem(&key_pem)
        .map_err(|error| Diagnostic::error(format!("the TLS client key {key} cannot be used")).note(error.to_string()))?;
    let chain: Vec<_> = certificates(&pem).collect();
    if chain.is_empty() {
        return Err(Diagnostic::error(format!("the TLS client certificate {cert} holds no certificate in PEM form")));
    }
    check_client(&chain, &private).map_err(|error| {
        Diagnostic::error(format!("the TLS client certificate {cert} with the key {key} cannot be used")).note(error.to_string())
    })?;
    Ok(ClientCert::new_with_certs(&chain, private))
}

/// The HTTP library takes for granted that a certificate is sound and fits its key.
fn check_client(chain: &[Certificate<'_>], key: &ureq::tls::PrivateKey<'_>) -> Result<(), rustls::Error> {
    use rustls::pki_types::PrivateKeyDer;
    let chain = chain.iter().map(|one| CertificateDer::from(one.der().to_vec())).collect();
    let key = PrivateKeyDer::try_from(key.der().to_vec()).map_err(|error| rustls::Error::General(error.to_owned()))?;
    rustls::sign::CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()).map(drop)
}

fn unreadable(path: &str, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error(format!("cannot read {path}")).note(error.to_string())
}

fn bad_proxy(text: &str) -> Box<Diagnostic> {
    let shown = text.rsplit('@').next().unwrap_or(text);
    Diagnostic::error(format!("the proxy {shown} is not a usable address"))
        .help("set HTTPS_PROXY and HTTP_PROXY to http://HOST:PORT, or unset them")
}

/// What has arrived of a body, kept over tries so that the next one can go on from there.
#[derive(Default)]
struct Partial {
    bytes: Vec<u8>,
    validator: Option<String>,
}

impl Partial {
    fn resume(&self) -> Option<(u64, &str)> {
        let validator = self.validator.as_deref().filter(|_| !self.bytes.is_empty())?;
        Some((self.bytes.len() as u64, validator))
    }

    /// A 206 goes on where the last try ended; anything else begins again.
    fn begin(&mut self, status: u16, headers: &HeaderMap) {
        if status != 206 {
            self.bytes.clear();
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let strong = text("etag").filter(|tag| !tag.starts_with("W/"));
        self.validator = strong.or_else(|| text("last-modified"));
    }
}

/// Counts a body, reports progress, and puts errors into words.
struct Counted<'a, R> {
    inner: R,
    seen: u64,
    total: Option<u64>,
    request: Request<'a>,
    progress: &'a dyn Progress,
    /// When it has to be over.
    end: Instant,
    /// Since when, and from which byte on, the speed is measured.
    since: (Instant, u64),
}

/// Why a download that goes on is given up.
#[derive(Debug, thiserror::Error)]
enum GivenUp {
    #[error("it was not over in time")]
    Late,
    #[error("less than {} bytes arrived in {} s", SLOWEST.0, SLOWEST.1.as_secs())]
    Slow,
}

impl<'a, R> Counted<'a, R> {
    fn new(inner: R, total: Option<u64>, request: Request<'a>, progress: &'a dyn Progress, end: Instant) -> Self {
        Self { inner, seen: 0, total, request, progress, end, since: (Instant::now(), 0) }
    }

    /// An error where the download is late, or hardly moves.
    fn check_time(&mut self) -> std::io::Result<()> {
        let now = Instant::now();
        if now >= self.end {
            return Err(std::io::Error::other(GivenUp::Late));
        }
        let (start, from) = self.since;
        if now.duration_since(start) < SLOWEST.1 {
            return Ok(());
        }
        self.since = (now, self.seen);
        if self.seen - from < SLOWEST.0 { Err(std::io::Error::other(GivenUp::Slow)) } else { Ok(()) }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.seen += count as u64;
        if count > 0 {
            self.check_time()?;
        }
        self.progress.received(self.request.artifact, count as u64, self.total);
        Ok(count)
    }
}

impl<R> Counted<'_, R> {
    fn explain(&self, error: std::io::Error) -> Fault {
        if error.kind() == std::io::ErrorKind::InvalidData {
            let text = format!("cannot read {}", self.request.artifact);
            return fault(false, Diagnostic::error(text).note(format!("{}: {error}", self.request.url)));
        }
        let arrived = match self.total {
            Some(total) => format!("{} of {total} bytes had arrived", self.seen),
            None => format!("{} bytes had arrived", self.seen),
        };
        if let Some(why) = given_up(&error) {
            let text = format!("the download of {} was given up", self.request.artifact);
            let error = Diagnostic::error(text).note(format!("{}: {why}; {arrived}", self.request.url));
            return fault(false, error.help("--download-timeout SECONDS (HYDRATE_DOWNLOAD_TIMEOUT) gives a download longer than 300 s; a server that hardly sends anything is not waited for"));
        }
        let text = format!("the download of {} was cut off", self.request.artifact);
        fault(true, Diagnostic::error(text).note(format!("{}: {}; {arrived}", self.request.url, io_reason(&error))))
    }
}

fn io_reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the connection was closed early".to_owned(),
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => "nothing more arrived in time".to_owned(),
        _ if matches!(inner(error), Some(ureq::Error::Timeout(_))) => "nothing more arrived in time".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether this error of reading says that the download took too long.
fn given_up(error: &std::io::Error) -> Option<GivenUp> {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(GivenUp::Late) => Some(GivenUp::Late),
        Some(GivenUp::Slow) => Some(GivenUp::Slow),
        None => matches!(inner(error), Some(ureq::Error::Timeout(ureq::Timeout::Global))).then_some(GivenUp::Late),
    }
}

/// The HTTP library's own error inside of one of reading.
fn inner(error: &std::io::Error) -> Option<&ureq::Error> {
    error.get_ref()?.downcast_ref()
}

fn too_large(request: Request<'_>, url: &Url) -> Box<Diagnostic> {
    Diagnostic::error(format!("{} is larger than the {} bytes allowed", request.artifact, request.limit)).note(format!("from {url}"))
}

fn redirected(request: Request<'_>, from: &Url, response: &Response<Body>) -> Try<Url> {
    let target = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bad = |why: &str| {
        let text = format!("cannot {} {}: {from} redirects {why}", request.doing, request.artifact);
        fault(false, Diagnostic::error(text))
    };
    let url = from.join(target).ok_or_else(|| bad("to an address that cannot be used"))?;
    if from.scheme() == "https" && url.scheme() != "https" {
        return Err(bad(&format!("from https to {}", url.scheme())));
    }
    Ok(url)
}

fn server_error(request: Request<'_>, url: &Url, response: &Response<Body>) -> Fault {
    let status = response.status();
    let text = format!("cannot {} {}: the server answered {status}", request.doing, request.artifact);
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let again = status.as_u16() != 501;
    Fault { again, wait: seconds.map(Duration::from_secs), diagnostic: Diagnostic::error(text).note(format!("asked: {url}")) }
}

/// Puts an error of the transport into words: which stage failed, and what to look at.
fn transport(request: Request<'_>, url: &Url, error: &ureq::Error) -> Fault {
    let host = url.host();
    let (again, why, help) = match error {
        error if is_unresolved(error) => (
            true,
            format!("the name {host} cannot be resolved (DNS)"),
            "check the spelling of the host, the network, and HTTPS_PROXY/NO_PROXY".to_owned(),
        ),
        ureq::Error::Timeout(stage) => {
            (true, format!("{host} did not answer in time ({stage:?})"), "HYDRATE_TIMEOUT=SECONDS waits longer".to_owned())
        }
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => (
            false,
            format!("no trusted TLS connection to {host}: {error}"),
            "for a private certificate authority set HYDRATE_CA_FILE to its PEM file, or caFile in helm's repositories.yaml".to_owned(),
        ),
        ureq::Error::ConnectProxyFailed(reason) => {
            (true, format!("the proxy refused to connect to {host}: {reason}"), "check HTTPS_PROXY and NO_PROXY".to_owned())
        }
        ureq::Error::Io(io) if is_tls(io) => (
            false,
            format!("no trusted TLS connection to {host}: {io}"),
            "for a private certificate authority set HYDRATE_CA_FILE to its PEM file, or caFile in helm's repositories.yaml".to_owned(),
        ),
        ureq::Error::Io(io) => (true, format!("no connection to {}: {}", url.authority(), io_reason(io)), network_help()),
        ureq::Error::ConnectionFailed => (true, format!("no connection to {}", url.authority()), network_help()),
        other => (false, format!("{other}"), network_help()),
    };
    let text = format!("cannot {} {}", request.doing, request.artifact);
    fault(again, Diagnostic::error(text).note(why).note(format!("asked: {url}")).help(help))
}

/// The standard library tells a name that cannot be resolved from other failures by its text alone.
fn is_unresolved(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound => true,
        ureq::Error::Io(io) => io.to_string().starts_with("failed to lookup address information"),
        _ => false,
    }
}

fn is_tls(error: &std::io::Error) -> bool {
    let text = error.to_string();
    error.kind() == std::io::ErrorKind::InvalidData || text.contains("certificate") || text.contains("tls")
}

fn network_help() -> String {
    "check the network and the address, or work from what is fetched with --offline".to_owned()
}

/// A few milliseconds that differ between artifacts, so that parallel downloads do not come back in step.
fn jitter(artifact: &str, number: u32) -> Duration {
    let sum = artifact.bytes().fold(u64::from(number), |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    Duration::from_millis(sum % 97)
}

/// The proxies that the environment names, by scheme, and the hosts that are reached without.
#[derive(Default)]
struct Proxies {
    http: Option<String>,
    https: Option<String>,
    none: Vec<String>,
}

impl Proxies {
    fn from_world(world: &dyn World) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| world.variable(name).filter(|text| !text.is_empty()));
        let none = first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        Self {
            http: first(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            none: none.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).collect(),
        }
    }

    fn pick(&self, url: &Url) -> Option<String> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.clone().filter(|_| !url.is_loopback() && !self.none.iter().any(|entry| exempt(entry, url)))
    }
}

/// One entry of NO_PROXY, as Go's `httpproxy` reads them: `*`, a host, a domain with or without its dot, a port, an
/// address range.
fn exempt(entry: &str, url: &Url) -> bool {
    let host = url.host().to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        return in_network(&host, network, bits);
    }
    let (name, port) = match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        _ => (entry, None),
    };
    if port.is_some_and(|port| port != url.port().to_string()) {
        return false;
    }
    let domain = name.trim_start_matches("*.").trim_start_matches('.');
    (host == domain && !name.starts_with('.')) || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn in_network(host: &str, network: &str, bits: &str) -> bool {
    use std::net::IpAddr;
    let (Ok(host), Ok(network), Ok(bits)) = (host.parse::<IpAddr>(), network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    match (host, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => (u32::from(a) ^ u32::from(b)).checked_shr(32 - bits).unwrap_or(0) == 0,
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => (u128::from(a) ^ u128::from(b)).checked_shr(128 - bits).unwrap_or(0) == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        /// The HTTP library reads addresses on its own; it asks the host that was checked, or none.
        #[test]
        fn the_host_that_is_asked_is_the_one_that_was_read(text in "https?://[a0.1:/@\\\\?#\\[\\]%{ä-]{0,12}") {
            let Some(url) = Url::parse(&text) else { return Ok(()) };
            if let Ok(uri) = url.as_str().parse::<ureq::http::Uri>() {
                let default = if url.scheme() == "http" { 80 } else { 443 };
                proptest::prop_assert_eq!(uri.host().map(|host| host.trim_matches(['[', ']'])), Some(url.host()));
                proptest::prop_assert_eq!(uri.port_u16().unwrap_or(default), url.port());
                proptest::prop_assert_eq!(uri.scheme_str(), Some(url.scheme()));
            }
        }
    }

    #[test]
    fn authorities_are_those_that_openssl_would_trust() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).display().to_string();
        let write = |name: &str, body: &str| {
            std::fs::write(path(name), format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")).unwrap();
        };
        for directory in ["one", "two"] {
            std::fs::create_dir(path(directory)).unwrap();
        }
        for (name, body) in [("file.pem", "AAAA"), ("one/1.0", "AAAB"), ("two/2.0", "AAAC"), ("extra.pem", "AAAD")] {
            write(name, body);
        }
        std::fs::write(path("one/README"), "no certificate").unwrap();
        let trusted = |variables: &[(&str, String)]| {
            let world = variables.iter().fold(hydrate_base::MemoryWorld::new(), |world, (name, value)| world.with_variable(name, value));
            let roots = Roots::from_world(&world).trusted().map_err(|error| error.to_string())?;
            Ok::<_, String>(roots.map(|roots| roots.iter().map(|one| one.der().get(2).copied().unwrap_or_default()).collect::<Vec<_>>()))
        };
        let list = format!("{}:{}:{}", path("one"), path("nowhere"), path("two"));
        let (file, directories) = (("SSL_CERT_FILE", path("file.pem")), ("SSL_CERT_DIR", list));
        let extra = ("HYDRATE_CA_FILE", path("extra.pem"));
        assert_eq!(trusted(&[file.clone(), directories.clone()]).unwrap(), Some(vec![0, 1, 2]));
        assert_eq!(trusted(&[file.clone(), directories, extra.clone()]).unwrap(), Some(vec![0, 1, 2, 3]));
        // A variable that names nothing trusts nobody, rather than somebody else.
        assert_eq!(trusted(&[("SSL_CERT_FILE", path("one/README")), ("SSL_CERT_DIR", path("nowhere"))]).unwrap(), Some(vec![]));
        // The other place is the system's.
        let with_file = trusted(&[file]).unwrap().unwrap();
        assert!(with_file.first() == Some(&0), "{} roots", with_file.len());
        assert!(trusted(&[extra]).unwrap().unwrap().contains(&3));
        for variable in ["SSL_CERT_FILE", "HYDRATE_CA_FILE"] {
            let error = trusted(&[(variable, path("missing.pem"))]).unwrap_err();
            assert!(error.contains("cannot read") && error.contains("missing.pem"), "{error}");
        }
    }

    #[test]
    fn what_hardly_moves_is_given_up() {
        let address = url("https://example.org/x");
        let counted = |seen| {
            let end = Instant::now() + Duration::from_secs(60);
            let mut counted = Counted::new(&b""[..], None, Request::get(&address, "x", 1), &NoProgress, end);
            counted.since = (Instant::now().checked_sub(SLOWEST.1).unwrap(), 0);
            counted.seen = seen;
            counted
        };
        assert!(counted(SLOWEST.0).check_time().is_ok());
        let mut slow = counted(SLOWEST.0 - 1);
        let fault = {
            let error = slow.check_time().unwrap_err();
            slow.explain(error)
        };
        assert!(!fault.again && fault.diagnostic.to_string().contains("less than 1024 bytes arrived in 10 s"), "{}", fault.diagnostic);
    }

    #[test]
    fn no_proxy_entries() {
        for (entry, address, want) in [
            ("*", "https://a.example/x", true),
            ("example.org", "https://example.org/", true),
            ("example.org", "https://charts.example.org/", true),
            ("example.org", "https://notexample.org/", false),
            (".example.org", "https://example.org/", false),
            (".example.org", "https://a.example.org/", true),
            ("example.org:8443", "https://example.org:8443/", true),
            ("example.org:8443", "https://example.org/", false),
            ("10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("0.0.0.0/0", "http://11.1.2.3/", true),
        ] {
            assert_eq!(exempt(entry, &url(address)), want, "{entry} {address}");
        }
    }

    #[test]
    fn proxies_by_scheme() {
        let world = hydrate_base::MemoryWorld::new()
            .with_variable("HTTPS_PROXY", "http://proxy:3128")
            .with_variable("NO_PROXY", "internal.example");
        let proxies = Proxies::from_world(&world);
        assert_eq!(proxies.pick(&url("https://example.org/")).as_deref(), Some("http://proxy:3128"));
        assert_eq!(proxies.pick(&url("http://example.org/")), None);
        assert_eq!(proxies.pick(&url("https://a.internal.example/")), None);
        assert_eq!(proxies.pick(&url("https://127.0.0.1:5000/")), None);
    }
}
