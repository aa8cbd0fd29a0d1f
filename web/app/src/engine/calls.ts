/** What the workers of both modules do. */
import trainImages from "../../../../data/digits/train-images-idx3-ubyte.gz?url";
import trainLabels from "../../../../data/digits/train-labels-idx1-ubyte.gz?url";
import testImages from "../../../../data/digits/t10k-images-idx3-ubyte.gz?url";
import testLabels from "../../../../data/digits/t10k-labels-idx1-ubyte.gz?url";
import type { Engine } from "./engine";

/** What both modules have. */
interface Module {
  add(path: string, bytes: Uint8Array): void;
  clear(): void;
}

const DIGITS: [name: string, address: string][] = [
  ["train-images-idx3-ubyte.gz", trainImages],
  ["train-labels-idx1-ubyte.gz", trainLabels],
  ["t10k-images-idx3-ubyte.gz", testImages],
  ["t10k-labels-idx1-ubyte.gz", testLabels],
];

/** Calls a module once it is there. What is no error in words is a mistake of ours. */
export async function call<T>(ready: Promise<unknown>, use: () => T | Promise<T>): Promise<T> {
  await ready;
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    throw new Error(`internal error: ${error.message}\nhint: reload the page; please report this, with what the console says`);
  }
}

/** The calls that every engine has, and the digits, which are fetched when somebody asks for them. */
export function files(module: Module, ready: Promise<unknown>) {
  let digits: Promise<void> | undefined;
  const fetched = async ([name, address]: [string, string]) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the digits cannot be fetched (${answer.status})\nhint: reload the page`);
    module.add(`digits/${name}`, new Uint8Array(await answer.arrayBuffer()));
  };
  const calls: Omit<Engine, "close"> = {
    add: (files) => call(ready, () => files.forEach(({ path, bytes }) => module.add(path, bytes))),
    clear: () =>
      call(ready, () => {
        module.clear();
        digits = undefined;
      }),
  };
  return {
    calls,
    withDigits: () => (digits ??= Promise.all(DIGITS.map(fetched)).then(() => undefined)),
  };
}
