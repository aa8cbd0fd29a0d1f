import { download } from "../shared/download";
import { useState } from "preact/hooks";
import { Drop } from "../shared/Drop";
import { ErrorBox } from "../shared/ErrorBox";
import { busy, engine, hold, network, phase, words } from "./session";

const FORMATS = { safetensors: ".safetensors", onnx: ".onnx", npz: ".npz" } as const;

/** Saving the network that is held, and holding that of a file. */
export function Models() {
  const [error, setError] = useState<string | null>(null);
  const held = network.value;

  async function attempt(work: () => Promise<void>) {
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(words(problem));
    }
  }

  async function save(format: keyof typeof FORMATS) {
    const bytes = await (await engine()).save(format);
    download(`model${FORMATS[format]}`, bytes as Uint8Array<ArrayBuffer>);
  }

  return (
    <section class="card stack" aria-labelledby="model">
      <h2 id="model">Save and load</h2>
      <p>
        {held ? (
          <>
            Held: {held.file ? <code>{held.file}</code> : "the network of this training"}, {held.sizes.join("-")}. <a href="#/look">Look inside</a> it, or{" "}
            <a href="#/draw">draw</a> for it.
          </>
        ) : (
          "There is no network yet: start a training, or load one."
        )}
      </p>
      <div class="row">
        {(Object.keys(FORMATS) as (keyof typeof FORMATS)[]).map((format) => (
          <button key={format} type="button" disabled={!held || phase.value === "opening"} onClick={() => void attempt(() => save(format))}>
            Save {FORMATS[format]}
          </button>
        ))}
      </div>
      <Drop
        label="a .safetensors of this page or of the program"
        accept=".safetensors"
        disabled={busy()}
        onFiles={(files) => void attempt(() => hold(files[0]!))}
      />
      {busy() && <p class="small muted">Stop the training to load a network.</p>}
      {error && <ErrorBox error={error} />}
    </section>
  );
}
