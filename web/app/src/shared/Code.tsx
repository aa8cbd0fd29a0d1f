import { useState } from "preact/hooks";
import "./shared.css";

/** Lines of code or text, with a button that copies them. `label` says to screen readers what they are. */
export function Code({ code, label }: { code: string; label: string }) {
  const [copied, setCopied] = useState("");

  async function copy() {
    try {
      await navigator.clipboard.writeText(code);
      setCopied("Copied");
    } catch {
      // An insecure page, or no permission.
      setCopied("Not copied: select the text");
    }
    setTimeout(() => setCopied(""), 2000);
  }

  return (
    <div class="code">
      <pre tabIndex={0} aria-label={label} role="region">
        {code}
      </pre>
      <button type="button" class="small" onClick={copy} aria-label={`Copy: ${label}`}>
        <span aria-live="polite">{copied || "Copy"}</span>
      </button>
    </div>
  );
}
