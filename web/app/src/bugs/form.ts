import type { Activation, ReplayRequest } from "../engine/types";
import { ACTIVATIONS } from "../shared/names";

/** A bug to inject: which of its formulas, counted from 1, and whether the evaluation alone has it. */
export interface Chosen {
  id: string;
  formula: number;
  evaluation: boolean;
}

/** What is replayed, as it stands in the form and in the link. */
export interface Form {
  bugs: Chosen[] | "question";
  hidden: string;
  batch: string;
  epochs: string;
  /** Empty for the usual one. */
  lr: string;
  seed: string;
  act: Activation;
}

export const usual: Form = { bugs: [], hidden: "32,16", batch: "128", epochs: "5", lr: "", seed: "1", act: "relu" };

/** Small enough for a tab, and the question's loss rises all the same. */
export const question: Form = { ...usual, bugs: "question", batch: "32", epochs: "10" };

const spelled = ({ id, formula, evaluation }: Chosen) => `${evaluation ? "evaluation:" : ""}${id}${formula > 1 ? `/${formula}` : ""}`;

function chosen(text: string): Chosen {
  const [, evaluation, id = text, formula = "1"] = /^(evaluation:)?(.*?)(?:\/(\d+))?$/.exec(text) ?? [];
  return { id, formula: Number(formula), evaluation: evaluation !== undefined };
}

const FIELDS = ["hidden", "batch", "epochs", "lr", "seed", "act"] as const;

export function toQuery(form: Form): URLSearchParams {
  const query = new URLSearchParams();
  if (form.bugs === "question") query.set("bugs", "question");
  else for (const bug of form.bugs) query.append("bug", spelled(bug));
  for (const field of FIELDS) if (form[field] !== usual[field]) query.set(field, form[field]);
  return query;
}

export function fromQuery(query: URLSearchParams): Form {
  const form: Form = { ...usual, bugs: query.get("bugs") === "question" ? "question" : query.getAll("bug").map(chosen) };
  for (const field of FIELDS) {
    const value = query.get(field);
    if (value !== null && (field !== "act" || value in ACTIVATIONS)) form[field] = value as never;
  }
  return form;
}

function whole(name: string, text: string, least: number): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isInteger(number) || number < least) {
    throw new Error(`${name}: a whole number from ${least} on is needed, and this is none: ${text || "nothing"}`);
  }
  return number;
}

export function toRequest(form: Form): ReplayRequest {
  const request: ReplayRequest = {
    bugs: form.bugs === "question" ? "question" : form.bugs.map(spelled),
    hidden: form.hidden.trim() === "" ? [] : form.hidden.split(",").map((size) => whole("hidden layers", size, 1)),
    batch_size: whole("batch size", form.batch, 1),
    epochs: whole("epochs", form.epochs, 1),
    seed: whole("seed", form.seed, 0),
    act: form.act,
  };
  if (form.lr.trim() !== "") {
    request.lr = Number(form.lr);
    if (!(request.lr > 0)) throw new Error(`learning rate: a number above 0 is needed, and this is none: ${form.lr}`);
  }
  if (request.bugs.length === 0) throw new Error("no bug is chosen\nhint: choose one in the list, or more than one");
  return request;
}
