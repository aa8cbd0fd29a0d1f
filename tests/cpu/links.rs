//! Links, pipes and archives that point elsewhere: links are followed, only files are opened, nothing is written.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use gpu_mlp::doctor;
use image::{ColorType, ImageFormat};

use crate::data::{refusal, says};
use crate::forms::{array, encoded, load, write_npz};
use crate::program::Place;

/// Folders `a` and `b` with four images each, in a folder called `set`.
fn set(place: &Place) {
    for class in ["a", "b"] {
        let folder = place.path("set").join(class);
        fs::create_dir_all(&folder).unwrap();
        for i in 0..4_u8 {
            let png = encoded(&[i * 9; 12], [3, 4], ColorType::L8, ImageFormat::Png);
            fs::write(folder.join(format!("{i}.png")), png).unwrap();
        }
    }
}

#[test]
fn links_are_followed_to_images_and_folders_anywhere() {
    let place = Place::new();
    set(&place);
    fs::create_dir(place.path("linked")).unwrap();
    fs::create_dir(place.path("linked/b")).unwrap();
    symlink(place.path("set/a"), place.path("linked/a")).unwrap();
    for i in 0..4 {
        symlink(format!("../../set/b/{i}.png"), place.path("linked/b").join(format!("{i}.png"))).unwrap();
    }
    let (own, linked) = (load(&place.path("set")).unwrap(), load(&place.path("linked")).unwrap());
    assert_eq!((own.dataset.train, own.dataset.test), (linked.dataset.train, linked.dataset.test));
}

#[test]
fn links_in_a_circle_end() {
    let place = Place::new();
    set(&place);
    // A class folder that is the set itself holds folders and no image.
    symlink(place.path("set"), place.path("set/c")).unwrap();
    let notes = load(&place.path("set")).unwrap().notes;
    says(&crate::data::lines(&notes), &["folders without an image are left out: c"]);
    fs::remove_file(place.path("set/c")).unwrap();
    // In a class folder it is left out, as other folders are.
    symlink(place.path("set"), place.path("set/a/again")).unwrap();
    says(&load(&place.path("set")).unwrap().notice.unwrap(), &["8 of 3 x 4 pixels", "1 file left out"]);
    // A link to itself leads nowhere, nor does one to what is gone.
    for target in ["odd.png", "gone.png"] {
        symlink(target, place.path("set/a/odd.png")).unwrap();
        says(&refusal(load(&place.path("set"))), &["cannot read", "set/a/odd.png"]);
        fs::remove_file(place.path("set/a/odd.png")).unwrap();
    }
}

#[test]
fn pipes_and_devices_are_left_out_and_never_waited_for() {
    let place = Place::new();
    set(&place);
    let made = Command::new("mkfifo").arg(place.path("set/a/pipe.png")).status().unwrap();
    assert!(made.success());
    symlink("/dev/zero", place.path("set/b/zero.png")).unwrap();
    let notice = load(&place.path("set")).unwrap().notice.unwrap();
    says(&notice, &["8 of 3 x 4 pixels", "2 files left out, not PNG or JPEG"]);
    symlink("/dev/zero", place.path("zero.csv")).unwrap();
    says(&refusal(load(&place.path("zero.csv"))), &["neither a folder nor a text table"]);
}

/// Names inside an archive are names, and never places.
#[test]
fn archives_whose_names_lead_elsewhere_write_nothing() {
    let place = Place::new();
    let labels = array("|u1", &[4], &[0, 1, 0, 1]);
    let names = ["../../../escaped", "/escaped", "..\\escaped", "C:escaped"];
    let mut members: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (*name, labels.clone())).collect();
    members.push(("X", array("|u1", &[4, 2], &[1, 2, 3, 4, 5, 6, 7, 8])));
    members.push(("y", labels));
    let path = place.path("set.npz");
    write_npz(&path, &members);
    let before = (place.names("."), place.names("home"));
    assert_eq!(load(&path).unwrap().dataset.classes, 2);
    assert_eq!(doctor::npz::read(&path).unwrap().len(), members.len());
    place.run(&["doctor", "set.npz"]).fails(2, &["lacks W1"]);
    place.run(&["data", "show", "set.npz"]).ok();
    assert_eq!((place.names("."), place.names("home")), before);
}
