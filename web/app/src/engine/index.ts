import { proxy, wrap } from "comlink";
import type { Engine } from "./engine";

/** A new one. */
export async function openEngine(): Promise<Engine> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "gpu-mlp" });
  const failed = new Promise<never>((_, reject) => {
    worker.onerror = (event) => reject(new Error(`the module cannot be started: ${event.message}\nhint: use a current browser`));
  });
  const remote = wrap<Omit<Engine, "close">>(worker);
  const begun = <T>(answer: Promise<T>): Promise<T> => Promise.race([answer, failed]);
  await begun(remote.clear());
  return {
    add: (files) => remote.add(files),
    clear: () => remote.clear(),
    examine: (path, options) => remote.examine(path, options),
    template: (language) => remote.template(language),
    catalogue: () => remote.catalogue(),
    plan: (request) => remote.plan(request),
    replay: (request, each) => remote.replay(request, proxy(each)),
    devices: () => remote.devices(),
    selftest: (device) => remote.selftest(device),
    load: (request) => remote.load(request),
    open: (config, device, from) => remote.open(config, device, from),
    run: (each) => remote.run(proxy(each)),
    pause: () => remote.pause(),
    resume: () => remote.resume(),
    step: () => remote.step(),
    stop: () => remote.stop(),
    hold: (path) => remote.hold(path),
    firstLayer: (units) => remote.firstLayer(units),
    evaluate: (mistakes) => remote.evaluate(mistakes),
    sample: (split, index) => remote.sample(split, index),
    answer: (split, index) => remote.answer(split, index),
    draw: (side, grey) => remote.draw(side, grey),
    save: (format) => remote.save(format),
    close: () => worker.terminate(),
  };
}
