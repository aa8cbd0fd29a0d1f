//! Servers on this machine for the fetch tests: good mirrors, and all kinds of bad ones.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a silent server stays silent: longer than any test waits.
const LONG: Duration = Duration::from_secs(20);

/// What a server got: the file asked for, and the first byte of the range if one was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub name: String,
    pub from: Option<usize>,
}

/// A server on this machine that answers each request with what `answer` returns for it, then hangs up.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What to send, and whether to stay silent for a while before hanging up.
pub struct Answer(pub Vec<u8>, pub bool);

impl Server {
    /// Listens on a free port until it is dropped.
    pub fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/set/", listener.local_addr().unwrap());
        let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, stopped) = (asked.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&stream) else { continue };
                let earlier = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.iter().filter(|one| one.name == request.name).count() - 1
                };
                let Answer(bytes, silent) = answer(&request, earlier);
                // The client may have hung up first: that is its right.
                let _ = stream.write_all(&bytes);
                let silence = Instant::now();
                while silent && !stopped.load(Ordering::SeqCst) && silence.elapsed() < LONG {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        });
        Self { url, asked, stop, thread: Some(thread) }
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let address = self.url.trim_start_matches("http://").trim_end_matches("/set/").to_owned();
        let _ = TcpStream::connect(address);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn read_request(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next()?;
    let name = first.strip_prefix("GET /set/")?.split(' ').next()?.to_owned();
    let headers: Vec<String> = lines.map(|line| line.to_lowercase()).collect();
    let from =
        headers.iter().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    Some(Asked { name, from })
}

pub fn answer(status: &str, headers: &[String], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    [format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").as_bytes(), body].concat()
}

/// The answer of a good server: everything, or the rest that was asked for.
pub fn good(body: &[u8], from: Option<usize>) -> Vec<u8> {
    let rest = &body[from.unwrap_or(0)..];
    let length = format!("Content-Length: {}", rest.len());
    match from {
        None => answer("200 OK", &[length], rest),
        Some(from) => {
            let range = format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
            answer("206 Partial Content", &[length, range], rest)
        }
    }
}

/// The head of a good answer and all but the last `missing` bytes of its body.
pub fn cut(body: &[u8], from: Option<usize>, missing: usize) -> Vec<u8> {
    let mut bytes = good(body, from);
    bytes.truncate(bytes.len() - missing);
    bytes
}
