import "./browser.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, filtersOf, understand } from "../src/pages/orders/filters.ts";

const CASES: readonly [string, Record<string, string>][] = [
    ["WEB-100007", { number: "WEB-100007" }],
    ["web-100007-A", { number: "web-100007-A" }],
    ["tm@example.com", { customer: "tm@example.com" }],
    ["+85291234567", { customer: "+85291234567" }],
    ["TEE-WHT-M", { sku: "TEE-WHT-M" }],
    ["status:pending channel:web", { status: "pending", channel: "web" }],
    ["placed:>2026-11-01", { from: "2026-11-01" }],
    ["placed:<2026-11-01", { before: "2026-11-01" }],
    ["placed:2026-12-31", { from: "2026-12-31", before: "2027-01-01" }],
    ["paid:unpaid sku:CAP-BLK-F", { payment: "unpaid", sku: "CAP-BLK-F" }],
];
test("the search field takes a word for what it looks like", () => {
    for (const [text, filters] of CASES) assert.deepEqual(understand(text), filters, text);
});
test("what the address says is what is filtered by", () => {
    for (const [text] of CASES) {
        const filters = understand(text);
        assert.deepEqual(filtersOf(new URLSearchParams(addressOf(filters).split("?")[1])), filters);
    }
});
