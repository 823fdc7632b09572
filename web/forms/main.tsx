import "../shared/tokens.css";
import "../shared/ui/components.css";
import "./forms.css";
import { render } from "preact";
import { tokenFromFragment } from "../shared/token.ts";
import { App } from "./app.tsx";

const root = document.getElementById("app");
if (root !== null) render(<App token={tokenFromFragment(location.hash)} />, root);
addEventListener("hashchange", () => location.reload());
