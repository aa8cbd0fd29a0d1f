import { pieces } from "./mathematics";

/** A line of prose and formulas, the formulas set as mathematics. */
export function Formula({ text }: { text: string }) {
  return (
    <span class="formula">
      {pieces(text).map((piece) =>
        piece.kind === "formula" ? piece.formula : piece.kind === "code" ? <code>{piece.text}</code> : piece.text,
      )}
    </span>
  );
}
