/** The settings of a training as they are typed, what they mean, and the link that carries them. */
import type { DataRequest, TrainConfig } from "../engine/types";
import { ACTIVATIONS } from "../shared/names";

export interface Form {
  task: string;
  label_column: string;
  test_fraction: string;
  hidden: string;
  activation: string;
  batch_size: string;
  lr: string;
  epochs: string;
  optimizer: string;
  momentum: string;
  weight_decay: string;
  dropout: string;
  seed: string;
  device: string;
}

export type Field = keyof Form;

/** The program's own defaults. */
export const DEFAULTS: Form = {
  task: "",
  label_column: "",
  test_fraction: "0.2",
  hidden: "300, 75",
  activation: "relu",
  batch_size: "64",
  lr: "0.1",
  epochs: "10",
  optimizer: "sgd",
  momentum: "0",
  weight_decay: "0",
  dropout: "0",
  seed: "1",
  device: "auto",
};

export const TASKS = { "": "automatic", classification: "classification", multilabel: "several labels", regression: "regression" };

const DEVICES = { auto: 0, gpu: 0, cpu: 0 };

export const OPTIMIZERS = { sgd: "SGD", adam: "Adam", adamw: "AdamW" };

const RATE: Record<string, string> = { sgd: "0.1", adam: "0.001", adamw: "0.001" };
const DECAY: Record<string, string> = { sgd: "0", adam: "0", adamw: "0.01" };

/** Another optimiser: rate and decay follow where they were its predecessor's defaults. */
export function withOptimizer(form: Form, optimizer: string): Form {
  const follow = (value: string, defaults: Record<string, string>) =>
    value === defaults[form.optimizer] ? (defaults[optimizer] ?? value) : value;
  return { ...form, optimizer, lr: follow(form.lr, RATE), weight_decay: follow(form.weight_decay, DECAY) };
}

export type Problems = Partial<Record<Field, string>>;

/** Reads fields; those that are wrong are named in `problems`. */
function reader(form: Form) {
  const problems: Problems = {};
  const said = (text: string) => (text.trim() === "" ? "nothing" : `"${text.trim()}"`);
  /** What `meaning` makes of the field's text; `undefined` is a problem. */
  function field<T>(name: Field, meaning: (text: string) => T | undefined, expected: string): T {
    const value = meaning(form[name]);
    if (value === undefined) problems[name] = `Expected ${expected}, got ${said(form[name])}.`;
    return value as T;
  }
  const number = (name: Field, holds: (value: number) => boolean, expected: string) =>
    field(name, (text) => (text.trim() !== "" && Number.isFinite(Number(text)) && holds(Number(text)) ? Number(text) : undefined), expected);
  const whole = (name: Field, from: number, to: number) =>
    number(name, (value) => Number.isInteger(value) && value >= from && value <= to, `a whole number from ${from} to ${to}`);
  const among = <Name extends string>(name: Field, names: Record<Name, unknown>) =>
    field(name, (text) => (text in names ? (text as Name) : undefined), `one of ${Object.keys(names).filter(Boolean).join(", ")}`);
  return { problems, field, number, whole, among };
}

/** Sizes of the hidden layers; none at all is a linear network. */
function sizes(text: string): number[] | undefined {
  if (text.trim() === "") return [];
  const parts = text.split(",").map((part) => part.trim());
  return parts.every((part) => /^[1-9]\d{0,4}$/.test(part)) ? parts.map(Number) : undefined;
}

export interface Settings {
  config: TrainConfig;
  device: keyof typeof DEVICES;
}

/** What the fields of the network and its training mean, or what is wrong with each. */
export function readSettings(form: Form): { settings: Settings | null; problems: Problems } {
  const { problems, field, number, whole, among } = reader(form);
  const config: TrainConfig = {
    hidden: field("hidden", sizes, 'whole numbers from 1 to 99999 with commas between, such as "300, 75"'),
    activation: among("activation", ACTIVATIONS),
    batch_size: whole("batch_size", 1, 1_000_000),
    epochs: whole("epochs", 1, 100_000),
    optimizer: among("optimizer", OPTIMIZERS),
    lr: number("lr", (value) => value > 0, "a number above 0, such as 0.1"),
    momentum: number("momentum", (value) => value >= 0 && value < 1, "a number from 0 to below 1, such as 0.9"),
    weight_decay: number("weight_decay", (value) => value >= 0, "a number from 0 on, such as 0.0001"),
    dropout: number("dropout", (value) => value >= 0 && value < 1, "a number from 0 to below 1, such as 0.2"),
    seed: whole("seed", 0, Number.MAX_SAFE_INTEGER),
  };
  const device = among("device", DEVICES);
  // Only SGD has a momentum.
  if (config.optimizer !== "sgd") config.momentum = 0;
  return { settings: Object.keys(problems).length > 0 ? null : { config, device }, problems };
}

/** What to read, or what is wrong with the fields that say it. The built-in set has its task, its labels and its own test set. */
export function readRequest(data: string, form: Form): { request: DataRequest | null; problems: Problems } {
  if (data === "digits") return { request: { data }, problems: {} };
  const { problems, number, among } = reader(form);
  const task = among("task", TASKS);
  const label_column = form.label_column.trim();
  const request: DataRequest = {
    data,
    ...(task && { task }),
    ...(label_column && { label_column }),
    test_fraction: number("test_fraction", (value) => value >= 0 && value < 1, "a number from 0 to below 1, such as 0.2"),
  };
  return { request: Object.keys(problems).length > 0 ? null : request, problems };
}

/** The query of a link to the form. It says defaults too, so that the link means the same if one of them changes. */
export function toQuery(form: Form): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) {
    const text = name === "hidden" ? value.replace(/\s/g, "") : value.trim();
    if (text !== "" || name === "hidden") query.set(name, text);
  }
  return query;
}

/** The form of a link, and the names in it that are no settings. */
export function fromQuery(query: URLSearchParams): { form: Form; unknown: string[] } {
  const form = { ...DEFAULTS };
  const unknown: string[] = [];
  for (const [name, value] of query) {
    if (name in form) form[name as Field] = name === "hidden" ? value.split(",").join(", ") : value;
    else unknown.push(name);
  }
  return { form, unknown };
}
