// Who did it, by name: timelines and notes say "person:<id>".
import { call } from "../api/client";
import { t, words } from "../i18n";
import { store, useStore } from "./store";

const p = words({
    system: ["system", "系統"],
    customer: ["customer", "顧客"],
    channel: ["channel {name}", "通路 {name}"],
    program: ["program", "程式"],
});
const names = store<ReadonlyMap<string, string>>(new Map());
let isAsked = false;
export function forgetNames() {
    isAsked = false;
    names.set(new Map());
}
async function load() {
    isAsked = true;
    const found = new Map<string, string>();
    for (let cursor: string | undefined; ; ) {
        const page = await call("GET /v1/people/names", { cursor, limit: 200 });
        for (const one of page.data) if (one.actor && one.name) found.set(one.actor, one.name);
        if (!page.next_cursor) break;
        cursor = page.next_cursor;
    }
    names.set(found);
}
export function usePeople(): ReadonlyMap<string, string> {
    if (!isAsked) load().catch(() => (isAsked = false));
    return useStore(names);
}
export function useActorName(): (actor: string | null | undefined) => string {
    const known = usePeople();
    return (actor) => {
        if (!actor) return "";
        const [kind = "", name = ""] = actor.split(/:(.*)/s);
        if (known.has(actor)) return known.get(actor) ?? actor;
        if (kind === "customer") return t(p.customer);
        if (kind === "channel") return t(p.channel, { name });
        if (kind === "key") return t(p.program);
        if (kind === "system" || kind === "timer") return t(p.system);
        return actor;
    };
}
