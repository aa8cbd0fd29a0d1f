import { pieces } from "./mathematics";

/** No line breaks between a formula and the sign of punctuation beside it. */
const JOINER = "\u2060";
const joined = (text: string) => text.replace(/^(?=[.,:;)\]'])/, JOINER).replace(/[([]$/, `$&${JOINER}`);

/** A line of prose and formulas, the formulas set as mathematics. */
export function Formula({ text }: { text: string }) {
  return (
    <span class="formula">
      {pieces(text).map((piece) =>
        piece.kind === "formula" ? piece.formula : piece.kind === "code" ? <code>{piece.text}</code> : joined(piece.text),
      )}
    </span>
  );
}
