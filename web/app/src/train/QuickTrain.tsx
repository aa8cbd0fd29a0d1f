import { useState } from "preact/hooks";
import { ErrorBox } from "../shared/ErrorBox";
import { DEFAULTS, readSettings, withOptimizer } from "./form";
import { busy, chosen, dataError, done, findDevices, form, from, load, opened, phase, reading, start, trainError, words } from "./session";

const EPOCHS = 3;

/** For the pages that need a network: trains one on the built-in digits. */
export function QuickTrain() {
  const [error, setError] = useState<string | null>(null);
  const problem = error ?? dataError.value ?? trainError.value;

  async function train() {
    setError(null);
    try {
      await findDevices();
      chosen.value = "digits";
      // Adam learns enough in so few epochs: with SGD a drawn 7 is a 9. The page Train shows the settings.
      form.value = withOptimizer({ ...DEFAULTS, epochs: String(EPOCHS) }, "adam");
      from.value = "seed";
      const { settings } = readSettings(form.value);
      if ((await load({ data: "digits" })) && settings) await start(settings, "seed");
    } catch (problem) {
      setError(words(problem));
    }
  }

  return (
    <div class="stack tight">
      {busy() ? (
        <>
          <p role="status">{phase.value === "opening" ? "Opening the device…" : phase.value === "paused" ? "The training is paused." : "Training…"}</p>
          <progress
            max={opened.value?.epochs ?? EPOCHS}
            value={done.value}
            aria-label="Progress of the training"
          />
        </>
      ) : (
        <>
          <div class="row">
            <button type="button" class="primary" disabled={reading.value} onClick={() => void train()}>
              Train one on the digits
            </button>
            <span class="small muted">{EPOCHS} epochs, some seconds.</span>
          </div>
          <p>
            Or <a href="#/train">train or load another one</a>.
          </p>
        </>
      )}
      {problem && <ErrorBox error={problem} />}
    </div>
  );
}
