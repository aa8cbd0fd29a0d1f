//! The IDX format: what is written is read back, and what is damaged or hostile is refused cheaply.

use std::fs;
use std::io::Read;
use std::path::Path;

use gpu_mlp::data::idx;
use tempfile::tempdir;

use crate::data::{broken, gzip, idx_bytes, images, labels, refusal, says};

#[test]
fn what_is_written_is_read_back() {
    let folder = tempdir().unwrap();
    let pixels: Vec<u8> = (0..=255).chain(0..=43).collect();
    for name in ["images", "images.gz"] {
        let path = folder.path().join(name);
        idx::write_images(&path, [10, 15], &pixels).unwrap();
        assert_eq!(idx::read_images(&path).unwrap(), idx::Images { shape: [10, 15], pixels: pixels.clone() });
        idx::write_labels(&path, &pixels).unwrap();
        assert_eq!(idx::read_labels(&path).unwrap(), pixels);
    }
    assert_eq!(fs::read(folder.path().join("images")).unwrap(), labels(&pixels));
    let archive = fs::read(folder.path().join("images.gz")).unwrap();
    assert_eq!(archive[..4], [0x1f, 0x8b, 8, 0], "no name in the header");
    assert_eq!(archive[4..8], [0; 4], "no time in the header");
}

#[test]
fn a_file_that_is_not_finished_never_appears() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("images.gz");
    let mut writer = idx::Writer::images(&path, 2, [2, 2]).unwrap();
    writer.write(&[1; 4]).unwrap();
    says(&refusal(writer.finish()), &["images.gz", "0 bytes left"]);
    let mut writer = idx::Writer::labels(&path, 2).unwrap();
    refusal(writer.write(&[1; 3]));
    drop(writer);
    refusal(idx::write_images(&path, [2, 2], &[0; 5]));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_magic_number_says_which_and_guesses_why() {
    let other = idx_bytes(0x0703, &[1, 1, 1], &[0; 4]);
    says(&broken(0, other), &["expected 0x00000803", "got 0x00000703", "unsigned bytes"]);
    says(
        &broken(1, images(4, 3, 2)),
        &["expected 0x00000801 (IDX labels)", "0x00000803 (IDX images)", "swapped"],
    );
    says(&broken(2, labels(&[0; 40])), &["expected 0x00000803", "swapped"]);
    says(&broken(3, b"<!DOCTYPE html>".to_vec()), &["wrong magic number"]);
}

#[test]
fn every_length_but_the_right_one_is_refused() {
    let whole = images(4, 3, 2);
    for length in 0..whole.len() {
        broken(0, whole[..length].to_vec());
    }
    says(&broken(0, whole[..30].to_vec()), &["it ends after 14 of the 24 bytes (4 x 3 x 2)"]);
    says(&broken(0, whole[..7].to_vec()), &["cut short inside the IDX header"]);
    let longer = [&whole[..], &[0]].concat();
    says(&broken(0, longer.clone()), &["more bytes in it than the 24 bytes (4 x 3 x 2)"]);
    says(&broken(0, gzip(&longer)), &["more bytes in it than the 24 bytes"]);
    says(&broken(0, gzip(&whole[..30])), &["it ends after 14 of the 24 bytes"]);
}

#[test]
fn a_gzip_file_cut_anywhere_is_refused() {
    let archive = gzip(&images(4, 3, 2));
    for length in 0..archive.len() {
        broken(0, archive[..length].to_vec());
    }
    says(&broken(0, archive[..archive.len() - 3].to_vec()), &["cut short after the 24 bytes"]);
    says(&broken(0, archive[..archive.len() - 12].to_vec()), &["cut short"]);
}

#[test]
fn a_gzip_file_changed_anywhere_is_refused_or_the_same() {
    let whole = images(4, 3, 2);
    let archive = gzip(&whole);
    let mut refused = 0;
    for at in 0..archive.len() {
        for bit in 0..8 {
            let mut changed = archive.clone();
            changed[at] ^= 1 << bit;
            match idx::images_from(&changed[..], Path::new("changed")) {
                // The time, for one, may be any.
                Ok(images) => assert_eq!(images.pixels, whole[16..], "byte {at}, bit {bit}"),
                Err(error) => refused += usize::from(error.exit_code() == 2),
            }
        }
    }
    assert!(refused > 8 * (archive.len() - 10), "{refused} of {}", 8 * archive.len());
    let mut changed = archive.clone();
    let sum = archive.len() - 6;
    changed[sum] ^= 1;
    says(&broken(0, changed), &["damaged gzip data", "download the file again"]);
}

#[test]
fn a_header_that_announces_the_moon_costs_nothing() {
    let many = idx_bytes(0x803, &[u32::MAX, 28, 28], &[0; 100]);
    says(&broken(0, many.clone()), &["it ends after 100 of the 3367254359280 bytes"]);
    says(&broken(0, gzip(&many)), &["its images take 3.1 TiB", "unpack it with gunzip", "memory_limit"]);
    let fitting = idx_bytes(0x803, &[1 << 20, 28, 28], &[0; 100]);
    says(&broken(0, gzip(&fitting)), &["it ends after 100 of the 822083584 bytes"]);
    let more = idx_bytes(0x803, &[u32::MAX; 3], &[0; 100]);
    says(&broken(0, more), &["more than this machine can address"]);
}

#[test]
fn a_zip_bomb_stops_after_one_byte_too_many() {
    struct Counted<'a>(&'a [u8], &'a mut usize);
    impl Read for Counted<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.read(buffer)?;
            *self.1 += count;
            Ok(count)
        }
    }
    let bomb = gzip(&idx_bytes(0x803, &[1, 2, 2], &vec![0; 64 << 20]));
    let mut eaten = 0;
    let text = refusal(idx::images_from(Counted(&bomb, &mut eaten), Path::new("bomb")));
    says(&text, &["more bytes in it than the 4 bytes"]);
    assert!(eaten <= bomb.len() / 4, "read {eaten} of {} bytes", bomb.len());
}

#[test]
fn an_empty_set_is_refused() {
    for dims in [[0, 3, 2], [4, 0, 2], [4, 3, 0]] {
        says(&broken(0, idx_bytes(0x803, &dims, &[])), &["the set is empty"]);
    }
    says(&broken(3, labels(&[])), &["the set is empty", "announces 0"]);
}
