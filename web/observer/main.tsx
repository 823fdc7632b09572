import "../shared/tokens.css";
import "../shared/ui/components.css";
import { render } from "preact";
import { LanguageToggle } from "../shared/ui/language.tsx";

const root = document.getElementById("app");
if (root !== null) render(<LanguageToggle />, root);
