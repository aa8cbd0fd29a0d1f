//! Wrong usage, missing adapters and training that fails: the exit code and the words of each.

use std::fs;

use crate::program::{Place, Ran, lines};

#[cfg(target_os = "linux")]
fn with_env(place: &Place, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    place.command(args).envs(variables.iter().copied()).output().unwrap().into()
}

/// No Vulkan driver can be found.
#[cfg(target_os = "linux")]
const NO_VULKAN: [(&str, &str); 2] =
    [("VK_DRIVER_FILES", "/nonexistent"), ("VK_ICD_FILENAMES", "/nonexistent")];

#[test]
fn numbers_that_cannot_be_meant_are_wrong_usage() {
    let place = Place::new();
    let cases: [(&[&str], &str); 13] = [
        (&["--lr", "0"], "--lr 0: expected a number greater than 0"),
        (&["--lr", "nan"], "'nan' for '--lr <RATE>': expected a number such as 0.1"),
        (&["--lr", "-0.5"], "--lr -0.5: expected a number greater than 0"),
        (&["--lr=-0.5"], "--lr -0.5"),
        (&["--lr", "inf"], "'inf' for '--lr <RATE>': expected a number such as 0.1"),
        (&["--momentum", "1"], "--momentum 1: expected"),
        (&["--momentum", "-1"], "--momentum -1: expected"),
        (&["--weight-decay", "-0.1"], "--weight-decay -0.1: expected"),
        (
            &["--validation-fraction", "1"],
            "--validation-fraction 1: expected a fraction from 0 to less than 1",
        ),
        (
            &["--validation-fraction", "-0.1"],
            "--validation-fraction -0.1: expected a fraction from 0 to less than 1",
        ),
        (&["--validation-fraction", "0.001"], "holds out 0 of 60 samples"),
        (&["--early-stopping", "3"], "--validation-fraction"),
        (&["--batch-size", "0"], "--batch-size 0: expected 1 or more"),
    ];
    for (args, fragment) in cases {
        let batch: &[&str] = if args[0] == "--batch-size" { &[] } else { &["--batch-size", "8"] };
        place.train(&[args, batch].concat()).fails(2, &[fragment]);
    }
    for option in ["--epochs", "--overfit-batches"] {
        place
            .train(&[option, "0", "--batch-size", "8"])
            .fails(2, &[&format!("{option} 0: expected 1 or more")]);
    }
    assert!(!place.path("runs").exists(), "a mistake leaves no folder behind");
}

#[test]
fn options_that_cannot_be_read_are_wrong_usage() {
    let place = Place::new();
    let cases: [(&[&str], &str); 10] = [
        (&["--adapter", "0"], "--backend cpu uses none"),
        (&["--hidden", "3,x"], "\"x\" is not a layer size"),
        (&["--hidden", "0"], "\"0\" is not a layer size"),
        (&["--hidden", "300,,75"], "\"\" is not a layer size"),
        (&["--batch-size", "8", "--hidden", "4294967295"], "more than 4294967295 parameters"),
        (&["--hidden", "99999999999999999999"], "is not a layer size"),
        (&["--batch-size", "many"], "'many'"),
        (&["--seed", "1.5"], "'1.5'"),
        (&["--overwrite", "--resume", "a"], "cannot be used with"),
        (&["--learning-rate", "1"], "--learning-rate"),
    ];
    for (args, fragment) in cases {
        place.train(args).fails(2, &[fragment]);
    }
    place.run(&["trian"]).fails(2, &["trian", "train"]);
    assert_eq!(place.run(&[]).code, Some(2));
}

#[test]
fn help_and_version_are_no_errors() {
    let place = Place::new();
    let help = place.run(&["--help"]).ok();
    for fragment in
        ["train", "eval", "devices", "data", "Exit codes:", "no usable adapter", "diverged", "130"]
    {
        assert!(help.contains(fragment), "`{fragment}` is not in: {help}");
    }
    let train = place.run(&["train", "--help"]).ok();
    for fragment in
        ["--hidden", "300,75", "--lr", "0.1", "--momentum", "--resume", "--overwrite", "--early-stopping"]
    {
        assert!(train.contains(fragment), "`{fragment}` is not in: {train}");
    }
    assert_eq!(place.run(&["--version"]).ok(), format!("gpu-mlp {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_loss_that_is_no_number_has_an_exit_code_of_its_own() {
    let place = Place::new();
    let ran = place.train(&["--lr", "1e30", "--batch-size", "8", "--json", "--out", "a"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    for fragment in ["error: training diverged in epoch 1", "try a smaller --lr (it was 1e30)"] {
        assert!(ran.err.contains(fragment), "`{fragment}` is not in: {}", ran.err);
    }
    assert_eq!(lines(&ran.out).len(), 1, "the start, and nothing that claims an end: {}", ran.out);
    assert!(!place.path("a/model.safetensors").exists(), "what diverged is not kept");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let place = Place::new();
    fs::write(place.path("file"), "").unwrap();
    // Permissions mean nothing to root, but nobody can make a folder inside a file.
    place.train(&["--batch-size", "8", "--out", "file/run"]).fails(2, &["cannot create file/run"]);
    place.train(&["--batch-size", "8", "--out", "file"]).fails(2, &["file: it exists and is not a folder"]);
    fs::write(place.path("runs"), "").unwrap();
    place.train(&["--batch-size", "8"]).fails(2, &["cannot create runs"]);
}

#[test]
fn an_adapter_that_is_not_there_is_missed_with_a_list_of_those_that_are() {
    let place = Place::new();
    let listed = place.run(&["devices", "--json"]).lines();
    let ran = place.run(&["train", "--data", "tiny", "--batch-size", "8", "--adapter", "nosuchadapter"]);
    ran.fails(3, &["no adapter for adapter \"nosuchadapter\"; found:", "--backend cpu"]);
    for adapter in listed[0]["adapters"].as_array().unwrap() {
        let name = adapter["name"].as_str().unwrap();
        assert!(ran.err.contains(name), "{name} is not in: {}", ran.err);
    }
    place.run(&["devices", "--adapter", "4711", "--json"]).fails(3, &["adapter \"4711\""]);
    assert!(!place.path("runs").exists());
}

#[test]
#[cfg(target_os = "linux")] // Vulkan is of this platform here, and its loader heeds these variables.
fn a_backend_without_a_driver_is_no_usable_adapter() {
    let place = Place::new();
    let vulkan = ["train", "--data", "tiny", "--batch-size", "8", "--backend", "vulkan"];
    with_env(&place, &vulkan, &NO_VULKAN)
        .fails(3, &["no adapter for backend vulkan", "driver", "--backend cpu"]);
    // wgpu's own variable, where no option speaks.
    let variables = [&NO_VULKAN[..], &[("WGPU_BACKEND", "vulkan")]].concat();
    with_env(&place, &["train", "--data", "tiny", "--batch-size", "8"], &variables)
        .fails(3, &["no adapter for backend vulkan"]);
    // … and an option does speak here.
    let cpu = ["train", "--data", "tiny", "--batch-size", "8", "--backend", "cpu", "--quiet", "--dry-run"];
    assert_eq!(with_env(&place, &cpu, &[("WGPU_BACKEND", "metal")]).code, Some(0));
    let variables = [&NO_VULKAN[..], &[("WGPU_ADAPTER_NAME", "nosuchadapter")]].concat();
    with_env(&place, &["train", "--data", "tiny", "--batch-size", "8"], &variables)
        .fails(3, &["adapter \"nosuchadapter\""]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_backend_of_another_platform_is_refused_with_those_of_this_one() {
    let place = Place::new();
    for backend in ["metal", "dx12"] {
        for command in ["train", "devices"] {
            let ran = place.run(&[command, "--backend", backend]);
            assert_eq!(ran.code, Some(2), "{ran:?}");
            let text =
                format!("backend \"{backend}\" does not exist on linux; this platform has: vulkan, gl, cpu");
            assert!(ran.err.contains(&text), "{}", ran.err);
        }
    }
    with_env(&place, &["train", "--data", "tiny"], &[("WGPU_BACKEND", "metal")])
        .fails(2, &["does not exist on linux"]);
}

#[test]
fn an_unknown_backend_is_refused_with_the_known_ones() {
    let place = Place::new();
    for command in ["train", "devices"] {
        place
            .run(&[command, "--backend", "cuda"])
            .fails(2, &["cuda", "auto", "vulkan", "metal", "dx12", "gl", "cpu"]);
    }
}

#[test]
fn drivers_say_nothing_on_a_machine_without_a_desktop() {
    let place = Place::new();
    for args in [&["devices", "--json"][..], &["train", "--data", "tiny", "--dry-run", "--quiet"]] {
        let ran: Ran = place.command(args).env_remove("XDG_RUNTIME_DIR").output().unwrap().into();
        assert_eq!(ran.err, "", "{args:?}");
    }
}
