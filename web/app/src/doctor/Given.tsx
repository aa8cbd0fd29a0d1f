import { useState } from "preact/hooks";
import { Drop, root } from "../shared/Drop";
import { examples } from "./examples";
import { Export } from "./Export";
import { Options } from "./Options";
import { busy, examine, problem } from "./state";

const PLACEHOLDER = '{"X": [[0.5, -1.2], …], "y": [0, …], "W1": [[…]], "b1": […], "dW1": [[…]], …}';

function Paste() {
  const [text, setText] = useState("");
  return (
    <details>
      <summary>Paste small arrays as JSON</summary>
      <form
        class="stack tight"
        onSubmit={(event) => {
          event.preventDefault();
          void examine("what was pasted", [{ path: "pasted.json", bytes: new TextEncoder().encode(text) }]);
        }}
      >
        <label class="field">
          <span>An object of nested lists, named as the arrays</span>
          <textarea
            rows={7}
            value={text}
            placeholder={PLACEHOLDER}
            spellcheck={false}
            required
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div>
          <button type="submit" disabled={busy.value || !text.trim()}>
            Examine
          </button>
        </div>
      </form>
    </details>
  );
}

async function examineExample(file: string, name: string) {
  try {
    const response = await fetch(`examples/${file}`);
    if (!response.ok) throw new Error(`the example ${file} did not load: HTTP ${response.status}`);
    await examine(`the example "${name}"`, [{ path: file, bytes: new Uint8Array(await response.arrayBuffer()) }]);
  } catch (error) {
    problem.value = { error };
  }
}

/** Everything by which arrays come to the doctor. */
export function Given() {
  return (
    <div class="given">
      <div class="stack tight">
        <Drop
          label="an .npz or .json, or a folder of .npy or .csv files,"
          accept=".npz,.json,.npy,.csv"
          multiple
          folder
          primary
          onFiles={(files) => void examine(root(files), files)}
        >
          <p class="small muted">The arrays of one batch, at best 37 samples and float64. They stay in this tab.</p>
        </Drop>
        <div>
          <Paste />
          <Export />
          <Options />
        </div>
      </div>
      <section class="stack tight" aria-labelledby="examples">
        <h2 id="examples">Or try an example</h2>
        <ul class="examples">
          {examples.map(({ file, name, what }) => (
            <li key={file}>
              <button type="button" class="plain" disabled={busy.value} onClick={() => void examineExample(file, name)}>
                {name}
              </button>
              <span class="small muted">{what}</span>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
