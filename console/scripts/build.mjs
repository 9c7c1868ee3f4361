// Builds the console into a folder that the gateway serves as it is: index.html and assets/ with hashed names,
// each text compressed beside it.
//
//   node scripts/build.mjs OUTPUT-FOLDER
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, basename } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const output = process.argv[2];
if (!output) throw new Error("usage: node scripts/build.mjs OUTPUT-FOLDER");
const FIRST_LOAD_BYTES = 150 * 1024;

/** Takes each component from its own file: through the library's index, one page's component would be in every page's
 *  first load, because the index is one module that all of them reach. */
const index = join(here, "node_modules/@mantine/core/esm/index.mjs");
const homes = new Map();
for (const [, names, file] of readFileSync(index, "utf8").matchAll(/export \{ ([^}]+) \} from '(\.[^']+)'/g))
    for (const name of names.split(", ")) homes.set(name, join(dirname(index), file));
const oneByOne = {
    name: "mantine-one-by-one",
    setup(build) {
        build.onLoad({ filter: /\/console\/src\/.*\.tsx?$/ }, ({ path }) => ({
            loader: path.endsWith("x") ? "tsx" : "ts",
            contents: readFileSync(path, "utf8").replace(/import \{ ([^}]+) \} from "@mantine\/core";/g, (_, names) =>
                names.split(", ").filter((name) => !name.startsWith("type ")).map((name) => `import { ${name} } from ${JSON.stringify(homes.get(name) ?? "@mantine/core")};`).join(" ")),
        }));
    },
};

const fresh = `${output}.new`;
rmSync(fresh, { recursive: true, force: true });
mkdirSync(join(fresh, "assets"), { recursive: true });
const result = await build({
    entryPoints: { main: join(here, "src/main.tsx"), styles: join(here, "src/styles.css") },
    outdir: join(fresh, "assets"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2022"],
    minify: true,
    legalComments: "none",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    metafile: true,
    plugins: [oneByOne],
    logLevel: "warning",
});

const made = Object.entries(result.metafile.outputs).map(([path, about]) => ({ file: basename(path), ...about }));
const entry = (name) => made.find((one) => one.entryPoint?.endsWith(`src/${name}`)).file;
const zipped = new Map();
for (const { file } of made) {
    const bytes = gzipSync(readFileSync(join(fresh, "assets", file)), { level: 9 });
    writeFileSync(join(fresh, "assets", `${file}.gz`), bytes);
    zipped.set(file, bytes.length);
}
const icon = readFileSync(join(here, "src/icon.svg"));
const iconFile = `icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8)}.svg`;
writeFileSync(join(fresh, "assets", iconFile), icon);

/** What the browser has to fetch before the first list shows: the entry and what it imports statically. */
function reach(file, seen = new Set()) {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const one of made.find((output) => output.file === file).imports)
        if (one.kind === "import-statement") reach(basename(one.path), seen);
    return seen;
}
const first = reach(entry("main.tsx"));
const html = readFileSync(join(here, "index.html"), "utf8")
    .replace("/assets/main.js", `/assets/${entry("main.tsx")}`)
    .replace("/assets/styles.css", `/assets/${entry("styles.css")}`)
    .replace("/assets/icon.svg", `/assets/${iconFile}`)
    .replace("</head>", [...first].slice(1).map((file) => `<link rel="modulepreload" href="/assets/${file}">\n`).join("") + "</head>");
writeFileSync(join(fresh, "index.html"), html);

const total = [...first].reduce((sum, file) => sum + zipped.get(file), 0);
const kilo = (bytes) => (bytes / 1024).toFixed(1);
console.log(`  CONSOLE first load ${kilo(total)} KiB of script, ${kilo(zipped.get(entry("styles.css")))} KiB of style, gzipped; ` +
    `${made.length} files`);
if (total > FIRST_LOAD_BYTES) {
    console.error(`The script of the first load is over ${kilo(FIRST_LOAD_BYTES)} KiB: load a page on demand instead.`);
    process.exit(1);
}
rmSync(output, { recursive: true, force: true });
renameSync(fresh, output);
