import { useState } from "preact/hooks";

/** Copies a link to a page as it stands. `opens` says what it opens. */
export function CopyLink({ hash, opens }: { hash: () => string; opens: string }) {
  const [copied, setCopied] = useState<"" | "yes" | "no">("");
  const link = () => new URL(hash(), location.href).href;

  async function copy() {
    try {
      await navigator.clipboard.writeText(link());
      setCopied("yes");
    } catch {
      // An insecure page, or no permission.
      setCopied("no");
    }
  }

  return (
    <div class="stack tight">
      <div class="row">
        <button type="button" onClick={copy}>
          Copy link
        </button>
        <span role="status" class="small muted">
          {copied === "yes" ? `Copied: ${opens}.` : ""}
        </span>
      </div>
      {copied === "no" && (
        <label class="field">
          The browser refused to copy. The link:
          <input readOnly value={link()} onFocus={(event) => event.currentTarget.select()} />
        </label>
      )}
    </div>
  );
}
