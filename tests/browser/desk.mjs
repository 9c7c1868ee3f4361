// What the browser tests share: Chromium, somebody signed in, the API beside the browser, axe and pictures.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const require = createRequire(join(root, "console/package.json"));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
export const world = JSON.parse(process.env.PENSTOCK_WORLD);
const pictures = join(root, "build/screenshots");
mkdirSync(pictures, { recursive: true });

export const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });

/** A page of its own, whose every complaint (script error, refused style, failed request) is a failure. */
export async function open({ locale = "en-US", scheme = "light", width = 1366, height = 800, role = null, path = "/" } = {}) {
    const context = await browser.newContext({ baseURL: world.base, locale, colorScheme: scheme, viewport: { width, height }, reducedMotion: "reduce" });
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    page.complaints = [];
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    page.on("console", (said) => {
        // A refusal that a test provokes is also told by the browser; the tests look at the page for it.
        if (said.type() === "error" && !/status of (4\d\d|503)/.test(said.text())) page.complaints.push(said.text());
    });
    if (role) await signIn(page, role, locale.startsWith("zh") ? "zh-Hant" : "en", path);
    else await page.goto(path);
    return page;
}
/** Sessions are made once a role and lent to every page: how one signs in is a test of its own. */
const sessions = new Map();
async function signIn(page, role, language, path) {
    if (!sessions.has(role)) {
        const answer = await page.request.post("/v1/session", { data: world.people[role] });
        assert.equal(answer.status(), 201, await answer.text());
        sessions.set(role, (await page.context().storageState()).cookies);
    }
    await page.context().addCookies(sessions.get(role));
    await page.addInitScript((said) => location.protocol === "http:" && (localStorage.getItem("penstock.locale") ?? localStorage.setItem("penstock.locale", JSON.stringify(said))), language);
    await page.goto(path);
}
export async function close(page) {
    assert.deepEqual(page.complaints, []);
    await page.context().close();
}

/** The API with the owner's key, as a program beside the browser. */
export async function api(method, path, body) {
    const answer = await fetch(world.base + path, {
        method,
        headers: { Authorization: `Bearer ${world.key}`, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
        body: body && JSON.stringify(body),
    });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.status === 204 ? null : answer.json();
}
export function place(more = {}) {
    return api("POST", "/v1/orders", {
        channel: "web", currency: "HKD", locale: "zh-Hant", prices_include_tax: true,
        customer: { name: "陳大文", email: "tm@example.com", phone: "+85291234567" },
        shipping_address: { name: "陳大文", phone: "+85291234567", address1: "觀塘道 1 號", city: "觀塘", country: "HK" },
        lines: [{ sku: "TEE-WHT-M", quantity: 2, unit_price: { amount: "120.00", currency: "HKD" } }],
        payments: [{ method: "card", status: "captured", amount: { amount: "240.00", currency: "HKD" } }],
        ...more,
    });
}
/** What axe finds, by name and place: nothing, or the test fails, unless it gathers. */
export async function accessible(page, where, gathers = false) {
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const found = violations.map((one) => `${where}: ${one.id}: ${one.nodes.slice(0, 4).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join("; ")}`);
    if (!gathers) assert.deepEqual(found, []);
    return found;
}
export const picture = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`) });
export const row = (page, name) => page.locator("tbody tr", { hasText: name });
/** Keys as fast as a person's: what comes faster is taken for a scanner. */
export async function press(page, ...keys) {
    for (const key of keys) {
        await page.keyboard.press(key);
        await page.waitForTimeout(60);
    }
}
/** Until it is so: what a key does shows with the next picture of the page. */
export async function becomes(read, wanted, within = 5000) {
    for (const until = Date.now() + within; ; ) {
        const is = await read();
        if (is === wanted) return;
        assert.ok(Date.now() < until, `${is} and not ${wanted}`);
        await new Promise((go) => setTimeout(go, 20));
    }
}
export const toast = (page) => page.locator(".toast");
