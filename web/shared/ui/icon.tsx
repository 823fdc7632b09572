import type { JSX } from "preact";

/**
 * A Lucide icon, given as the text of its file: `import mic from "lucide-static/icons/mic.svg?raw"`. Icons never speak
 * alone, so this one is hidden from screen readers; the word beside it is what they read.
 */
export function Icon(props: { svg: string }): JSX.Element {
  return <span class="icon" aria-hidden="true" dangerouslySetInnerHTML={{ __html: props.svg }} />;
}
