//! The readers under test: everything that takes bytes from outside.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use gpu_mlp::checkpoint::{self, Progress, State};
use gpu_mlp::data::idx::{self, ImagesFile};
use gpu_mlp::data::{Dataset, LoadOptions, Preparation, Samples, Scaling};
use gpu_mlp::doctor::{self, comparison};
use gpu_mlp::metrics::{EpochRecord, Sums};
use gpu_mlp::model::{MlpSpec, Parameters};
use gpu_mlp::run::{RunConfig, RunDir};
use gpu_mlp::trainer::{Plan, TrainConfig};
use image::{ColorType, ImageFormat};
use zip::CompressionMethod;

use crate::driver::{Mutate, Target};
use crate::mutate::{Rng, edited, one_in};
use crate::place::{self, judged};
use crate::{archive, json, pictures};

type Read = Box<dyn FnMut(&[u8]) -> Result<(), String>>;

fn target(name: &'static str, seeds: Vec<Vec<u8>>, mutate: Mutate, read: Read) -> Target {
    Target { name, seeds, mutate, read }
}

/// All of them.
pub fn all() -> Vec<fn() -> Target> {
    vec![
        idx,
        npz,
        table,
        images,
        model,
        checkpoint,
        config,
        metrics,
        dump,
        #[cfg(feature = "parquet")]
        crate::parquet::target,
    ]
}

pub fn gzip(bytes: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Edits what is inside a gzip file, or the file.
fn mutate_gzip(rng: &mut Rng, input: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    if !input.starts_with(&[0x1f, 0x8b]) || one_in(rng, 4) {
        return edited(rng, input, other, words);
    }
    let mut plain = Vec::new();
    let source = std::io::Read::take(flate2::read::MultiGzDecoder::new(input), 1 << 16);
    match std::io::Read::read_to_end(&mut { source }, &mut plain) {
        Ok(_) => gzip(&edited(rng, &plain, other, words), Compression::none()),
        Err(_) => edited(rng, input, other, words),
    }
}

fn idx() -> Target {
    let file = |dims: &[u32]| {
        let mut bytes = vec![0, 0, 8, dims.len() as u8];
        dims.iter().for_each(|dim| bytes.extend(dim.to_be_bytes()));
        bytes.extend((0..dims.iter().product()).map(|i: u32| (i * 37) as u8));
        bytes
    };
    let plain = [file(&[3, 2, 4]), file(&[5]), file(&[1, 1, 1])];
    let packed = plain.each_ref().map(|bytes| gzip(bytes, Compression::fast()));
    let (folder, path) = place::file("images");
    let read = move |input: &[u8]| {
        let _ = &folder;
        let name = Path::new("images");
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
            fs::write(&path, input).unwrap();
            let left = judged(ImagesFile::open(&path).and_then(ImagesFile::leave));
            assert_eq!(left.is_ok(), images.is_ok(), "{left:?} {images:?}");
            if let (Ok(left), Ok(images)) = (left, &images) {
                let last = left.rows() as u32 - 1;
                let row = left.read(&[last]).unwrap();
                assert_eq!(row, images.pixels[images.pixels.len() - row.len()..]);
            }
        }
        images.map(drop)
    };
    let mutate: Mutate =
        |rng, input, other| mutate_gzip(rng, input, other, &["\u{0}\u{0}\u{8}\u{3}", "\u{1f}"]);
    target("idx", [&plain[..], &packed].concat(), mutate, Box::new(read))
}

/// The bytes of an array.
fn array(descr: &str, shape: &[usize], body: &[u8]) -> Vec<u8> {
    [gpu_mlp::numpy::npy::header(descr, shape), body.to_vec()].concat()
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
        place::load(&path)
    };
    target("npz", seeds, archive::mutate, Box::new(read))
}

pub fn table() -> Target {
    let seeds = [
        "x,z,label\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n",
        "0;1.5;2\n1;2.5;3\n0;1e3;-4\n1;7;0\n",
        "\u{feff}a\tb\tspecies\n1\t2\t\"Ölüm\"\n3\t4\t\"the \"\"rest\"\"\"\n1\t3\tÖlüm\n3\t5\tx\n",
        ",x,y\r\n0,1,a\r\n1,2,b\r\n2,3,a\r\n3,5,b\r\n",
    ];
    let mut seeds: Vec<Vec<u8>> = seeds.map(|text| text.as_bytes().to_vec()).to_vec();
    let pixels = |i: usize| (0..64).map(|p| format!(",{}", (i * p * 5) % 256)).collect::<String>();
    seeds.push((0..6).map(|i| format!("{}{}\n", i % 2, pixels(i))).collect::<String>().into_bytes());
    seeds.push(gzip(&seeds[0], Compression::fast()));
    let (folder, path) = place::file("set.csv");
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        place::load(&path)
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

/// A small network's parameters.
fn network() -> (MlpSpec, Parameters) {
    let spec = MlpSpec::new(vec![3, 2, 2]).unwrap();
    let parameters = Parameters::he_uniform(&spec, 1);
    (spec, parameters)
}

pub fn model() -> Target {
    let (folder, path) = place::file("model.safetensors");
    let (_, parameters) = network();
    let class_names = vec!["no".to_owned(), "yes".to_owned()];
    let columns = Scaling::Columns { shift: vec![1.0, 2.0, 3.0], factor: vec![0.5, 0.0, 4.0] };
    let mut seeds: Vec<Vec<u8>> = [Scaling::Bytes, Scaling::None, columns]
        .into_iter()
        .map(|scaling| {
            let preparation = Preparation { scaling, class_names: class_names.clone() };
            checkpoint::save_model(&path, &parameters, &preparation).unwrap();
            fs::read(&path).unwrap()
        })
        .collect();
    // As an earlier version wrote it.
    let bare = r#"{\"layers\":[3,2,2],\"activation\":\"relu\",\"input_scale\":0.00392156862745098}"#;
    seeds.push(with_metadata(&seeds[0], bare));
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let (parameters, preparation) = judged(checkpoint::load_model(&path))?;
        let spec = parameters.spec().unwrap();
        assert_eq!(preparation.class_names.len(), spec.classes(), "as many names as classes");
        if let Scaling::Columns { shift, factor } = &preparation.scaling {
            assert_eq!(
                (shift.len(), factor.len()),
                (spec.inputs(), spec.inputs()),
                "a scaling for each input"
            );
            assert!(shift.iter().chain(factor).all(|value| value.is_finite()));
        }
        Ok(())
    };
    target("model", seeds, json::mutate_safetensors, Box::new(read))
}

/// The file with other words in its metadata.
pub fn with_metadata(file: &[u8], escaped: &str) -> Vec<u8> {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    header["__metadata__"]["gpu_mlp"] = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &file[8 + length..]].concat()
}

fn checkpoint() -> Target {
    let (folder, path) = place::file("checkpoint.safetensors");
    let (spec, parameters) = network();
    let sums = Sums { loss: vec![0.5, 0.25], hits: 3, samples: 8 };
    let progress = Progress { epochs: 2, samples: 8, sums };
    let seed = |velocities: Option<Parameters>| {
        let state = State { progress: progress.clone(), parameters: parameters.clone(), velocities };
        checkpoint::save_state(&path, &state).unwrap();
        fs::read(&path).unwrap()
    };
    let seeds = vec![seed(None), seed(Some(Parameters::zeros(&spec)))];
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let state = judged(checkpoint::load_state(&path, &spec))?;
        assert_eq!(state.parameters.spec().unwrap(), spec);
        Ok(())
    };
    target("checkpoint", seeds, json::mutate_safetensors, Box::new(read))
}

fn small_set() -> Dataset {
    let samples = || Samples::new(4, (0..40).collect(), vec![0, 1, 0, 1, 1, 0, 1, 0, 1, 1], 2).unwrap();
    Dataset {
        name: "small".into(),
        origin: "a test".into(),
        image_shape: [2, 2],
        classes: 2,
        preparation: Preparation::of_images(2),
        train: samples(),
        test: samples(),
    }
}

fn config() -> Target {
    let folder = place::folder();
    let path = folder.path().join("config.json");
    let set = small_set();
    let full = TrainConfig {
        early_stopping: Some(3),
        overfit_batches: Some(2),
        validation_fraction: 0.25,
        batch_size: 2,
        ..TrainConfig::default()
    };
    let seed = |train| {
        let loading = LoadOptions::default();
        let config =
            RunConfig { data: "digits".into(), loading, backend: "cpu".into(), adapter: None, train };
        serde_json::to_vec_pretty(&config).unwrap()
    };
    let seeds = vec![seed(TrainConfig { batch_size: 2, ..TrainConfig::default() }), seed(full)];
    let read = move |input: &[u8]| {
        fs::write(&path, input).unwrap();
        let config = judged(RunDir::open(folder.path()).and_then(|run| run.config()))?;
        judged(config.train.check())?;
        judged(config.train.spec(&set))?;
        let plan = judged(Plan::new(&config.train, &set))?;
        assert!(!plan.train.is_empty() && !plan.test.is_empty());
        Ok(())
    };
    target("config", seeds, json::mutate, Box::new(read))
}

fn metrics() -> Target {
    let folder = place::folder();
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    let path = folder.path().join("metrics.jsonl");
    let line = |epoch| {
        let record = EpochRecord {
            epoch,
            train_loss: 0.5,
            train_accuracy: 0.75,
            test_loss: 0.5,
            test_accuracy: 1.0,
            validation_loss: (epoch > 1).then_some(0.25),
            validation_accuracy: None,
            seconds: 0.5,
            samples_per_second: 1e5,
        };
        serde_json::to_string(&record).unwrap()
    };
    let seed = format!("{{\"event\":\"start\",\"data\":\"x\"}}\n{}\n{}\n", line(1), line(2));
    let read = move |input: &[u8]| {
        fs::write(&path, input).unwrap();
        let run = RunDir::open(folder.path()).unwrap();
        let records = judged(run.rewind(2))?;
        assert_eq!(records.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 2]);
        // What was kept is kept again.
        assert_eq!(run.rewind(2).unwrap(), records);
        Ok(())
    };
    target("metrics", vec![seed.into_bytes()], json::mutate_lines, Box::new(read))
}

/// The arrays of a step, as the doctor and `trace --compare` read them.
pub fn dump() -> Target {
    let (_, parameters) = network();
    let x = gpu_mlp::Tensor::new([2, 3], vec![0.5, -1.0, 2.0, 0.25, 1.5, -0.5]).unwrap();
    let step = gpu_mlp::doctor::trace::entries(&parameters.in_f64(), &x, &[0, 1], 0.1);
    let mut bytes = Cursor::new(Vec::new());
    let entries = step.iter().map(|(name, value)| (name.as_str(), doctor::npy::render(value)));
    gpu_mlp::numpy::npz::write(&mut bytes, entries).unwrap();
    let read = |input: &[u8]| {
        let words = |(problem, hint): (String, String)| format!("{problem}\n  hint: {hint}");
        let entries = doctor::npz::read_from(Cursor::new(input)).map_err(words)?;
        let compared = comparison::compare(&entries, None).map_err(words);
        let report = doctor::examine(&entries, &doctor::Options::default()).map_err(words)?;
        assert!(
            !report.checked.is_empty()
                || !report.findings.is_empty()
                || compared.is_err()
                || !report.notes.is_empty()
        );
        compared.map(drop)
    };
    target("dump", vec![bytes.into_inner()], archive::mutate, Box::new(read))
}
