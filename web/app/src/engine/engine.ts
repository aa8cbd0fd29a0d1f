import type * as t from "./types";

/**
 * One instance of a module in a worker of its own, so that the page stays responsive. Every call that fails rejects with an
 * `Error` whose message is in words for the user: first line the problem, then `hint: …`.
 */
export interface Engine {
  /** Gives the module files, beside those it has. */
  add(files: t.GivenFile[]): Promise<void>;
  /** Takes all given files away. */
  clear(): Promise<void>;
  /** Ends the worker with whatever it computes. */
  close(): void;
}

/** The module that examines, and shows what bugs do. */
export interface Doctor extends Engine {
  /** Examines given files: the path of a file, or of a folder. */
  examine(path: string, options: t.DoctorOptions): Promise<t.Examination>;
  template(language: t.Template): Promise<string>;
  catalogue(): Promise<t.Bug[]>;

  /** What a replay will do. */
  plan(request: t.ReplayRequest): Promise<t.ReplayPlan>;
  /** Trains right and with bugs; every evaluation is told. It blocks its worker: `close` ends it. */
  replay(request: t.ReplayRequest, each: (plan: number, point: t.ReplayPoint) => void): Promise<t.ReplayCurve[]>;
}

/** The module that trains, and looks into networks. */
export interface Trainer extends Engine {
  devices(): Promise<t.Devices>;
  selftest(device: t.DeviceChoice): Promise<t.Selftest>;

  /** Reads a data set, which training and looking then use. */
  load(request: t.DataRequest): Promise<t.DataInfo>;
  /** Opens a new training on the loaded set; its first weights are the seed's, or the model's that is held. */
  open(config: Partial<t.TrainConfig>, device: t.DeviceChoice, from: "seed" | "model"): Promise<t.Opened>;
  /** Trains until all epochs are done or `stop`. Between pieces of work the worker answers the calls below. */
  run(each: (event: t.TrainEvent) => void): Promise<t.Outcome>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** One step of the optimiser, then it waits. */
  step(): Promise<void>;
  stop(): Promise<void>;

  /** Holds the model of a file: a `.safetensors` of the page or of the program. Gives its sizes and names. */
  hold(path: string): Promise<t.Held>;
  /** The model held: the newest of the training, or that of a file. All below are of it. */
  firstLayer(units: number): Promise<t.FirstLayer>;
  /** On the test samples of the loaded set. */
  evaluate(mistakes: number): Promise<t.Evaluation>;
  sample(split: "train" | "test", index: number): Promise<t.Sample>;
  answer(split: "train" | "test", index: number): Promise<t.Answer>;
  /** A square drawing, white (255) on black, row by row. */
  draw(side: number, grey: Uint8Array): Promise<t.Drawing>;
  save(format: "safetensors" | "onnx" | "npz"): Promise<Uint8Array>;
}
