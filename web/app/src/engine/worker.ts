import { expose } from "comlink";
import init, * as module from "./module/gpu_mlp_web";
import plain from "./module/gpu_mlp_web_bg.wasm?url";
import relaxed from "./module/relaxed_bg.wasm?url";
import trainImages from "../../../../data/digits/train-images-idx3-ubyte.gz?url";
import trainLabels from "../../../../data/digits/train-labels-idx1-ubyte.gz?url";
import testImages from "../../../../data/digits/t10k-images-idx3-ubyte.gz?url";
import testLabels from "../../../../data/digits/t10k-labels-idx1-ubyte.gz?url";
import type { Engine } from "./engine";
import type * as t from "./types";

/** A module with one instruction of relaxed SIMD: the product and the sum of three vectors. */
const WITH_RELAXED_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 65, 3, 253,
  15, 253, 133, 2, 11,
]);

const DIGITS: [name: string, address: string][] = [
  ["train-images-idx3-ubyte.gz", trainImages],
  ["train-labels-idx1-ubyte.gz", trainLabels],
  ["t10k-images-idx3-ubyte.gz", testImages],
  ["t10k-labels-idx1-ubyte.gz", testLabels],
];

const ready = init({ module_or_path: WebAssembly.validate(WITH_RELAXED_SIMD) ? relaxed : plain });

let digits: Promise<void> | undefined;

/** The built-in digits are fetched when somebody asks for them. */
function withDigits(data: string): Promise<void> | undefined {
  if (data !== "digits") return undefined;
  const fetched = async ([name, address]: [string, string]) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the digits cannot be fetched (${answer.status})\nhint: reload the page`);
    module.add(`digits/${name}`, new Uint8Array(await answer.arrayBuffer()));
  };
  digits ??= Promise.all(DIGITS.map(fetched)).then(() => undefined);
  return digits;
}

/** A promise that is kept after other messages had their turn, or after so many milliseconds. */
function rest(milliseconds: number): Promise<void> {
  if (milliseconds > 0) return new Promise((kept) => setTimeout(kept, milliseconds));
  return new Promise((kept) => {
    // A timer would wait for 4 ms.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      kept();
    };
    port2.postMessage(null);
  });
}

/** Calls the module once it is there. What is no error in words is a mistake of ours. */
async function call<T>(use: () => T | Promise<T>): Promise<T> {
  await ready;
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    throw new Error(`internal error: ${error.message}\nhint: reload the page; please report this, with what the console says`);
  }
}

const engine: Omit<Engine, "close"> = {
  add: (files) => call(() => files.forEach(({ path, bytes }) => module.add(path, bytes))),
  clear: () =>
    call(() => {
      module.clear();
      digits = undefined;
    }),
  examine: (path, options) => call((): t.Examination => module.examine(path, JSON.stringify(options))),
  template: (language) => call(() => module.template(language) ?? ""),
  catalogue: () => call((): t.Bug[] => module.catalogue()),
  plan: (request) => call((): t.ReplayPlan => module.plan(JSON.stringify(request))),
  replay: (request, each) =>
    call(async (): Promise<t.ReplayCurve[]> => {
      await withDigits(request.data);
      return module.replay(JSON.stringify(request), each);
    }),
  devices: () => call((): Promise<t.Devices> => module.devices()),
  selftest: (device) => call((): Promise<t.Selftest> => module.selftest(device)),
  load: (request) =>
    call(async (): Promise<t.DataInfo> => {
      await withDigits(request.data);
      return module.load(JSON.stringify(request));
    }),
  open: (config, device, from) => call((): Promise<t.Opened> => module.open(JSON.stringify(config), device, from)),
  run: (each) => call((): Promise<t.Outcome> => module.run(each, rest)),
  pause: () => call(module.pause),
  resume: () => call(module.resume),
  step: () => call(module.step),
  stop: () => call(module.stop),
  hold: (path) => call((): { sizes: number[]; class_names: string[] } => module.hold(path)),
  firstLayer: (units) => call((): t.FirstLayer => module.firstLayer(units)),
  evaluate: (mistakes) => call((): Promise<t.Evaluation> => module.evaluate(mistakes)),
  sample: (split, index) => call((): t.Sample => module.sample(split, index)),
  answer: (split, index) => call((): t.Answer => module.answer(split, index)),
  draw: (side, grey) => call((): t.Drawing => module.draw(side, grey)),
  save: (format) => call(() => module.save(format)),
};

expose(engine);
