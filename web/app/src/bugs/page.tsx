import { useEffect, useMemo, useState } from "preact/hooks";
import type { Activation, Bug } from "../engine/types";
import { BugPage } from "../shared/BugPage";
import { CopyLink } from "../shared/CopyLink";
import { sharedDoctor } from "../shared/engine";
import { ErrorBox } from "../shared/ErrorBox";
import { ReplayView, useReplay } from "../shared/Replay";
import { address, remember, route } from "../shell/route";
import { Catalogue } from "./Catalogue";
import { ACTIVATIONS } from "../shared/names";
import { fromQuery, question, toQuery, toRequest, usual } from "./form";
import type { Chosen, Form } from "./form";
import "./bugs.css";

type Field = Exclude<keyof Form, "bugs" | "act">;

const fields: { field: Field; name: string; hint?: string }[] = [
  { field: "hidden", name: "Hidden layers", hint: "32,16" },
  { field: "batch", name: "Batch size" },
  { field: "epochs", name: "Epochs" },
  { field: "lr", name: "Learning rate", hint: "the usual one" },
  { field: "seed", name: "Seed" },
];

/** How one of the chosen bugs is injected. */
function Injected({ bug, chosen, onChange, onRemove }: { bug: Bug; chosen: Chosen; onChange: (chosen: Chosen) => void; onRemove: () => void }) {
  return (
    <li class="card stack tight">
      <div class="row between">
        <code>{bug.id}</code>
        <button type="button" class="small" onClick={onRemove} aria-label={`Remove ${bug.id}`}>
          Remove
        </button>
      </div>
      {bug.formulas.length > 1 && (
        <label class="field">
          <span>Formula</span>
          <select value={String(chosen.formula)} onChange={(event) => onChange({ ...chosen, formula: Number(event.currentTarget.value) })}>
            {bug.formulas.map((formula, i) => (
              <option key={formula} value={String(i + 1)}>
                {formula}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="check small">
        <input
          type="checkbox"
          checked={chosen.evaluation}
          onChange={(event) => onChange({ ...chosen, evaluation: event.currentTarget.checked })}
        />
        in the evaluation only, not in the training
      </label>
    </li>
  );
}

export default function Bugs() {
  const { query } = route.value;
  const [form, setForm] = useState<Form>(() => fromQuery(query));
  const [catalogue, setCatalogue] = useState<Bug[] | null>(null);
  const [problem, setProblem] = useState<{ error: unknown } | null>(null);
  const { replay, start, stop } = useReplay();

  useEffect(() => {
    setForm(fromQuery(query));
    setProblem(null);
  }, [query]);
  useEffect(() => {
    sharedDoctor()
      .then((engine) => engine.catalogue())
      .then(setCatalogue, (error: unknown) => setProblem({ error }));
  }, []);

  function change(changed: Partial<Form>) {
    const next = { ...form, ...changed };
    setForm(next);
    remember("bugs", toQuery(next));
  }

  const chosen = form.bugs === "question" ? [] : form.bugs;
  const byId = useMemo(() => new Map(catalogue?.map((bug) => [bug.id, bug])), [catalogue]);
  const unknown = catalogue ? chosen.filter(({ id }) => !byId.has(id)).map(({ id }) => id) : [];

  function toggle(id: string) {
    const rest = chosen.filter((bug) => bug.id !== id);
    change({ bugs: rest.length < chosen.length ? rest : [...chosen, { id, formula: 1, evaluation: false }] });
  }

  function run() {
    setProblem(null);
    try {
      void start(toRequest(form));
    } catch (error) {
      setProblem({ error });
    }
  }

  return (
    <div class="stack bugs">
      <div class="stack tight">
        <h1>Inject a bug</h1>
        <p class="lead">
          Trains a network correctly, and the same network again with the bugs you choose, in this tab. Both begin with the same weights
          and see the same batches, so where the curves part, the bug did it.
        </p>
      </div>
      <div class="bugs-columns">
        <form
          class="stack"
          aria-label="What is trained"
          onSubmit={(event) => {
            event.preventDefault();
            // The button keeps the focus while it is off.
            if (catalogue && !replay?.running) run();
          }}
        >
          <div class="card stack tight">
            <p>
              A network whose loss rises while its accuracy rises, and the three bugs that make it so:{" "}
              <button type="button" class="plain" onClick={() => change(question)}>
                the question's five trainings
              </button>
              .
            </p>
            {form.bugs === "question" && (
              <p class="notice">
                The five trainings of the question are chosen.{" "}
                <button type="button" class="plain" onClick={() => change(usual)}>
                  Choose bugs instead
                </button>
              </p>
            )}
          </div>
          {catalogue && form.bugs !== "question" && (
            <div class="card">
              <Catalogue bugs={catalogue} chosen={chosen.map(({ id }) => id)} onToggle={toggle} />
            </div>
          )}
          {unknown.length > 0 && <ErrorBox error={`the link names bugs that are not known: ${unknown.join(", ")}`} />}
          {chosen.length > 0 && (
            <ul class="stack tight injected" aria-label="Chosen bugs">
              {chosen.map((one) => {
                const bug = byId.get(one.id);
                return (
                  bug && (
                    <Injected
                      key={one.id}
                      bug={bug}
                      chosen={one}
                      onChange={(next) => change({ bugs: chosen.map((other) => (other.id === one.id ? next : other)) })}
                      onRemove={() => toggle(one.id)}
                    />
                  )
                );
              })}
            </ul>
          )}
          <fieldset class="card stack tight">
            <legend class="hidden-text">Network and training</legend>
            <div class="fields">
              {fields.map(({ field, name, hint }) => (
                <label key={field} class="field">
                  <span>{name}</span>
                  <input
                    inputMode={field === "hidden" ? "text" : "decimal"}
                    size={9}
                    value={form[field]}
                    placeholder={hint}
                    onInput={(event) => change({ [field]: event.currentTarget.value })}
                  />
                </label>
              ))}
              <label class="field">
                <span>Hidden activation</span>
                <select value={form.act} onChange={(event) => change({ act: event.currentTarget.value as Activation })}>
                  {Object.entries(ACTIVATIONS).map(([value, name]) => (
                    <option key={value} value={value}>
                      {name}
                    </option>
                  ))}
                </select>
              </label>
            </div>
            <p class="small muted">On the built-in digits: 10,000 training and 2,000 test samples.</p>
          </fieldset>
          <div class="row">
            <button type="submit" class="primary" aria-disabled={!catalogue || replay?.running === true}>
              Train right and wrong
            </button>
            {replay?.running && (
              <button type="button" onClick={stop}>
                Stop
              </button>
            )}
          </div>
          <CopyLink hash={() => address("bugs", toQuery(form))} opens="it opens this page with these bugs and settings" />
        </form>
        <div class="stack">
          {problem && <ErrorBox error={problem.error} />}
          {replay ? (
            <section class="card stack" aria-labelledby="curves">
              <h2 id="curves">Right and wrong</h2>
              <ReplayView replay={replay} />
            </section>
          ) : (
            chosen.length === 0 && !problem && <p class="muted">The curves stand here once a training runs.</p>
          )}
          {chosen.map(({ id, formula }) => {
            const bug = byId.get(id);
            return (
              bug && (
                <section key={id} class="card stack" aria-labelledby={`bug-${id}`}>
                  <h2 id={`bug-${id}`} class="mono">
                    {id}
                  </h2>
                  <p>{bug.why}</p>
                  <BugPage bug={bug} computed={bug.formulas[formula - 1]} />
                  <p>
                    <strong>Fix: </strong>
                    {bug.fix}
                  </p>
                </section>
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}
