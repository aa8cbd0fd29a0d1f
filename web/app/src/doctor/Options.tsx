import type { Language } from "../engine/types";
import { ACTIVATIONS, LANGUAGES } from "../shared/names";
import { change, form } from "./state";
import type { Form } from "./state";

/** The language of the right lines; it stands with the options and beside the line. */
export function LanguageChoice({ label, beside }: { label: string; beside?: boolean }) {
  return (
    <label class={beside ? "row small" : "field"}>
      <span>{label}</span>
      <select value={form.value.language} onChange={(event) => change({ language: event.currentTarget.value as Language })}>
        {Object.entries(LANGUAGES).map(([value, name]) => (
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
            {Object.entries(ACTIVATIONS).map(([value, name]) => (
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
