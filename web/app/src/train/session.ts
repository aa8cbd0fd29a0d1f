/**
 * The one engine of the pages Train, Look and Draw, and what is known of its data, its network and its training. It lives as long as
 * the tab does, so moving between pages stops nothing.
 */
import { batch, computed, signal } from "@preact/signals";
import { openTrainer } from "../engine";
import type { Trainer } from "../engine/engine";
import { root } from "../shared/Drop";
import type { DataInfo, DataRequest, Devices, DeviceChoice, GivenFile, Opened, TrainConfig, TrainEvent } from "../engine/types";
import { DEFAULTS, type Form, type Settings } from "./form";

let opening: Promise<Trainer> | null = null;

/** The engine; the first call opens it. */
export function engine(): Promise<Trainer> {
  opening ??= openTrainer().catch((error: unknown) => {
    opening = null;
    throw error;
  });
  return opening;
}

export const words = (error: unknown) => (error instanceof Error ? error.message : String(error));

export const devices = signal<Devices | null>(null);

/** The device that a choice means here. As the program does, `auto` takes no GPU in software: the CPU is faster. */
export function device(choice: Settings["device"]): DeviceChoice {
  const gpu = devices.value?.gpu;
  return gpu && (choice === "gpu" || (choice === "auto" && gpu.device_type !== "cpu")) ? "gpu" : "cpu";
}

export async function findDevices() {
  devices.value ??= await (await engine()).devices();
}

/** The settings as they are typed, and what the next training starts from. */
export const form = signal<Form>(DEFAULTS);
export const from = signal<"seed" | "model">("seed");

// Data

/** What training reads: `digits`, or the path of the files that were given. */
export const chosen = signal("digits");
export const data = signal<DataInfo | null>(null);
export const reading = signal(false);
export const dataError = signal<string | null>(null);

/** Gives the engine files in place of those it has; what they are is read by `load`. */
export async function give(files: GivenFile[]) {
  const open = await engine();
  await open.clear();
  await open.add(files);
  // Other files may have the same path.
  newest = null;
  // A folder ends with a slash: "mnist" and "digits" alone are names of sets that the engine knows.
  chosen.value = files[0]!.path.includes("/") ? `${root(files)}/` : root(files);
}

/** The newest reading. */
let newest: { key: string; info: Promise<DataInfo | null> } | null = null;

/** Reads a data set, unless it is the one that is read or being read. `null`: see `dataError`. */
export function load(request: DataRequest): Promise<DataInfo | null> {
  const key = JSON.stringify(request);
  if (newest?.key !== key) newest = { key, info: read(request, () => newest?.key === key) };
  return newest.info;
}

async function read(request: DataRequest, isNewest: () => boolean): Promise<DataInfo | null> {
  batch(() => {
    reading.value = true;
    dataError.value = null;
    data.value = null;
  });
  let info: DataInfo | null = null;
  let error: string | null = null;
  try {
    info = await (await engine()).load(request);
  } catch (problem) {
    error = words(problem);
  }
  if (!isNewest()) return null;
  // What failed may be tried again.
  if (!info) newest = null;
  batch(() => {
    reading.value = false;
    dataError.value = error;
    data.value = info;
  });
  return info;
}

// The network

/** The network that the engine holds: the newest of the training, or that of a file. */
export interface Network {
  sizes: number[];
  class_names: string[];
  task: DataInfo["task"];
  /** The file it was read from; `null` for the training's. */
  file: string | null;
}

export const network = signal<Network | null>(null);
/** Counts up when the network's weights have changed, at most ten times a second. */
export const weights = signal(0);
/** Counts up at the end of an epoch or of a training, and when another network is held: time to measure it anew. */
export const milestones = signal(0);

export async function hold(file: GivenFile) {
  const open = await engine();
  await open.add([file]);
  const held = await open.hold(file.path);
  batch(() => {
    network.value = { ...held, file: file.path };
    form.value = { ...form.value, hidden: held.sizes.slice(1, -1).join(", ") };
    from.value = "model";
    phase.value = "idle";
    opened.value = null;
    progress.value = null;
    epochs.value = [];
    points.value = [];
    weights.value++;
    milestones.value++;
  });
}

// Training

export type Phase = "idle" | "opening" | "running" | "paused" | "finished" | "stopped" | "failed";

export interface Point {
  /** Epochs so far, with fractions. */
  x: number;
  loss: number | null;
  accuracy: number | null;
}

export type Epoch = Omit<Extract<TrainEvent, { kind: "epoch" }>, "kind">;

export type Progress = Extract<TrainEvent, { kind: "progress" }>;

export const phase = signal<Phase>("idle");
export const trainError = signal<string | null>(null);
export const opened = signal<Opened | null>(null);
/** What the training was started with. */
export const started = signal<TrainConfig | null>(null);
export const progress = signal<Progress | null>(null);
export const epochs = signal<Epoch[]>([]);
/** Within epochs, over the samples between two events; thinned out when they are many. */
export const points = signal<Point[]>([]);

/** Epochs so far, with fractions. */
export const done = computed(() => {
  const now = progress.value;
  return Math.max(now ? now.epoch - 1 + now.samples / now.of : 0, epochs.value.at(-1)?.epoch ?? 0);
});

/** More than a curve shows: beyond this, neighbours become their mean. */
const MOST_POINTS = 1200;

const mean = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : (a + b) / 2);

function thinned(all: Point[]): Point[] {
  if (all.length <= MOST_POINTS) return all;
  const half: Point[] = [];
  for (let i = 0; i < all.length; i += 2) {
    const a = all[i]!;
    const b = all[i + 1] ?? a;
    half.push({ x: b.x, loss: mean(a.loss, b.loss), accuracy: mean(a.accuracy, b.accuracy) });
  }
  return half;
}

/** Events since the page was last told of them: it is told at most ten times a second. */
let untold: TrainEvent[] = [];
let telling: number | undefined;

function tell() {
  telling = undefined;
  const events = untold;
  untold = [];
  if (events.length === 0) return;
  batch(() => {
    const news: Point[] = [];
    const ended: Epoch[] = [];
    const newest = () => news.at(-1)?.x ?? points.value.at(-1)?.x ?? 0;
    for (const event of events) {
      if (event.kind === "progress") {
        progress.value = event;
        news.push({ x: event.epoch - 1 + event.samples / event.of, loss: event.loss, accuracy: event.accuracy });
      } else {
        const { kind: _, ...epoch } = event;
        ended.push(epoch);
        // An epoch that is over before there is progress to tell is one point.
        if (newest() <= epoch.epoch - 1) news.push({ x: epoch.epoch, loss: epoch.train.loss, accuracy: epoch.train.accuracy });
      }
    }
    if (news.length > 0) points.value = thinned([...points.value, ...news]);
    if (ended.length > 0) {
      epochs.value = [...epochs.value, ...ended];
      milestones.value++;
    }
    weights.value++;
  });
}

function hear(event: TrainEvent) {
  untold.push(event);
  telling ??= window.setTimeout(tell, 100);
}

export const busy = () => phase.value === "opening" || phase.value === "running" || phase.value === "paused";

// Closing the tab or loading it anew would end the training and forget the network.
addEventListener("beforeunload", (event) => {
  if (busy()) event.preventDefault();
});

/** The training that runs; settled when it has ended. */
let ending: Promise<void> = Promise.resolve();

/**
 * Starts a training on the set that is read, from the seed's weights or from those of the network that is held; `waiting` leaves it
 * paused before its first step. Settled when it runs.
 */
export async function start({ config, device: choice }: Settings, from: "seed" | "model", waiting = false) {
  const info = data.value;
  if (busy() || !info) return;
  batch(() => {
    phase.value = "opening";
    trainError.value = null;
    started.value = config;
    opened.value = null;
    progress.value = null;
    epochs.value = [];
    points.value = [];
  });
  try {
    const open = await engine();
    const got = await open.open(config, device(choice), from);
    batch(() => {
      opened.value = got;
      network.value = { sizes: got.sizes, class_names: info.class_names, task: info.task, file: null };
      phase.value = waiting ? "paused" : "running";
      weights.value++;
      milestones.value++;
    });
    if (waiting) await open.pause();
    ending = open.run(hear).then(
      (outcome) => end(outcome === "interrupted" ? "stopped" : "finished"),
      (error: unknown) => end("failed", words(error)),
    );
  } catch (error) {
    end("failed", words(error));
  }
}

function end(how: Phase, error: string | null = null) {
  clearTimeout(telling);
  batch(() => {
    tell();
    phase.value = how;
    trainError.value = error;
    weights.value++;
    milestones.value++;
  });
}

/** What a button of a running training does; what fails is told as the training's error. */
async function act(work: (open: Trainer) => Promise<void>) {
  try {
    await work(await engine());
  } catch (error) {
    trainError.value = words(error);
  }
}

export const pause = () =>
  act(async (open) => {
    await open.pause();
    // It may have ended meanwhile.
    if (phase.value === "running") phase.value = "paused";
    milestones.value++;
  });

export const resume = () =>
  act(async (open) => {
    await open.resume();
    if (phase.value === "paused") phase.value = "running";
  });

export const step = () =>
  act(async (open) => {
    await open.step();
    batch(() => {
      weights.value++;
      milestones.value++;
    });
  });

export const stop = () =>
  act(async (open) => {
    await open.stop();
    await ending;
  });
