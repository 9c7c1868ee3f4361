// The dialog of a bulk action: see bulk.tsx.
import { Button, Checkbox, NativeSelect, Progress, TextInput } from "@mantine/core";
import { useRef, useState } from "react";
import { newKey, Problem } from "../api/client";
import { t, type Phrase } from "../i18n";
import { o } from "../pages/orders/words";
import type { Values } from "./action";
import type { Bulk } from "./bulk";
import { problemText } from "./parts";
import { Sheet } from "./Sheet";
import { w } from "./words";

const AT_ONCE = 4;

export default function Dialog({ bulk, close: leave }: { bulk: Bulk<unknown>; close: () => void }) {
    const fields = bulk.fields ?? [];
    const [values, setValues] = useState<Values>(() => Object.fromEntries(fields.map((field) => [field.name, field.initial ?? field.choices?.[0]?.value ?? ""])));
    const [results, setResults] = useState<readonly { row: unknown; problem: Problem | null }[]>([]);
    const [state, setState] = useState<"asking" | "running" | "over">("asking");
    const isStopped = useRef(false);
    const close = () => {
        isStopped.current = true;
        leave();
    };
    const able = bulk.rows.filter((row) => bulk.cannot(row) === null);
    const skipped = new Map<Phrase, number>();
    for (const row of bulk.rows) {
        const why = bulk.cannot(row);
        if (why) skipped.set(why, (skipped.get(why) ?? 0) + 1);
    }
    // What is able is decided once: rows change while the work goes on.
    const work = useRef(able);
    const isReady = work.current.length > 0 && fields.every((field) => field.isOptional || (values[field.name] ?? "") !== "");
    const refused = results.filter((one) => one.problem);

    async function run() {
        setState("running");
        let next = 0;
        const worker = async () => {
            while (next < work.current.length && !isStopped.current) {
                const row = work.current[next++];
                const problem = await bulk.run(row, values, newKey()).then(
                    () => null,
                    (error: unknown) => (error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null)),
                );
                setResults((before) => [...before, { row, problem }]);
            }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
        setState("over");
    }
    return (
        <Sheet title={bulk.title} size="lg" close={close}>
            <form
                className="action"
                onSubmit={(event) => {
                    event.preventDefault();
                    if (state === "asking" && isReady) void run();
                }}
            >
                {state === "asking" && (
                    <>
                        <div className="preview">
                            <p>{work.current.length > 0 ? t(o.bulkWill, { count: work.current.length, verb: bulk.verb }) : t(o.bulkNone)}</p>
                            {bulk.about && <p>{bulk.about}</p>}
                            {[...skipped].map(([why, count]) => (
                                <p key={why[0]} className="fine">
                                    {t(o.bulkSkip, { count, reason: t(why) })}
                                </p>
                            ))}
                        </div>
                        {fields.map((field, i) => {
                            const common = { label: field.isOptional ? `${t(field.label)} (${t(w.optional)})` : t(field.label), value: values[field.name] ?? "", "data-autofocus": i === 0 || undefined };
                            const change = (value: string) => setValues((before) => ({ ...before, [field.name]: value }));
                            if (field.kind === "switch") return <Checkbox key={field.name} label={common.label} checked={common.value === "yes"} onChange={(event) => change(event.currentTarget.checked ? "yes" : "")} />;
                            return field.kind === "choice" ? (
                                <NativeSelect key={field.name} {...common} data={(field.choices ?? []).map((one) => ({ value: one.value, label: t(one.label) }))} onChange={(event) => change(event.currentTarget.value)} />
                            ) : (
                                <TextInput key={field.name} {...common} type={field.kind === "moment" ? "datetime-local" : "text"} autoComplete="off" onChange={(event) => change(event.currentTarget.value)} />
                            );
                        })}
                    </>
                )}
                {state !== "asking" && (
                    <>
                        <Progress value={(100 * results.length) / Math.max(1, work.current.length)} aria-label={t(w.working)} />
                        <p role="status">
                            {t(o.bulkRunning, { done: results.length, count: work.current.length })} · {t(o.bulkDone, { count: results.length - refused.length })}
                            {refused.length > 0 && ` · ${t(o.bulkFailed, { count: refused.length })}`}
                        </p>
                        {refused.length > 0 && (
                            <ul className="results">
                                {refused.map((one) => (
                                    <li key={bulk.nameOf(one.row)}>
                                        <b>{bulk.nameOf(one.row)}</b> {one.problem && problemText(one.problem)}
                                    </li>
                                ))}
                            </ul>
                        )}
                    </>
                )}
                <footer>
                    {state === "over" && refused.length > 0 && (
                        <Button
                            variant="default"
                            onClick={() => {
                                bulk.select(refused.map((one) => one.row));
                                close();
                            }}
                        >
                            {t(o.bulkAgain)}
                        </Button>
                    )}
                    {state === "running" && (
                        <Button variant="default" onClick={() => (isStopped.current = true)}>
                            {t(o.bulkStop)}
                        </Button>
                    )}
                    {state !== "running" && (
                        <Button variant="default" onClick={close} data-autofocus={state === "over" || undefined}>
                            {state === "over" ? t(w.close) : t(w.cancelDialog)}
                        </Button>
                    )}
                    {state === "asking" && (
                        <Button type="submit" color={bulk.isGrave ? "red.8" : undefined} disabled={!isReady}>
                            {bulk.verb}
                        </Button>
                    )}
                </footer>
            </form>
        </Sheet>
    );
}
