//! Networks without a device: sizes, their errors, and the seeded initialisation.

use gpu_mlp::network::{Activation, Dense, Loss, MlpSpec, Parameters};
use gpu_mlp::{Error, Tensor};

fn spec(sizes: &[usize]) -> MlpSpec {
    MlpSpec::new(sizes.to_vec()).unwrap()
}

#[test]
fn sizes_and_counts() {
    let mnist = spec(&[784, 300, 75, 10]);
    assert_eq!((mnist.inputs(), mnist.classes(), mnist.parameter_count()), (784, 10, 258_835));
    assert_eq!(mnist.layers().collect::<Vec<_>>(), [(784, 300), (300, 75), (75, 10)]);
    assert_eq!(spec(&[784, 10]).parameter_count(), 7_850);
}

#[test]
fn impossible_sizes_are_refused() {
    for sizes in [vec![], vec![3], vec![0, 3], vec![3, 0], vec![4, 0, 3]] {
        let error = MlpSpec::new(sizes.clone()).unwrap_err();
        assert!(
            matches!(&error, Error::Usage { .. } if error.to_string().contains("each 1 or more")),
            "{sizes:?}: {error}"
        );
    }
    for sizes in [vec![65_536, 65_536], vec![usize::MAX, 2], vec![2, usize::MAX], vec![1 << 40, 1 << 40, 2]] {
        let error = MlpSpec::new(sizes.clone()).unwrap_err();
        assert!(
            matches!(&error, Error::Usage { .. } if error.to_string().contains("smaller hidden")),
            "{sizes:?}: {error}"
        );
    }
}

#[test]
fn he_initialisation_has_the_right_spread() {
    for (ins, outs) in [(784, 300), (300, 75), (50, 2000)] {
        let layer = &Parameters::he_uniform(&spec(&[ins, outs]), 3).layers[0];
        let w: Vec<f64> = layer.w.data().iter().map(|&w| f64::from(w)).collect();
        let mean = w.iter().sum::<f64>() / w.len() as f64;
        let variance = w.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / w.len() as f64;
        let (want, limit) = (2.0 / ins as f64, (6.0 / ins as f64).sqrt());
        // Of n uniform values: the mean has a deviation of √(want / n), the variance one of want · √(0.8 / n).
        // 5 deviations, and the seed is fixed.
        let n = w.len() as f64;
        assert!(mean.abs() < 5.0 * (want / n).sqrt(), "[{ins}, {outs}]: mean {mean:e}");
        let off = (variance / want - 1.0).abs();
        assert!(off < 5.0 * (0.8 / n).sqrt(), "[{ins}, {outs}]: variance {variance:e}, want {want:e}");
        let largest = w.iter().fold(0.0, |largest: f64, w| largest.max(w.abs()));
        assert!(largest <= limit * (1.0 + 1e-7) && largest > 0.99 * limit, "{largest} of {limit}");
        assert!(layer.b.data().iter().all(|b| b.to_bits() == 0), "biases are zero");
    }
}

#[test]
fn a_seed_gives_the_same_weights_everywhere() {
    let sizes = spec(&[5, 4, 3]);
    let one = Parameters::he_uniform(&sizes, 1);
    assert_eq!(one, Parameters::he_uniform(&sizes, 1));
    assert_eq!(one.spec().unwrap(), sizes);
    assert!(one.check(&sizes).is_ok());
    assert!(one.check(&spec(&[5, 4, 2])).unwrap_err().to_string().contains("[5, 4, 2]"));
    assert_ne!(one, Parameters::he_uniform(&sizes, 2));
    assert_ne!(one.layers[0].w.data()[..4], one.layers[1].w.data()[..4], "layers do not repeat");
    // Pinned, so that another version of the generator cannot change what a seed means.
    let first: Vec<u32> = one.layers[0].w.data()[..3].iter().map(|w| w.to_bits()).collect();
    assert_eq!(first, PINNED, "{first:#010x?}");
}

const PINNED: [u32; 3] = [0xbe5a_c549, 0xbf6b_596c, 0x3e58_a149];

#[test]
fn parameters_that_do_not_chain_are_refused() {
    let dense = |w: [usize; 2], b: usize| Dense { w: Tensor::zeros(w), b: Tensor::zeros([b]) };
    let refused = |layers: Vec<Dense>| Parameters { layers }.spec().unwrap_err().to_string();
    assert!(refused(vec![]).contains("at least an input and an output"));
    assert!(refused(vec![dense([4, 3], 3), dense([2, 2], 2)]).contains("weights of layer 1"));
    assert!(refused(vec![dense([4, 3], 2)]).contains("bias of layer 0"));
    let flat = Dense { w: Tensor::zeros([12]), b: Tensor::zeros([1]) };
    assert!(refused(vec![flat]).contains("weights of layer 0"));
}

#[test]
fn what_weights_start_from_follows_the_activation_and_the_task() {
    let sizes = spec(&[20, 30, 5]);
    let start =
        |activation, loss| Parameters::initial(&sizes.clone().with_activation(activation).with_loss(loss), 7);
    let (he, glorot) = (Parameters::he_uniform(&sizes, 7), Parameters::glorot_uniform(&sizes, 7));
    assert_ne!(he, glorot);
    for loss in [Loss::SoftmaxCrossEntropy, Loss::SigmoidCrossEntropy] {
        assert_eq!(start(Activation::Relu, loss), he);
        assert_eq!(start(Activation::Tanh, loss), glorot);
    }
    for loss in [Loss::SquaredError, Loss::Huber { delta: 1.0 }] {
        assert_eq!(start(Activation::Relu, loss), glorot);
    }
}
