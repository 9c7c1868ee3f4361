// The way to the API: one typed function over the generated table of routes.
//
// A request names its route and gives the request message's fields; those that the path binds go there, the rest
// into the query of a GET or DELETE, or the body. Refusals come back as Problem, which is what pages show.
import type { Routes } from "./schema.gen";

export type Route = keyof Routes;
export type Request<R extends Route> = Input<Routes[R]["request"]>;
export type Response<R extends Route> = Routes[R]["response"];
/** What may be sent: every field may be left out. */
export type Input<T> = T extends readonly (infer One)[] ? Input<One>[] : T extends object ? { [K in keyof T]?: Input<T[K]> } : T;

/** An answer that is not the one hoped for, as RFC 9457 tells it, or the network's silence (status 0). */
export class Problem extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        readonly detail: string,
        readonly field: string | null,
        readonly traceId: string | null,
        readonly more: Record<string, unknown> = {},
    ) {
        super(detail);
    }
}

let csrfToken = "";
let whenSignedOut = () => {};
export function setCsrfToken(token: string) {
    csrfToken = token;
}
export function onSignedOut(run: () => void) {
    whenSignedOut = run;
}

/** A name for one attempt at a change: the same when it is tried again, so that it takes effect once. */
export function newKey(): string {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface CallOptions {
    signal?: AbortSignal;
    /** The Idempotency-Key of a POST; one of its own when left out. */
    key?: string;
    headers?: Record<string, string>;
}

export async function call<R extends Route>(route: R, request: Request<R>, options: CallOptions = {}): Promise<Response<R>> {
    const [method, pattern] = route.split(" ") as [string, string];
    const rest: Record<string, unknown> = { ...(request as object) };
    const path = pattern.replace(/\{(\w+)\}/g, (_, name: string) => {
        const value = rest[name];
        delete rest[name];
        return encodeURIComponent(String(value));
    });
    return (await send(method, path, rest, options)) as Response<R>;
}

export async function send(method: string, path: string, values: Record<string, unknown>, options: CallOptions = {}): Promise<unknown> {
    const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
    let body: string | undefined;
    if (method === "GET" || method === "DELETE") {
        const query = new URLSearchParams();
        for (const [name, value] of Object.entries(values))
            if (value !== undefined && value !== null && value !== "") query.append(name, String(value));
        if (query.size > 0) path += `?${query}`;
    } else {
        headers["Content-Type"] = "application/json";
        body = JSON.stringify(values);
    }
    if (method !== "GET") headers["X-CSRF-Token"] = csrfToken;
    if (method === "POST") headers["Idempotency-Key"] = options.key ?? newKey();

    let response: globalThis.Response;
    try {
        response = await fetch(path, { method, headers, body, signal: options.signal, credentials: "same-origin" });
    } catch (error) {
        if (error instanceof DOMException && error.name === "AbortError") throw error;
        throw new Problem(0, "unreachable", "", null, null);
    }
    if (response.status === 204) return null;
    const text = await response.text();
    let json: unknown = null;
    try {
        json = JSON.parse(text);
    } catch {
        if (response.ok) throw new Problem(response.status, "not_json", text.slice(0, 200), null, null);
    }
    if (response.ok) return json;
    if (response.status === 401 && path !== "/v1/session") whenSignedOut();
    throw problemOf(response.status, json);
}

function problemOf(status: number, json: unknown): Problem {
    const { code, detail, title, field, trace_id, type: _type, status: _status, ...more } = (json ?? {}) as Record<string, unknown>;
    const text = (value: unknown) => (typeof value === "string" ? value : null);
    return new Problem(status, text(code) ?? `http_${status}`, text(detail) ?? text(title) ?? "", text(field), text(trace_id), more);
}
