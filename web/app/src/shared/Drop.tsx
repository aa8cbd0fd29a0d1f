import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { GivenFile } from "../engine/types";
import { ErrorBox } from "./ErrorBox";
import "./shared.css";

/** More than this would not fit into a tab beside what is computed with it. */
const MOST_BYTES = 1 << 30;

interface Found {
  path: string;
  file: File;
}

/** A dropped file, or all files below a dropped folder. */
async function below(entry: FileSystemEntry, folder = ""): Promise<Found[]> {
  const path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Found[] = [];
  // A call gives some of the entries, and none when there are no more.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    for (const entry of entries) found.push(...(await below(entry, `${path}/`)));
  }
}

async function dropped(data: DataTransfer): Promise<Found[]> {
  // The items are gone after the first wait.
  const items = [...data.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const found = await Promise.all(
    items.map((item) => (item === null ? [] : item instanceof File ? [{ path: item.name, file: item }] : below(item))),
  );
  return found.flat();
}

/** Files as `.DS_Store`, which a system puts into folders by itself. */
const isHidden = ({ path }: Found) => path.split("/").some((part) => part.startsWith("."));

async function read(found: Found[]): Promise<GivenFile[]> {
  const wanted = found.length > 1 ? found.filter((one) => !isHidden(one)) : found;
  if (wanted.length === 0) throw new Error("there are no files in it\nhint: give a file, or a folder that has some");
  const bytes = wanted.reduce((sum, { file }) => sum + file.size, 0);
  if (bytes > MOST_BYTES) {
    throw new Error(
      `these files have ${(bytes / 2 ** 30).toFixed(1)} GiB, and at most 1 GiB fits into a tab\nhint: use the command line program, which reads them from the disk`,
    );
  }
  return Promise.all(wanted.map(async ({ path, file }) => ({ path, bytes: new Uint8Array(await file.arrayBuffer()) })));
}

/** The path that stands for what was given at once: its one file, or the folder of its files. */
export const root = (files: GivenFile[]): string => files[0]?.path.split("/")[0] ?? "";

export interface DropProps {
  /** What to give: `an .npz file`. */
  label: string;
  onFiles: (files: GivenFile[]) => void;
  /** As of a file input: `.npz,.json`. */
  accept?: string;
  multiple?: boolean;
  /** Whether a folder may be chosen; one may always be dropped. */
  folder?: boolean;
  disabled?: boolean;
  /** Whether giving a file is what the page is for. */
  primary?: boolean;
  children?: ComponentChildren;
}

/** Takes files by drag and drop or by a button. Paths of several files begin with a folder; loose files come into `dropped/`. */
export function Drop({ label, onFiles, accept, multiple, folder, disabled, primary, children }: DropProps) {
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [error, setError] = useState<unknown>();

  async function give(found: Promise<Found[]> | Found[]) {
    setError(undefined);
    try {
      const given = await read(await found);
      const loose = given.length > 1 && given.some(({ path }) => !path.includes("/"));
      onFiles(loose ? given.map(({ path, bytes }) => ({ path: `dropped/${path}`, bytes })) : given);
    } catch (problem) {
      setError(problem);
    }
  }

  function chosen(input: HTMLInputElement) {
    void give([...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
    // So that the same file can be chosen again.
    input.value = "";
  }

  return (
    <div class="stack tight">
      <div
        class={over ? "drop over" : "drop"}
        role="group"
        aria-label={`Drop ${label}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(!disabled);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          if (!disabled && event.dataTransfer) void give(dropped(event.dataTransfer));
        }}
      >
        <p>Drop {label} here</p>
        <div class="row">
          <button type="button" class={primary ? "primary" : undefined} disabled={disabled} onClick={() => files.current?.click()}>
            Choose {multiple ? "files" : "a file"}…
          </button>
          {folder && (
            <button type="button" disabled={disabled} onClick={() => folders.current?.click()}>
              Choose a folder…
            </button>
          )}
        </div>
        {children}
        <input
          ref={files}
          type="file"
          hidden
          accept={accept}
          multiple={multiple}
          aria-label={`Choose ${label}`}
          onChange={(event) => chosen(event.currentTarget)}
        />
        {folder && (
          <input
            ref={(input) => {
              folders.current = input;
              if (input) input.webkitdirectory = true;
            }}
            type="file"
            hidden
            aria-label={`Choose ${label}: a folder`}
            onChange={(event) => chosen(event.currentTarget)}
          />
        )}
      </div>
      {error !== undefined && <ErrorBox error={error} />}
    </div>
  );
}
