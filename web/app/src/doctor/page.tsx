import { useEffect, useRef, useState } from "preact/hooks";
import type { Bug } from "../engine/types";
import { sharedDoctor } from "../shared/engine";
import { ErrorBox } from "../shared/ErrorBox";
import { Answer } from "./Answer";
import { Given } from "./Given";
import { answer, busy, problem } from "./state";
import "./doctor.css";

export default function Doctor() {
  const [catalogue, setCatalogue] = useState<Bug[] | null>(null);

  // The module is loaded while the reader looks for the file.
  useEffect(() => {
    sharedDoctor()
      .then((engine) => engine.catalogue())
      .then(setCatalogue, (error: unknown) => (problem.value = { error }));
  }, []);

  // On a phone the examples stand between the file and what is wrong with it.
  const wrong = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (problem.value) wrong.current!.scrollIntoView({ block: "nearest" });
  }, [problem.value]);

  return (
    <div class="stack doctor">
      <div class="stack tight">
        <h1>Find the bug in your backpropagation</h1>
        <p class="lead">
          Save the arrays of one batch from your own network, in any language, and drop the file here. The doctor computes every tensor
          again in double precision; the first one that does not agree is where the bug is, and the formula it does agree with is the
          bug's name. Nothing is uploaded.
        </p>
      </div>
      <Given />
      <div aria-live="polite">{busy.value && <p class="muted">Examining…</p>}</div>
      <div ref={wrong}>{problem.value && <ErrorBox error={problem.value.error} />}</div>
      {answer.value && catalogue && <Answer {...answer.value} catalogue={catalogue} />}
    </div>
  );
}
