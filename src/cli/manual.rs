//! `gpu-mlp completions` and `gpu-mlp man`: shell completions and manual pages, generated from the options.

use std::path::PathBuf;

use clap_complete::Shell;

use super::output::{say, write};
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;

const COMPLETIONS: &str = "\
Examples:
  gpu-mlp completions bash > ~/.local/share/bash-completion/completions/gpu-mlp
  gpu-mlp completions zsh > ~/.zfunc/_gpu-mlp        with fpath+=~/.zfunc before compinit in ~/.zshrc
  gpu-mlp completions fish > ~/.config/fish/completions/gpu-mlp.fish
  gpu-mlp completions powershell >> $PROFILE";

const MAN: &str = "\
Examples:
  gpu-mlp man --out ~/.local/share/man/man1          then: man gpu-mlp-train
  gpu-mlp man";

/// Print shell completions of subcommands and options.
#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Write a manual page for each subcommand: gpu-mlp.1, gpu-mlp-train.1, …
#[derive(Debug, clap::Args)]
#[command(after_help = MAN)]
pub struct ManArgs {
    /// Folder to write the pages into
    #[arg(long, value_name = "DIR", default_value = "man")]
    out: PathBuf,
}

/// Runs `gpu-mlp completions` for the program with these subcommands and options.
///
/// # Errors
/// [`Error::Io`] if standard output cannot be written to.
pub fn completions(args: &CompletionsArgs, mut program: clap::Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "gpu-mlp", &mut script);
    write(&String::from_utf8_lossy(&script)).map(drop)
}

/// Runs `gpu-mlp man` for the program with these subcommands and options.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be written to.
pub fn pages(args: &ManArgs, mut program: clap::Command) -> Result<()> {
    std::fs::create_dir_all(&args.out).map_err(Error::io("create", &args.out))?;
    program.build();
    let count = page(&program, args)?;
    say(&format!("{count} pages in {}", args.out.display()));
    Ok(())
}

/// Writes a command's page and those of its subcommands; returns how many.
fn page(command: &clap::Command, args: &ManArgs) -> Result<usize> {
    let man = clap_mangen::Man::new(command.clone());
    let path = args.out.join(man.get_filename());
    let mut file = AtomicFile::create(&path)?;
    man.render(&mut file).map_err(Error::io("write", &path))?;
    file.finish()?;
    let inner = command.get_subcommands().filter(|command| command.get_name() != "help");
    inner.map(|command| page(command, args)).try_fold(1, |sum, count| Ok(sum + count?))
}
