import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Common {
  label: string;
  value: string;
  change: (value: string) => void;
  problem?: string | undefined;
  hint?: ComponentChildren;
  disabled?: boolean;
}

/** A labelled text field; what is wrong with it stands below it. */
export function TextField({ label, value, change, problem, hint, disabled, numeric }: Common & { numeric?: boolean }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        value={value}
        onInput={(event) => change(event.currentTarget.value)}
        inputMode={numeric ? "decimal" : "text"}
        autocomplete="off"
        spellcheck={false}
        disabled={disabled ?? false}
        aria-invalid={problem !== undefined}
        aria-describedby={problem || hint ? `${id}-below` : undefined}
      />
      <Below id={id} problem={problem} hint={hint} />
    </div>
  );
}

/** A labelled choice of one of several. */
export function Choice({ label, value, change, problem, hint, disabled, options }: Common & { options: Record<string, string> }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => change(event.currentTarget.value)}
        disabled={disabled ?? false}
        aria-invalid={problem !== undefined}
        aria-describedby={problem || hint ? `${id}-below` : undefined}
      >
        {/* A link may say what is none of them. */}
        {!(value in options) && <option value={value}>{value}</option>}
        {Object.entries(options).map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
      <Below id={id} problem={problem} hint={hint} />
    </div>
  );
}

function Below({ id, problem, hint }: { id: string; problem: string | undefined; hint: ComponentChildren }) {
  if (!problem && !hint) return null;
  return (
    <p id={`${id}-below`} class={problem ? "field-problem" : "field-hint"}>
      {problem ?? hint}
    </p>
  );
}
