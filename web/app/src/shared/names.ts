/** What activations and languages are called on all pages. */
import type { Activation, Language } from "../engine/types";

export const ACTIVATIONS: Record<Activation, string> = {
  relu: "ReLU",
  sigmoid: "sigmoid",
  tanh: "tanh",
  "leaky-relu": "leaky ReLU",
  elu: "ELU",
  gelu: "GELU",
  silu: "SiLU",
  softplus: "softplus",
  identity: "identity",
};

export const LANGUAGES: Record<Language, string> = {
  numpy: "NumPy",
  julia: "Julia",
  matlab: "MATLAB, Octave",
  javascript: "JavaScript",
  java: "Java",
  c: "C",
};
