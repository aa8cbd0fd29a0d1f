import { useEffect, useState } from "preact/hooks";
import { ErrorBox } from "../shared/ErrorBox";
import { route } from "../shell/route";
import { Data, readData } from "./Data";
import { fromQuery } from "./form";
import { Models } from "./Models";
import { busy, devices, findDevices, form, words } from "./session";
import { Settings } from "./Settings";
import { Training } from "./Training";
import "./train.css";

export default function Train() {
  const [problem, setProblem] = useState<string | null>(null);
  const [unknown, setUnknown] = useState<string[]>([]);
  const { query } = route.value;

  // A link fills the form; without one it stays as it was left.
  useEffect(() => {
    if (query.size === 0) return;
    const read = fromQuery(query);
    form.value = read.form;
    setUnknown(read.unknown);
  }, [query]);

  useEffect(() => {
    void (async () => {
      try {
        await findDevices();
        if (!busy()) await readData();
      } catch (error) {
        setProblem(words(error));
      }
    })();
  }, []);

  return (
    <div class="stack train">
      <div class="stack tight">
        <h1>Train a network</h1>
        <p class="muted">On your own GPU or CPU, in this tab. The data stay here.</p>
      </div>
      {problem && <ErrorBox error={problem} />}
      {unknown.length > 0 && (
        <p class="notice warn">
          The link has settings that this page does not know: {unknown.join(", ")}. They were left out.
        </p>
      )}
      {devices.value && !devices.value.gpu && (
        <div class="notice warn">
          <p>There is no GPU here, so the CPU trains, with {devices.value.relaxed_simd ? "SIMD and fused multiplication and addition" : "SIMD"}.</p>
          {devices.value.why?.split(/^hint: /m).map((line) => (
            <p key={line} class="small">
              {line}
            </p>
          ))}
        </div>
      )}
      <div class="train-columns">
        <div class="stack">
          <Data />
          <Settings />
        </div>
        <div class="stack">
          <Training />
          <Models />
        </div>
      </div>
    </div>
  );
}
