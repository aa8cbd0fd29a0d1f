/** What the engine says for the command line, and what is the same on a page. */
const HERE: [RegExp, string][] = [
  [/`gpu-mlp doctor --template \w+` shows how/g, "“How to export the arrays from your code” shows how"],
  [/see `gpu-mlp doctor --template \w+`/g, "see “How to export the arrays from your code”"],
  [/name yours with map theirs=ours/g, "name yours in the options, as THEIRS=OURS"],
  [/\(map theirs=ours, if/g, "(name it in the options, as THEIRS=OURS, if"],
  [/with map theirs=ours/g, "in the options, as THEIRS=OURS"],
  [/, or convert it with `gpu-mlp import`/g, ""],
  [/\bname the folder\b/g, "give the folder"],
  [/\bname (an|a) /g, "give $1 "],
  [/a single table is named itself/g, "a single table is given by itself"],
  [/\ba smaller hidden\b/g, "smaller hidden layers"],
  [/try a smaller lr \(it was ([\d.e-]+?)(?:\.0)?\), or on divergence lower-lr/g, "try a smaller learning rate (it was $1)"],
  [/ \(resize WxH chooses another\)/g, ""],
];

/** The engine's words as this page says them. */
const saidHere = (text: string) => HERE.reduce((said, [there, here]) => said.replace(there, here), text);

/** Words of the engine, in which names and code stand between backticks. */
export function Prose({ text }: { text: string }) {
  return <>{saidHere(text).split("`").map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}</>;
}
