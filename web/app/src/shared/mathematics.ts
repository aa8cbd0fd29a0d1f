import { h } from "preact";
import type { ComponentChild, VNode } from "preact";

/**
 * Formulas of the catalogue, such as `dz_l = (dz_{l+1}·W_{l+1}ᵀ) ⊙ f'(z_l)`, as MathML. They stand in lines of prose, so a line
 * is read from the left: the longest formula that begins at a place is set, and what is none stays text.
 */
export type Piece = { kind: "text" | "code"; text: string } | { kind: "formula"; formula: VNode };

interface Token {
  kind: "space" | "number" | "name" | "other";
  text: string;
}

/** A part of a formula: what is drawn, and how much it tells of being a formula. */
interface Part {
  node: VNode;
  /** A number or a word alone is none: it belongs to the prose around it. */
  telling: boolean;
  /** What stands in round brackets, which a fraction and a root do without. */
  inner?: VNode;
  /** A base and its lower index, below which an upper one can stand. */
  indexed?: [base: VNode, below: VNode];
  /** Of a relation: the left side, and each other one with its sign. */
  sides?: VNode[];
}

// `1e-12`, `½`; a name is one or more letters, or a letter with an accent, and `cross-entropy`.
const TOKENS =
  /\s+|(?:\d+(?:\.\d+)?(?:e-?\d+)?|½)|cross-entropy|\p{L}\p{M}+|(?:(?![ᵀ∂])\p{L})+|:=|==|\+=|-=|<=|>=|[^]/gu;
/** Python, and the sides of matrices. */
const CODE =
  /\b\w+\((?:[^()]|\([^()]*\))*==(?:[^()]|\([^()]*\))*\)|\w+\([^()]*\) == \w+\([^()]*\)|\bnp\.\w+\([^)]*\)|\w+\[[^\]]*\](?: -= \d+)?|\[(?:N|in|out)(?:, (?:N|in|out|1))*\]/;

const FUNCTIONS = new Set(["log", "ln", "exp", "max", "argmax", "mean", "Var", "softmax"]);
/** Operands if something is done with them. */
const WORDS = new Set(["accuracy", "loss", "mask", "right", "step", "label", "cross-entropy", "nan", "inf", "in", "axis"]);
/** After these, or before a sign, `a` is the activation and no article. */
const NO_NOUN = new Set(["and", "where", "below", "into", "by", "to"]);
const RELATIONS = new Set(["=", ":=", "==", "+=", "-=", "<", ">", "<=", ">="]);
const SUPERSCRIPTS: Record<string, string> = { "²": "2", "³": "3", ᵀ: "T" };
const SIGNS: Record<string, string> = { "-": "−", "<=": "≤", ">=": "≥" };
const BRACKETS: Record<string, string> = { "(": ")", "[": "]", "|": "|" };

function element(name: string, attributes: Record<string, string> | null, ...children: ComponentChild[]): VNode {
  return h(name, attributes, ...children) as VNode;
}
const mi = (text: string) => element("mi", null, text);
const mo = (text: string, attributes: Record<string, string> | null = null) => element("mo", attributes, text);
const row = (...children: VNode[]) => (children.length === 1 ? children[0]! : element("mrow", null, ...children));
const upper = (text: string) => (text === "T" ? element("mi", { mathvariant: "normal" }, "T") : element("mn", null, text));
/** No sign at all, where it stands between factors. */
const times = () => mo("\u2062");
const thinSpace = () => element("mspace", { width: "0.17em" });

function isTall(node: ComponentChild): boolean {
  if (typeof node !== "object" || node === null || !("props" in node)) return false;
  return node.type === "mfrac" || [node.props.children].flat().some((child) => isTall(child as ComponentChild));
}

/** `z` and `lr` as they are; `dz` as two letters, so that both are slanted. */
function symbol(name: string): VNode {
  const accented = name.normalize("NFD");
  if (accented.endsWith("\u0302")) return element("mover", { accent: "true" }, mi(accented[0]!), mo("^"));
  return /^[dvms][A-Za-z]$/.test(name) ? row(...[...name].map(mi)) : mi(name);
}

const isSymbol = (name: string) =>
  /^\p{L}$/u.test(name) || /^\p{L}\p{M}+$/u.test(name) || /^(d[abhpwzLW]|[vms]W|lr|NC)$/.test(name);

class Reader {
  private readonly tokens: Token[];
  private at = 0;
  /** Within `_{…}`, where two letters are two indices. */
  private inIndex = false;

  constructor(text: string) {
    this.tokens = [...text.matchAll(TOKENS)].map(([text]) => ({
      text,
      kind: /^\s/.test(text) ? "space" : /^[\d½]/.test(text) ? "number" : /^\p{L}/u.test(text) && text !== "ᵀ" ? "name" : "other",
    }));
  }

  /** All of the line. */
  pieces(): Piece[] {
    const pieces: Piece[] = [];
    while (this.at < this.tokens.length) {
      const start = this.at;
      const part = this.startsHere() ? this.relation() : null;
      if (part?.telling && this.endsHere()) {
        // Each side is set by itself, so that a line can break before a sign of relation.
        for (const side of part.sides ?? [part.node]) pieces.push({ kind: "formula", formula: element("math", null, side) });
        continue;
      }
      this.at = start;
      const text = this.tokens[this.at++]!.text;
      const last = pieces.at(-1);
      if (last?.kind === "text") last.text += text;
      else pieces.push({ kind: "text", text });
    }
    return pieces;
  }

  private text(ahead = 0): string {
    return this.tokens[this.at + ahead]?.text ?? "";
  }
  private kind(ahead = 0): Token["kind"] | undefined {
    return this.tokens[this.at + ahead]?.kind;
  }
  private take(text: string): boolean {
    if (this.text() !== text) return false;
    this.at++;
    return true;
  }
  /** What `read` reads, or nothing, and then the place is the old one. */
  private attempt<T>(read: () => T | null): T | null {
    const start = this.at;
    const result = read();
    if (result === null) this.at = start;
    return result;
  }

  /** No formula begins in the middle of a word, or with an article. */
  private startsHere(): boolean {
    const before = this.text(-1);
    if (before === "'" || before === "-" || before === "_") return false;
    if (this.text() === "A" || this.text() === "I") return /^[_·]/.test(this.text(1));
    if (this.text() !== "a" || this.kind(1) !== "space") return true;
    return this.kind(2) !== "name" ? this.text(2) !== "(" : NO_NOUN.has(this.text(2));
  }
  /** Nor does it end in the middle of one: `x-axis`. */
  private endsHere(): boolean {
    return this.kind() !== "name" && this.kind() !== "number" && !(this.text() === "'" && this.kind(1) === "name");
  }

  /** `sum = sum`, `sum > sum` */
  private relation(): Part | null {
    const left = this.sum();
    if (!left) return null;
    const sides = [left.node];
    for (;;) {
      const right = this.attempt(() => {
        const sign = this.sign((text) => RELATIONS.has(text));
        const part = sign && this.sum();
        return part && { sign, part };
      });
      if (!right) break;
      sides.push(row(mo(right.sign, { form: "infix" }), right.part.node));
    }
    return sides.length === 1 ? left : { node: row(...sides), telling: true, sides };
  }

  /** A sign with a space on both sides or on none. */
  private sign(wanted: (text: string) => boolean): string | null {
    const spaced = this.kind() === "space" ? 1 : 0;
    const text = this.text(spaced);
    if (!wanted(text) || (this.kind(spaced + 1) === "space" ? 1 : 0) !== spaced) return null;
    this.at += 1 + 2 * spaced;
    return SIGNS[text] ?? text;
  }

  private sum(): Part | null {
    let left = this.product();
    while (left) {
      const right = this.attempt(() => {
        const sign = this.sign((text) => text === "+" || text === "-");
        const part = sign && this.product();
        return part && { sign, part };
      });
      if (!right) break;
      left = { node: row(left.node, mo(right.sign), right.part.node), telling: true };
    }
    return left;
  }

  /** Factors with `·`, `⊙`, a fraction's line, or nothing between them. */
  private product(): Part | null {
    const minus = /^[-+±]$/.test(this.text()) && this.kind(1) !== "space" ? this.text() : null;
    if (minus) this.at++;
    const factors: VNode[] = minus ? [mo(SIGNS[minus] ?? minus)] : [];
    let last = this.factor();
    if (!last) return null;
    let telling = last.telling;
    const first = last;
    for (;;) {
      const next = this.attempt(() => {
        const sign = this.sign((text) => text === "·" || text === "⊙" || text === "/");
        const thin = !sign && FUNCTIONS.has(this.text(1));
        const spaces = sign ? 0 : this.kind() === "space" ? 1 : 0;
        if (!sign && !this.followsBare(spaces)) return null;
        this.at += spaces;
        const part = this.factor();
        return part && { sign, part, thin };
      });
      if (!next) break;
      telling ||= next.sign !== null || next.part.telling;
      if (next.sign === "/") {
        last = { node: element("mfrac", null, last.inner ?? last.node, next.part.inner ?? next.part.node), telling: true };
      } else {
        factors.push(last.node, next.sign ? mo(next.sign) : next.thin ? thinSpace() : times());
        last = next.part;
      }
    }
    factors.push(last.node);
    return factors.length === 1 ? { ...last, inner: last === first ? first.inner : undefined } : { node: row(...factors), telling };
  }

  /** Whether a factor without a sign before it comes: `2N`, `Σ_i z`, `y log p`, `p(1 - p)`. */
  private followsBare(spaces: number): boolean {
    const text = this.text(spaces);
    if (text === "Σ" || text === "Π" || text === "(") return true;
    if (spaces === 0) return text === "√" || text === "∂" || (this.kind() === "name" && isSymbol(text));
    return FUNCTIONS.has(text);
  }

  /** An operand with its powers. */
  private factor(): Part | null {
    let base = this.operand();
    if (!base) return null;
    for (;;) {
      const raised = SUPERSCRIPTS[this.text()];
      let above: VNode;
      if (raised) {
        this.at++;
        above = upper(raised);
      } else {
        const power = this.attempt(() => (this.take("^") ? this.operand() : null));
        if (!power) return base;
        above = power.inner ?? power.node;
      }
      const node: VNode = base.indexed ? element("msubsup", null, ...base.indexed, above) : element("msup", null, base.node, above);
      base = { node, telling: true };
    }
  }

  private operand(): Part | null {
    const text = this.text();
    if (this.kind() === "number") {
      this.at++;
      return { node: element("mn", null, text), telling: false };
    }
    if (text === "Σ" || text === "Π") return this.big();
    if (text === "√") {
      this.at++;
      const root = this.operand();
      return root && { node: element("msqrt", null, root.inner ?? root.node), telling: true };
    }
    if (text === "∂") {
      this.at++;
      const of = this.attempt(() => this.operand());
      return { node: of ? row(mo("∂", { lspace: "0", rspace: "0" }), of.node) : mi("∂"), telling: true };
    }
    if (BRACKETS[text]) return this.brackets();
    return this.kind() === "name" ? this.name() : null;
  }

  /** A sum or a product over indices, and what it adds or multiplies. */
  private big(): Part | null {
    const sign = mo(this.text() === "Σ" ? "∑" : "∏", { largeop: "true", movablelimits: "true" });
    this.at++;
    const below = this.subscript();
    const node = below ? element("munder", null, sign, below) : sign;
    const of = this.attempt(() => {
      if (this.kind() === "space") this.at++;
      return this.product();
    });
    return { node: of ? row(node, of.node) : node, telling: true };
  }

  private brackets(): Part | null {
    const open = this.text();
    const close = BRACKETS[open]!;
    return this.attempt(() => {
      this.at++;
      const list = this.list();
      if (!list || !this.take(close)) return null;
      // Brackets grow with a fraction only.
      const stretchy = String(isTall(list));
      return { node: row(mo(open, { stretchy }), list, mo(close, { stretchy })), telling: true, inner: open === "(" ? list : undefined };
    });
  }

  /** Formulas with commas between them. */
  private list(): VNode | null {
    const first = this.relation();
    if (!first) return null;
    const nodes = [first.node];
    for (;;) {
      const next = this.attempt(() => {
        if (!this.take(",")) return null;
        if (this.kind() === "space") this.at++;
        return this.relation();
      });
      if (!next) return row(...nodes);
      nodes.push(mo(","), next.node);
    }
  }

  /** `_ij`, `_l,i`, `_i,y(i)`, `_{l+1}`, `_new` */
  private subscript(): VNode | null {
    if (this.text() !== "_") return null;
    return this.attempt(() => {
      this.at++;
      if (this.take("{")) {
        this.inIndex = true;
        const list = this.list();
        this.inIndex = false;
        return list && this.take("}") ? list : null;
      }
      if (this.kind() !== "name" && this.kind() !== "number") return null;
      const nodes = [this.index()];
      if (this.text() === "," && this.kind(1) === "name" && this.text(1).length === 1) {
        nodes.push(mo(","), mi(this.text(1)));
        this.at += 2;
        if (this.text() === "(" && this.text(2) === ")") {
          nodes.push(mo("(", { stretchy: "false" }), mi(this.text(1)), mo(")", { stretchy: "false" }));
          this.at += 3;
        }
      }
      return row(...nodes);
    });
  }

  /** Two letters are two indices; more are a word. */
  private index(): VNode {
    const text = this.text();
    const number = this.kind() === "number";
    this.at++;
    if (number) return element("mn", null, text);
    return text.length === 2 ? row(...[...text].map(mi)) : mi(text);
  }

  private name(): Part | null {
    const name = this.text();
    const start = this.at;
    this.at++;
    const digits = this.kind() === "number" && /^\d+$/.test(this.text()) ? this.text() : null;
    if (digits) this.at++;
    // `hidden_delta` is a name of the reader's own, and no symbol with an index.
    const under = isSymbol(name) || FUNCTIONS.has(name) ? this.subscript() : null;
    const prime = this.text() === "'" && this.kind(1) !== "name";
    if (prime) this.at++;

    const base = symbol(name);
    const number = digits ? [element("mn", null, digits)] : [];
    const below = digits || under ? row(...number, ...(digits && under ? [mo(",")] : []), ...(under ? [under] : [])) : null;
    let node = below ? element("msub", null, base, below) : base;
    if (prime) node = row(node, mo("′", { lspace: "0", rspace: "0" }));
    const indexed: Part["indexed"] = below && !prime ? [base, below] : undefined;

    // A function of what is in the brackets, or a product with them: both look alike.
    const brackets = this.text() === "(" ? this.brackets() : null;
    if (brackets) return { node: row(node, brackets.node), telling: true };
    if (FUNCTIONS.has(name)) {
      const of = this.attempt(() => {
        if (this.kind() === "space") this.at++;
        return this.text() === "a" && !this.startsHere() ? null : this.factor();
      });
      if (of && of.telling) return { node: row(node, mo("\u2061"), thinSpace(), of.node), telling: true };
    }
    if (isSymbol(name) || digits || under || prime) return { node, telling: true, indexed };
    if (this.inIndex && name.length === 2) return { node: row(...[...name].map(mi)), telling: true };
    if (WORDS.has(name)) return { node, telling: false };
    this.at = start;
    return null;
  }
}

/** The pieces of a line. */
export function pieces(line: string): Piece[] {
  const code = CODE.exec(line);
  if (!code) return new Reader(line).pieces();
  const [before, after] = [line.slice(0, code.index), line.slice(code.index + code[0].length)];
  return [...new Reader(before).pieces(), { kind: "code", text: code[0] }, ...pieces(after)];
}
