// Runs tests/*.test.ts: each is bundled, then run by node's own test runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = mkdtempSync(join(tmpdir(), "console-tests."));
try {
    const tests = readdirSync(join(here, "tests")).filter((name) => name.endsWith(".test.ts"));
    await build({
        entryPoints: tests.map((name) => join(here, "tests", name)),
        outdir: out, outExtension: { ".js": ".mjs" }, bundle: true, format: "esm", platform: "node", target: "node18", jsx: "automatic", logLevel: "warning",
        // React's CommonJS parts ask for node's own modules by require.
        banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    });
    const files = readdirSync(out).map((name) => join(out, name));
    process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit", cwd: here }).status ?? 1;
} finally {
    rmSync(out, { recursive: true, force: true });
}
