import type { Activation, Language } from "../engine/types";
import { change, form } from "./state";
import type { Form } from "./state";

export const languages: { value: Language; name: string }[] = [
  { value: "numpy", name: "NumPy" },
  { value: "julia", name: "Julia" },
  { value: "matlab", name: "MATLAB, Octave" },
  { value: "javascript", name: "JavaScript" },
  { value: "java", name: "Java" },
  { value: "c", name: "C" },
];

const activations: { value: Activation; name: string }[] = [
  { value: "relu", name: "ReLU" },
  { value: "sigmoid", name: "sigmoid" },
  { value: "tanh", name: "tanh" },
  { value: "leaky-relu", name: "leaky ReLU" },
  { value: "elu", name: "ELU" },
  { value: "gelu", name: "GELU" },
  { value: "silu", name: "SiLU" },
  { value: "softplus", name: "softplus" },
  { value: "identity", name: "identity" },
];

/** The language of the right lines; it stands with the options and beside the line. */
export function LanguageChoice({ label, beside }: { label: string; beside?: boolean }) {
  return (
    <label class={beside ? "row small" : "field"}>
      <span>{label}</span>
      <select value={form.value.language} onChange={(event) => change({ language: event.currentTarget.value as Language })}>
        {languages.map(({ value, name }) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Options() {
  return (
    <details>
      <summary>Options</summary>
      <div class="fields">
        <label class="field">
          <span>Hidden activation</span>
          <select value={form.value.act} onChange={(event) => change({ act: event.currentTarget.value as Form["act"] })}>
            <option value="">as in the file, or found out</option>
            {activations.map(({ value, name }) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <LanguageChoice label="Language of the right line" />
        <label class="field">
          <span>Tolerance</span>
          <input
            inputMode="decimal"
            size={26}
            value={form.value.tolerance}
            placeholder="1e-9, or 1e-4 for float32"
            onChange={(event) => change({ tolerance: event.currentTarget.value })}
          />
        </label>
        <label class="field">
          <span>Names, as THEIRS=OURS</span>
          <input
            size={30}
            value={form.value.map}
            placeholder="hidden_w=W1, hidden_b=b1"
            spellcheck={false}
            autocapitalize="off"
            onChange={(event) => change({ map: event.currentTarget.value })}
          />
        </label>
      </div>
    </details>
  );
}
