//! One file over one connection after another: bounded in size, time and number of attempts.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::IpAddr;

use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

use super::{Event, Limits};

/// Why a download failed.
pub(super) enum Failure {
    /// The mirror's fault, or the network's: another one may do better.
    Mirror(String),
    /// Ours: no other mirror helps.
    Disk(io::Error),
}

/// How one request ended before the file was whole.
enum Stop {
    /// For good.
    Final(Failure),
    /// The connection was cut; the first `have` bytes in the file are good.
    Cut { have: u64, reason: String },
}

/// A reason to give this mirror up.
fn give_up(reason: impl Into<String>) -> Stop {
    Stop::Final(Failure::Mirror(reason.into()))
}

fn disk(error: io::Error) -> Stop {
    Stop::Final(Failure::Disk(error))
}

/// Writes what is at `url` to `file`, at most `cap` bytes. A cut connection is taken up where it ended, or from
/// the start where the mirror cannot do that.
pub(super) fn download(
    url: &str,
    cap: u64,
    file: &mut File,
    limits: &Limits,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<(), Failure> {
    let agent = agent(url, limits).map_err(Failure::Mirror)?;
    let mut from = 0;
    let mut last = String::new();
    for attempt in 1..=limits.attempts {
        match request(&agent, url, from, cap, file, progress) {
            Ok(()) => return Ok(()),
            Err(Stop::Final(failure)) => return Err(failure),
            Err(Stop::Cut { have, reason }) => {
                if attempt < limits.attempts {
                    progress(Event::Resumed { from: have, reason: &reason });
                }
                from = have;
                last = reason;
            }
        }
    }
    Err(Failure::Mirror(format!("cut off {} times, in the end after {from} bytes: {last}", limits.attempts)))
}

/// Only https leaves this machine; plain http may reach a server on it, for tests.
fn agent(url: &str, limits: &Limits) -> Result<Agent, String> {
    let only_https = || "refused: only https addresses are fetched".to_owned();
    let uri: Uri = url.parse().map_err(|_| only_https())?;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("gpu-mlp/", env!("CARGO_PKG_VERSION")))
        // The bytes as they lie there: a length and a range mean the same on both sides.
        .accept_encoding("identity")
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_recv_response(Some(limits.silence))
        .timeout_per_read(Some(limits.silence))
        .timeout_global(Some(limits.request));
    match uri.scheme_str() {
        Some("https") => Ok(config.https_only(true).max_redirects(5).build().into()),
        // No redirects: they could lead off this machine.
        Some("http") if uri.host().is_some_and(is_loopback) => {
            Ok(config.max_redirects(0).proxy(None).build().into())
        }
        Some("http") => Err("refused: plain http may only reach this machine itself, use https".to_owned()),
        _ => Err(only_https()),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn request(
    agent: &Agent,
    url: &str,
    from: u64,
    cap: u64,
    file: &mut File,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<(), Stop> {
    let mut request = agent.get(url);
    if from > 0 {
        request = request.header(header::RANGE, format!("bytes={from}-"));
    }
    let response = request.call().map_err(|error| give_up(explain(error)))?;
    let from = accepted_start(&response, from)?;
    let (parts, body) = response.into_parts();
    // What is decoded on the way has another length than announced, and cannot be resumed in the middle.
    let decoded = parts.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    let total =
        if decoded { None } else { announced_length(&parts.headers).map(|rest| from.saturating_add(rest)) };
    if let Some(total) = total.filter(|&total| total > cap) {
        return Err(give_up(format!("it announces {total} bytes, but at most {cap} can be right")));
    }
    match receive(body, from, total, cap, file, progress) {
        Err(Stop::Cut { reason, .. }) if decoded => Err(Stop::Cut { have: 0, reason }),
        outcome => outcome,
    }
}

/// The byte at which the answer starts: the one asked for, or 0 from a mirror that sends everything again.
fn accepted_start(response: &Response<Body>, asked: u64) -> Result<u64, Stop> {
    match response.status() {
        StatusCode::OK => Ok(0),
        StatusCode::PARTIAL_CONTENT if asked > 0 => {
            let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
            let start = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
            if start == Some(asked) {
                return Ok(asked);
            }
            Err(Stop::Cut {
                have: 0,
                reason: format!("asked for bytes from {asked}, got the range {range:?}"),
            })
        }
        StatusCode::RANGE_NOT_SATISFIABLE if asked > 0 => {
            Err(Stop::Cut { have: 0, reason: format!("there are no bytes from {asked} on") })
        }
        status => Err(give_up(format!("it answers {status}"))),
    }
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn receive(
    body: Body,
    from: u64,
    total: Option<u64>,
    cap: u64,
    file: &mut File,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<(), Stop> {
    file.set_len(from).and_then(|()| file.seek(SeekFrom::Start(from))).map_err(disk)?;
    let mut body = body.into_reader();
    let mut buffer = vec![0; 1 << 16];
    let mut have = from;
    loop {
        let count = match body.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(interrupted(error, have)),
        };
        if count == 0 {
            return match total.filter(|&total| have < total) {
                Some(total) => {
                    Err(Stop::Cut { have, reason: format!("ended after {have} of {total} bytes") })
                }
                None => Ok(()),
            };
        }
        have += count as u64;
        if have > cap {
            return Err(give_up(format!("it sends more than the {cap} bytes that can be right")));
        }
        file.write_all(&buffer[..count]).map_err(disk)?;
        progress(Event::Received { bytes: have, total });
    }
}

/// A mirror that falls silent is given up; a connection that breaks is taken up again.
fn interrupted(error: io::Error, have: u64) -> Stop {
    match ureq::Error::from(error) {
        error @ ureq::Error::Timeout(_) => give_up(format!("{}, after {have} bytes", explain(error))),
        error => Stop::Cut { have, reason: explain(error) },
    }
}

fn explain(error: ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(phase) => format!("no answer in time ({phase})"),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
