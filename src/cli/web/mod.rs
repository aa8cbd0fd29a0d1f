//! `gpu-mlp web`: the site of `web/`, served to the browsers of this machine.

mod server;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use super::output::say;
use crate::error::{Error, Result};

const DETAILS: &str = "\
The doctor and the trainer as pages: a browser computes, nothing leaves it. The folder of the site lies beside the program in the
releases; in the repository scripts/build-web makes web/dist. Only this machine is served. Ctrl-C ends it.

Examples:
  gpu-mlp web
  gpu-mlp web --port 0 --site web/dist";

/// Serve the site: the doctor and the trainer in a browser's tab.
#[derive(Debug, clap::Args)]
#[command(after_help = DETAILS)]
pub struct WebArgs {
    /// Port of 127.0.0.1 to serve on; 0 for one that is free
    #[arg(long, value_name = "N", default_value_t = 8710)]
    port: u16,
    /// Folder of the site; without it `web` beside the program, or `web/dist`
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
}

/// Runs `gpu-mlp web`, until it is interrupted.
///
/// # Errors
/// [`Error::File`] if there is no site; [`Error::Usage`] for a port that is taken.
pub fn run(args: &WebArgs) -> Result<()> {
    let site = site(args.site.as_deref())?;
    let taken = |error: std::io::Error| {
        Error::usage(format!("--port {}: it cannot be listened on: {error}", args.port))
            .hint("name another port, or 0 for one that is free")
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).map_err(taken)?;
    let port = listener.local_addr().map_err(taken)?.port();
    say(&format!("http://127.0.0.1:{port}/ shows the site of {}; Ctrl-C ends it", site.display()));
    server::serve(&listener, &site);
    Ok(())
}

/// The folder of the site.
fn site(given: Option<&Path>) -> Result<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join("web"));
    let usual = beside.into_iter().chain([PathBuf::from("web/dist")]);
    let places: Vec<PathBuf> = given.map_or_else(|| usual.collect(), |given| vec![given.to_owned()]);
    let has_pages = |place: &&PathBuf| place.join("index.html").is_file();
    places.iter().find(has_pages).cloned().ok_or_else(|| {
        let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        Error::file(
            &places[places.len() - 1],
            format!("there is no site: no index.html in {}", looked.join(" or ")),
            "`scripts/build-web` makes it in web/dist of the repository; --site names another folder",
        )
    })
}
