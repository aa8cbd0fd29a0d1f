//! Fetching, against servers on this machine that misbehave in every way a mirror can.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use gpu_mlp::Error;
use gpu_mlp::data::catalog::{self, Known, KnownFile};
use gpu_mlp::data::fetch::{Event, Limits, fetch};
use gpu_mlp::data::folder::STEMS;
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

use crate::data::real_mnist;
use crate::mirror::{Answer, Asked, Server, answer, cut, good};

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    // Long enough for a busy machine to answer itself.
    silence: Duration::from_millis(1500),
    request: Duration::from_secs(60),
    attempts: 3,
};

/// The content of the test set's files: one that hardly compresses, so that it travels in many pieces.
fn content(name: &str) -> Vec<u8> {
    let index = STEMS.iter().position(|stem| name.trim_end_matches(".gz") == *stem).unwrap();
    let length = [300_000, 900, 5_000, 300][index];
    let mut state: u32 = length;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn packed(name: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&content(name)).unwrap();
    encoder.finish().unwrap()
}

fn test_set() -> Known {
    let files = STEMS.map(|stem| {
        let sum = Sha256::digest(content(stem));
        let sha256: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        KnownFile { stem, bytes: content(stem).len() as u64, sha256: sha256.leak() }
    });
    Known { name: "test", about: "", classes: 10, mirrors: &[], files }
}

/// What a fetch from `mirrors` into a fresh folder led to.
struct Outcome {
    folder: TempDir,
    result: Result<usize, Error>,
    events: Vec<String>,
}

fn fetch_from(mirrors: &[&str]) -> Outcome {
    fetch_into(tempdir().unwrap(), mirrors)
}

fn fetch_into(folder: TempDir, mirrors: &[&str]) -> Outcome {
    let mirrors: Vec<String> = mirrors.iter().map(|&mirror| mirror.to_owned()).collect();
    let mut events = Vec::new();
    let mut note = |event: Event<'_>| events.push(format!("{event:?}"));
    let result = fetch(&test_set(), folder.path(), &mirrors, &LIMITS, &mut note);
    Outcome { folder, result, events }
}

impl Outcome {
    fn files(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[track_caller]
    fn is_whole(&self) {
        assert_eq!(*self.result.as_ref().unwrap(), 4, "{:#?}", self.events);
        let names = STEMS.map(|stem| format!("{stem}.gz"));
        assert_eq!(self.files(), names.iter().cloned().collect(), "nothing else is left");
        for name in names {
            assert_eq!(fs::read(self.folder.path().join(&name)).unwrap(), packed(&name), "{name}");
        }
    }

    /// Nothing was stored; the error says all this.
    #[track_caller]
    fn failed(&self, fragments: &[&str]) {
        let error = self.result.as_ref().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        for fragment in fragments {
            assert!(error.to_string().contains(fragment), "`{fragment}` is not in: {error}");
        }
        assert_eq!(self.files(), BTreeSet::new(), "nothing is left");
    }

    fn count(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event.starts_with(kind)).count()
    }
}

#[test]
fn a_good_mirror_is_asked_once_for_each_file_and_never_again() {
    let server = Server::start(|asked, _| Answer(good(&packed(&asked.name), asked.from), false));
    let outcome = fetch_from(&[&server.url]);
    outcome.is_whole();
    assert_eq!(server.asked().len(), 4);
    assert!(outcome.count("Received") >= 4 && outcome.count("Stored") == 4);
    let again = fetch_into(outcome.folder, &[&server.url]);
    assert_eq!(again.result.unwrap(), 0);
    assert_eq!((server.asked().len(), again.events.len()), (4, 4), "{:?}", again.events);
}

#[test]
fn a_mirror_without_the_file_is_left_for_the_next_and_then_asked_last() {
    let bad =
        Server::start(|_, _| Answer(answer("404 Not Found", &["Content-Length: 0".into()], b""), false));
    let server = Server::start(|asked, _| Answer(good(&packed(&asked.name), asked.from), false));
    let outcome = fetch_from(&[&bad.url, &server.url]);
    outcome.is_whole();
    assert_eq!((bad.asked().len(), outcome.count("Failed")), (1, 1));
    assert!(outcome.events.iter().any(|event| event.contains("404 Not Found")));
}

#[test]
fn when_every_mirror_fails_each_is_named_with_its_reason() {
    let bad =
        Server::start(|_, _| Answer(answer("404 Not Found", &["Content-Length: 0".into()], b""), false));
    let worse = Server::start(|_, _| Answer(answer("503 Service Unavailable", &[], b""), false));
    let gone = Server::start(|_, _| Answer(vec![], false)).url.clone();
    let outcome = fetch_from(&[&bad.url, &worse.url, &gone]);
    let folder = outcome.folder.path().display().to_string();
    outcome.failed(&["every mirror failed", &bad.url, "404", &worse.url, "503", &gone, "refused", STEMS[0]]);
    outcome.failed(&["by hand", &folder, "HTTPS_PROXY"]);
}

#[test]
fn wrong_bytes_are_refused_by_length_and_checksum() {
    let swapped = Server::start(|asked, _| {
        let mut bytes = content(&asked.name);
        bytes[100] ^= 1;
        Answer(good(&bytes, None), false)
    });
    fetch_from(&[&swapped.url]).failed(&[
        "wrong checksum",
        "expected SHA-256",
        &test_set().files[0].sha256[..10],
    ]);
    let short = Server::start(|asked, _| Answer(good(&content(&asked.name)[1..], None), false));
    fetch_from(&[&short.url]).failed(&["wrong length: expected 300000 uncompressed bytes, got 299999"]);
    let damaged = Server::start(|asked, _| {
        let mut bytes = packed(&asked.name);
        let last = bytes.len() - 5;
        bytes[last] ^= 1;
        Answer(good(&bytes, None), false)
    });
    fetch_from(&[&damaged.url]).failed(&["damaged or cut short"]);
    let server = Server::start(|asked, _| Answer(good(&packed(&asked.name), asked.from), false));
    fetch_from(&[&swapped.url, &damaged.url, &server.url]).is_whole();
}

#[test]
fn an_archive_that_expands_without_end_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![0; 20 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    let server = Server::start(move |_, _| Answer(good(&bomb, None), false));
    fetch_from(&[&server.url]).failed(&["wrong length: expected 300000 uncompressed bytes, got more"]);
}

#[test]
fn a_cut_connection_is_taken_up_where_it_ended() {
    let server = Server::start(|asked, earlier| {
        let body = packed(&asked.name);
        let missing = if asked.name.starts_with(STEMS[0]) { [200_000, 50_000, 0][earlier] } else { 0 };
        Answer(cut(&body, asked.from, missing), false)
    });
    let outcome = fetch_from(&[&server.url]);
    outcome.is_whole();
    let length = packed(STEMS[0]).len();
    let from: Vec<Option<usize>> = server.asked().iter().take(3).map(|asked| asked.from).collect();
    assert_eq!(from, [None, Some(length - 200_000), Some(length - 50_000)]);
    assert_eq!(outcome.count("Resumed"), 2);
}

#[test]
fn a_mirror_that_knows_no_ranges_sends_everything_again() {
    let server = Server::start(|asked, earlier| {
        let missing = if earlier == 0 { 150 } else { 0 };
        Answer(cut(&packed(&asked.name), None, missing), false)
    });
    fetch_from(&[&server.url]).is_whole();
    assert!(server.asked()[1].from.is_some(), "it was asked for the rest");
}

#[test]
fn a_mirror_that_gets_ranges_wrong_sends_everything_again() {
    let wrong = |asked: &Asked, earlier: usize| {
        let body = packed(&asked.name);
        match earlier {
            0 => cut(&body, None, 150),
            1 => {
                let range = format!("Content-Range: bytes 7-{}/{}", body.len() - 1, body.len());
                answer("206 Partial Content", &[range], &body[7..])
            }
            _ => good(&body, asked.from),
        }
    };
    let server = Server::start(move |asked, earlier| Answer(wrong(asked, earlier), false));
    fetch_from(&[&server.url]).is_whole();
    assert_eq!(server.asked()[2].from, None);
    let refusing = |asked: &Asked, earlier: usize| match (asked.from, earlier) {
        (Some(_), _) => answer("416 Range Not Satisfiable", &[], b""),
        (None, 0) => cut(&packed(&asked.name), None, 150),
        (None, _) => good(&packed(&asked.name), None),
    };
    let server = Server::start(move |asked, earlier| Answer(refusing(asked, earlier), false));
    fetch_from(&[&server.url]).is_whole();
}

#[test]
fn a_mirror_that_always_cuts_is_given_up() {
    let server = Server::start(|asked, _| Answer(cut(&packed(&asked.name), None, 150), false));
    fetch_from(&[&server.url]).failed(&["cut off 3 times"]);
    assert_eq!(server.asked().len(), 3);
    // Without a length the end looks like the end, and the checks find out.
    let server = Server::start(|asked, _| {
        let body = packed(&asked.name);
        Answer(answer("200 OK", &[], &body[..body.len() - 150]), false)
    });
    fetch_from(&[&server.url]).failed(&["damaged or cut short"]);
}

#[test]
fn a_mirror_that_falls_silent_is_left_for_the_next() {
    let mute = Server::start(|_, _| Answer(vec![], true));
    let stall = |asked: &Asked, _: usize| Answer(cut(&packed(&asked.name), None, 150), true);
    let stalled = Server::start(stall);
    let begun = Instant::now();
    let server = Server::start(|asked, _| Answer(good(&packed(&asked.name), asked.from), false));
    let outcome = fetch_from(&[&mute.url, &stalled.url, &server.url]);
    outcome.is_whole();
    assert_eq!((mute.asked().len(), stalled.asked().len()), (1, 1));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    fetch_from(&[&Server::start(stall).url]).failed(&["no answer in time", "bytes"]);
}

#[test]
fn more_bytes_than_can_be_right_are_not_taken() {
    let boast =
        |_: &Asked, _: usize| Answer(answer("200 OK", &["Content-Length: 99999999999".into()], b"x"), false);
    let server = Server::start(boast);
    fetch_from(&[&server.url]).failed(&["announces 99999999999 bytes", "at most"]);
    let endless = Server::start(|_, _| Answer(answer("200 OK", &[], &vec![0; 1 << 20]), false));
    fetch_from(&[&endless.url]).failed(&["sends more than"]);
}

#[test]
fn only_https_leaves_this_machine() {
    for mirror in ["http://example.com/", "http://127.0.0.1@example.com/", "http://localhost.example.com"] {
        fetch_from(&[mirror]).failed(&["plain http may only reach this machine"]);
    }
    for mirror in ["ftp://127.0.0.1/", "file:///etc/", "/etc"] {
        fetch_from(&[mirror]).failed(&["only https addresses"]);
    }
    let away = ["Location: http://example.com/".to_owned(), "Content-Length: 0".to_owned()];
    let server = Server::start(move |_, _| Answer(answer("302 Found", &away, b""), false));
    fetch_from(&[&server.url]).failed(&["it answers 302"]);
}

#[test]
fn what_comes_expanded_is_kept_under_the_plain_name() {
    let server = Server::start(|asked, _| Answer(good(&content(&asked.name), asked.from), false));
    let outcome = fetch_from(&[&server.url]);
    assert_eq!(outcome.result.as_ref().unwrap(), &4);
    assert_eq!(outcome.files(), STEMS.iter().map(|&stem| stem.to_owned()).collect());
    // The same, done by the connection itself.
    let encoded = |asked: &Asked, _: usize| {
        let body = packed(&asked.name);
        let headers = [format!("Content-Length: {}", body.len()), "Content-Encoding: gzip".to_owned()];
        Answer(answer("200 OK", &headers, &body), false)
    };
    let server = Server::start(encoded);
    let outcome = fetch_from(&[&server.url]);
    assert_eq!(outcome.result.as_ref().unwrap(), &4, "{:?}", outcome.events);
    assert_eq!(outcome.files(), STEMS.iter().map(|&stem| stem.to_owned()).collect());
}

#[test]
fn a_damaged_file_is_replaced_and_none_hides_the_new_one() {
    let server = Server::start(|asked, _| Answer(good(&packed(&asked.name), asked.from), false));
    let folder = fetch_from(&[&server.url]).folder;
    let at = |name: &str| folder.path().join(name);
    fs::write(at(&format!("{}.gz", STEMS[1])), b"damaged").unwrap();
    fs::write(at(STEMS[3]), b"hides the archive").unwrap();
    let leftover = fs::File::create(at(".gpu-mlp-old.part")).unwrap();
    leftover.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
    let outcome = fetch_into(folder, &[&server.url]);
    assert_eq!(outcome.result.as_ref().unwrap(), &2);
    assert_eq!((outcome.count("Whole"), outcome.count("SetAside")), (2, 1));
    assert_eq!(outcome.files().len(), 5, "four files and the one set aside: {:?}", outcome.files());
    assert!(outcome.files().contains(&format!("{}.damaged", STEMS[3])));
}

#[test]
fn a_folder_that_cannot_be_made_is_our_error_and_not_the_mirrors() {
    let root = tempdir().unwrap();
    let blocked = root.path().join("file");
    fs::write(&blocked, b"").unwrap();
    let error = fetch(&test_set(), &blocked, &[], &LIMITS, &mut |_| ()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn the_catalog_is_well_formed() {
    for known in &catalog::KNOWN {
        assert_eq!(known.files.each_ref().map(|file| file.stem), STEMS);
        assert!(known.files.iter().all(|file| file.sha256.len() == 64 && file.bytes > 8), "{}", known.name);
        assert!(known.mirrors.len() >= 2 && known.mirrors.iter().all(|url| url.starts_with("https://")));
    }
}

/// The program itself, with its data in `folder` and fetching from `mirror`.
fn program(folder: &Path, mirror: &str, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-mlp"));
    command.args(args).env("GPU_MLP_DATA_DIR", folder).env("GPU_MLP_MIRROR", mirror);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_program_fetches_lists_and_says_when_there_is_nothing_to_do() {
    let Some(real) = real_mnist() else { return };
    let server = Server::start(move |asked, _| {
        Answer(good(&fs::read(real.join(&asked.name)).unwrap(), asked.from), false)
    });
    let folder = tempdir().unwrap();
    let place = folder.path().join("mnist").display().to_string();
    let (code, list, _) = program(folder.path(), &server.url, &["data", "list"]);
    assert!(code == 0 && list.contains("`gpu-mlp data fetch mnist` downloads it"), "{list}");
    let (code, out, progress) = program(folder.path(), &server.url, &["data", "fetch", "mnist"]);
    assert_eq!(code, 0, "{progress}");
    assert!(out.contains(&place) && progress.contains("checksum"), "{out}{progress}");
    let (_, list, _) = program(folder.path(), &server.url, &["data", "list"]);
    assert!(list.contains(&place), "{list}");
    let (code, out, _) = program(folder.path(), &server.url, &["data", "fetch", "mnist"]);
    assert!(code == 0 && out.contains("already there and complete"), "{out}");
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn the_program_ends_with_code_2_and_one_clear_error() {
    let server = Server::start(|asked, _| Answer(good(&packed(&asked.name), asked.from), false));
    let folder = tempdir().unwrap();
    let (code, out, error) = program(folder.path(), &server.url, &["data", "fetch", "mnist"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        error.contains("error: ") && error.contains("wrong length") && error.contains("by hand"),
        "{error}"
    );
    for (name, fragment) in [("minst", "did you mean `mnist`?"), ("digits", "built in")] {
        let (code, _, error) = program(folder.path(), &server.url, &["data", "fetch", name]);
        assert!(code == 2 && error.contains(fragment), "{error}");
    }
}
