/** The worker of the module that examines. */
import { expose } from "comlink";
import { call, files } from "./calls";
import type { Doctor } from "./engine";
import init, * as module from "./module/doctor";
import wasm from "./module/doctor_plain.wasm?url";
import type * as t from "./types";

const ready = init({ module_or_path: wasm });
const { calls, withDigits } = files(module, ready);

const doctor: Omit<Doctor, "close"> = {
  ...calls,
  examine: (path, options) => call(ready, (): t.Examination => module.examine(path, JSON.stringify(options))),
  template: (language) => call(ready, () => module.template(language) ?? ""),
  catalogue: () => call(ready, (): t.Bug[] => module.catalogue()),
  plan: (request) => call(ready, (): t.ReplayPlan => module.plan(JSON.stringify(request))),
  replay: (request, each) =>
    call(ready, async (): Promise<t.ReplayCurve[]> => {
      await withDigits();
      return module.replay(JSON.stringify(request), each);
    }),
};

expose(doctor);
