// Every page in both schemes and languages: no finding of axe, nothing that runs over, and a picture to look at.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessible, browser, close, open, picture, press } from "./desk.mjs";

after(() => browser.close());

const PAGES = [
    ["orders", "/orders", "tbody tr"],
    ["orders-empty", "/orders?q=sku:NO-SUCH-SKU", ".blank"],
    ["orders-preview", "/orders", "tbody tr", ["j", "j", "j", "Space"]],
    ["orders-bulk", "/orders", "tbody tr", ["j", "x", "j", "x"]],
    ["order", "/orders/WEB-100004", ".work"],
    ["order-held", "/orders/WEB-100006", ".page-head"],
    ["order-returned", "/orders/WEB-100001", ".timeline li"],
    ["order-dialog", "/orders/WEB-100004", ".work", ["h"]],
    ["order-none", "/orders/WEB-999999", ".blank"],
    ["drafts", "/drafts", "tbody tr, .blank"],
    ["new-order", "/new-order", ".fields"],
    ["stock", "/stock", "tbody tr"],
    ["packing", "/packing", "tbody tr"],
    ["returns", "/returns", "tbody tr"],
    ["return", "/returns/WEB-100001-R1", ".page-head"],
    ["messages", "/messages", ".blank, .threads"],
    ["customers", "/customers", "tbody tr, .blank"],
    ["inbox", "/inbox", "tbody tr"],
    ["channels", "/settings/channels", "tbody tr"],
    ["people", "/settings/people", "tbody tr"],
    ["keys", "/settings/keys", "tbody tr"],
    ["rules", "/settings/rules", "tbody tr, .blank"],
    ["blacklist", "/settings/blacklist", "tbody tr, .blank"],
    ["delivery", "/settings/delivery", "tbody tr, .blank"],
    ["imports", "/settings/imports", "tbody tr, .blank"],
    ["templates", "/settings/templates", "tbody tr"],
    ["template", "/settings/templates/shipment/zh-Hant/html", "textarea"],
    ["replies", "/settings/replies", "tbody tr, .blank"],
    ["audit", "/settings/audit", "tbody tr"],
    ["shop", "/settings/shop", ".facts"],
];
async function visit(page, name, path, wait, keys = []) {
    await page.goto(path);
    await page.locator(wait).first().waitFor();
    await press(page, ...keys);
    if (name === "order-dialog") await page.getByRole("dialog").waitFor();
    await page.waitForLoadState("networkidle", { timeout: 600 }).catch(() => undefined);
}
for (const [locale, scheme] of [["en-US", "light"], ["zh-TW", "dark"]])
    test(`every page is accessible and within its frame, ${locale}, ${scheme}`, async () => {
        const page = await open({ role: "owner", locale, scheme });
        const findings = [];
        for (const [name, path, wait, keys] of PAGES) {
            await visit(page, name, path, wait, keys);
            findings.push(...(await accessible(page, `${name} ${scheme}`, true)));
            await picture(page, `${name}-${locale.slice(0, 2)}-${scheme}`);
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} runs over`);
        }
        assert.deepEqual(findings, []);
        await close(page);
    });
test("the other pairs of language and scheme, and a tablet", async () => {
    for (const [locale, scheme, width] of [["zh-TW", "light", 1366], ["en-US", "dark", 1366], ["zh-TW", "light", 820]]) {
        const page = await open({ role: "owner", locale, scheme, width });
        for (const [name, path, wait, keys] of PAGES.filter(([one]) => ["orders", "orders-preview", "order", "packing"].includes(one))) {
            await visit(page, name, path, wait, keys);
            await picture(page, `${name}-${locale.slice(0, 2)}-${scheme}-${width}`);
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} runs over at ${width}`);
        }
        await close(page);
    }
});
test("signing in is accessible in both schemes", async () => {
    for (const scheme of ["light", "dark"]) {
        const page = await open({ scheme });
        await page.getByLabel("E-mail").waitFor();
        await accessible(page, `sign-in ${scheme}`);
        await picture(page, `sign-in-en-${scheme}`);
        await close(page);
    }
});
