import "./browser.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { t } from "../src/i18n/index.ts";
import { addressOf, fieldsOf, partsOf, tokenLabel, tokensOf, withFields } from "../src/pages/orders/filters.ts";

test("a query is taken apart into its words, quotes keep blanks together", () => {
    assert.deepEqual(tokensOf(' status:pending  channel:"my shop" -tag:vip 陳大文 '), ["status:pending", 'channel:"my shop"', "-tag:vip", "陳大文"]);
    assert.deepEqual(partsOf("-tag:vip"), { isNot: true, key: "tag", value: "vip" });
    assert.deepEqual(partsOf('name:"Peter Lam"'), { isNot: false, key: "name", value: "Peter Lam" });
    assert.deepEqual(partsOf("+85291234567"), { isNot: false, key: null, value: "+85291234567" });
});
test("the form sets its fields and leaves the other words", () => {
    const query = "status:pending placed:>=2026-11-01 placed:<2026-12-01 -tag:vip 9123";
    assert.deepEqual(fieldsOf(query), { status: "pending", from: "2026-11-01", before: "2026-12-01" });
    assert.equal(withFields(query, { status: "confirmed", customer: "Peter Lam" }), 'status:confirmed customer:"Peter Lam" -tag:vip 9123');
    assert.equal(withFields(query, fieldsOf(query)), query);
    assert.equal(withFields("9123", {}), "9123");
});
test("a chip says the word of a status in the reader's language", () => {
    const [label, value] = tokenLabel("status:pending");
    assert.equal(label && t(label), "Order");
    assert.equal(t(value), "Pending");
    assert.equal(tokenLabel("純棉")[0], null);
});
test("the address holds the query as it is", () => {
    assert.equal(new URLSearchParams(addressOf("a:b 純 +852").split("?")[1]).get("q"), "a:b 純 +852");
    assert.equal(addressOf("  "), "/orders");
});
