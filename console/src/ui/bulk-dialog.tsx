// The dialog of a bulk action: see bulk.tsx.
import { Button, Progress } from "@mantine/core";
import { useEffect, useState } from "react";
import { call, newKey, Problem } from "../api/client";
import type { Bulk as Running, BulkResult, PreviewBulkResponse } from "../api/schema.gen";
import { number, t, words } from "../i18n";
import type { Values } from "./action";
import { FieldInput } from "./fields";
import type { Bulk } from "./bulk";
import { Link } from "./router";
import { ProblemNote, Shape } from "./parts";
import { Sheet } from "./Sheet";
import { w } from "./words";

const p = words({
    will: ["{count} {count|order|orders}: {verb}.", "將對 {count} 筆訂單執行:{verb}。"],
    atLeast: ["Of the first {count} that were looked at; the rest is decided as it goes.", "以上為先行檢查的 {count} 筆,其餘於執行時判斷。"],
    unchanged: ["{count} {count|is|are} so already.", "{count} 筆已是此狀態。"],
    skipped: ["{count} skipped: {reason}", "略過 {count} 筆:{reason}"],
    nothing: ["Nothing to do: every one of these orders is skipped.", "沒有可執行的訂單,全部略過。"],
    progress: ["{done} of {count}", "{done} / {count}"],
    done: ["{count} done", "{count} 筆完成"],
    same: ["{count} unchanged", "{count} 筆不變"],
    refused: ["{count} refused", "{count} 筆無法執行"],
    again: ["Select the refused", "選取無法執行的訂單"],
    stop: ["Stop", "停止"],
    more: ["and {count} more", "以及其他 {count} 筆"],
});
const asProblem = (error: unknown) => (error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null));
const POLL_MS = 300;

export default function Dialog({ bulk, attempt, close }: { bulk: Bulk; attempt: string; close: () => void }) {
    const fields = bulk.fields ?? [];
    const [values, setValues] = useState<Values>(() => Object.fromEntries(fields.map((field) => [field.name, field.initial ?? field.choices?.[0]?.value ?? ""])));
    const [preview, setPreview] = useState<PreviewBulkResponse | null>(null);
    const [running, setRunning] = useState<Running | null>(null);
    const [refused, setRefused] = useState<readonly BulkResult[]>([]);
    const [problem, setProblem] = useState<Problem | null>(null);
    const [key, setKey] = useState(attempt);
    const parameters = bulk.parameters?.(values);
    const request = { action: bulk.action, selection: bulk.selection, parameters };
    const isReady = fields.every((field) => field.isOptional || (values[field.name] ?? "") !== "");

    useEffect(() => {
        const abort = new AbortController();
        // What is skipped depends on the orders and not on the reason that is still to be typed.
        const example = bulk.parameters?.(Object.fromEntries(fields.map((field) => [field.name, field.choices?.[0]?.value ?? (field.isOptional ? "" : "preview")])));
        call("POST /v1/bulk/preview", { ...request, parameters: example }, { signal: abort.signal }).then(setPreview, (error: unknown) => !abort.signal.aborted && setProblem(asProblem(error)));
        return () => abort.abort();
    }, []);
    const id = running?.id, isOver = running !== null && running.status !== "running";
    useEffect(() => {
        if (!id || isOver) return;
        const timer = setInterval(() => void call("GET /v1/bulk/{id}", { id }).then(setRunning, () => undefined), POLL_MS);
        return () => clearInterval(timer);
    }, [id, isOver]);
    useEffect(() => {
        if (id && isOver) void call("GET /v1/bulk/{id}/results", { id, outcome: "refused", limit: 200 }).then((page) => setRefused(page.data), () => undefined);
    }, [id, isOver]);

    async function start() {
        setProblem(null);
        try {
            setRunning(await call("POST /v1/bulk", request, { key }));
        } catch (error) {
            setKey(newKey());
            setProblem(asProblem(error));
        }
    }
    const matched = preview?.matched ?? 0, done = running ? running.applied + running.unchanged + running.refused : 0;
    return (
        <Sheet title={bulk.title} size="lg" close={close}>
            <form
                className="action"
                onSubmit={(event) => {
                    event.preventDefault();
                    if (!running && isReady && preview) void start();
                }}
            >
                {!running && (
                    <>
                        {preview ? (
                            <div className="preview">
                                <p>{preview.would_apply > 0 || !preview.is_complete ? t(p.will, { count: preview.is_complete ? preview.would_apply : matched, verb: bulk.verb }) : t(p.nothing)}</p>
                                {bulk.about && <p>{bulk.about}</p>}
                                {preview.unchanged > 0 && <p className="fine">{t(p.unchanged, { count: preview.unchanged })}</p>}
                                {preview.refused.map((one) => (
                                    <p key={one.code} className="fine">
                                        {t(p.skipped, { count: one.orders, reason: one.text ?? one.code ?? "" })}
                                    </p>
                                ))}
                                {!preview.is_complete && <p className="fine">{t(p.atLeast, { count: preview.would_apply + preview.unchanged + preview.refused.reduce((sum, one) => sum + one.orders, 0) })}</p>}
                            </div>
                        ) : (
                            !problem && <Shape rows={2} />
                        )}
                        {fields.map((field, i) => (
                            <FieldInput key={field.name} field={field} value={values[field.name] ?? ""} isFirst={i === 0} problem={problem} change={(value) => setValues((before) => ({ ...before, [field.name]: value }))} />
                        ))}
                    </>
                )}
                {running && (
                    <>
                        <Progress value={isOver ? 100 : (100 * done) / Math.max(1, matched)} aria-label={t(w.working)} />
                        <p role="status">
                            {t(p.progress, { done, count: isOver ? done : matched })} · {t(p.done, { count: running.applied })}
                            {running.unchanged > 0 && ` · ${t(p.same, { count: running.unchanged })}`}
                            {running.refused > 0 && ` · ${t(p.refused, { count: running.refused })}`}
                        </p>
                        {refused.length > 0 && (
                            <ul className="results">
                                {refused.map((one) => (
                                    <li key={one.order_id}>
                                        <Link href={`/orders/${one.number}`} onClick={close}>
                                            {one.number}
                                        </Link>{" "}
                                        <code>{one.code}</code>
                                    </li>
                                ))}
                                {running.refused > refused.length && <li className="fine">{t(p.more, { count: number(running.refused - refused.length) })}</li>}
                            </ul>
                        )}
                    </>
                )}
                {problem && <ProblemNote problem={problem} />}
                <footer>
                    {isOver && refused.length > 0 && (
                        <Button
                            variant="default"
                            onClick={() => {
                                bulk.refused(refused.map((one) => one.order_id ?? ""));
                                close();
                            }}
                        >
                            {t(p.again)}
                        </Button>
                    )}
                    {running && !isOver && (
                        <Button variant="default" onClick={() => void call("POST /v1/bulk/{id}/cancel", { id: running.id }).then(setRunning, () => undefined)}>
                            {t(p.stop)}
                        </Button>
                    )}
                    <Button variant="default" onClick={close} data-autofocus={isOver || undefined}>
                        {running ? t(w.close) : t(w.cancelDialog)}
                    </Button>
                    {!running && (
                        <Button type="submit" color={bulk.isGrave ? "red.8" : undefined} disabled={!isReady || !preview || (preview.is_complete && preview.would_apply === 0)}>
                            {bulk.verb}
                        </Button>
                    )}
                </footer>
            </form>
        </Sheet>
    );
}
