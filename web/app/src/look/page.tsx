import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { DataInfo, Evaluation, Mistake, Sample } from "../engine/types";
import { ErrorBox } from "../shared/ErrorBox";
import { percent, readable } from "../shared/numbers";
import { QuickTrain } from "../train/QuickTrain";
import { data, engine, milestones, network, weights } from "../train/session";
import { Confusion } from "./Confusion";
import { FirstLayer } from "./FirstLayer";
import { Gallery } from "./Gallery";
import { useNewest, type Asked } from "./newest";
import { OneSample } from "./OneSample";
import { Picture } from "./Picture";
import "./look.css";

/** As many as a page shows. */
const UNITS = 64;
const MISTAKES = 24;

export default function Look() {
  return (
    <div class="stack">
      <div class="stack tight">
        <h1>Look inside a network</h1>
        <p class="muted">What it has learnt, where it errs, and what its layers make of a sample. It follows the training while that runs.</p>
      </div>
      {network.value ? (
        <Inside />
      ) : (
        <section class="card stack" aria-label="No network yet">
          <p>There is no network to look at yet.</p>
          <QuickTrain />
        </section>
      )}
    </div>
  );
}

function Inside() {
  const info = data.value;
  return (
    <>
      <Learnt info={info} />
      {info && info.test > 0 ? (
        <>
          <OnTest info={info} />
          <Way info={info} />
        </>
      ) : (
        <p class="notice">
          {info ? "The data have no test samples to measure on." : "No data are read, so nothing can be measured."} <a href="#/train">Read a set</a> with some.
        </p>
      )}
    </>
  );
}

function Learnt({ info }: { info: DataInfo | null }) {
  const layer = useNewest(500, async () => (await engine()).firstLayer(UNITS), [weights.value]);
  return (
    <Part title="First layer" asked={layer}>
      {(shown) => (
        <>
          <p class="small muted">
            {shown.units} of {readable(network.value?.sizes[1] ?? shown.units)} units: the weight of each input.
          </p>
          <FirstLayer weights={shown} info={info} />
        </>
      )}
    </Part>
  );
}

function OnTest({ info }: { info: DataInfo }) {
  const measured = useNewest(
    1000,
    async () => {
      const open = await engine();
      const evaluation = await open.evaluate(MISTAKES);
      const samples = await Promise.all(evaluation.mistakes.map((mistake) => (info.image ? open.sample("test", mistake.sample) : null)));
      return { evaluation, samples };
    },
    [milestones.value, info],
  );
  return (
    <>
      <Part title="On the test samples" asked={measured}>
        {({ evaluation }) => <Measured evaluation={evaluation} names={info.class_names} />}
      </Part>
      {info.task === "classification" && (
        <Part title="Most confident mistakes" asked={measured}>
          {({ evaluation, samples }) => <Mistakes mistakes={evaluation.mistakes} samples={samples} info={info} />}
        </Part>
      )}
    </>
  );
}

/** The test sample whose way through the layers is shown. */
const chosen = signal(0);

function Way({ info }: { info: DataInfo }) {
  const index = Math.min(chosen.value, info.test - 1);
  const seen = useNewest(
    500,
    async () => {
      const open = await engine();
      const [sample, answer] = await Promise.all([open.sample("test", index), open.answer("test", index)]);
      return { sample, answer };
    },
    [index, weights.value, info],
  );
  return (
    <div id="way">
      <Part title="A sample's way through the layers" asked={seen}>
        {({ sample, answer }) => (
          <>
            <Which index={index} of={info.test} />
            <OneSample info={info} sample={sample} answer={answer} />
          </>
        )}
      </Part>
    </div>
  );
}

/** A part of the page, which shows what the engine answered. */
function Part<T>({ title, asked, children }: { title: string; asked: Asked<T>; children: (value: T) => ComponentChildren }) {
  return (
    <section class="card stack" aria-label={title}>
      <h2>{title}</h2>
      {asked.error.value ? <ErrorBox error={asked.error.value} /> : asked.value.value ? children(asked.value.value) : <p class="muted">Computing…</p>}
    </section>
  );
}

function Measured({ evaluation, names }: { evaluation: Evaluation; names: string[] }) {
  const { score, confusion, classes } = evaluation;
  return (
    <>
      <p>
        Test loss {readable(score.loss)}
        {score.accuracy !== null && `, accuracy ${percent(score.accuracy)}`}
        {score.rmse !== null && `, RMSE ${readable(score.rmse)}`}
        {score.r2 !== null && `, R² ${readable(score.r2)}`}.
      </p>
      {confusion.length > 0 && (
        <div class="pair">
          <Confusion counts={confusion} names={names} />
          <Classes classes={classes} names={names} />
        </div>
      )}
    </>
  );
}

function Classes({ classes, names }: { classes: Evaluation["classes"]; names: string[] }) {
  return (
    <div class="scroll classes" tabIndex={0} role="region" aria-label="Scores of each class">
      <table class="small">
        <caption>Each class against all others</caption>
        <thead>
          <tr>
            <th scope="col">Class</th>
            {["Samples", "Precision", "Recall", "F1"].map((head) => (
              <th key={head} scope="col" class="number">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.map(({ samples, precision, recall, f1 }, index) => (
            <tr key={index}>
              <th scope="row">{names[index] ?? index}</th>
              <td class="number">{readable(samples)}</td>
              <td class="number">{percent(precision)}</td>
              <td class="number">{percent(recall)}</td>
              <td class="number">{readable(f1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface MistakesProps {
  mistakes: Mistake[];
  samples: (Sample | null)[];
  info: DataInfo;
}

function Mistakes({ mistakes, samples, info }: MistakesProps) {
  const name = (label: number) => info.class_names[label] ?? String(label);
  if (mistakes.length === 0) return <p>None: every test sample is right.</p>;
  return (
    <>
      <p class="small muted">Choose one to see its way through the layers.</p>
      <Gallery
        label="Most confident mistakes"
        items={mistakes}
        name={(mistake) => `Sample ${mistake.sample}: actual ${name(mistake.label)}, predicted ${name(mistake.answer)} at ${percent(mistake.probability)}`}
        pressed={(mistake) => mistake.sample === chosen.value}
        onPick={pick}
        show={(mistake, at) => {
          const sample = samples[at];
          return (
            <>
              {info.image && sample ? (
                <Picture rows={info.image.rows} cols={info.image.cols} colours={info.image.colour} values={sample.values} scale="pixels" most={1} />
              ) : (
                <span class="small">Sample {mistake.sample}</span>
              )}
              <span class="small">actual {name(mistake.label)}</span>
              <span class="small">
                predicted {name(mistake.answer)}
              </span>
              <span class="small muted">{percent(mistake.probability)}</span>
            </>
          );
        }}
      />
    </>
  );
}

function pick(mistake: Mistake) {
  chosen.value = mistake.sample;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById("way")?.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
}

/** The choice of a sample. */
function Which({ index, of }: { index: number; of: number }) {
  return (
    <div class="row">
      <label class="field">
        <span>Test sample, 0 to {of - 1}</span>
        <input
          type="number"
          min={0}
          max={of - 1}
          value={index}
          onChange={(event) => {
            const wanted = Math.round(event.currentTarget.valueAsNumber);
            const within = Number.isFinite(wanted) ? Math.min(Math.max(wanted, 0), of - 1) : index;
            event.currentTarget.value = String(within);
            chosen.value = within;
          }}
        />
      </label>
      <div class="row at-end">
        <button type="button" disabled={index === 0} onClick={() => (chosen.value = index - 1)}>
          Previous
        </button>
        <button type="button" disabled={index >= of - 1} onClick={() => (chosen.value = index + 1)}>
          Next
        </button>
      </div>
    </div>
  );
}
