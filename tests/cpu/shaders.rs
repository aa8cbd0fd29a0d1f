//! Every WGSL file: listed, headed as the house wants it, valid, within weak adapters' limits, translatable everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use gpu_mlp::gpu::Shader;
use gpu_mlp::kernels::{SHADERS, cooperative};
use naga::back::{glsl, hlsl, msl, pipeline_constants, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy, Layouter};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ResourceBinding, ShaderStage};

/// What the adapters with the least to offer still have: OpenGL ES 3.1, and WebGPU's compatibility mode.
const MAX_STORAGE_BUFFERS: usize = 4;
const MAX_INVOCATIONS: u32 = 256;
const MAX_WORKGROUP_BYTES: u32 = 16 << 10;

const FIELDS: [&str; 6] = ["Formula:", "Shapes:", "Bindings:", "Dispatch:", "Numerics:", "Twin:"];

fn parsed(shader: &Shader) -> Module {
    naga::front::wgsl::parse_str(shader.source)
        .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(shader.source, shader.name)))
}

/// The file that only adapters with matrices of a subgroup can run.
const COOPERATIVE: &str = "matmul_cooperative";

/// Without any extension of WGSL, for no adapter has all of them; but one file is only for those that have subgroups, and
/// one for those that multiply matrices.
fn validated(name: &str, module: &Module) -> ModuleInfo {
    let matrices = Capabilities::SHADER_FLOAT16 | Capabilities::COOPERATIVE_MATRIX | Capabilities::SUBGROUP;
    let extensions = match name {
        "matmul_subgroup" => Capabilities::SUBGROUP,
        COOPERATIVE => matrices,
        _ => Capabilities::empty(),
    };
    Validator::new(ValidationFlags::all(), Capabilities::default() | extensions)
        .validate(module)
        .unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

#[test]
fn who_uses_subgroups_says_how_many_lanes_it_counts_on() {
    for shader in SHADERS.iter().filter(|shader| shader.name != COOPERATIVE) {
        let without =
            Validator::new(ValidationFlags::all(), Capabilities::default()).validate(&parsed(shader));
        assert_eq!(without.is_err(), shader.constant("LANES").is_ok(), "{}", shader.name);
    }
}

/// Calls with every entry point of every shader that runs anywhere.
fn each_entry_point(check: impl FnMut(&str, &Module, &ModuleInfo, usize)) {
    each_of(SHADERS.iter().filter(|shader| shader.name != COOPERATIVE), check);
}

/// Calls with every entry point of some shaders.
fn each_of<'s>(
    shaders: impl Iterator<Item = &'s Shader>,
    mut check: impl FnMut(&str, &Module, &ModuleInfo, usize),
) {
    let mut count = 0;
    for shader in shaders {
        let module = parsed(shader);
        let info = validated(shader.name, &module);
        // Constants that a pipeline sets take their defaults here.
        let none = pipeline_constants::process_overrides(&module, &info, None, &Default::default());
        let (module, info) = none.unwrap_or_else(|error| panic!("{}: {error}", shader.name));
        assert!(!module.entry_points.is_empty(), "{} has no entry point", shader.name);
        for (index, entry) in module.entry_points.iter().enumerate() {
            assert_eq!(entry.stage, ShaderStage::Compute);
            check(&format!("{}.{}", shader.name, entry.name), &module, &info, index);
            count += 1;
        }
    }
    assert!(count > 0);
}

/// The bindings that an entry point uses, and the bytes of workgroup memory.
fn used(module: &Module, info: &ModuleInfo, index: usize) -> (Vec<(ResourceBinding, AddressSpace)>, u32) {
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).unwrap();
    let (mut bindings, mut workgroup_bytes) = (Vec::new(), 0);
    for (handle, variable) in module.global_variables.iter() {
        if info.get_entry_point(index)[handle].is_empty() {
            continue;
        }
        if variable.space == AddressSpace::WorkGroup {
            workgroup_bytes += layouter[variable.ty].size.next_multiple_of(16);
        }
        bindings.extend(variable.binding.map(|binding| (binding, variable.space)));
    }
    (bindings, workgroup_bytes)
}

#[test]
fn every_file_is_listed_and_every_listed_one_is_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<String> =
        names.map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let listed: BTreeSet<String> = SHADERS.iter().map(|shader| format!("{}.wgsl", shader.name)).collect();
    assert_eq!(files, listed, "shaders/ and kernels::SHADERS");
    for shader in &SHADERS {
        let file = fs::read_to_string(folder.join(format!("{}.wgsl", shader.name))).unwrap();
        assert!(file == shader.source, "{} embeds another file", shader.name);
    }
}

/// The lines of a WGSL file that declare a variable in a loop without a value.
fn unset_in_loops(source: &str) -> Vec<&str> {
    let (mut blocks, mut found) = (Vec::new(), Vec::new());
    for line in source.lines().map(|line| line.split("//").next().unwrap_or_default().trim()) {
        if line.starts_with("var ") && !line.contains('=') && blocks.contains(&true) {
            found.push(line);
        }
        let is_loop = ["for ", "for(", "while ", "loop "].iter().any(|head| line.starts_with(head));
        for character in line.chars() {
            match character {
                '{' => blocks.push(is_loop),
                '}' => drop(blocks.pop()),
                _ => {}
            }
        }
    }
    found
}

/// Chromium's compiler does not zero it at every turn.
#[test]
fn no_variable_in_a_loop_is_left_without_a_value() {
    for shader in &SHADERS {
        assert_eq!(unset_in_loops(shader.source), [""; 0], "{}", shader.name);
    }
    let planted = "fn f() {\n var a: u32;\n for (;;) {\n if b {\n var c: vec4f;\n }\n }\n var d: u32;\n}\n";
    assert_eq!(unset_in_loops(planted), ["var c: vec4f;"]);
}

/// What is wrong with the header of a WGSL file.
fn header_problem(source: &str) -> Option<String> {
    let header: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//")).collect();
    let title = header.first().map_or("", |line| line.trim());
    if title.is_empty() || FIELDS.iter().any(|field| title.starts_with(field)) {
        return Some("the first line is no title".into());
    }
    if header.get(1).is_none_or(|line| !line.trim().is_empty()) {
        return Some("no empty line after the title".into());
    }
    let label = |line: &str| {
        FIELDS.into_iter().find(|field| line.strip_prefix(' ').is_some_and(|l| l.starts_with(field)))
    };
    let found: Vec<&str> = header.iter().filter_map(|line| label(line)).collect();
    if found != FIELDS {
        return Some(format!("its fields are {found:?}, not {FIELDS:?}"));
    }
    let empty = |line: &&&str| label(line).is_some_and(|field| line.trim() == field);
    header.iter().find(empty).map(|line| format!("{} says nothing", line.trim()))
}

#[test]
fn every_header_has_its_fields_in_order() {
    for shader in &SHADERS {
        assert_eq!(header_problem(shader.source), None, "{}", shader.name);
    }
    let good = "// Title.\n//\n// Formula:  f\n// Shapes: s\n// Bindings: b\n// Dispatch: d\n// Numerics: n\n// Twin: t\n";
    assert_eq!(header_problem(good), None);
    for bad in [
        &good[10..],
        &good.replace("// Shapes: s\n", ""),
        &good.replace("Shapes", "Form"),
        &good.replace("Numerics: n", "Numerics:"),
        &good.replace("// Dispatch: d\n// Numerics: n", "// Numerics: n\n// Dispatch: d"),
        &good.replace("// Twin", "\n// Twin"),
        &good.replace("//\n", ""),
    ] {
        assert!(header_problem(bad).is_some(), "{bad}");
    }
}

/// The functions and types that a header's last field names.
fn twins(source: &str) -> Vec<String> {
    let field =
        source.lines().skip_while(|line| !line.starts_with("// Twin:")).take_while(|line| line.len() > 2);
    let text: String = field.collect();
    let names = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    names.filter(|word| !["Twin", "reference"].contains(word)).map(str::to_owned).collect()
}

#[test]
fn every_twin_exists() {
    let reference = [
        include_str!("../../src/reference/textbook.rs"),
        include_str!("../../src/reference/activation.rs"),
        include_str!("../../src/reference/loss.rs"),
        include_str!("../../src/reference/optimizer.rs"),
        include_str!("../../src/reference/training.rs"),
    ]
    .concat();
    for shader in SHADERS.iter().filter(|shader| !shader.name.starts_with("gather")) {
        let twins = twins(shader.source);
        assert!(!twins.is_empty(), "{} names no twin", shader.name);
        for twin in twins {
            let defined = ["fn ", "enum ", "struct ", "impl "].iter().any(|kind| {
                reference.contains(&format!("{kind}{twin}(")) || reference.contains(&format!("{kind}{twin} "))
            });
            assert!(defined, "{}: the reference has no {twin}", shader.name);
        }
    }
}

#[test]
fn binding_0_is_params_and_inputs_come_before_outputs() {
    each_of(SHADERS.iter(), |name, module, info, index| {
        let (mut bindings, _) = used(module, info, index);
        bindings.sort_by_key(|(binding, _)| binding.binding);
        let is_read_only = |space: &AddressSpace| match space {
            AddressSpace::Storage { access } => !access.contains(naga::StorageAccess::STORE),
            // A texture, or numbers of a step that change from submission to submission.
            space => matches!(space, AddressSpace::Handle | AddressSpace::Uniform),
        };
        assert!(bindings.iter().all(|(binding, _)| binding.group == 0), "{name}");
        assert_eq!((bindings[0].0.binding, bindings[0].1), (0, AddressSpace::Uniform), "{name}");
        let storage: Vec<bool> = bindings[1..].iter().map(|(_, space)| is_read_only(space)).collect();
        assert!(storage.is_sorted_by_key(|input| !input), "{name}: read-only is {storage:?}");
        assert!(storage.contains(&false), "{name} writes nothing");
    });
}

#[test]
fn every_entry_point_fits_the_weakest_adapters() {
    each_entry_point(|name, module, info, index| {
        let (bindings, bytes) = used(module, info, index);
        let storage = bindings.iter().filter(|(_, s)| matches!(s, AddressSpace::Storage { .. })).count();
        assert!(storage <= MAX_STORAGE_BUFFERS, "{name} binds {storage} storage buffers");
        let [x, y, z] = module.entry_points[index].workgroup_size;
        assert!((1..=MAX_INVOCATIONS).contains(&(x * y * z)), "{name}: workgroups of {x} x {y} x {z}");
        assert!(x <= 256 && y <= 256 && z <= 64, "{name}: workgroups of {x} x {y} x {z}");
        assert!(bytes <= MAX_WORKGROUP_BYTES, "{name} uses {bytes} bytes of workgroup memory");
    });
}

#[test]
fn what_an_entry_point_uses_is_counted() {
    let source = "
        @group(0) @binding(0) var<uniform> params: vec4u;
        @group(0) @binding(1) var<storage, read> a: array<f32>;
        @group(0) @binding(2) var<storage, read_write> b: array<f32>;
        @group(0) @binding(3) var<storage, read> unused: array<f32>;
        var<workgroup> tile: array<vec4f, 100>;
        @compute @workgroup_size(8, 2) fn f(@builtin(local_invocation_index) i: u32) {
            tile[i].x = a[i + params.x];
            workgroupBarrier();
            b[i] = tile[15u - i].x;
        }";
    let module = parsed(&Shader { name: "counted", source });
    let (bindings, bytes) = used(&module, &validated("counted", &module), 0);
    assert_eq!((bindings.len(), bytes), (3, 1600));
}

#[test]
fn every_entry_point_translates_to_metal() {
    each_entry_point(|name, module, info, index| {
        let entry = &module.entry_points[index];
        let target = |binding: &ResourceBinding, space: &AddressSpace| {
            let mutable = !matches!(space, AddressSpace::Uniform);
            let slot = Some(binding.binding as u8);
            let (buffer, texture) = if *space == AddressSpace::Handle { (None, slot) } else { (slot, None) };
            (*binding, msl::BindTarget { buffer, texture, mutable, ..Default::default() })
        };
        let resources = used(module, info, index).0.iter().map(|(b, space)| target(b, space)).collect();
        let resources = msl::EntryPointResources { resources, sizes_buffer: Some(30), ..Default::default() };
        let options = msl::Options {
            lang_version: (2, 0),
            per_entry_point_map: BTreeMap::from([(entry.name.clone(), resources)]),
            fake_missing_bindings: false,
            // As wgpu asks for it.
            bounds_check_policies: BoundsCheckPolicies {
                index: BoundsCheckPolicy::Restrict,
                buffer: BoundsCheckPolicy::Restrict,
                ..Default::default()
            },
            ..Default::default()
        };
        let pipeline = msl::PipelineOptions {
            entry_point: Some((ShaderStage::Compute, entry.name.clone())),
            ..Default::default()
        };
        let (text, translated) = msl::write_string(module, info, &options, &pipeline)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        // One name for each function written; none is an error kept for later.
        assert!(
            translated.entry_point_names.iter().all(Result::is_ok),
            "{name}: {:?}",
            translated.entry_point_names
        );
        says(name, &text, &["#include <metal_stdlib>", "kernel void ", "[[buffer(0)]]"]);
    });
}

#[test]
fn every_entry_point_translates_to_hlsl() {
    each_entry_point(|name, module, info, index| {
        let entry = &module.entry_points[index];
        let options = hlsl::Options::default();
        let pipeline =
            hlsl::PipelineOptions { entry_point: Some((ShaderStage::Compute, entry.name.clone())) };
        let mut text = String::new();
        let written = hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None);
        let reflection = written.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(reflection.entry_point_names.iter().all(Result::is_ok), "{name}");
        says(name, &text, &["[numthreads(", "ByteAddressBuffer", "cbuffer"]);
    });
}

#[test]
fn every_entry_point_translates_to_opengl_es() {
    each_entry_point(|name, module, info, index| {
        let entry = &module.entry_points[index];
        let binding_map = used(module, info, index).0.iter().map(|(b, _)| (*b, b.binding as u8)).collect();
        let options =
            glsl::Options { version: glsl::Version::new_gles(310), binding_map, ..Default::default() };
        let pipeline = glsl::PipelineOptions {
            shader_stage: ShaderStage::Compute,
            entry_point: entry.name.clone(),
            multiview: None,
        };
        let mut text = String::new();
        glsl::Writer::new(&mut text, module, info, &options, &pipeline, BoundsCheckPolicies::default())
            .and_then(|mut writer| writer.write())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        says(name, &text, &["#version 310 es", "local_size_x", "void main()", "buffer "]);
    });
}

#[test]
fn every_entry_point_translates_to_spirv() {
    let [_, of_8] = cooperative();
    each_of(SHADERS.iter().chain([&of_8]), |name, module, info, index| {
        let entry = &module.entry_points[index];
        // Subgroups came with version 1.3, which is Vulkan 1.1, and their matrices with 1.6.
        let minor = match name.split('.').next() {
            Some("matmul_subgroup") => 3,
            Some(COOPERATIVE) => 6,
            _ => 0,
        };
        let options = spv::Options { lang_version: (1, minor), ..Default::default() };
        let pipeline =
            spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: entry.name.clone() };
        let words = spv::write_vec(module, info, &options, Some(&pipeline))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let version = 0x0001_0000 + (u32::from(minor) << 8);
        assert_eq!((words[0], words[1]), (0x0723_0203, version), "{name}: magic number and version");
        assert!(words.len() > 100, "{name}: {} words", words.len());
    });
}

#[track_caller]
fn says(name: &str, text: &str, fragments: &[&str]) {
    for fragment in fragments {
        assert!(text.contains(fragment), "{name}: `{fragment}` is not in:\n{text}");
    }
}
