import { useEffect, useRef, useState } from "preact/hooks";
import { openTrainer } from "../engine";
import type { Trainer } from "../engine/engine";
import type { DeviceChoice, Devices, SelftestRow } from "../engine/types";
import { ErrorBox } from "../shared/ErrorBox";
import { readable } from "../shared/numbers";

const names: Record<DeviceChoice, string> = { gpu: "GPU", cpu: "CPU" };

function Results({ rows, device }: { rows: SelftestRow[]; device: DeviceChoice }) {
  const wrong = rows.filter(({ ok }) => !ok);
  return (
    <div class="stack">
      <p class={`notice ${wrong.length === 0 ? "good" : "bad"}`} role="status">
        {wrong.length === 0
          ? `All ${rows.length} checks passed on the ${names[device]}.`
          : `${wrong.length} of ${rows.length} checks failed on the ${names[device]}: do not trust what it computes.`}
      </p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Kernels">
        <table>
          <caption>Every kernel against double precision</caption>
          <thead>
            <tr>
              <th scope="col">Kernel</th>
              <th scope="col">Shapes</th>
              <th scope="col">Result</th>
              <th scope="col" class="number">
                Error
              </th>
              <th scope="col" class="number">
                Tolerance
              </th>
            </tr>
          </thead>
          <tbody>
            {/* What failed stands first. */}
            {[...wrong, ...rows.filter(({ ok }) => ok)].map(({ kernel, shapes, worst, allowed, ok, wrong: problem }) => (
              <tr key={kernel}>
                <th scope="row">
                  <code>{kernel}</code>
                </th>
                <td>{ok && shapes.length > 1 ? `${shapes.length} shapes` : shapes.map((shape) => shape.join(" x ")).join(", ")}</td>
                <td class={ok ? "good-text" : "bad-text"}>
                  {ok ? "passed" : "failed"}
                  {problem && `: ${problem}`}
                </td>
                <td class="number">{readable(worst)}</td>
                <td class="number">{readable(allowed)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

export default function Device() {
  const trainer = useRef<Promise<Trainer> | null>(null);
  const [devices, setDevices] = useState<Devices | null>(null);
  const [checking, setChecking] = useState<DeviceChoice | null>(null);
  const [results, setResults] = useState<{ device: DeviceChoice; rows: SelftestRow[] } | null>(null);
  const [problem, setProblem] = useState<{ error: unknown } | null>(null);

  useEffect(() => {
    const mine = (trainer.current = openTrainer());
    mine.then((trainer) => trainer.devices()).then(setDevices, (error: unknown) => setProblem({ error }));
    return () => void mine.then((trainer) => trainer.close(), () => {});
  }, []);

  async function check(device: DeviceChoice) {
    setChecking(device);
    setProblem(null);
    setResults(null);
    try {
      const { rows } = await (await trainer.current!).selftest(device);
      setResults({ device, rows });
    } catch (error) {
      setProblem({ error });
    }
    setChecking(null);
  }

  return (
    <div class="stack">
      <div class="stack tight">
        <h1>Check this device</h1>
        <p class="lead">
          What this tab computes on, and whether it computes rightly: every kernel runs on awkward shapes, and its numbers are compared
          with double precision.
        </p>
      </div>
      {problem && <ErrorBox error={problem.error} />}
      {!devices && !problem && <p class="muted">Looking for a GPU…</p>}
      {devices && (
        <div class="columns">
          <section class="card stack tight" aria-labelledby="gpu">
            <h2 id="gpu">GPU</h2>
            {devices.gpu?.device_type === "cpu" && <p>This GPU is software: the CPU does its work.</p>}
            {devices.gpu ? (
              <table>
                <tbody>
                  {(
                    [
                      ["Name", devices.gpu.name || "the browser does not tell"],
                      ["Interface", devices.gpu.backend],
                      ["Kind", devices.gpu.device_type],
                      ["Driver", devices.gpu.driver],
                    ] as const
                  )
                    .filter(([, value]) => value)
                    .map(([name, value]) => (
                      <tr key={name}>
                        <th scope="row">{name}</th>
                        <td>{value}</td>
                      </tr>
                    ))}
                </tbody>
              </table>
            ) : (
              <p class="notice warn">There is no GPU that this tab can use, so the CPU computes. {devices.why}</p>
            )}
          </section>
          <section class="card stack tight" aria-labelledby="cpu">
            <h2 id="cpu">CPU</h2>
            <p>
              WebAssembly with SIMD
              {devices.relaxed_simd ? ", with fused multiplication and addition." : "; this browser has no fused multiplication and addition for it."}
            </p>
          </section>
        </div>
      )}
      {devices && (
        <div class="row">
          {devices.gpu && (
            <button type="button" class="primary" disabled={checking !== null} onClick={() => void check("gpu")}>
              Check this device: GPU
            </button>
          )}
          <button type="button" class={devices.gpu ? undefined : "primary"} disabled={checking !== null} onClick={() => void check("cpu")}>
            Check this device: CPU
          </button>
        </div>
      )}
      <div aria-live="polite">{checking && <p class="muted">Checking the {names[checking]}…</p>}</div>
      {results && <Results {...results} />}
    </div>
  );
}
