import { useState } from "preact/hooks";
import type { DataInfo, GivenFile } from "../engine/types";
import { Drop } from "../shared/Drop";
import { ErrorBox } from "../shared/ErrorBox";
import { readable } from "../shared/numbers";
import { Prose } from "../shared/Prose";
import { Choice, TextField } from "./Field";
import { readRequest, TASKS } from "./form";
import { busy, chosen, data, dataError, form, give, load, reading, words } from "./session";
import { change } from "./Settings";

/** Reads the chosen data as the form says, if it says so rightly. */
export async function readData() {
  const { request } = readRequest(chosen.value, form.value);
  return request ? load(request) : null;
}

/** The data set: what to read, how, and what was read. */
export function Data() {
  const [problem, setProblem] = useState<string | null>(null);
  const { problems } = readRequest(chosen.value, form.value);
  const held = busy();
  const own = chosen.value !== "digits";

  async function choose(pick: () => Promise<void> | void) {
    setProblem(null);
    try {
      await pick();
      await readData();
    } catch (error) {
      setProblem(words(error));
    }
  }

  return (
    <section class="card stack" aria-labelledby="data">
      <h2 id="data">Data</h2>
      <p>
        {own ? (
          <>
            Your own: <code>{chosen.value}</code>{" "}
            <button type="button" class="plain" disabled={held} onClick={() => choose(() => void (chosen.value = "digits"))}>
              Use the built-in digits
            </button>
          </>
        ) : (
          <>Digits: a set built in, drawn by this project as MNIST looks.</>
        )}
      </p>
      <Drop
        label="MNIST's IDX files, a CSV, an .npz or a folder of pictures"
        multiple
        folder
        disabled={held || reading.value}
        onFiles={(files: GivenFile[]) => void choose(() => give(files))}
      />
      {held && <p class="small muted">Stop the training to change the data.</p>}
      {problem && <ErrorBox error={problem} />}
      {dataError.value && <ErrorBox error={dataError.value} />}
      {own && (
        <form
          class="stack tight"
          onSubmit={(event) => {
            event.preventDefault();
            void readData();
          }}
        >
          <div class="pairs">
            <Choice label="Task" value={form.value.task} change={(task) => change({ task })} options={TASKS} problem={problems.task} disabled={held} />
            <TextField
              label="Label column"
              value={form.value.label_column}
              change={(label_column) => change({ label_column })}
              hint="Of tables: its name, or its place from 0; -1 is the last."
              disabled={held}
            />
            <TextField
              label="Test share"
              value={form.value.test_fraction}
              change={(test_fraction) => change({ test_fraction })}
              problem={problems.test_fraction}
              hint="Held out if there is no test set."
              disabled={held}
              numeric
            />
          </div>
          <div class="row">
            <button type="submit" disabled={held || reading.value}>
              Read the data
            </button>
          </div>
        </form>
      )}
      <p role="status" class="small muted">
        {reading.value ? "Reading the data…" : data.value ? `Read: ${parts(data.value)}.` : "Not read."}
      </p>
      <Facts />
    </section>
  );
}

const parts = ({ train, validation, test }: DataInfo) =>
  [`${readable(train)} training`, ...(validation > 0 ? [`${readable(validation)} validation`] : []), `${readable(test)} test samples`].join(", ");

/** What the engine says about the data. */
function Facts() {
  const info = data.value;
  if (!info) return null;
  const inputs = info.image
    ? `pictures of ${info.image.rows} x ${info.image.cols} pixels${info.image.colour ? " in colour" : ""}`
    : `${readable(info.features)} ${info.features === 1 ? "number" : "numbers"}`;
  return (
    <div class="stack tight">
      <dl class="facts small" aria-label="What was read">
        <dt>Set</dt>
        <dd>{info.name}</dd>
        <dt>Task</dt>
        <dd>{TASKS[info.task]}</dd>
        <dt>Inputs</dt>
        <dd>{inputs}</dd>
        <dt>{info.task === "classification" ? "Classes" : info.task === "regression" ? "Targets" : "Labels"}</dt>
        <dd>
          {info.outputs}
          {info.class_names.length > 0 && `: ${info.class_names.slice(0, 20).join(", ")}${info.class_names.length > 20 ? ", …" : ""}`}
        </dd>
      </dl>
      {info.notice && (
        <p class="small">
          <Prose text={info.notice} />
        </p>
      )}
      {info.notes.length > 0 && (
        <ul class="small">
          {info.notes.map((note) => (
            <li key={note}>
              <Prose text={note} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
