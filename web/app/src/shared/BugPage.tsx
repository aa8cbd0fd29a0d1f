import type { Bug } from "../engine/types";
import { Formula } from "./Formula";

/** What a bug computes, what is right and why, and how to mend it. `computed` is the formula that was found in a file. */
export function BugPage({ bug, computed }: { bug: Bug; computed?: string }) {
  const formulas = computed === undefined ? bug.formulas : [computed];
  return (
    <div class="stack bug-page">
      <div class="columns">
        <div class="stack tight">
          <h3>What was computed</h3>
          {formulas.length === 1 ? (
            <p class="formula-line">
              <Formula text={formulas[0]!} />
            </p>
          ) : (
            <ol>
              {formulas.map((formula) => (
                <li key={formula} class="formula-line">
                  <Formula text={formula} />
                </li>
              ))}
            </ol>
          )}
        </div>
        <div class="stack tight">
          <h3>What is right</h3>
          <p class="formula-line">
            <Formula text={bug.right} />
          </p>
        </div>
      </div>
      <div class="stack tight">
        <h3>Why</h3>
        {bug.lines.map((line) => (
          <p key={line}>
            <Formula text={line} />
          </p>
        ))}
      </div>
      <p class="small muted">Read more: {bug.source}</p>
    </div>
  );
}
