//! One set in four forms and more: IDX, `.npz`, CSV, folders of images; what was taken for what, and that the same rows
//! in the same order train to the same weights, bit for bit.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use gpu_mlp::Error;
use gpu_mlp::data::folder::STEMS;
use gpu_mlp::data::{
    self, Dataset, Format, LoadOptions, Loaded, MEMORY_LIMIT, Places, Request, Samples, folder, idx,
};
use gpu_mlp::files::numpy::{npy, npz};
use image::{ColorType, ImageFormat};
use tempfile::{TempDir, tempdir};

use crate::data::{refusal, says};
use crate::program::Place;

pub fn load_with(path: &Path, options: &LoadOptions) -> Result<Loaded, Error> {
    let request = Request { data: path.to_str(), options: Some(options), ..Request::default() };
    data::load_from(request, &Places::default())
}

pub fn load(path: &Path) -> Result<Loaded, Error> {
    load_with(path, &LoadOptions::default())
}

/// The bytes of an array.
pub fn array(descr: &str, shape: &[usize], body: &[u8]) -> Vec<u8> {
    [npy::header(descr, shape), body.to_vec()].concat()
}

pub fn write_npz(path: &Path, arrays: &[(&str, Vec<u8>)]) {
    let arrays = arrays.iter().map(|(name, bytes)| (*name, bytes.clone()));
    npz::write(fs::File::create(path).unwrap(), arrays).unwrap();
}

pub fn encoded(pixels: &[u8], [rows, cols]: [usize; 2], colour: ColorType, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut bytes, pixels, cols as u32, rows as u32, colour, format).unwrap();
    bytes.into_inner()
}

/// Rows and labels of both parts, sorted by label, as a folder of class folders has them.
struct Set {
    shape: [usize; 2],
    parts: [(Vec<u8>, Vec<u8>); 2],
}

impl Set {
    /// The first samples of a set, sorted by their labels.
    fn of(dataset: &Dataset, counts: [usize; 2]) -> Self {
        let part = |samples: &Samples, count: usize| {
            let mut order: Vec<u32> = (0..count as u32).collect();
            order.sort_by_key(|&i| samples.labels()[i as usize]);
            let labels = order.iter().map(|&i| samples.labels()[i as usize] as u8).collect();
            (samples.read(&order).unwrap(), labels)
        };
        let parts = [part(&dataset.train, counts[0]), part(&dataset.test, counts[1])];
        Self { shape: dataset.image_shape, parts }
    }

    fn rows(&self, part: usize) -> impl Iterator<Item = (usize, u8, &[u8])> {
        let (pixels, labels) = &self.parts[part];
        let size = self.shape[0] * self.shape[1];
        labels.iter().zip(pixels.chunks(size)).enumerate().map(|(i, (&label, row))| (i, label, row))
    }

    fn write_idx(&self, path: &Path) {
        fs::create_dir_all(path).unwrap();
        for (stems, (pixels, labels)) in STEMS.chunks(2).zip(&self.parts) {
            idx::write_images(&path.join(stems[0]), self.shape.map(|side| side as u32), pixels).unwrap();
            idx::write_labels(&path.join(stems[1]), labels).unwrap();
        }
    }

    fn write_npz(&self, path: &Path) {
        let mut arrays = Vec::new();
        for ([x, y], (pixels, labels)) in
            [["x_train", "y_train"], ["x_test", "y_test"]].into_iter().zip(&self.parts)
        {
            arrays.push((x, array("|u1", &[labels.len(), self.shape[0], self.shape[1]], pixels)));
            let wide: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
            arrays.push((y, array("<i8", &[labels.len()], &wide)));
        }
        write_npz(path, &arrays);
    }

    fn write_csv(&self, part: usize, path: &Path) {
        let line = |(_, label, row): (usize, u8, &[u8])| {
            let values: Vec<String> = row.iter().map(u8::to_string).collect();
            format!("{label},{}\n", values.join(","))
        };
        fs::write(path, self.rows(part).map(line).collect::<String>()).unwrap();
    }

    fn write_images(&self, path: &Path) {
        for (part, name) in ["train", "test"].into_iter().enumerate() {
            for (i, label, row) in self.rows(part) {
                let folder = path.join(name).join(label.to_string());
                fs::create_dir_all(&folder).unwrap();
                let png = encoded(row, self.shape, ColorType::L8, ImageFormat::Png);
                fs::write(folder.join(format!("{i:05}.png")), png).unwrap();
            }
        }
    }
}

/// Trains on a set in four forms and compares the files of the models.
fn four_forms(set: &Set) {
    let place = Place::new();
    set.write_idx(&place.path("idx"));
    set.write_npz(&place.path("set.npz"));
    set.write_csv(0, &place.path("train.csv"));
    set.write_csv(1, &place.path("test.csv"));
    set.write_images(&place.path("images"));
    let mut models = Vec::new();
    let cases: [(&str, &[&str], &str); 4] = [
        ("idx", &[], ""),
        ("set.npz", &[], "an .npz file of x_train, y_train, x_test, y_test"),
        ("train.csv", &["--test-data", "test.csv"], "a text table"),
        ("images", &[], "a folder of class folders of images"),
    ];
    for (data, more, form) in cases {
        let out = format!("run-{data}");
        let common =
            ["train", "--backend", "cpu", "--data", data, "--out", &out, "--hidden", "16", "--epochs", "2"];
        let ran = place.run(&[&common[..], &["--batch-size", "16"], more].concat());
        match form {
            "" => assert_eq!(ran.err, ""),
            form => says(&ran.err, &[&format!("note: {data} is {form}"), "bytes, scaled by 1/255"]),
        }
        ran.ok();
        models.push(place.read(&format!("{out}/model.safetensors")));
    }
    assert!(models.iter().all(|model| *model == models[0]), "the same weights, bit for bit");
    // A model knows its classes by name, so it is measured on any of the forms.
    let accuracy = |data: &str| {
        let ran = place.run(&["eval", "run-images", "--data", data, "--backend", "cpu", "--json"]);
        ran.lines()[0]["accuracy"].clone()
    };
    assert_eq!((accuracy("idx"), accuracy("set.npz")), (accuracy("images"), accuracy("images")));
}

#[test]
fn the_digits_train_to_the_same_weights_from_four_forms() {
    let request = Request { data: Some("digits"), ..Request::default() };
    let digits = data::load_from(request, &Places::default()).unwrap().dataset;
    four_forms(&Set::of(&digits, [400, 100]));
}

/// Where it is on this machine; the built-in digits of the same shape stand in for it elsewhere.
#[test]
fn mnist_trains_to_the_same_weights_from_four_forms() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mnist");
    if !folder::is_complete(&path) {
        eprintln!("MNIST is not there: skipped");
        return;
    }
    let mnist = folder::load(&path, "mnist", Some(10), MEMORY_LIMIT).unwrap();
    four_forms(&Set::of(&mnist, [2000, 500]));
}

/// 8 x 8 pixels of 0 to 16, as the digits of a well-known library are: numbers to scale, and images to look at.
#[test]
fn small_digits_of_few_levels_are_learnt_from_a_table() {
    let request = Request { data: Some("digits"), ..Request::default() };
    let digits = data::load_from(request, &Places::default()).unwrap().dataset.train;
    let line = |sample: u32| {
        let row = digits.read(&[sample]).unwrap();
        // Means of 3 x 3 pixels inside a margin of 2.
        let pixel = |p: usize| {
            let corner = (2 + 3 * (p / 8)) * 28 + 2 + 3 * (p % 8);
            let sum: usize = (0..9).map(|q| usize::from(row[corner + q / 3 * 28 + q % 3])).sum();
            (sum * 16 / (9 * 255)).to_string()
        };
        let values: Vec<String> = (0..64).map(pixel).collect();
        format!("{},{}\n", values.join(","), digits.labels()[sample as usize])
    };
    let place = Place::new();
    fs::write(place.path("small.csv"), (0..1797).map(line).collect::<String>()).unwrap();
    let common = ["train", "--backend", "cpu", "--json", "--data", "small.csv", "--label-column", "64"];
    let ran = place.run(&[&common[..], &["--hidden", "64", "--epochs", "60", "--momentum", "0.9"]].concat());
    says(&ran.err, &["1797 rows of 64 values", "divided by the largest of the training set"]);
    let accuracy = ran.lines().last().unwrap()["test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    let page = place.run(&["data", "show", "small.csv", "--label-column", "64"]).ok();
    says(&page, &["64 per sample (8 x 8 pixels): numbers, 0 to"]);
}

fn place_of_images() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("pets");
    for (class, shade) in [("Katze", 40_u8), ("犬", 200)] {
        fs::create_dir_all(path.join(class)).unwrap();
        for i in 0..6_u8 {
            let pixels: Vec<u8> = (0..12).map(|p| shade + i * 3 + p).collect();
            let png = encoded(&pixels, [3, 4], ColorType::L8, ImageFormat::Png);
            // Told by content: the ending is of no account.
            fs::write(path.join(class).join(format!("{i}.dat")), png).unwrap();
        }
    }
    (folder, path)
}

#[test]
fn a_folder_of_class_folders_is_split_and_named() {
    let (_folder, path) = place_of_images();
    fs::write(path.join("Katze/.hidden"), b"x").unwrap();
    fs::write(path.join("Katze/notes.txt"), b"not an image").unwrap();
    let Loaded { dataset, notice, .. } = load(&path).unwrap();
    says(&notice.unwrap(), &["12 of 3 x 4 pixels", "1 file left out, not PNG or JPEG", "notes.txt"]);
    assert_eq!((dataset.name.as_str(), dataset.image_shape, dataset.classes), ("pets", [3, 4], 2));
    assert_eq!((dataset.train.len(), dataset.test.len(), dataset.train.format()), (10, 2, Format::Bytes));
    assert_eq!(dataset.preparation.class_names, ["Katze", "犬"].map(String::from));
    let again = load(&path).unwrap().dataset;
    assert_eq!((&again.train, &again.test), (&dataset.train, &dataset.test), "the order is always the same");

    // One coloured image makes all of them coloured: red, green and blue of each pixel.
    let colours: Vec<u8> = (0..36).collect();
    fs::write(path.join("犬/7.dat"), encoded(&colours, [3, 4], ColorType::Rgb8, ImageFormat::Png)).unwrap();
    let dataset = load(&path).unwrap().dataset;
    assert_eq!((dataset.image_shape, dataset.train.features()), ([3, 4], 36));
    let rows: Vec<Vec<u8>> = (0..10).map(|i| dataset.train.read(&[i]).unwrap()).collect();
    assert!(
        rows.iter().filter(|row| row[..6] == [row[0], row[0], row[0], row[3], row[3], row[3]]).count() >= 9
    );
}

#[test]
fn jpeg_sixteen_bits_and_transparency_are_read_as_bytes() {
    let folder = tempdir().unwrap();
    for class in ["a", "b"] {
        fs::create_dir(folder.path().join(class)).unwrap();
    }
    let put = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    let grey = [64_u8; 64];
    put("a/1.jpg", encoded(&grey, [8, 8], ColorType::L8, ImageFormat::Jpeg));
    let deep: Vec<u8> = [[0x40, 0x40]; 64].concat();
    put("a/2.png", encoded(&deep, [8, 8], ColorType::L16, ImageFormat::Png));
    // A quarter of the white that it is laid on shows through the black.
    put("b/1.png", encoded(&[[0, 191]; 64].concat(), [8, 8], ColorType::La8, ImageFormat::Png));
    put("b/2.png", encoded(&grey, [8, 8], ColorType::L8, ImageFormat::Png));
    let dataset = load_with(folder.path(), &LoadOptions { test_fraction: 0.5, ..LoadOptions::default() })
        .unwrap()
        .dataset;
    for samples in [&dataset.train, &dataset.test] {
        let bytes = samples.read(&[0, 1]).unwrap();
        assert!(bytes.len() == 128 && bytes.iter().all(|&byte| byte.abs_diff(64) <= 1), "{bytes:?}");
    }
}

#[test]
fn folders_that_hold_no_set_are_refused() {
    let (_folder, path) = place_of_images();
    let refused = |fragments: &[&str]| says(&refusal(load(&path)), fragments);
    let whole = encoded(&[7; 12], [3, 4], ColorType::L8, ImageFormat::Png);
    fs::write(path.join("Katze/odd.png"), &whole[..whole.len() / 2]).unwrap();
    refused(&["odd.png", "the image is damaged", "skip_broken leaves such images out"]);
    // An IHDR that claims 4 giga-pixels.
    let mut bomb = whole.clone();
    bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    fs::write(path.join("Katze/odd.png"), bomb).unwrap();
    refused(&["odd.png"]);
    fs::remove_file(path.join("Katze/odd.png")).unwrap();
    let request = Request { data: path.to_str(), memory_limit: Some(100), ..Request::default() };
    says(&refusal(data::load_from(request, &Places::default())), &["more than 100 bytes", "memory_limit"]);
    let empty = tempdir().unwrap();
    fs::create_dir(empty.path().join("none")).unwrap();
    says(&refusal(load(empty.path())), &["no PNG or JPEG image in the folders of this folder"]);
    fs::remove_dir(empty.path().join("none")).unwrap();
    says(
        &refusal(load(empty.path())),
        &["there is no data set in this folder: it is empty", "one folder for each class"],
    );
    says(&refusal(load(&path.join("Katze/0.dat"))), &["this is a PNG image; name the folder"]);
    says(&refusal(load(&path.join("absent.csv"))), &["absent.csv", "there is no such folder or file"]);
}

#[test]
fn what_a_test_part_of_another_form_holds_is_measured_on() {
    let (_folder, path) = place_of_images();
    let place = Place::new();
    let options = LoadOptions { test_data: Some(path.clone()), ..LoadOptions::default() };
    let dataset = load_with(&path, &options).unwrap().dataset;
    assert_eq!((dataset.train.len(), dataset.test.len()), (12, 12));
    says(&refusal(load_with(&place.path("tiny"), &options)), &["has its own test set", "test_data"]);
    fs::create_dir(path.join("Maus")).unwrap();
    fs::copy(path.join("Katze/0.dat"), path.join("Maus/0.dat")).unwrap();
    let other = tempdir().unwrap();
    for class in ["Katze", "犬"] {
        fs::create_dir(other.path().join(class)).unwrap();
        fs::copy(path.join(class).join("0.dat"), other.path().join(class).join("0.dat")).unwrap();
    }
    let text = refusal(load_with(other.path(), &options));
    says(&text, &["the label `Maus` is not one of the 2 known classes (Katze, 犬)"]);
}

#[test]
fn images_on_the_disk_can_be_scaled_as_bytes_alone() {
    let place = Place::new();
    let train = |more: &[&str]| {
        place.train(&[&["--batch-size", "8", "--hidden", "7", "--epochs", "1", "--json"], more].concat())
    };
    train(&["--memory-limit", "1", "--scale", "standard"]).fails(2, &["stay on the disk", "--scale auto"]);
    let lines = train(&["--scale", "standard"]).lines();
    assert!(lines.iter().any(|line| line["event"] == "epoch"));
}
