//! The file that compiled pipelines are kept in: what is not exactly as it was written is ignored.

use std::fs;
use std::path::Path;

use gpu_mlp::gpu::CacheFile;

fn file(folder: &Path, driver: &str) -> CacheFile {
    CacheFile::new(&folder.join("below").join("pipelines"), driver)
}

#[test]
fn what_was_written_is_read_by_the_same_driver_only() {
    let folder = tempfile::tempdir().unwrap();
    let ours = file(folder.path(), "driver 1");
    assert_eq!(ours.read(), None, "there is no file yet");
    for data in [&b"compiled"[..], b"", b"compiled anew"] {
        ours.write(data).unwrap();
        assert_eq!(ours.read().as_deref(), Some(data));
        assert_eq!(file(folder.path(), "driver 2").read(), None);
    }
}

#[test]
fn a_damaged_file_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let ours = file(folder.path(), "driver");
    ours.write(b"compiled").unwrap();
    let path = folder.path().join("below/pipelines");
    let sound = fs::read(&path).unwrap();
    for at in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[at] ^= 1;
        fs::write(&path, flipped).unwrap();
        assert_eq!(ours.read(), None, "byte {at}");
        fs::write(&path, &sound[..at]).unwrap();
        assert_eq!(ours.read(), None, "{at} bytes of it");
    }
    fs::write(&path, &sound).unwrap();
    assert!(ours.read().is_some());
    // Sparse: it takes no room.
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(ours.read(), None, "far too long");
}

#[test]
fn a_folder_that_cannot_be_made_stops_only_the_writing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("below"), "a file where the folder should be").unwrap();
    let ours = file(folder.path(), "driver");
    assert_eq!(ours.read(), None);
    assert!(ours.write(b"compiled").is_err());
}
