// The small things that every page is made of.
import { Button, Skeleton } from "@mantine/core";
import { useEffect, useState, type ReactNode } from "react";
import type { Problem } from "../api/client";
import type { Money as MoneyValue } from "../api/schema.gen";
import { money, t } from "../i18n";
import { ago, exact } from "../i18n/time";
import { store, useStore } from "./store";
import { w } from "./words";

const minute = store(0);
setInterval(() => minute.set(minute.get() + 1), 30_000);

/** How long ago; the exact time on hover. */
export function Time({ at }: { at: string | null | undefined }) {
    useStore(minute);
    return at ? (
        <time dateTime={at} title={exact(at)}>
            {ago(at)}
        </time>
    ) : null;
}
/** bare: without the currency, where the column's head says it. */
export function Money({ of, bare, strong }: { of: MoneyValue | null | undefined; bare?: boolean; strong?: boolean }) {
    return <span className={strong ? "num strong" : "num"}>{money(of, bare)}</span>;
}
export function isZero(of: MoneyValue | null | undefined): boolean {
    return !of || /^-?0*\.?0*$/.test(of.amount);
}

export function CopyButton({ text, label }: { text: string; label: string }) {
    const [isCopied, setCopied] = useState(false);
    useEffect(() => {
        if (!isCopied) return;
        const timer = setTimeout(() => setCopied(false), 1500);
        return () => clearTimeout(timer);
    }, [isCopied]);
    return (
        <button type="button" className="quiet" title={label} onClick={() => void navigator.clipboard?.writeText(text).then(() => setCopied(true))}>
            {isCopied ? t(w.copied) : t(w.copy)}
        </button>
    );
}
export function Kbd({ keys }: { keys: string }) {
    return (
        <span className="keys" aria-hidden>
            {keys.split(" ").map((one, i) => (
                <kbd key={i}>{one.replace("Mod+", "Ctrl ").replace("Shift+", "⇧")}</kbd>
            ))}
        </span>
    );
}

/** What went wrong, as a sentence, and the next step. */
export function problemText(problem: Problem): string {
    if (problem.status === 0) return problem.code === "broken" ? t(w.broken, { detail: problem.detail }) : t(w.unreachable);
    if (problem.status === 503 || problem.status === 504) return `${t(w.unavailable)} ${problem.detail}`;
    return problem.detail;
}
export function ProblemNote({ problem, retry }: { problem: Problem; retry?: () => void }) {
    return (
        <div className="note tone-problem" role="alert">
            <p>{problemText(problem)}</p>
            <p className="fine">
                {problem.field && <span>{t(w.fieldAtFault, { field: problem.field })}</span>}
                {problem.code !== "unreachable" && problem.code !== "broken" && <code>{problem.code}</code>}
                {problem.traceId && (
                    <>
                        <span>{t(w.trace, { id: problem.traceId })}</span>
                        <CopyButton text={problem.traceId} label={t(w.copyTrace)} />
                    </>
                )}
            </p>
            {retry && (
                <Button variant="default" onClick={retry}>
                    {t(w.retry)}
                </Button>
            )}
        </div>
    );
}
/** A whole page's state that is not its content. */
export function Blank({ title, hint, isPage, children }: { title: string; hint?: string; isPage?: boolean; children?: ReactNode }) {
    return (
        <div className="blank">
            {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
            {hint && <p>{hint}</p>}
            {children}
        </div>
    );
}
export function NoRight({ permission }: { permission: string }) {
    return <Blank isPage title={t(w.noRight)} hint={t(w.noRightHint, { permission })} />;
}
/** The shape of what is coming. */
export function Shape({ rows = 8, isSlow = false }: { rows?: number; isSlow?: boolean }) {
    return (
        <div className="shape" role="status" aria-label={t(w.loading)}>
            {isSlow && <p className="fine">{t(w.slow)}</p>}
            {Array.from({ length: rows }, (_, i) => (
                <Skeleton key={i} height={14} width={`${90 - ((i * 37) % 45)}%`} />
            ))}
        </div>
    );
}
/** Content, or what stands in its place. */
export function Loaded<T>({ from, rows, children }: { from: { data: T | undefined; problem: Problem | null; isSlow: boolean; reload: () => void }; rows?: number; children: (data: T) => ReactNode }) {
    if (from.data !== undefined)
        return (
            <>
                {from.problem && <ProblemNote problem={from.problem} retry={from.reload} />}
                {children(from.data)}
            </>
        );
    if (from.problem?.status === 404) return <Blank isPage title={t(w.notFound)} hint={t(w.notFoundHint)} />;
    if (from.problem) return <ProblemNote problem={from.problem} retry={from.reload} />;
    return <Shape rows={rows} isSlow={from.isSlow} />;
}
export function Panel({ title, aside, children, className }: { title: ReactNode; aside?: ReactNode; children: ReactNode; className?: string }) {
    return (
        <section className={`panel ${className ?? ""}`}>
            <header>
                <h2>{title}</h2>
                {aside && <div className="aside">{aside}</div>}
            </header>
            {children}
        </section>
    );
}
export function Facts({ rows }: { rows: readonly (readonly [label: string, value: ReactNode] | false | null | undefined)[] }) {
    return (
        <dl className="facts">
            {rows.map(
                (row) =>
                    row &&
                    row[1] !== null &&
                    row[1] !== false &&
                    row[1] !== undefined &&
                    row[1] !== "" && (
                        <div key={row[0]}>
                            <dt>{row[0]}</dt>
                            <dd>{row[1]}</dd>
                        </div>
                    ),
            )}
        </dl>
    );
}
