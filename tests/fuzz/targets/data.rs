//! The forms that data come in.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use flate2::Compression;
use gpu_mlp::data::idx::{self, ImagesFile};
use gpu_mlp::data::{Fold, LoadOptions, Missing, Separator, TableOptions};
use gpu_mlp::numpy::npy;
use image::{ColorType, ImageFormat};
use zip::CompressionMethod;

use super::{gzip, mutate_gzip, target};
use crate::driver::{Mutate, Target};
use crate::place::{self, judged};
use crate::{archive, pictures};

pub fn idx() -> Target {
    let file = |dims: &[u32]| {
        let mut bytes = vec![0, 0, 8, dims.len() as u8];
        dims.iter().for_each(|dim| bytes.extend(dim.to_be_bytes()));
        bytes.extend((0..dims.iter().product()).map(|i: u32| (i * 37) as u8));
        bytes
    };
    let mut plain = vec![file(&[3, 2, 4]), file(&[5]), file(&[1, 1, 1])];
    plain.extend([(0x09, 1), (0x0b, 2), (0x0c, 4), (0x0d, 4), (0x0e, 8)].map(|(code, size)| {
        let mut bytes = vec![0, 0, code, 2, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend((0..6 * size).map(|i: u32| (i * 5) as u8));
        bytes
    }));
    let packed: Vec<Vec<u8>> = plain.iter().map(|bytes| gzip(bytes, Compression::fast())).collect();
    let (folder, path) = place::file("images");
    let read = move |input: &[u8]| {
        let _ = &folder;
        let name = Path::new("images");
        fs::write(&path, input).unwrap();
        let array = judged(idx::Array::read(&path, 1 << 20));
        if let Ok(array) = &array {
            assert_eq!(array.numbers().count(), array.dims.iter().product::<usize>());
        }
        if let Ok(labels) = judged(idx::labels_from(input, name)) {
            assert!(!labels.is_empty());
            return Ok(());
        }
        let images = judged(idx::images_from(input, name));
        if let Ok(images) = &images {
            assert_eq!(images.pixels.len(), images.len() * images.shape[0] * images.shape[1]);
        }
        if !input.starts_with(&[0x1f, 0x8b]) {
            // The same file, left where it is.
            let left = judged(ImagesFile::open(&path).and_then(ImagesFile::leave));
            assert_eq!(left.is_ok(), images.is_ok(), "{left:?} {images:?}");
            if let (Ok(left), Ok(images)) = (left, &images) {
                let last = left.rows() as u32 - 1;
                let row = left.read(&[last]).unwrap();
                assert_eq!(row, images.pixels[images.pixels.len() - row.len()..]);
            }
        }
        images.map(drop).or(array.map(drop))
    };
    let mutate: Mutate =
        |rng, input, other| mutate_gzip(rng, input, other, &["\u{0}\u{0}\u{8}\u{3}", "\u{1f}"]);
    target("idx", [&plain[..], &packed].concat(), mutate, Box::new(read))
}

/// The bytes of an array.
fn array(descr: &str, shape: &[usize], body: &[u8]) -> Vec<u8> {
    [npy::header(descr, shape), body.to_vec()].concat()
}

pub fn npz() -> Target {
    let floats: Vec<u8> = (0..24).flat_map(|i| (i as f32 * 0.5 - 3.0).to_le_bytes()).collect();
    let labels: Vec<u8> = (0..6_i64).flat_map(|i| (i % 3).to_le_bytes()).collect();
    let names: Vec<u8> = "aabbab".chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    let bytes: Vec<u8> = (0..96).collect();
    let sets: [Vec<(&str, Vec<u8>)>; 3] = [
        vec![("X", array("<f4", &[6, 4], &floats)), ("y", array("<i8", &[6], &labels))],
        vec![
            ("x_train", array("|u1", &[6, 4, 4], &bytes)),
            ("y_train", array("<U1", &[6], &names)),
            ("x_test", array("|u1", &[6, 4, 4], &bytes)),
            ("y_test", array("<U1", &[6, 1], &names)),
        ],
        vec![("images", array(">f2", &[6, 8], &bytes)), ("labels", array("|b1", &[6], &[0, 1, 0, 1, 1, 1]))],
    ];
    let pack = |members: Vec<(&str, Vec<u8>)>, method| {
        let members = members.into_iter().map(|(name, bytes)| (format!("{name}.npy"), bytes)).collect();
        archive::packed(&members, method).unwrap()
    };
    let mut seeds: Vec<Vec<u8>> =
        sets.iter().map(|set| pack(set.clone(), CompressionMethod::Stored)).collect();
    let fortran = String::from_utf8_lossy(&sets[0][0].1[..128]).replace("False", "True ");
    assert!(fortran.contains("True"));
    seeds.push(pack(sets[0].clone(), CompressionMethod::Deflated));
    let mut turned = sets[0].clone();
    let at = turned[0].1.windows(5).position(|five| five == b"False").unwrap();
    turned[0].1.splice(at..at + 5, *b"True ");
    seeds.push(pack(turned, CompressionMethod::Stored));
    let (folder, path) = place::file("set.npz");
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let keys =
            ["images=X,labels=y", "X,y", "x_train=x,y_train=y,x_test=x_val,y_test=y_val"][input.len() % 3];
        let asked = LoadOptions { npz_keys: Some(keys.to_owned()), ..LoadOptions::default() };
        // What one reading refuses the other may take; of two refusals the usual reading's counts.
        let (usual, other) = (place::load(&path), place::load_with(&path, &asked));
        usual.or_else(|refusal| other.map_err(|_| refusal))
    };
    target("npz", seeds, archive::mutate, Box::new(read))
}

pub fn table() -> Target {
    let seeds = [
        "x,z,label\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n",
        "0;1.5;2\n1;2.5;3\n0;1e3;2\n1;7;3\n",
        "\u{feff}a\tb\tspecies\n1\t2\t\"Ölüm\"\n3\t4\t\"the \"\"rest\"\"\"\n1\t3\tÖlüm\n3\t5\tx\n",
        ",x,y\r\n0,1,a\r\n1,2,b\r\n2,3,a\r\n3,5,b\r\n",
        "id,sex,age,new,label\n7,m,NA,yes,0\n9,f,3.5,no,1\n4,m,,yes,?\n2,x,8,no,1\n5,f,1,no,0\n6,m,2,yes,1\n",
        "# a comment\nsep=;\na;b;class\n0,5;red;1\n1,5;blue;2\n2,5;red;1\n3,5;;2\n",
        "1.5  2  0\n 2.5 \"a b\" 1\n3.5 4 0\n4.5 5 1\n",
        "0,1,2,3\n1,5,2,0\n2,6,3,1\n3,7,?,0\n4,8,3,1\n",
        "a,day,y\n1,2024-03-01 12:30,0\n2,2024-04-02,1\n3,,0\n4,2024-05-03T01:00Z,1\n",
        "a,day,at,y\n1,31 Mar 24,14:30,0\n2,March 1, 2:30 PM,1\n3,Fri 2 May 2024 1:00,25:10:01,0\n4,3-Apr-2024,1:00,1\n",
        "a,day,y\n1,20240331,0\n2,20240401,1\n3,,0\n4,20240503,1\n",
        "a,day,y\n1,31/03/2024,0\n2,1.4.2024,1\n3,2/5/2024 1:05 PM,0\n4,3/5/2024,1\n",
        "{\"a\":1,\"b\":\"x\",\"y\":0}\n{\"a\":2.5,\"y\":1}\n{\"b\":\"z\",\"y\":0,\"a\":null}\n{\"y\":1,\"a\":4,\"b\":\"x\"}\n",
        "[{\"a\":true,\"b\":1,\"y\":\"p\"},\n {\"a\":false,\"b\":2,\"y\":\"q\"},{\"a\":true,\"b\":3,\"y\":\"p\"}]\n",
    ];
    let mut seeds: Vec<Vec<u8>> = seeds.map(|text| text.as_bytes().to_vec()).to_vec();
    let pixels = |i: usize| (0..64).map(|p| format!(",{}", (i * p * 5) % 256)).collect::<String>();
    seeds.push((0..6).map(|i| format!("{}{}\n", i % 2, pixels(i))).collect::<String>().into_bytes());
    seeds.push(gzip(&seeds[0], Compression::fast()));
    let (folder, path) = place::file("set.csv");
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        // The file says how it is read, so that a finding can be repeated.
        let number = input.len();
        let table = TableOptions {
            max_categories: number % 5,
            missing: Missing::ALL[number % 4],
            header: [None, Some(true), Some(false)][number % 3],
            separator: [None, Some(Separator::Blanks), None, Some(Separator::Semicolon)][number / 2 % 4],
            decimal_comma: number.is_multiple_of(7),
            na_values: number.is_multiple_of(2).then(|| "a,x".to_owned()),
            columns: number.is_multiple_of(11).then(|| "0,-2".to_owned()),
            exclude: number.is_multiple_of(13).then(|| "-2".to_owned()),
        };
        let asked = LoadOptions {
            table,
            label_column: number.is_multiple_of(3).then(|| "-1".to_owned()),
            split_seed: number as u64,
            validation_fraction: if number.is_multiple_of(5) { 0.25 } else { 0.0 },
            fold: number.is_multiple_of(4).then(|| Fold::new(1 + number % 2, 2).unwrap()),
            ..LoadOptions::default()
        };
        // What one reading refuses the other may take; of two refusals the usual reading's counts.
        let (usual, other) = (place::load(&path), place::load_with(&path, &asked));
        usual.or_else(|refusal| other.map_err(|_| refusal))
    };
    let mutate: Mutate = |rng, input, other| {
        let words = [
            ",",
            ";",
            "\t",
            "\n",
            "\r\n",
            "\"",
            "\"\"",
            "\u{feff}",
            "label",
            "nan",
            "inf",
            " ",
            "\u{0}",
            "ß",
            "1e400",
            "-1e-46",
            "3e38",
            "-3e38",
            "PK\u{3}\u{4}",
            "PAR1",
            "#",
            "sep=;\n",
            "NA",
            "?",
            "yes",
            "0,5",
            "{\"",
            "\":[",
            "}",
            "[{",
            "]",
            "\\",
            "2024-02-29",
            "01/02/2024",
            "+01:00",
        ];
        mutate_gzip(rng, input, other, &words)
    };
    target("table", seeds, mutate, Box::new(read))
}

pub fn encoded(colour: ColorType, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let pixels: Vec<u8> = (0..16 * usize::from(colour.bytes_per_pixel())).map(|i| (i * 29) as u8).collect();
    image::write_buffer_with_format(&mut bytes, &pixels, 4, 4, colour, format).unwrap();
    bytes.into_inner()
}

pub fn images() -> Target {
    use ColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgba8, Rgba16};
    let mut seeds = [L8, La8, Rgb8, Rgba8, L16, La16, Rgb16, Rgba16]
        .map(|colour| encoded(colour, ImageFormat::Png))
        .to_vec();
    seeds.extend([L8, Rgb8].map(|colour| encoded(colour, ImageFormat::Jpeg)));
    let folder = place::folder();
    let path = folder.path().to_owned();
    for class in ["a", "b"] {
        fs::create_dir(path.join(class)).unwrap();
        fs::write(path.join(class).join("0"), &seeds[0]).unwrap();
    }
    let read = move |input: &[u8]| {
        fs::write(folder.path().join("a/1"), input).unwrap();
        place::load(folder.path())
    };
    target("images", seeds, pictures::mutate, Box::new(read))
}
