//! What the host writes for kernels lies where the WGSL reads it: names, types and offsets of every shared struct.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gpu_mlp::kernels::SHADERS;
use naga::{AddressSpace, Module, Scalar, ScalarKind, TypeInner};

/// A field: where it lies, its name, and its type.
type Field = (u32, String, String);

/// Names of padding differ: an array on one side may be single words on the other.
fn is_padding(name: &str) -> bool {
    name.starts_with("unused")
}

fn scalar_name(scalar: Scalar) -> &'static str {
    match (scalar.kind, scalar.width) {
        (ScalarKind::Uint, 4) => "u32",
        (ScalarKind::Float, 4) => "f32",
        other => panic!("{other:?} is shared with no host"),
    }
}

fn wgsl_type(module: &Module, ty: naga::Handle<naga::Type>) -> String {
    match &module.types[ty].inner {
        TypeInner::Scalar(scalar) => scalar_name(*scalar).into(),
        TypeInner::Vector { size, scalar } => format!("[{}; {}]", scalar_name(*scalar), *size as usize),
        TypeInner::Array { base, size: naga::ArraySize::Constant(count), .. } => {
            format!("[{}; {count}]", wgsl_type(module, *base))
        }
        TypeInner::Struct { .. } => module.types[ty].name.clone().unwrap(),
        other => panic!("{other:?} is shared with no host"),
    }
}

/// The structs that a shader shares with the host, with their sizes.
fn shared(module: &Module) -> BTreeMap<String, (u32, Vec<Field>)> {
    let in_buffers = module.global_variables.iter().map(|(_, variable)| variable);
    let mut open: Vec<_> = in_buffers
        .filter(|variable| matches!(variable.space, AddressSpace::Uniform | AddressSpace::Storage { .. }))
        .map(|variable| variable.ty)
        .collect();
    let mut found = BTreeMap::new();
    while let Some(ty) = open.pop() {
        match &module.types[ty].inner {
            TypeInner::Array { base, .. } => open.push(*base),
            TypeInner::Struct { members, span } => {
                open.extend(members.iter().map(|member| member.ty));
                let field = |member: &naga::StructMember| {
                    (member.offset, member.name.clone().unwrap(), wgsl_type(module, member.ty))
                };
                let fields = members.iter().map(field).filter(|(_, name, _)| !is_padding(name)).collect();
                found.insert(module.types[ty].name.clone().unwrap(), (*span, fields));
            }
            _ => {}
        }
    }
    found
}

/// Structs by name: their sizes and fields.
type Structs = BTreeMap<String, (u32, Vec<Field>)>;

/// The `#[repr(C)]` structs of a Rust file, as they stand in its text, with their sizes. All their scalars are words; what else
/// they are made of is `known` from other files.
fn host_structs(source: &str, known: &Structs) -> Structs {
    let mut found = Structs::new();
    for part in source.split("#[repr(C)]").skip(1) {
        let (head, rest) = part.split_once(" {\n").unwrap();
        let name = head.rsplit(' ').next().unwrap().to_owned();
        let (mut offset, mut fields) = (0, Vec::new());
        for line in
            rest.lines().take_while(|line| *line != "}").map(str::trim).filter(|line| !line.starts_with("//"))
        {
            let (field, ty) = line.trim_end_matches(',').split_once(": ").unwrap();
            let ty = ["LAYERS", "NETWORKS", "STEPS"]
                .into_iter()
                .zip(["8", "64", "64"])
                .fold(ty.to_owned(), |ty, (name, value)| ty.replace(name, value));
            let (element, count) = match ty.trim_matches(['[', ']']).split_once("; ") {
                Some((element, count)) => (element.to_owned(), count.parse().unwrap()),
                None => (ty.clone(), 1),
            };
            let size = found.get(&element).or_else(|| known.get(&element)).map_or(4, |(size, _)| *size);
            let field = field.rsplit(' ').next().unwrap().to_owned();
            if !is_padding(&field) {
                fields.push((offset, field, ty));
            }
            offset += size * count;
        }
        found.insert(name, (offset, fields));
    }
    found
}

#[test]
fn what_kernels_read_is_what_the_host_writes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let host =
        |file: &str, known: &Structs| host_structs(&fs::read_to_string(root.join(file)).unwrap(), known);
    let nothing = Structs::new();
    let mut everywhere = host("kernels/gather.rs", &nothing);
    everywhere.remove("Params");
    everywhere
        .extend(host("kernels/softmax_xent.rs", &nothing).into_iter().filter(|(name, _)| name == "Sum"));
    everywhere.extend(host("step/optimizer.rs", &nothing));
    let mut compared = 0;
    for shader in &SHADERS {
        let module = naga::front::wgsl::parse_str(shader.source).unwrap();
        let stem = match shader.name {
            name if name.starts_with("matmul_") => "matmul",
            "gather_floats" => "gather",
            name => name,
        };
        let own = host(&format!("kernels/{stem}.rs"), &everywhere);
        for (name, (size, fields)) in shared(&module) {
            let what = format!("{} of {}.wgsl", name, shader.name);
            let (host_size, host_fields) = match name.as_str() {
                "Params" | "Layer" | "Network" => &own[&name],
                _ => &everywhere[&name],
            };
            assert_eq!(fields, *host_fields, "{what}");
            assert_eq!(size, *host_size, "{what}: bytes");
            compared += 1;
        }
    }
    assert!(compared >= 2 * SHADERS.len(), "only {compared} structs were compared");
}

#[test]
fn swapped_fields_are_noticed() {
    let wgsl = "struct Params { rows: u32, ins: u32, lr: f32, unused: u32 }
        @group(0) @binding(0) var<uniform> params: Params;";
    let there = shared(&naga::front::wgsl::parse_str(wgsl).unwrap());
    let rust = |fields: &str| {
        host_structs(&format!("#[repr(C)]\nstruct Params {{\n{fields}\n}}\n"), &Structs::new())
    };
    assert_eq!(rust("    rows: u32,\n    ins: u32,\n    lr: f32,\n    unused: [u32; 1],"), there);
    for wrong in [
        "    ins: u32,\n    rows: u32,\n    lr: f32,\n    unused: u32,",
        "    rows: u32,\n    ins: f32,\n    lr: f32,\n    unused: u32,",
        "    rows: u32,\n    ins: u32,\n    lr: f32,",
        "    rows: [u32; 2],\n    ins: u32,\n    lr: f32,",
    ] {
        assert_ne!(rust(wrong), there, "{wrong}");
    }
}
