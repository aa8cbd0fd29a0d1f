//! Inputs that brought out an error which no other input did, kept in `corpus/TARGET.zip`: every run reads them again and
//! mutates them further.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use zip::CompressionMethod;

use crate::archive::{packed, unpacked};
use crate::mutate::LONGEST;

/// Set by `scripts/fuzz --keep`, to write the archives anew.
const KEEP: &str = "GPU_MLP_FUZZ_KEEP";

/// Kinds of errors that are told apart: some errors quote words of the file, and have no end of kinds.
const MOST: usize = 256;

fn path(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(format!("{target}.zip"))
}

/// What is kept for a target.
pub fn kept(target: &str) -> Vec<Vec<u8>> {
    let path = path(target);
    match fs::read(&path) {
        Ok(bytes) => {
            let members = unpacked(&bytes, MOST).expect("an archive that this file wrote");
            members.into_iter().map(|(_, input)| input).collect()
        }
        Err(_) if std::env::var_os(KEEP).is_some() => Vec::new(),
        Err(error) => panic!("{}: {error}; `scripts/fuzz --keep` makes it", path.display()),
    }
}

/// The shortest input of each kind of error.
#[derive(Default)]
pub struct Kinds(BTreeMap<String, Vec<u8>>);

impl Kinds {
    /// Whether an input brings out a kind of error that none did before.
    pub fn is_new(&mut self, error: &str, input: &[u8]) -> bool {
        let (kind, is_full) = (kind(error), self.0.len() == MOST);
        match self.0.get_mut(&kind) {
            Some(shortest) if input.len() < shortest.len() => *shortest = input.to_vec(),
            None if !is_full => {
                self.0.insert(kind, input.to_vec());
                return true;
            }
            _ => {}
        }
        false
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes the archive of a target anew, if that is asked for.
    pub fn keep(&self, target: &str) {
        if std::env::var_os(KEEP).is_none() {
            return;
        }
        let inputs = self.0.values().filter(|input| input.len() <= LONGEST).enumerate();
        let members = inputs.map(|(number, input)| (format!("{number:04}"), input.clone())).collect();
        let bytes = packed(&members, CompressionMethod::Deflated).expect("an archive in memory");
        let path = path(target);
        fs::create_dir_all(path.with_file_name(""))
            .and_then(|()| fs::write(&path, bytes))
            .expect("the corpus is kept");
    }
}

/// An error without what it quotes: its plain words.
fn kind(error: &str) -> String {
    let is_plain =
        |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || b",:;()".contains(&byte));
    error.split_whitespace().filter(is_plain).take(16).collect::<Vec<_>>().join(" ")
}
