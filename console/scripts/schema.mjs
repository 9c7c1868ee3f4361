// Writes src/api/schema.gen.ts: the types of every message and the table of routes, from the protos and the
// gateway's table. The rules are the transcoder's (services/gateway/transcode.c), so that the console cannot
// believe in a field, a word or a route that the gateway does not know.
//
//   node scripts/schema.mjs [OUTPUT]
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const output = process.argv[2] ?? join(root, "console/src/api/schema.gen.ts");

const SCALARS = { string: "string", bool: "boolean", int32: "number", int64: "number", uint32: "number", uint64: "number" };
const MONEY = "penstock.common.v1.Money";
/** Every other text may be missing, which the transcoder writes as null. */
const ALWAYS_THERE = new Set(["id", "number"]);

/** Every message and enum of one file, by its full name. */
function readProto(text, found) {
    const bare = text.replace(/\/\/[^\n]*/g, "").replace(/\/\*[^]*?\*\//g, "");
    const scope = /\bpackage\s+([\w.]+);/.exec(bare)[1];
    for (const [, kind, name, body] of bare.matchAll(/\b(message|enum)\s+(\w+)\s*\{([^{}]*)\}/g)) {
        if (kind === "enum") {
            const prefix = name.replace(/(?<=.)([A-Z])/g, "_$1").toUpperCase() + "_";
            const values = [...body.matchAll(/(\w+)\s*=\s*(\d+)\s*;/g)].filter((value) => value[2] !== "0");
            found.set(`${scope}.${name}`, { kind, scope, name, words: values.map((value) => value[1].slice(prefix.length).toLowerCase()) });
        } else {
            const fields = [...body.matchAll(/(repeated\s+)?([\w.]+)\s+(\w+)\s*=\s*\d+\s*(?:\[[^\]]*\])?\s*;/g)];
            found.set(`${scope}.${name}`, {
                kind, scope, name,
                fields: fields.map(([, repeated, type, field]) => ({ repeated: Boolean(repeated), type, name: field })),
            });
        }
    }
    const rpcs = [...bare.matchAll(/\brpc\s+(\w+)\s*\(\s*([\w.]+)\s*\)\s*returns\s*\(\s*([\w.]+)\s*\)/g)];
    return rpcs.map(([, rpc, request, response]) => ({ scope, rpc, request, response }));
}

const found = new Map(), rpcs = [];
for (const folder of readdirSync(join(root, "proto/penstock")).sort())
    for (const file of readdirSync(join(root, "proto/penstock", folder, "v1")).sort())
        rpcs.push(...readProto(readFileSync(join(root, "proto/penstock", folder, "v1", file), "utf8"), found));

/** As protobuf resolves a name: from the innermost package outward. */
function resolve(type, scope) {
    for (let at = scope; ; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
        const hit = found.get(at ? `${at}.${type}` : type);
        if (hit) return hit;
        if (!at) throw new Error(`${scope}: no type ${type}`);
    }
}
/** A name that two packages use gets its package in front. */
const uses = new Map();
for (const { name } of found.values()) uses.set(name, (uses.get(name) ?? 0) + 1);
const typeName = (type) =>
    uses.get(type.name) === 1 ? type.name : type.scope.split(".")[1].replace(/^./, (c) => c.toUpperCase()) + type.name;

function member(field, scope) {
    const isTime = field.type === "int64" && field.name.endsWith("_us");
    const name = isTime ? field.name.slice(0, -3) : field.name;
    const scalar = SCALARS[field.type];
    const type = isTime ? "string" : (scalar ?? typeName(resolve(field.type, scope)));
    if (field.repeated) return `    ${name}: ${type}[];`;
    const isThere = ALWAYS_THERE.has(name) || (scalar && type !== "string");
    return `    ${name}: ${type}${isThere ? "" : " | null"};`;
}
/** An answer with one message and nothing else is that message. */
function unwrapped(type) {
    const only = type.fields.length === 1 && !type.fields[0].repeated && !SCALARS[type.fields[0].type] ? resolve(type.fields[0].type, type.scope) : null;
    return only && only.kind === "message" && `${only.scope}.${only.name}` !== MONEY ? only : type;
}

const lines = ["// Made by scripts/schema.mjs from proto/ and services/gateway/routes_table.c.", ""];
for (const type of found.values()) {
    if (type.kind === "enum") {
        lines.push(`export type ${typeName(type)} = ${type.words.map((word) => `"${word}"`).join(" | ")};`);
    } else if (`${type.scope}.${type.name}` === MONEY) {
        lines.push("export interface Money {\n    amount: string;\n    currency: string;\n}");
    } else {
        const members = type.fields.filter((field) => field.type !== "bytes").map((field) => member(field, type.scope));
        lines.push(members.length ? `export interface ${typeName(type)} {\n${members.join("\n")}\n}` : `export type ${typeName(type)} = Record<string, never>;`);
    }
}
const table = readFileSync(join(root, "services/gateway/routes_table.c"), "utf8").replace(/\/\*[^]*?\*\//g, "");
const permissions = new Set();
lines.push("", "export interface Routes {");
for (const [, method, path, service, rpc, permission] of table.matchAll(
    /\{\s*HTTP_(\w+),\s*"([^"]+)",\s*(?:"(\w+)"|NULL),\s*"(\w+)",\s*(?:"([^"]*)"|NULL)/g)) {
    const call = rpcs.find((one) => one.rpc === rpc && (!service || one.scope === `penstock.${service}.v1`));
    if (!call) continue;
    const request = resolve(call.request, call.scope), response = unwrapped(resolve(call.response, call.scope));
    if (permission) permissions.add(permission);
    lines.push(`    "${method} ${path}": { request: ${typeName(request)}; response: ${typeName(response)}; permission: ${permission ? `"${permission}"` : "never"} };`);
}
lines.push("}", "", `export type Permission = ${[...permissions].sort().map((one) => `"${one}"`).join(" | ")};`, "");
mkdirSync(dirname(output), { recursive: true });
const text = lines.join("\n");
let before = "";
try { before = readFileSync(output, "utf8"); } catch { /* the first time */ }
if (text !== before) writeFileSync(output, text);
