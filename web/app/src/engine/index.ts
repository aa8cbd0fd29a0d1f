import { proxy, wrap } from "comlink";
import type { Remote } from "comlink";
import type { Doctor, Engine, Trainer } from "./engine";

/** Waits until the module of a worker is there. */
async function begun<T extends Omit<Engine, "close">>(worker: Worker): Promise<Remote<T>> {
  let started = false;
  const failed = new Promise<never>((_, reject) => {
    worker.onerror = ({ message }) =>
      reject(
        new Error(
          started
            ? `the module has stopped: ${message}\nhint: reload the page; if memory was short, a smaller network or smaller files help`
            : `the module cannot be started: ${message}\nhint: use a current browser`,
        ),
      );
  });
  failed.catch(() => {});
  const remote = wrap<T>(worker);
  await Promise.race([(remote as Remote<Omit<Engine, "close">>).clear(), failed]);
  started = true;
  // A module that traps, as without memory, answers no call any more.
  const calls = remote as unknown as Record<string | symbol, (...given: unknown[]) => Promise<unknown>>;
  return new Proxy(remote, {
    // Whatever has a `then` is taken for a promise.
    get: (_, name) => (name === "then" ? undefined : (...given: unknown[]) => Promise.race([calls[name]!(...given), failed])),
  });
}

/** A new doctor. */
export async function openDoctor(): Promise<Doctor> {
  const worker = new Worker(new URL("./doctor.ts", import.meta.url), { type: "module", name: "doctor" });
  const remote = await begun<Omit<Doctor, "close">>(worker);
  return {
    close: () => worker.terminate(),
    add: (files) => remote.add(files),
    clear: () => remote.clear(),
    examine: (path, options) => remote.examine(path, options),
    template: (language) => remote.template(language),
    catalogue: () => remote.catalogue(),
    plan: (request) => remote.plan(request),
    replay: (request, each) => remote.replay(request, proxy(each)),
  };
}

/** A new trainer. */
export async function openTrainer(): Promise<Trainer> {
  const worker = new Worker(new URL("./trainer.ts", import.meta.url), { type: "module", name: "trainer" });
  const remote = await begun<Omit<Trainer, "close">>(worker);
  return {
    close: () => worker.terminate(),
    add: (files) => remote.add(files),
    clear: () => remote.clear(),
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
  };
}
