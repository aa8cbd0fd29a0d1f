/** Files of the site, made by web/examples/make.py; the question's comes from docs/. */
export const examples = [
  { file: "question.npz", name: "The question's network", what: "three bugs, and its printed loss rises while its accuracy rises" },
  { file: "softmax-over-the-batch.npz", name: "Softmax over the batch", what: "a softmax without an axis" },
  { file: "no-mean.npz", name: "No 1/N", what: "summed gradients, a mean as loss" },
  { file: "derivative-missing.npz", name: "No ReLU derivative", what: "the hidden layer's mask is missing backwards" },
  { file: "bias-last-sample.npz", name: "Bias of the last sample", what: "= where += is meant" },
  { file: "updated-too-early.npz", name: "Updated too early", what: "W2 is stepped before it is used backwards" },
  { file: "correct.npz", name: "A correct step", what: "nothing to find" },
] as const;
