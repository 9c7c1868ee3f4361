import "./browser.ts";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { locale, money, t, words } from "../src/i18n/index.ts";

const w = words({ orders: ["{count} {count|order|orders}", "{count} 筆訂單"] });

test("a phrase takes its values in both languages", () => {
    locale.set("en");
    assert.equal(t(w.orders, { count: 1 }), "1 order");
    assert.equal(t(w.orders, { count: 1200 }), "1,200 orders");
    locale.set("zh-Hant");
    assert.equal(t(w.orders, { count: 2 }), "2 筆訂單");
});
test("an amount keeps every cent, however large", () => {
    assert.equal(money({ amount: "90071992547409.93", currency: "HKD" }), "HK$90,071,992,547,409.93");
    assert.equal(money({ amount: "689", currency: "TWD" }), "NT$689");
    assert.equal(money({ amount: "-12.50", currency: "HKD" }, true), "-12.50");
});
test("the first of a phrase is English, the second is there", () => {
    const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
    assert.ok(files.length > 20);
    for (const file of files)
        for (const [phrase, en = "", zh = ""] of readFileSync(join("src", file), "utf8").matchAll(/\["([^"]*)", "([^"]*[\u4e00-\u9fff][^"]*)"\]/g)) {
            assert.ok(en !== "" && zh !== "", `${file}: ${phrase}`);
            assert.ok(!/[\u4e00-\u9fff]/.test(en.replace("繁體中文", "")), `${file}: ${phrase}`);
        }
});
