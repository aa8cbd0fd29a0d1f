import { useMemo, useState } from "preact/hooks";
import type { DataInfo, FirstLayer as Weights } from "../engine/types";
import { HeatMap } from "../shared/HeatMap";
import { readable } from "../shared/numbers";
import { Gallery } from "./Gallery";
import { Picture } from "./Picture";

/** The size that 99 % of the weights do not exceed: a few large ones would make all others pale. */
function usual(values: Float32Array): number {
  return values.map(Math.abs).sort()[Math.floor(0.99 * (values.length - 1))] ?? 0;
}

/** The first layer's weights: a picture for each unit where the inputs are pictures. */
export function FirstLayer({ weights, info }: { weights: Weights; info: DataInfo | null }) {
  const [at, setAt] = useState(0);
  const { inputs, units, values } = weights;
  const most = useMemo(() => usual(values), [values]);
  const each = useMemo(() => Array.from({ length: units }, (_, unit) => values.subarray(unit * inputs, (unit + 1) * inputs)), [values]);
  const image = info?.image;
  if (!image || image.rows * image.cols * (image.colour ? 3 : 1) !== inputs) {
    return <HeatMap caption="weights, units by inputs" rows={units} cols={inputs} values={values} scale="diverging" most={most} rowName="unit" colName="input" />;
  }
  const shown = Math.min(at, units - 1);
  const picture = (unit: number) => (
    <Picture rows={image.rows} cols={image.cols} colours={image.colour} values={each[unit]!} scale="signed" most={most} />
  );
  return (
    <div class="beside">
      <Gallery
        label="Units of the first layer"
        small
        items={each}
        name={(_, unit) => `Unit ${unit}`}
        show={(_, unit) => picture(unit)}
        pressed={(_, unit) => unit === shown}
        onPick={(_, unit) => setAt(unit)}
        onNear={(_, unit) => setAt(unit)}
      />
      <figure class="large stack tight">
        {picture(shown)}
        <figcaption class="small">
          Unit {shown}: weights from {readable(Math.min(...each[shown]!))} to {readable(Math.max(...each[shown]!))}
        </figcaption>
        {image.colour ? (
          <p class="small muted">
            Of each colour: grey is 0, none is {readable(-most)}, all is {readable(most)}.
          </p>
        ) : (
          <p class="heat-map-scale small">
            <span>{readable(-most)}</span>
            <span class="heat-map-bar diverging" />
            <span>{readable(most)}</span>
          </p>
        )}
      </figure>
    </div>
  );
}
