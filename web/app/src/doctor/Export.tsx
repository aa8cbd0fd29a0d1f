import { useEffect, useState } from "preact/hooks";
import type { Language, Template } from "../engine/types";
import { Code } from "../shared/Code";
import { sharedDoctor } from "../shared/engine";
import { ErrorBox } from "../shared/ErrorBox";
import { LANGUAGES } from "../shared/names";
import { Tabs } from "../shared/Tabs";
import { change } from "./state";

const TEMPLATES: Record<Template, string> = {
  numpy: LANGUAGES.numpy,
  locals: "NumPy, all of a function",
  pytorch: "PyTorch",
  matlab: LANGUAGES.matlab,
  julia: LANGUAGES.julia,
  javascript: LANGUAGES.javascript,
  java: LANGUAGES.java,
  c: LANGUAGES.c,
};
const tabs = Object.entries(TEMPLATES).map(([id, name]) => ({ id, name }));

/** Of the last line, what is to be done with the file on this page. */
const here = (code: string) => code.replace(/then: gpu-mlp doctor (\S+)( --[a-z]+ \w+)*/, (_, path: string) => `then: give ${path.includes(".") ? path : `the folder ${path}`} to this page`);

function Snippet({ language }: { language: Template }) {
  const [shown, setShown] = useState<{ code: string } | { error: unknown } | null>(null);
  useEffect(() => {
    let current = true;
    setShown(null);
    sharedDoctor()
      .then((engine) => engine.template(language))
      .then(
        (code) => current && setShown({ code }),
        (error: unknown) => current && setShown({ error }),
      );
    return () => void (current = false);
  }, [language]);
  if (!shown) return <p class="muted">Loading…</p>;
  return "code" in shown ? <Code code={here(shown.code.trimEnd())} label="Lines that export arrays" /> : <ErrorBox error={shown.error} />;
}

/** The lines to add to one's own code. */
export function Export() {
  const [open, setOpen] = useState(false);
  const [language, setLanguage] = useState<Template>("numpy");
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>How to export the arrays from your code</summary>
      <div class="stack tight">
        <p>
          One batch of an early step, with the parameters as they were before it. Leave out what you do not have: <code>X</code>,{" "}
          <code>y</code>, the weights and biases and any one tensor more are enough to begin with. Your own names are understood.
        </p>
        {open && (
          <Tabs label="Languages" tabs={tabs} selected={language} onSelect={(id) => {
              setLanguage(id as Template);
              // Whoever exports from a language reads the right line in it.
              change({ language: id in LANGUAGES ? (id as Language) : "numpy" });
            }}>
            <Snippet language={language} />
          </Tabs>
        )}
      </div>
    </details>
  );
}
