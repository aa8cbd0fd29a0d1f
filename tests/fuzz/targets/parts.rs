//! Sets in parts: the list of the parts, and a part.

use std::fs;
use std::path::Path;

use gpu_mlp::data::parts::{Entry, MANIFEST, Manifest, Sharding, shard, verify};
use gpu_mlp::data::{LoadOptions, MEMORY_LIMIT, Places, Scale};
use gpu_mlp::network::Task;

use super::{data, target};
use crate::driver::{Mutate, Target};
use crate::place::{self, judged};
use crate::{archive, json};

/// A set as one file, and how it is read.
type Set = (&'static str, Vec<u8>, LoadOptions);

/// Classes with weights and a word, numbers, and images as bytes.
fn sets() -> [Set; 3] {
    let options = LoadOptions::default();
    let row = |i: usize| format!("{},{i},{},{},{}\n", ["red", "blue"][i % 2], i * i, 1 + i % 3, i % 3);
    let rows: String = (0..24).map(row).collect();
    let table = format!("colour,a,b,count,kind\n{rows}").into_bytes();
    let classes = LoadOptions {
        label_column: Some("kind".into()),
        weight_column: Some("count".into()),
        validation_fraction: 0.2,
        scale: Scale::Standard,
        ..options.clone()
    };
    let numbers =
        LoadOptions { label_column: Some("a,b".into()), task: Some(Task::Regression), ..options.clone() };
    let images = data::npz().seeds.swap_remove(1);
    [
        ("classes.csv", table.clone(), classes),
        ("numbers.csv", table, numbers),
        ("images.npz", images, options),
    ]
}

/// Makes parts of a set in a folder.
fn made(folder: &Path, (name, bytes, options): &Set, part_bytes: u64) -> Manifest {
    let source = place::folder();
    let file = source.path().join(name);
    fs::write(&file, bytes).unwrap();
    let data = [file.to_str().unwrap().to_owned()];
    let sharding = Sharding { data: &data, options, data_dir: None, memory_limit: MEMORY_LIMIT, part_bytes };
    shard(folder, &sharding, &Places::default()).unwrap().0
}

pub fn parts() -> Target {
    let (lists, alone) = (place::folder(), place::folder());
    let mut seeds = Vec::new();
    for (number, set) in sets().iter().enumerate() {
        let own = lists.path().join(number.to_string());
        let manifest = made(&own, set, 100);
        let mut text = fs::read_to_string(own.join(MANIFEST)).unwrap();
        // The parts of all sets lie in one folder, each by a name of its own.
        for Entry { file, .. } in manifest.entries() {
            let name = format!("{number}-{file}");
            fs::rename(own.join(file), lists.path().join(&name)).unwrap();
            text = text.replace(&format!("\"{file}\""), &format!("\"{name}\""));
        }
        seeds.push(text.into_bytes());
    }
    let folder = alone.path().join("parts");
    let manifest = made(&folder, &sets()[0], 1 << 20);
    let (list, part) = (lists.path().join(MANIFEST), folder.join(&manifest.train[0].file));
    seeds.push(fs::read(&part).unwrap());
    let read = move |input: &[u8]| {
        let _ = &alone;
        if input.starts_with(b"PK") {
            fs::write(&part, input).unwrap();
            return place::load(&folder);
        }
        fs::write(&list, input).unwrap();
        let manifest = judged(Manifest::read(lists.path()))?;
        let verdict = judged(verify(lists.path())).unwrap();
        assert_eq!(verdict.manifest, manifest);
        assert!(verdict.damaged.iter().all(|(_, problem)| problem.len() < 1024), "{verdict:?}");
        place::load(lists.path())
    };
    let mutate: Mutate = |rng, input, other| match input.starts_with(b"PK") {
        true => archive::mutate(rng, input, other),
        false => json::mutate(rng, input, other),
    };
    target("parts", seeds, mutate, Box::new(read))
}
