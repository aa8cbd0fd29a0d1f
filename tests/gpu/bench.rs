//! What `gpu-mlp bench` times on the adapter: the launches that train.

use std::time::Instant;

use gpu_mlp::checks::bench::{self, Clock, Observer, Options, Subject};
use gpu_mlp::checks::selftest::products;
use gpu_mlp::engine::{Device, Engine};
use gpu_mlp::gpu::adapter::DeviceType;
use gpu_mlp::gpu::{Gpu, Launch};
use gpu_mlp::kernels::FusedSteps;
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] = &[
    ("bench::launches_are_those_that_train", launches_are_those_that_train),
    ("bench::timestamps_agree_with_the_wall_clock", timestamps_agree_with_the_wall_clock),
    ("bench::a_copy_copies", a_copy_copies),
    ("bench::the_report_is_whole", the_report_is_whole),
];

fn launches_are_those_that_train(gpu: &Gpu) {
    let subject = Subject::new(&[30, 20], 64).unwrap();
    let mut engine = block_on(subject.on_gpu(gpu)).unwrap();
    let before = block_on(engine.parameters()).unwrap();
    block_on(engine.train(&subject.samples()[..64])).unwrap();
    let trained = block_on(engine.parameters()).unwrap();
    assert_ne!(before, trained, "a step moves the weights");
    block_on(engine.set_parameters(&before, None)).unwrap();
    let launches = engine.launches(1).unwrap();
    let names: Vec<&str> = launches.iter().map(|launch| launch.name().split('.').nth(1).unwrap()).collect();
    let expected = "gather forward_bytes forward forward train backward backward update_bytes update update";
    // On a software adapter products read textures, whose format says that they hold bytes.
    let is_software = gpu.summary().device_type == DeviceType::Cpu;
    let expected = if is_software { expected.replace("_bytes", "") } else { expected.into() };
    assert_eq!(names.join(" "), expected);
    assert_eq!(launches[1].work().shape, [64, 784, 30]);
    assert_eq!(launches[1].work().flops, 2 * 64 * 784 * 30);
    assert!(launches.iter().all(|launch| launch.work().bytes > 0));
    let submission = gpu.submit(&launches).unwrap();
    block_on(gpu.wait(&submission)).unwrap();
    assert_eq!(block_on(engine.parameters()).unwrap(), trained, "to the bit");
    assert_eq!(engine.launches(2).unwrap().len(), 2 * launches.len() - 1, "one gather for all steps");
}

fn timestamps_agree_with_the_wall_clock(gpu: &Gpu) {
    let subject = Subject::new(&[300, 75], 512).unwrap();
    let mut engine = block_on(subject.on_gpu(gpu)).unwrap();
    let step = engine.launches(1).unwrap();
    let all: Vec<&Launch> = std::iter::repeat_n(&step, 4).flatten().collect();
    let begun = Instant::now();
    let times = block_on(gpu.time_launches(&all)).unwrap();
    let wall = begun.elapsed().as_secs_f64();
    assert_eq!(times.is_some(), gpu.has_timestamps());
    let Some(times) = times else { return };
    assert_eq!(times.len(), all.len());
    assert!(times.iter().all(|time| time.is_finite() && *time >= 0.0), "{times:?}");
    let sum: f64 = times.iter().sum();
    assert!(sum > 0.0 && sum < 1.05 * wall, "{sum} s of {wall} s");
    // The first layer's product has 300 times the work of the last one's.
    let of = |index: usize| times.iter().skip(index).step_by(step.len()).sum::<f64>();
    assert!(of(1) > of(3), "{times:?}");
}

fn a_copy_copies(gpu: &Gpu) {
    let values: Vec<u32> = (0..1000).collect();
    let (from, to) = (gpu.upload("from", &values).unwrap(), gpu.alloc("to", 4000).unwrap());
    gpu.copy(&from, &to, 3).unwrap();
    assert_eq!(block_on(gpu.read::<u32>(&to, 1000)).unwrap(), values);
}

struct Patient;

impl Observer for Patient {
    fn should_stop(&self) -> bool {
        false
    }

    fn progress(&mut self, _: &str) {}
}

fn the_report_is_whole(gpu: &Gpu) {
    let options = Options { hidden: vec![40, 20], batch_size: 50, seconds: 4.0 };
    let report = block_on(bench::run(&Device::Gpu(gpu.clone()), &options, &mut Patient)).unwrap();
    let [device, cpu] = &report.devices[..] else { panic!("two devices: {report:?}") };
    assert_eq!(device.engine.adapter, gpu.summary().name);
    assert_eq!(cpu.engine.backend, "cpu");
    assert!(gpu.has_timestamps() || device.clock == Clock::WallClock);
    assert_eq!((device.kernels.len(), device.step.launches), (10, Some(9)));
    for kernel in &device.kernels {
        assert!(kernel.microseconds > 0.0 && kernel.of_peak.is_some_and(|part| part > 0.0), "{kernel:?}");
        assert_eq!(kernel.gflops.is_some(), kernel.kernel.starts_with("matmul"), "{kernel:?}");
    }
    assert!(device.peak.gflops > 0.0 && device.peak.copy.as_ref().unwrap().gigabytes_per_second > 0.0);
    let step = &device.step;
    assert!(step.microseconds > 0.0 && step.device_microseconds > Some(0.0), "{step:?}");
    assert!(step.host_microseconds > Some(0.0), "{step:?}");
    let sum: f64 = device.kernels.iter().map(|kernel| kernel.microseconds_per_step).sum();
    assert!((sum / step.kernels_microseconds - 1.0).abs() < 1e-9);
    let names: Vec<&str> = report.forms.iter().map(|form| form.form.as_str()).collect();
    assert_eq!(names, products::forms(gpu).map(|form| form.name).collect::<Vec<_>>());
    for form in &report.forms {
        assert!(form.shape == [50, 784, 40] && form.gflops > 0.0, "{form:?}");
    }
    for network in &report.tiny {
        let runs = FusedSteps::runs_on(gpu);
        assert_eq!((network.one_launch.is_some(), network.launches.is_some()), (runs, true), "{network:?}");
    }
    assert_eq!(report.tiny.len(), 2);
    assert!(report.sweep.cells.iter().all(|cell| cell.gpu.is_some()));
    assert!(report.sweep.cells[0].gpu.as_ref().unwrap().seconds().is_some(), "the smallest is measured");
    assert!(!report.interrupted);
}
