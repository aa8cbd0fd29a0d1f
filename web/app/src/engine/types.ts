/** What the module takes and gives. Names inside are those of `gpu-mlp doctor --json`, `config.json` and `metrics.jsonl`. */

/** A file that the module shall see: `path` is relative, with `/` between folders, as it was dropped. */
export interface GivenFile {
  path: string;
  bytes: Uint8Array;
}

export type Activation = "relu" | "sigmoid" | "tanh" | "leaky-relu" | "elu" | "gelu" | "silu" | "softplus" | "identity";

/** Languages of the right line. */
export type Language = "numpy" | "julia" | "matlab" | "javascript" | "java" | "c";

/** Languages of the snippets that export arrays. */
export type Template = "numpy" | "locals" | "pytorch" | "julia" | "matlab" | "javascript" | "java" | "c";

export interface DoctorOptions {
  act?: Activation;
  tolerance?: number;
  /** Pairs of a name in the file and ours. */
  map?: [theirs: string, ours: string][];
  language?: Language;
}

export type Verdict = "clean" | "bugs" | "depends" | "unknown";

export interface Right {
  /** One line, or several in languages with loops. */
  code: string;
  operands: { name: string; shape: number[] | null }[];
}

export interface Finding {
  /** Our name of the tensor: `dW1`. */
  tensor: string;
  /** The file's own name, where it is another. */
  name?: string;
  bug: string | null;
  also: string[];
  formula: string;
  residual: number | null;
  runner_up: { bug: string | null; residual: number | null } | null;
  fix: string;
  right: Right | null;
  nearest?: { bugs: string[]; formula: string; residual: number | null }[];
  depends: boolean;
}

export type Status = "ok" | "wrong" | "not given" | "not checked";

export interface Report {
  verdict: Verdict;
  first_mismatch: string | null;
  findings: Finding[];
  notes: string[];
  checked: { tensor: string; name?: string; status: Status; residual: number | null }[];
  not_understood?: string[];
  step?: number;
  /** `theirs=ours`: names whose meaning was found from shapes and numbers. */
  map?: string[];
}

/** A matrix, row by row. */
export interface Matrix {
  rows: number;
  cols: number;
  values: Float64Array;
}

/** A wrong tensor beside the right one, as samples, or inputs, by units. */
export interface Beside {
  tensor: string;
  given: Matrix;
  right: Matrix;
}

export interface Examination {
  report: Report;
  /** The report as the command line prints it. */
  text: string;
  /** For every wrong tensor of which the right numbers are known, in computing order. */
  beside: Beside[];
}

/** A bug of the catalogue. */
export interface Bug {
  id: string;
  /** What goes wrong. */
  why: string;
  fix: string;
  /** What was computed: its formulas, the first is the usual one. */
  formulas: string[];
  /** The right formula, why it is so in five lines, where to read more. */
  right: string;
  lines: string[];
  source: string;
  /** Whether a training with it can be replayed; if not, why. */
  replay: true | string;
}

/** Trainings on the built-in digits. */
export interface ReplayRequest {
  /** `ID`, `ID/2` for its second formula, `evaluation:ID` for the evaluation alone; or the question's five trainings. */
  bugs: string[] | "question";
  hidden: number[];
  batch_size: number;
  epochs: number;
  lr?: number;
  seed: number;
  act: Activation;
}

export interface ReplayPoint {
  /** Epochs so far, with fractions. */
  epoch: number;
  printed_loss: number | null;
  loss: number | null;
  printed_accuracy: number | null;
  accuracy: number | null;
}

export interface ReplayCurve {
  label: string;
  bugs: string[];
  /** Bugs whose formula does not apply to this network. */
  never_applied: string[];
  lowest: ReplayPoint | null;
  rise: number | null;
  diverged: number | null;
  points: ReplayPoint[];
}

/** Of a replay, before it runs: the labels of its trainings, and what it trains with (`momentum 0.9`, …). */
export interface ReplayPlan {
  labels: string[];
  setting: string[];
  lr: number;
}

export interface DataRequest {
  /** `digits`, or the path of given files: a file, or a folder of them. */
  data: string;
  task?: "classification" | "multilabel" | "regression";
  label_column?: string;
  /** Share of the samples that becomes the test set, if the data have none; 0 for none. */
  test_fraction?: number;
}

export interface DataInfo {
  name: string;
  task: "classification" | "multilabel" | "regression";
  /** Training, validation and test samples. */
  train: number;
  validation: number;
  test: number;
  features: number;
  outputs: number;
  class_names: string[];
  /** Rows and columns of a picture in pixels, and whether it has colours; `null` if the samples are none. */
  image: { rows: number; cols: number; colour: boolean } | null;
  /** One line: what the files were taken for. */
  notice: string | null;
  notes: string[];
}

/** The names and values of `config.json`; what is left out is the default. */
export interface TrainConfig {
  hidden: number[];
  activation: Activation;
  batch_size: number;
  epochs: number;
  optimizer: "sgd" | "adam" | "adamw";
  lr: number;
  momentum: number;
  weight_decay: number;
  dropout: number;
  seed: number;
}

/** A model of a file. */
export interface Held {
  sizes: number[];
  task: DataInfo["task"];
  class_names: string[];
}

export type DeviceChoice = "gpu" | "cpu";

export interface Adapter {
  name: string;
  backend: string;
  device_type: string;
  driver: string;
}

/** What this tab can compute on. */
export interface Devices {
  gpu: Adapter | null;
  /** Why there is no GPU; in words. */
  why: string | null;
  /** Whether the CPU's path has SIMD with fused multiplication and addition. */
  relaxed_simd: boolean;
}

export interface Opened {
  /** The adapter's name, or the CPU's threads. */
  adapter: string;
  backend: string;
  /** Inputs, hidden layers, outputs. */
  sizes: number[];
  parameters: number;
  train: number;
  epochs: number;
  config: TrainConfig;
}

export interface Score {
  loss: number;
  /** Of classes; of labels the share of all that are right. */
  accuracy: number | null;
  /** Of numbers: the root of the mean squared error in the targets' unit. */
  rmse: number | null;
  r2: number | null;
}

export type TrainEvent =
  /** Several times a second while it runs; `loss` and `accuracy` are of the samples since the last one. */
  | {
      kind: "progress";
      epoch: number;
      samples: number;
      of: number;
      steps: number;
      loss: number | null;
      accuracy: number | null;
      samples_per_second: number;
    }
  | {
      kind: "epoch";
      epoch: number;
      train: Score;
      validation: Score | null;
      test: Score;
      seconds: number;
      samples_per_second: number;
      /** A line of `metrics.jsonl`. */
      record: Record<string, number>;
    };

export type Outcome = "finished" | "stopped_early" | "interrupted";

/** The first layer's weights, unit by unit: `units` pieces of `inputs` values. */
export interface FirstLayer {
  inputs: number;
  units: number;
  values: Float32Array;
}

export interface Mistake {
  sample: number;
  label: number;
  answer: number;
  /** The network's probability of its answer, and of the right class. */
  probability: number;
  of_right: number;
}

export interface Evaluation {
  score: Score;
  /** A row an actual class, a column a predicted one. */
  confusion: number[][];
  classes: { samples: number; precision: number | null; recall: number | null; f1: number | null }[];
  /** The most confident first. */
  mistakes: Mistake[];
}

/** A sample as the network sees it: pixels from 0 (black) to 1, or scaled values. */
export interface Sample {
  values: Float32Array;
  label: number | null;
  /** Numbers in their own unit, or labels as 0 and 1; `null` of classes. */
  targets: number[] | null;
}

export interface Answer {
  /** Probabilities of classes or labels, or numbers in their own unit. */
  outputs: number[];
  /** The output of every layer, the last one excepted. */
  hidden: Float32Array[];
}

export interface Drawing extends Answer {
  /** 28 x 28 pixels from 0 to 255, centred and scaled as MNIST is; `null` for an empty canvas. */
  image: { rows: number; cols: number; values: Uint8Array } | null;
}

export interface SelftestRow {
  /** File and entry point, and the variant. */
  kernel: string;
  shapes: number[][];
  /** The worst error, and what it may be. */
  worst: number | null;
  allowed: number;
  ok: boolean;
  wrong: string | null;
}

/** As `gpu-mlp selftest --json`. */
export interface Selftest {
  backend: string;
  adapter: string;
  ok: boolean;
  seconds: number;
  rows: SelftestRow[];
}
