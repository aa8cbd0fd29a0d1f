import { Prose } from "./Prose";

/** An error in words: the problem, and after `hint: ` what to do. The words are those of whoever found it. */
export function ErrorBox({ error }: { error: unknown }) {
  const [problem = "", ...hints] = (error instanceof Error ? error.message : String(error)).split(/^\s*hint: /m);
  return (
    <div class="notice bad stack tight error-box" role="alert">
      <p>
        <strong>Error: </strong>
        <Prose text={problem.trim()} />
      </p>
      {hints.map((hint) => (
        <p key={hint}>
          <strong>Hint: </strong>
          <Prose text={hint.trim()} />
        </p>
      ))}
    </div>
  );
}
