//! Which adapter is chosen, from descriptions alone.

use gpu_mlp::gpu::Backend;
use gpu_mlp::gpu::adapter::{AdapterSummary, DeviceType, Request, choose};

fn summary(index: usize, name: &str, device_type: DeviceType) -> AdapterSummary {
    AdapterSummary {
        index,
        intel: false,
        name: name.into(),
        backend: Backend::Vulkan,
        device_type,
        driver: String::new(),
        compute: true,
        max_storage_buffer_binding_size: 1 << 27,
        max_buffer_size: 1 << 28,
        max_storage_buffers_per_shader_stage: 8,
        max_compute_workgroup_storage_size: 1 << 14,
        max_compute_invocations_per_workgroup: 256,
    }
}

fn machine() -> Vec<AdapterSummary> {
    vec![
        summary(0, "Soft Pipe", DeviceType::Cpu),
        summary(1, "Shared 630", DeviceType::IntegratedGpu),
        summary(2, "Big 4090", DeviceType::DiscreteGpu),
    ]
}

fn named(name: &str) -> Request {
    Request { adapter: Some(name.into()), ..Request::default() }
}

#[test]
fn hardware_comes_before_software_and_a_card_before_a_shared_gpu() {
    assert_eq!(choose(&Request::default(), &machine()).unwrap(), Some(2));
    assert_eq!(choose(&Request::default(), &machine()[..2]).unwrap(), Some(1));
    let low_power = Request { low_power: true, ..Request::default() };
    assert_eq!(choose(&low_power, &machine()).unwrap(), Some(1));
}

#[test]
fn software_has_to_be_asked_for() {
    assert_eq!(choose(&Request::default(), &machine()[..1]).unwrap(), None);
    assert_eq!(choose(&named("soft"), &machine()).unwrap(), Some(0));
    assert_eq!(choose(&named("0"), &machine()).unwrap(), Some(0));
}

#[test]
#[cfg(not(target_os = "macos"))] // where there is no Vulkan
fn a_backend_takes_its_best_even_if_that_is_software() {
    let vulkan = Request { backends: vec![Backend::Vulkan], ..Request::default() };
    assert_eq!(choose(&vulkan, &machine()[..1]).unwrap(), Some(0));
    assert_eq!(choose(&vulkan, &machine()).unwrap(), Some(2));
}

#[test]
fn an_adapter_that_cannot_run_the_kernels_is_passed_over() {
    let mut found = machine();
    found[2].compute = false;
    assert_eq!(choose(&Request::default(), &found).unwrap(), Some(1));
    found[1].max_storage_buffers_per_shader_stage = 3;
    assert_eq!(choose(&Request::default(), &found).unwrap(), None);
}

#[test]
fn what_is_not_there_is_missed_by_name() {
    let error = choose(&named("nvidia"), &machine()).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let text = error.to_string();
    assert!(text.contains("\"nvidia\"") && text.contains("2: Big 4090"), "{text}");
}

#[test]
fn processes_take_adapters_that_are_as_good_in_turn() {
    let mut found = machine();
    found.push(summary(3, "Big 4090", DeviceType::DiscreteGpu));
    let through_another =
        AdapterSummary { backend: Backend::Dx12, ..summary(4, "Big 4090", DeviceType::DiscreteGpu) };
    found.push(through_another);
    let chosen = |turn| choose(&Request { turn, ..Request::default() }, &found).unwrap();
    assert_eq!([0, 1, 2, 3].map(chosen), [Some(2), Some(3), Some(2), Some(3)]);
    assert_eq!(choose(&Request { turn: 1, ..named("3") }, &found).unwrap(), Some(3), "it was asked for");
}
