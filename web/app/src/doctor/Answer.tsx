import { useEffect, useRef, useState } from "preact/hooks";
import type { Bug, Examination, Finding, Report } from "../engine/types";
import { address } from "../shell/route";
import { BugPage } from "../shared/BugPage";
import { Code } from "../shared/Code";
import { Formula } from "../shared/Formula";
import { readable } from "../shared/numbers";
import { Prose } from "../shared/Prose";
import { Effect } from "./Effect";
import { Maps } from "./Maps";
import { LanguageChoice } from "./Options";

/** A tensor under the file's name, and ours behind it. */
function Name({ of }: { of: { tensor: string; name?: string } }) {
  return (
    <>
      <code>{of.name ?? of.tensor}</code>
      {of.name && ` (${of.tensor})`}
    </>
  );
}

/** What a finding is, in a few words. */
function cause({ bug, also, depends }: Finding): string {
  if (bug) return bug;
  if (depends) return "It depends on what was meant";
  if (also.length === 0) return "The cause is unknown";
  return also.length === 1 ? `Perhaps ${also[0]}` : `One of ${also.join(", ")}`;
}

const BugLink = ({ id }: { id: string }) => <a href={address("bugs", new URLSearchParams({ bug: id }))}>{id}</a>;

function Verdict({ report, text }: { report: Report; text: string }) {
  const [first] = report.findings;
  // What the headline of the command line says, where there is no finding to speak of.
  const headline = text.split("\n\n", 1)[0]!;
  if (!first) {
    return (
      <p class="verdict">
        <Prose text={headline} />
      </p>
    );
  }
  return (
    <>
      <p class="verdict">
        {report.verdict === "depends" ? "It depends on what was meant: " : "The first wrong tensor is "}
        <Name of={first} />
        {report.step !== undefined && `, in step ${report.step}`}
        {report.verdict !== "depends" && (
          <>
            {first.bug ? ". The bug: " : ". "}
            <strong>{first.bug ?? cause(first)}</strong>.
          </>
        )}
      </p>
      {!first.bug && (
        <p>
          <Formula text={first.formula} />
        </p>
      )}
      {report.verdict === "unknown" && first.bug && <p>Some of what is wrong has no name.</p>}
    </>
  );
}

/** What explains a finding, and what nearly does. */
function Evidence({ finding }: { finding: Finding }) {
  const { bug, also, residual, runner_up, nearest } = finding;
  return (
    <>
      {bug && also.length > 0 && <p class="small">These numbers cannot tell it from: {also.join(", ")}.</p>}
      {bug && residual !== null && (
        <p class="small muted">
          The formula gives these numbers to {readable(residual)}
          {runner_up && runner_up.residual !== null && `; the next best, ${runner_up.bug ?? "the right one"}, to ${readable(runner_up.residual)}`}.
        </p>
      )}
      {nearest && nearest.length > 0 && (
        <div class="stack tight">
          <p>The nearest formulas:</p>
          <ul>
            {nearest.map(({ formula, residual }) => (
              <li key={formula}>
                <Formula text={formula} />, {readable(residual)} off
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function RightLine({ finding }: { finding: Finding }) {
  const { right, tensor, name } = finding;
  if (!right) return null;
  return (
    <div class="stack tight">
      <Code code={right.code} label={`The right line for ${name ?? tensor}`} />
      {right.operands.length > 0 && (
        <p class="small muted">
          {"with "}
          {right.operands.map(({ name, shape }, i) => (
            <span key={name}>
              {i > 0 && ", "}
              <code>{name}</code> {shape ? `[${shape.join(", ")}]` : "(not in the file)"}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}

/** A finding after the first one. */
function Other({ finding }: { finding: Finding }) {
  return (
    <li class="stack tight">
      <p>
        <Name of={finding} />: {finding.bug ? <BugLink id={finding.bug} /> : cause(finding)}
      </p>
      <p>
        <Formula text={finding.formula} />
      </p>
      <Evidence finding={finding} />
      <RightLine finding={finding} />
      {finding.fix && (
        <p>
          Fix: <Prose text={finding.fix} />
        </p>
      )}
    </li>
  );
}

const STATUS = { ok: "good-text", wrong: "bad-text", "not given": "muted", "not checked": "muted" } as const;

function Checked({ checked }: { checked: Report["checked"] }) {
  const count = (status: string) => checked.filter((one) => one.status === status).length;
  return (
    <details class="card">
      <summary>
        All tensors: {count("ok")} right, {count("wrong")} wrong, {count("not given") + count("not checked")} not given or not checked
      </summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="All tensors">
        <table>
          <thead>
            <tr>
              <th scope="col">Tensor</th>
              <th scope="col">Status</th>
              <th scope="col" class="number">
                Off by
              </th>
            </tr>
          </thead>
          <tbody>
            {checked.map((one) => (
              <tr key={one.tensor}>
                <th scope="row">
                  <Name of={one} />
                </th>
                <td class={STATUS[one.status]}>{one.status}</td>
                <td class="number">{one.residual === null ? "" : readable(one.residual)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** The doctor's answer: from the verdict down to the last tensor. */
export function Answer({ name, examination, catalogue }: { name: string; examination: Examination; catalogue: Bug[] }) {
  const { report, text, beside } = examination;
  const [first, ...others] = report.findings;
  const bug = catalogue.find(({ id }) => id === first?.bug);
  const bugs = [...new Set(report.findings.flatMap(({ bug }) => bug ?? []))];
  const section = useRef<HTMLElement>(null);
  const [shown, setShown] = useState("");

  // A new answer is shown from its beginning; the same file with other options stays where it is.
  useEffect(() => {
    if (shown === name) return;
    setShown(name);
    section.current?.focus({ preventScroll: true });
    section.current?.scrollIntoView({ block: "start" });
  }, [name]);

  const names = (tensor: string) => {
    const known = report.checked.find((one) => one.tensor === tensor);
    return known?.name ? `${known.name} (${tensor})` : tensor;
  };

  return (
    <section class="stack" aria-labelledby="answer" ref={section} tabIndex={-1}>
      <div class={`notice stack tight ${report.verdict === "clean" ? "good" : report.verdict === "bugs" ? "bad" : "warn"}`}>
        <h2 id="answer" class="small muted">
          The answer for {name}
        </h2>
        <Verdict report={report} text={text} />
        {bug && <p>{bug.why}</p>}
        {bugs.length > 1 && (
          <p>
            Bugs in all:{" "}
            {bugs.map((id, i) => (
              <span key={id}>
                {i > 0 && ", "}
                <BugLink id={id} />
              </span>
            ))}
            .
          </p>
        )}
      </div>

      {first && (
        <section class="card stack" aria-labelledby="fix">
          <div class="row between">
            <h3 id="fix">{bug ? "The fix" : "What to do"}</h3>
            {first.right && <LanguageChoice label="Language" beside />}
          </div>
          <p>
            <Prose text={first.fix} />
          </p>
          <RightLine finding={first} />
          <Evidence finding={first} />
        </section>
      )}
      {first && bug && (
        <section class="card" aria-label="The mathematics">
          <BugPage bug={bug} computed={first.formula} />
        </section>
      )}
      {beside.length > 0 && <Maps beside={beside} names={names} key={name} />}
      {bug && <Effect bug={bug.id} replayable={bug.replay} key={bug.id} />}

      {others.length > 0 && (
        <section class="card stack" aria-labelledby="others">
          <h3 id="others">What else is wrong</h3>
          <ul class="stack findings">
            {others.map((finding) => (
              <Other key={finding.tensor} finding={finding} />
            ))}
          </ul>
        </section>
      )}
      {(report.notes.length > 0 || report.map) && (
        <section class="card stack tight" aria-labelledby="notes">
          <h3 id="notes">Notes</h3>
          {report.map && report.map.length > 0 && (
            <p>
              Names read as <code>{report.map.join(", ")}</code>. If one is wrong, say it better in the options.
            </p>
          )}
          <ul class="lead">
            {report.notes.map((note) => (
              <li key={note}>
                <Prose text={note} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <Checked checked={report.checked} />
      <details class="card">
        <summary>As the command line prints it</summary>
        <Code code={text.trimEnd()} label="The report as text" />
      </details>
    </section>
  );
}
