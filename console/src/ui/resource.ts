// Something read from the API for a page: at once from what was read before, and fresh right after.
import { useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "../api/client";

const KEPT = 60;
const SLOW_MS = 1000;
const kept = new Map<string, unknown>();
function keep(key: string, value: unknown) {
    kept.delete(key);
    kept.set(key, value);
    for (const oldest of kept.keys()) {
        if (kept.size <= KEPT) break;
        kept.delete(oldest);
    }
}
/** Nothing of one person's may show up for the next. */
export function forgetAll() {
    kept.clear();
}

export interface Resource<T> {
    data: T | undefined;
    problem: Problem | null;
    /** It has taken more than a second. */
    isSlow: boolean;
    reload(): void;
    /** Puts an answer that a change has brought in its place. */
    put(value: T): void;
}
/** key: what is read, for instance "order/WEB-100001"; null reads nothing. */
export function useResource<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
    const [state, setState] = useState<{ key: string | null; data: T | undefined; problem: Problem | null; isSlow: boolean }>({ key: null, data: undefined, problem: null, isSlow: false });
    const [turn, setTurn] = useState(0);
    const loader = useRef(load);
    loader.current = load;

    useEffect(() => {
        if (key === null) return;
        const abort = new AbortController();
        const slow = setTimeout(() => setState((before) => ({ ...before, isSlow: true })), SLOW_MS);
        setState((before) => ({ key, data: before.key === key ? before.data : (kept.get(key) as T | undefined), problem: null, isSlow: false }));
        loader.current(abort.signal).then(
            (data) => {
                if (abort.signal.aborted) return;
                keep(key, data);
                setState({ key, data, problem: null, isSlow: false });
            },
            (error: unknown) => {
                if (abort.signal.aborted) return;
                const problem = error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null);
                setState((before) => ({ ...before, problem, isSlow: false }));
            },
        ).finally(() => clearTimeout(slow));
        return () => {
            clearTimeout(slow);
            abort.abort();
        };
    }, [key, turn]);

    const reload = useCallback(() => setTurn((before) => before + 1), []);
    const put = useCallback(
        (data: T) => {
            if (key !== null) keep(key, data);
            setState({ key, data, problem: null, isSlow: false });
        },
        [key],
    );
    const isCurrent = state.key === key;
    return {
        data: isCurrent ? state.data : key === null ? undefined : (kept.get(key) as T | undefined),
        problem: isCurrent ? state.problem : null,
        isSlow: isCurrent && state.isSlow,
        reload,
        put,
    };
}
