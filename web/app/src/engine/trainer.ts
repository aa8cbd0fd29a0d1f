/** The worker of the module that trains. */
import { expose } from "comlink";
import { call, files } from "./calls";
import type { Trainer } from "./engine";
import init, * as module from "./module/trainer";
import relaxed from "./module/trainer_bg.wasm?url";
import plain from "./module/trainer_plain.wasm?url";
import type * as t from "./types";

/** A module with one instruction of relaxed SIMD: the product and the sum of three vectors. */
const WITH_RELAXED_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 1, 253, 15, 65, 2, 253, 15, 65, 3, 253,
  15, 253, 133, 2, 11,
]);

const ready = init({ module_or_path: WebAssembly.validate(WITH_RELAXED_SIMD) ? relaxed : plain });
const { calls, withDigits } = files(module, ready);

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

const trainer: Omit<Trainer, "close"> = {
  ...calls,
  devices: () => call(ready, (): Promise<t.Devices> => module.devices()),
  selftest: (device) => call(ready, (): Promise<t.Selftest> => module.selftest(device)),
  load: (request) =>
    call(ready, async (): Promise<t.DataInfo> => {
      if (request.data === "digits") await withDigits();
      return module.load(JSON.stringify(request));
    }),
  open: (config, device, from) => call(ready, (): Promise<t.Opened> => module.open(JSON.stringify(config), device, from)),
  run: (each) =>
    call(ready, async (): Promise<t.Outcome> => {
      let heard: unknown;
      const hear = (event: t.TrainEvent) => {
        heard = each(event);
      };
      try {
        return await module.run(hear, rest);
      } finally {
        // Events take another way than the outcome, which must not come before the last of them.
        await heard;
      }
    }),
  pause: () => call(ready, module.pause),
  resume: () => call(ready, module.resume),
  step: () => call(ready, module.step),
  stop: () => call(ready, module.stop),
  hold: (path) => call(ready, (): t.Held => module.hold(path)),
  firstLayer: (units) => call(ready, (): t.FirstLayer => module.firstLayer(units)),
  evaluate: (mistakes) => call(ready, (): Promise<t.Evaluation> => module.evaluate(mistakes)),
  sample: (split, index) => call(ready, (): t.Sample => module.sample(split, index)),
  answer: (split, index) => call(ready, (): t.Answer => module.answer(split, index)),
  draw: (side, grey) => call(ready, (): t.Drawing => module.draw(side, grey)),
  save: (format) => call(ready, () => module.save(format)),
};

expose(trainer);
