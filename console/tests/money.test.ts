import "./browser.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { less } from "../src/ui/decimal.ts";

test("a difference of amounts is exact", () => {
    assert.equal(less("1000.00", "333.33"), "666.67");
    assert.equal(less("0.30", "0.10"), "0.20");
    assert.equal(less("100.00", "100.01"), "-0.01");
    assert.equal(less("689", "680"), "9");
    assert.equal(less("90071992547409.93", "0.01"), "90071992547409.92");
    assert.equal(less("-5.00", "2.50"), "-7.50");
});
