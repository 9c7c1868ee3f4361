// A value that components may watch.
import { useSyncExternalStore } from "react";

export interface Store<T> {
    get(): T;
    set(value: T): void;
    subscribe(listener: () => void): () => void;
}
export function store<T>(value: T): Store<T> {
    const listeners = new Set<() => void>();
    return {
        get: () => value,
        set(next) {
            if (Object.is(next, value)) return;
            value = next;
            for (const listener of [...listeners]) listener();
        },
        subscribe(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
    };
}
export function useStore<T>(watched: Store<T>): T {
    return useSyncExternalStore(watched.subscribe, watched.get);
}

/** A store that this browser remembers. */
export function keptStore<T>(name: string, initial: T): Store<T> {
    let start = initial;
    try {
        const kept = localStorage.getItem(`penstock.${name}`);
        if (kept !== null) start = JSON.parse(kept) as T;
    } catch {
        // Storage may be switched off; then nothing is remembered.
    }
    const kept = store(start);
    return {
        ...kept,
        set(value) {
            kept.set(value);
            try {
                localStorage.setItem(`penstock.${name}`, JSON.stringify(value));
            } catch {
                // See above.
            }
        },
    };
}
