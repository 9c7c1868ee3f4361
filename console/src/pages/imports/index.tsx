// Orders from files: sent in parts, checked as a whole, and placed when somebody says so.
import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { call } from "../../api/client";
import type { Import, ImportErrorPolicy, ImportFormat, ImportStockPolicy } from "../../api/schema.gen";
import { can } from "../../api/session";
import { number, t, type Phrase } from "../../i18n";
import { List } from "../../ui/List";
import { Panel, ProblemNote, Time } from "../../ui/parts";
import { Link, navigate } from "../../ui/router";
import { Status } from "../../ui/Status";
import { w } from "../../ui/words";
import { useProblem } from "../../ui/problem";
import { errorPolicies, formats, p, statuses, stockPolicies } from "./words";

const PART_BYTES = 512 << 10;
const choicesOf = (table: Record<string, Phrase>) => Object.entries(table).map(([value, label]) => ({ value, label: t(label) }));

export default function ImportsPage() {
    return (
        <>
            {can("orders:write") && <NewImport />}
            <List<Import>
                path="/settings/imports"
                title={p.title}
                keyOf={(one) => one.id}
                nameOf={(one) => one.name ?? one.id}
                load={() => (cursor, limit) => call("GET /v1/imports", { cursor: cursor ?? undefined, limit })}
                open={(one) => navigate(`/settings/imports/${one.id}`)}
                columns={() => [
                    { id: "name", label: p.file, width: "2fr", cell: (one) => <Link href={`/settings/imports/${one.id}`}>{one.name || one.id}</Link> },
                    { id: "status", label: w.status, width: 100, cell: (one) => <Status of={statuses} is={one.status} /> },
                    { id: "rows", label: p.rows, width: 90, isNumber: true, from: 900, cell: (one) => number(one.rows ?? 0) },
                    { id: "orders", label: p.orders, width: 90, isNumber: true, cell: (one) => number(one.orders ?? 0) },
                    { id: "failed", label: p.failed, width: 90, isNumber: true, cell: (one) => number(one.failed ?? 0) },
                    { id: "placed", label: p.placed, width: 90, isNumber: true, cell: (one) => number(one.placed ?? 0) },
                    { id: "created", label: w.created, width: 110, cell: (one) => <Time at={one.created_at} /> },
                ]}
                empty={{ title: p.empty, hint: p.emptyHint }}
            />
        </>
    );
}

/** A part ends where its bytes do; the decoder keeps a character that was cut for the next. */
async function send(id: string, file: File, tell: (bytes: number) => void) {
    const decoder = new TextDecoder();
    for (let from = 0, part = 1; from < file.size || part === 1; from += PART_BYTES, part++) {
        const isLast = from + PART_BYTES >= file.size;
        const csv = decoder.decode(await file.slice(from, from + PART_BYTES).arrayBuffer(), { stream: !isLast });
        await call("POST /v1/imports/{id}/parts", { id, part, csv });
        tell(Math.min(file.size, from + PART_BYTES));
    }
}

function NewImport() {
    const [file, setFile] = useState<File | null>(null);
    const [sent, setSent] = useState<number | null>(null);
    const [problem, guard] = useProblem();
    const start = (event: FormEvent<HTMLFormElement>) => {
        event.preventDefault();
        const said = new FormData(event.currentTarget);
        if (!file || sent !== null) return;
        setSent(0);
        guard(async () => {
            try {
                const made = await call("POST /v1/imports", {
                    name: file.name,
                    format: said.get("format") as ImportFormat,
                    channel: String(said.get("channel") ?? ""),
                    currency: String(said.get("currency") ?? ""),
                    error_policy: said.get("errors") as ImportErrorPolicy,
                    stock_policy: said.get("stock") as ImportStockPolicy,
                    is_historic: said.get("past") === "on",
                    notify_customers: said.get("mails") === "on",
                });
                await send(made.id, file, setSent);
                await call("POST /v1/imports/{id}/check", { id: made.id });
                navigate(`/settings/imports/${made.id}`);
            } finally {
                setSent(null);
            }
        });
    };
    return (
        <div className="page">
            <Panel title={t(p.add)}>
                <form onSubmit={start}>
                    <div className="fields">
                        <label className="file">
                            {t(p.chooseFile)}
                            <input type="file" name="file" accept=".csv,text/csv" required onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
                        </label>
                        <NativeSelect name="format" label={t(p.format)} data={choicesOf(formats)} />
                        <TextInput name="channel" label={t(p.channel)} defaultValue="web" />
                        <TextInput name="currency" label={t(p.currency)} defaultValue="HKD" />
                        <NativeSelect name="errors" label={t(p.errors)} data={choicesOf(errorPolicies)} />
                        <NativeSelect name="stock" label={t(p.stock)} data={choicesOf(stockPolicies)} />
                        <Checkbox name="past" label={t(p.past)} />
                        <Checkbox name="mails" label={t(p.mails)} />
                    </div>
                    <p className="fine in-panel">{t(p.hint)}</p>
                    {problem && <ProblemNote problem={problem} />}
                    <p className="buttons in-panel">
                        <Button type="submit" disabled={!file} loading={sent !== null}>
                            {t(p.send)}
                        </Button>
                        {sent !== null && file && <span className="fine">{t(p.sending, { done: sent >> 10, all: file.size >> 10 })}</span>}
                    </p>
                </form>
            </Panel>
        </div>
    );
}
