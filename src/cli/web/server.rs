//! Files of a folder over HTTP/1.1, one request a connection.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The longest head of a request, in bytes, and the most headers in it.
const LONGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// How long a browser may keep a connection waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections at the same time.
const MOST_CONNECTIONS: usize = 64;

/// The type of a file by its ending; a module that is no `application/wasm` is compiled only when all of it is there.
const TYPES: [(&str, &str); 7] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript"),
    ("css", "text/css"),
    ("wasm", "application/wasm"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("json", "application/json"),
];

/// Answers requests for the files of a folder, for ever.
pub fn serve(listener: &TcpListener, folder: &Path) {
    let open = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for connection in listener.incoming().flatten() {
            if open.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let answered = || {
                if let Err(error) = answer(connection, folder) {
                    log::debug!("a connection ended: {error}");
                }
                open.fetch_sub(1, Ordering::Relaxed);
            };
            if let Err(error) = std::thread::Builder::new().spawn_scoped(threads, answered) {
                log::warn!("a connection is not answered: {error}");
                open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    });
}

/// Answers the request of a connection.
fn answer(mut connection: TcpStream, folder: &Path) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let Some((method, target)) = request(&mut connection)? else {
        return refuse(&mut connection, "400 Bad Request");
    };
    if method != "GET" && method != "HEAD" {
        return refuse(&mut connection, "405 Method Not Allowed");
    }
    let path = wanted(&target).map(|path| folder.join(path)).filter(|path| path.is_file());
    let Some(path) = path else {
        return refuse(&mut connection, "404 Not Found");
    };
    let mut file = File::open(&path)?;
    let (length, kind) = (file.metadata()?.len(), kind(&path));
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nX-Content-Type-Options: nosniff\r\n\
         Cache-Control: no-cache\r\nConnection: close\r\n\r\n"
    )?;
    if method == "GET" {
        io::copy(&mut (&mut file).take(length), &mut connection)?;
    }
    connection.flush()
}

/// Method and target of a request; nothing if it is none.
fn request(connection: &mut TcpStream) -> io::Result<Option<(String, String)>> {
    let (mut head, mut piece) = (Vec::new(), [0; 2048]);
    while head.len() < LONGEST_HEAD {
        let count = connection.read(&mut piece)?;
        head.extend_from_slice(&piece[..count]);
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {
                let both = request.method.zip(request.path);
                return Ok(both.map(|(method, target)| (method.to_owned(), target.to_owned())));
            }
            Ok(httparse::Status::Partial) if count > 0 => {}
            Ok(httparse::Status::Partial) | Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

/// The path that a target names, below the folder; nothing if it leads out of it. The site's own files need no escapes.
fn wanted(target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let page = if path.is_empty() || path.ends_with('/') { "index.html" } else { "" };
    let path = PathBuf::from(format!("{path}{page}"));
    path.components().all(|part| matches!(part, Component::Normal(_))).then_some(path)
}

fn kind(path: &Path) -> &'static str {
    let ending = path.extension().unwrap_or_default();
    TYPES.into_iter().find(|(known, _)| ending == *known).map_or("application/octet-stream", |(_, kind)| kind)
}

fn refuse(connection: &mut TcpStream, status: &str) -> io::Result<()> {
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{status}",
        status.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_target_leads_out_of_the_folder() {
        for target in ["/../secret", "/a/../../secret", "//etc/passwd", "/./../x", "secret", ""] {
            let inside = wanted(target).is_none_or(|path| !path.is_absolute() && !path.starts_with(".."));
            assert!(inside, "{target}");
        }
        assert_eq!(wanted("/"), Some("index.html".into()));
        assert_eq!(wanted("/some/path/"), Some("some/path/index.html".into()));
        assert_eq!(wanted("/assets/a.js?v=1"), Some("assets/a.js".into()));
        assert_eq!(wanted("/../secret"), None);
        assert_eq!(wanted("//etc/passwd"), None);
    }
}
