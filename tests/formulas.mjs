// Render every formula of the READMEs with KaTeX, strictly; print those that fail.
//
//     npm install katex && node tests/formulas.mjs
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";

const katex = createRequire(join(process.cwd(), "x.js"))("katex");
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const pages = ["README.md", ...readdirSync(root).map((f) => join(f, "README.md"))];
let count = 0;
let bad = 0;
for (const page of pages.filter((p) => existsSync(join(root, p)))) {
  let text = readFileSync(join(root, page), "utf8");
  text = text.replace(/^```.*?^```/gms, "").replace(/`[^`\n]*`/g, "");
  const check = (formula, displayMode) => {
    count += 1;
    try {
      katex.renderToString(formula, { displayMode, strict: "error", throwOnError: true });
    } catch (error) {
      bad += 1;
      console.log(`${page}: ${formula.trim()}\n    ${error.message}`);
    }
  };
  text = text.replace(/\$\$(.+?)\$\$/gs, (_, formula) => (check(formula, true), ""));
  for (const [, formula] of text.matchAll(/\$([^$]+?)\$/g)) check(formula, false);
}
console.log(`${count} formulas, ${bad} bad`);
process.exit(bad ? 1 : 0);
