import type { Answer, DataInfo, Sample } from "../engine/types";
import { HeatMap } from "../shared/HeatMap";
import { Bars } from "./Bars";
import { Picture } from "./Picture";
import { Units } from "./Units";

interface Props {
  info: DataInfo;
  sample: Sample;
  answer: Answer;
}

/** A sample on its way through the layers. */
export function OneSample({ info, sample, answer }: Props) {
  const { image } = info;
  return (
    <div class="way">
      <figure class="units">
        <figcaption class="small">Input</figcaption>
        {image ? (
          <Picture rows={image.rows} cols={image.cols} colours={image.colour} values={sample.values} scale="pixels" most={1} label="The sample's picture" />
        ) : (
          <HeatMap caption="scaled values" rows={1} cols={sample.values.length} values={sample.values} scale="diverging" rowName="sample" colName="input" />
        )}
        <p class="small">{sample.label !== null && `actual ${info.class_names[sample.label] ?? sample.label}`}</p>
      </figure>
      {answer.hidden.map((values, layer) => (
        <Units key={layer} title={`Hidden layer ${layer + 1}`} values={values} />
      ))}
      <div class="way-end stack tight">
        <p class="small">{info.task === "regression" ? "Output" : "Probabilities"}</p>
        <Bars outputs={answer.outputs} names={info.class_names} task={info.task} actual={sample.label} targets={sample.targets} />
      </div>
    </div>
  );
}
