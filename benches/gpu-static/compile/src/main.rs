//! Compiles every entry point of WGSL files with the Vulkan driver at hand, as wgpu does in a release build of ours: without
//! checks of indices, with workgroup memory as it is, and with all the robustness that the driver offers.
//!
//! `compile FOLDER FILE.wgsl...` prints a line for each entry point: its name, the lanes of a subgroup and the driver's
//! figures, `key=value` between tabs. The driver's assembly goes into the folder. Nothing is ever run.

use std::error::Error;
use std::ffi::{CStr, CString, c_char};
use std::path::Path;

use ash::{ext, khr, vk};
use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn text(chars: &[c_char]) -> String {
    // SAFETY: a driver's texts end with a zero.
    unsafe { CStr::from_ptr(chars.as_ptr()) }.to_string_lossy().into_owned()
}

struct Driver {
    device: ash::Device,
    told: khr::pipeline_executable_properties::Device,
    // Unloads the driver when dropped.
    _entry: ash::Entry,
}

impl Driver {
    fn open() -> Result<Self> {
        // SAFETY: handles are used while what they belong to is alive, and every chain of structures is on this stack.
        unsafe {
            let entry = ash::Entry::load()?;
            let app =
                vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3).engine_name(c"wgpu-hal");
            let instance = vk::InstanceCreateInfo::default().application_info(&app);
            let instance = entry.create_instance(&instance, None)?;
            let adapter = *instance.enumerate_physical_devices()?.first().ok_or("the driver finds no GPU")?;

            let mut robust = vk::PhysicalDeviceRobustness2FeaturesEXT::default();
            let mut offered = vk::PhysicalDeviceFeatures2::default().push_next(&mut robust);
            instance.get_physical_device_features2(adapter, &mut offered);
            let core = vk::PhysicalDeviceFeatures {
                robust_buffer_access: offered.features.robust_buffer_access,
                ..Default::default()
            };
            let mut robust = vk::PhysicalDeviceRobustness2FeaturesEXT::default()
                .robust_buffer_access2(robust.robust_buffer_access2 == vk::TRUE);
            let mut vulkan_1_2 = vk::PhysicalDeviceVulkan12Features::default().vulkan_memory_model(true);
            let mut vulkan_1_3 = vk::PhysicalDeviceVulkan13Features::default().subgroup_size_control(true);
            let mut figures = vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default()
                .pipeline_executable_info(true);
            let mut features = vk::PhysicalDeviceFeatures2::default()
                .features(core)
                .push_next(&mut vulkan_1_2)
                .push_next(&mut vulkan_1_3)
                .push_next(&mut robust)
                .push_next(&mut figures);
            let extensions =
                [khr::pipeline_executable_properties::NAME.as_ptr(), ext::robustness2::NAME.as_ptr()];
            let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
            let device = vk::DeviceCreateInfo::default()
                .queue_create_infos(&queues)
                .enabled_extension_names(&extensions)
                .push_next(&mut features);
            let device = instance.create_device(adapter, &device, None)?;
            let told = khr::pipeline_executable_properties::Device::new(&instance, &device);
            Ok(Self { device, told, _entry: entry })
        }
    }

    /// The pipeline of an entry point.
    fn compile(&self, module: &naga::Module, info: &ModuleInfo, index: usize) -> Result<vk::Pipeline> {
        let name = &module.entry_points[index].name;
        let unchecked = BoundsCheckPolicy::Unchecked;
        let options = spv::Options {
            lang_version: (1, 6),
            bounds_check_policies: BoundsCheckPolicies {
                index: unchecked,
                buffer: unchecked,
                image_load: unchecked,
                binding_array: unchecked,
            },
            zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
            force_loop_bounding: false,
            emit_int_div_checks: false,
            ..Default::default()
        };
        let wanted =
            spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: name.clone() };
        let words = spv::write_vec(module, info, &options, Some(&wanted))?;
        let mut bindings = Vec::new();
        for (handle, variable) in module.global_variables.iter() {
            let used = !info.get_entry_point(index)[handle].is_empty();
            let Some(at) = variable.binding.filter(|_| used) else { continue };
            let kind = match variable.space {
                naga::AddressSpace::Uniform => vk::DescriptorType::UNIFORM_BUFFER,
                naga::AddressSpace::Storage { .. } => vk::DescriptorType::STORAGE_BUFFER,
                _ => vk::DescriptorType::SAMPLED_IMAGE,
            };
            let binding = vk::DescriptorSetLayoutBinding::default().binding(at.binding).descriptor_type(kind);
            bindings.push(binding.descriptor_count(1).stage_flags(vk::ShaderStageFlags::COMPUTE));
        }
        let name = CString::new(name.as_str())?;
        // SAFETY: as in `open`.
        unsafe {
            let device = &self.device;
            let set = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
            let sets = [device.create_descriptor_set_layout(&set, None)?];
            let layout = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
            let layout = device.create_pipeline_layout(&layout, None)?;
            let shader = vk::ShaderModuleCreateInfo::default().code(&words);
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .flags(vk::PipelineShaderStageCreateFlags::ALLOW_VARYING_SUBGROUP_SIZE)
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(device.create_shader_module(&shader, None)?)
                .name(&name);
            let flags = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
            let pipeline = vk::ComputePipelineCreateInfo::default().flags(flags).layout(layout).stage(stage);
            let made = device.create_compute_pipelines(vk::PipelineCache::null(), &[pipeline], None);
            Ok(made.map_err(|(_, error)| error)?[0])
        }
    }

    /// Prints the driver's figures, and writes its texts.
    fn tell(&self, pipeline: vk::Pipeline, name: &str, folder: &Path) -> Result<()> {
        let pipeline_info = vk::PipelineInfoKHR::default().pipeline(pipeline);
        // An entry point is one executable, or several of which the first is the usual one.
        let executable = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline);
        // SAFETY: as in `open`.
        let (kinds, figures) = unsafe {
            (
                self.told.get_pipeline_executable_properties(&pipeline_info)?,
                self.told.get_pipeline_executable_statistics(&executable)?,
            )
        };
        print!("{name}\tlanes={}", kinds[0].subgroup_size);
        for figure in figures {
            // SAFETY: the format says which one it is.
            let value = unsafe {
                match figure.format {
                    vk::PipelineExecutableStatisticFormatKHR::BOOL32 => figure.value.b32.into(),
                    vk::PipelineExecutableStatisticFormatKHR::FLOAT64 => figure.value.f64,
                    _ => figure.value.u64 as f64,
                }
            };
            print!("\t{}={value}", text(&figure.name));
        }
        println!();
        for (title, content) in self.representations(&executable) {
            if title.to_lowercase().contains("assembly") {
                std::fs::write(folder.join(format!("{name}.txt")), content)?;
            }
        }
        Ok(())
    }

    /// What the driver shows of its work: titles and texts.
    fn representations(&self, executable: &vk::PipelineExecutableInfoKHR<'_>) -> Vec<(String, Vec<u8>)> {
        let ask = self.told.fp().get_pipeline_executable_internal_representations_khr;
        let device = self.told.device();
        let mut count = 0;
        // SAFETY: the first call tells the count, the second the sizes, the third fills what is as large.
        unsafe {
            let _ = ask(device, executable, &mut count, std::ptr::null_mut());
            let mut parts = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
            let _ = ask(device, executable, &mut count, parts.as_mut_ptr());
            let mut room: Vec<Vec<u8>> = parts.iter().map(|part| vec![0; part.data_size]).collect();
            for (part, room) in parts.iter_mut().zip(&mut room) {
                part.p_data = room.as_mut_ptr().cast();
            }
            let _ = ask(device, executable, &mut count, parts.as_mut_ptr());
            parts.iter().map(|part| text(&part.name)).zip(room).collect()
        }
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("compile FOLDER FILE.wgsl...")?;
    std::fs::create_dir_all(&folder)?;
    let driver = Driver::open()?;
    for path in arguments {
        let source = std::fs::read_to_string(&path)?;
        let module = naga::front::wgsl::parse_str(&source)
            .map_err(|error| error.emit_to_string_with_path(&source, &path))?;
        let mut validator = Validator::new(ValidationFlags::all(), Capabilities::all());
        let info =
            validator.validate(&module).map_err(|error| error.emit_to_string_with_path(&source, &path))?;
        let stem = Path::new(&path).file_stem().unwrap_or_default().to_string_lossy();
        for (index, point) in module.entry_points.iter().enumerate() {
            let pipeline = driver.compile(&module, &info, index)?;
            driver.tell(pipeline, &format!("{stem}.{}", point.name), Path::new(&folder))?;
        }
    }
    Ok(())
}
