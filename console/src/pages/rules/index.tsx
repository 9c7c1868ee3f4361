// The rules that look at an order when it comes in: which they are, in which order they are tried, and what they
// would have done to the orders of the last month.
import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { DryRunOrder, Rule } from "../../api/schema.gen";
import { can } from "../../api/session";
import { number, t } from "../../i18n";
import { act } from "../../ui/action";
import { List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { Money } from "../../ui/parts";
import { Link } from "../../ui/router";
import { Badge } from "../../ui/Status";
import { w } from "../../ui/words";
import { doesWords, fieldsOf, ruleOf, whenWords } from "./form";
import { p } from "./words";

const DRY_RUN_CALLS = 4;

export default function RulesPage() {
    const mayWrite = can("settings:write");
    return (
        <List<Rule>
            path="/settings/rules"
            title={p.title}
            keyOf={(one) => one.id}
            nameOf={(one) => one.name ?? one.id}
            load={() => (cursor, limit) => call("GET /v1/rules", { cursor: cursor ?? undefined, limit })}
            open={mayWrite ? (one, list) => write(list, one) : undefined}
            columns={(list) => [
                { id: "place", label: p.place, width: 70, isNumber: true, cell: (one) => number(one.place ?? 0) },
                { id: "name", label: w.name, width: "1fr", cell: (one) => one.name },
                { id: "when", label: p.when, width: "2fr", cell: (one) => whenWords(one), title: whenWords },
                { id: "does", label: p.does, width: "1fr", cell: (one) => doesWords(one), title: doesWords },
                { id: "status", label: w.status, width: 90, cell: (one) => <Badge tone={one.is_enabled ? "done" : "ended"}>{t(one.is_enabled ? p.on : p.off)}</Badge> },
                {
                    id: "action", label: p.dryRun, width: 190, head: <span className="hidden">{t(p.dryRun)}</span>,
                    cell: (one) => (
                        <>
                            <Button size="compact-xs" variant="light" onClick={() => void tryOut(one)}>
                                {t(p.dryRun)}
                            </Button>{" "}
                            {mayWrite && (
                                <Button size="compact-xs" variant="default" onClick={() => remove(one, list)}>
                                    {t(p.remove)}
                                </Button>
                            )}
                        </>
                    ),
                },
            ]}
            aside={(list) => mayWrite && <Button onClick={() => write(list)}>{t(p.add)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function write(list: PagedList<Rule>, one?: Rule) {
    act({
        title: one ? t(p.edit, { name: one.name ?? "" }) : t(p.add),
        preview: <p>{t(p.preview)}</p>,
        fields: fieldsOf(one),
        verb: t(w.save),
        size: "lg",
        run: async (values, key) => {
            const rule = ruleOf(values);
            const saved = one ? await call("PATCH /v1/rules/{id}", { id: one.id, ...rule }) : await call("POST /v1/rules", rule, { key });
            void list.reload();
            return t(p.saved, { name: saved.name ?? "" });
        },
    });
}
function remove(one: Rule, list: PagedList<Rule>) {
    const name = one.name ?? "";
    act({
        title: t(p.removeTitle, { name }),
        preview: <p>{t(p.removePreview)}</p>,
        verb: t(p.remove),
        isGrave: true,
        run: async () => {
            await call("DELETE /v1/rules/{id}", { id: one.id });
            void list.reload();
            return t(p.removed, { name });
        },
    });
}
/** The last thirty days, as far as a few calls reach; what it finds is shown and nothing is changed. */
async function tryOut(one: Rule) {
    const found: DryRunOrder[] = [];
    let cursor: string | undefined;
    for (let calls = 0; calls < DRY_RUN_CALLS; calls++) {
        const page = await call("POST /v1/rules/dry-run", { rule: { name: one.name, is_enabled: true, conditions: one.conditions ?? {}, actions: one.actions, stops: one.stops ?? false }, cursor });
        found.push(...page.data);
        cursor = page.next_cursor ?? undefined;
        if (!cursor) break;
    }
    act({
        title: t(p.dryRunTitle, { name: one.name ?? "" }),
        preview: <Found orders={found} isAll={!cursor} />,
        verb: t(w.close),
        size: "lg",
        run: () => Promise.resolve(),
    });
}
function Found({ orders, isAll }: { orders: readonly DryRunOrder[]; isAll: boolean }) {
    return (
        <>
            <p>{t(isAll ? p.dryRunAll : p.dryRunSome, { count: orders.length })}</p>
            <ul className="plain">
                {orders.slice(0, 50).map((one) => (
                    <li key={one.order_id}>
                        <Link href={`/orders/${one.number}`}>{one.number}</Link> <Money of={one.total} /> <span className="fine">{one.effects.join(", ")}</span>
                    </li>
                ))}
            </ul>
        </>
    );
}
