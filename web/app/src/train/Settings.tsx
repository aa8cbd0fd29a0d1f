import { address, remember } from "../shell/route";
import { useEffect, useRef } from "preact/hooks";
import { CopyLink } from "../shared/CopyLink";
import { Choice, TextField } from "./Field";
import { ACTIVATIONS } from "../shared/names";
import { OPTIMIZERS, readSettings, toQuery, withOptimizer, type Field, type Form } from "./form";
import { chosen, device, devices, form, from, network } from "./session";

export function change(changes: Partial<Form>) {
  form.value = { ...form.value, ...changes };
  remember("train", toQuery(form.value));
}

/** The settings of the network and its training. */
export function Settings() {
  const { problems } = readSettings(form.value);
  const found = devices.value;
  const optimizer = form.value.optimizer;
  const text = (name: Field, label: string, hint?: string) => (
    <TextField
      label={label}
      value={form.value[name]}
      change={(value) => change({ [name]: value })}
      problem={problems[name]}
      hint={hint}
      numeric={name !== "hidden"}
    />
  );
  // Folded away, but not when something in it is wrong; it stays open when that is mended.
  const more = useRef<HTMLDetailsElement>(null);
  const wrong = problems.momentum ?? problems.weight_decay ?? problems.dropout;
  useEffect(() => {
    if (wrong) more.current!.open = true;
  }, [wrong]);
  return (
    <section class="card stack" aria-labelledby="settings">
      <h2 id="settings">Settings</h2>
      {network.value && (
        <Choice
          label="Start from"
          value={from.value}
          change={(value) => (from.value = value as "seed" | "model")}
          options={{ seed: "new weights, by the seed", model: network.value.file ? `the network of ${network.value.file}` : "the network as it is" }}
        />
      )}
      {from.value === "model" && network.value ? (
        <p class="small muted">
          Its layers are {network.value.sizes.join(", ")}.
        </p>
      ) : (
        text("hidden", "Hidden layers", "Their sizes; none is a linear network.")
      )}
      <div class="pairs">
        <Choice label="Activation" value={form.value.activation} change={(activation) => change({ activation })} options={ACTIVATIONS} problem={problems.activation} />
        <Choice
          label="Optimiser"
          value={optimizer}
          change={(value) => {
            form.value = withOptimizer(form.value, value);
            change({});
          }}
          options={OPTIMIZERS}
          problem={problems.optimizer}
        />
        {text("lr", "Learning rate")}
        {text("batch_size", "Batch size")}
        {text("epochs", "Epochs")}
        {text("seed", "Seed")}
      </div>
      <details ref={more}>
        <summary>Momentum, weight decay, dropout</summary>
        <div class="pairs">
          {optimizer === "sgd" && text("momentum", "Momentum")}
          {text("weight_decay", "Weight decay")}
          {text("dropout", "Dropout")}
        </div>
      </details>
      <Choice
        label="Device"
        value={form.value.device}
        change={(choice) => change({ device: choice })}
        options={{
          auto: `automatic: ${device("auto").toUpperCase()}`,
          gpu: ["GPU", found?.gpu?.name, found?.gpu?.device_type === "cpu" && "in software", found && !found.gpu && "none here"].filter(Boolean).join(", "),
          cpu: "CPU",
        }}
        problem={problems.device}
      />
      <CopyLink
        hash={() => address("train", toQuery(form.value))}
        opens={`it opens this page with these settings${chosen.value === "digits" ? "" : ", without your files"}`}
      />
    </section>
  );
}
