/** A time that goes on by itself: drawn anew each second, alone in its component and not announced. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

export function Ticking(props: { children: () => string }): JSX.Element {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return <span class="ticking">{props.children()}</span>;
}
