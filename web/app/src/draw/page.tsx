import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { Bars } from "../look/Bars";
import { useNewest } from "../look/newest";
import { Picture } from "../look/Picture";
import { ErrorBox } from "../shared/ErrorBox";
import { percent, readable } from "../shared/numbers";
import { QuickTrain } from "../train/QuickTrain";
import { busy, data, engine, network, weights, words } from "../train/session";
import { Pad } from "./Pad";
import { EMPTY, isEmpty, SIDE, undone } from "./strokes";
import "../look/look.css";
import "./draw.css";

/** It stays while other pages are shown. */
const sheet = signal(EMPTY);

/** Whether so many inputs are the pixels of a square grey picture, and not a few columns of a table. */
const reads = (inputs: number) => inputs >= 64 && Number.isInteger(Math.sqrt(inputs));

export default function Draw() {
  const [pixels, setPixels] = useState<Uint8Array | null>(null);
  const held = network.value;
  const drawn = !isEmpty(sheet.value);
  const seen = useNewest(
    80,
    async () => (held && reads(held.sizes[0]!) && drawn && pixels ? { drawing: await (await engine()).draw(SIDE, pixels), held } : null),
    [pixels, held, drawn, weights.value],
  );

  return (
    <div class="stack">
      <div class="stack tight">
        <h1>Draw a digit</h1>
        <p class="muted">The network answers while you draw.</p>
      </div>
      {held && !busy() && !reads(held.sizes[0]!) ? (
        <section class="card stack" aria-label="The network">
          <p>
            The network of this tab takes {readable(held.sizes[0])} numbers, which are no square grey picture, so it cannot read drawings.
          </p>
          <QuickTrain />
        </section>
      ) : !held || busy() ? (
        <section class="card stack" aria-label="The network">
          <p>{held ? "The network answers while it is trained." : "There is no network to draw for yet."}</p>
          <QuickTrain />
        </section>
      ) : (
        <p class="small muted">
          For {held.file ? <code>{held.file}</code> : "the network of this tab"}, {held.sizes.join("-")}. <a href="#/train">Train or load another one</a>, or{" "}
          <a href="#/look">look inside</a>.
        </p>
      )}
      <div class="draw">
        <section class="card stack tight" aria-label="Drawing">
          <Pad sheet={sheet} onPixels={setPixels} />
          <div class="row">
            <button type="button" disabled={!drawn} onClick={() => (sheet.value = undone(sheet.value))}>
              Undo
            </button>
            <button type="button" disabled={!drawn} onClick={() => (sheet.value = EMPTY)}>
              Clear
            </button>
          </div>
          <FromTest />
        </section>
        <section class="card stack" aria-labelledby="answer">
          <h2 id="answer">What the network sees and answers</h2>
          {seen.error.value ? <ErrorBox error={seen.error.value} /> : <Answered seen={seen.value.value} />}
        </section>
      </div>
    </div>
  );
}

type Answer = { drawing: Awaited<ReturnType<Awaited<ReturnType<typeof engine>>["draw"]>>; held: NonNullable<typeof network.value> };

function Answered({ seen }: { seen: Answer | null }) {
  const image = seen?.drawing.image;
  if (!network.value) return <p class="muted">Here the network answers, once there is one.</p>;
  if (!seen || !image) return <p class="muted">Draw something: it is centred and scaled to 28 x 28 pixels, as MNIST's digits are.</p>;
  const { outputs } = seen.drawing;
  const { class_names: names, task } = seen.held;
  const best = outputs.indexOf(Math.max(...outputs));
  return (
    <>
      <div class="answer">
        <figure>
          <Picture rows={image.rows} cols={image.cols} values={image.values} scale="pixels" most={255} label="The picture that the network sees" />
          <figcaption class="small muted">
            {image.rows} x {image.cols} pixels
          </figcaption>
        </figure>
        <p>
          <output aria-label="Prediction">{task === "regression" ? readable(outputs[0]) : (names[best] ?? best)}</output>
          {task !== "regression" && <span class="muted">{percent(outputs[best])}</span>}
        </p>
      </div>
      <Bars outputs={outputs} names={names} task={task} />
    </>
  );
}

/** Without a pointer: samples of the test set come onto the canvas. */
function FromTest() {
  const [index, setIndex] = useState(0);
  const [error, setError] = useState<string | null>(null);
  const info = data.value;
  if (!info?.image || info.image.colour || info.test === 0) return null;
  const { rows, cols } = info.image;

  async function lay(wanted: number) {
    setError(null);
    try {
      const { values } = await (await engine()).sample("test", wanted);
      sheet.value = { laid: { rows, cols, values }, strokes: [] };
    } catch (problem) {
      setError(words(problem));
    }
  }

  return (
    <form
      class="stack tight"
      onSubmit={(event) => {
        event.preventDefault();
        void lay(index);
      }}
    >
      <div class="row">
        <label class="field">
          <span>Test sample, 0 to {info.test - 1}</span>
          <input
            type="number"
            min={0}
            max={info.test - 1}
            value={index}
            required
            onInput={(event) => Number.isInteger(event.currentTarget.valueAsNumber) && setIndex(event.currentTarget.valueAsNumber)}
          />
        </label>
      </div>
      <div class="row">
        <button type="submit">Lay on the canvas</button>
        <button
          type="button"
          onClick={() => {
            const any = Math.floor(Math.random() * info.test);
            setIndex(any);
            void lay(any);
          }}
        >
          Any sample
        </button>
      </div>
      {error && <ErrorBox error={error} />}
    </form>
  );
}
